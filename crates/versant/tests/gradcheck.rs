//! Every operation's gradient against finite differences in f64, on both backends, from inputs in several layouts, and
//! a second time through the gradient's own graph.

mod table;

use table::{Case, cases};
use versant::{Array, Device, Tensor, cat, gradcheck, gradgradcheck};

const BOUND: f64 = 1e-7;

/// How an input lies in memory before the operation sees it, as a function of a tensor that holds its values and more.
#[derive(Clone, Copy, Debug)]
enum Lies {
    RowMajor,
    Transposed,
    EverySecond,
}

impl Lies {
    /// What to store, so that `seen` gives the values back.
    fn stored(self, x: &Array) -> Tensor {
        let x = Tensor::from(x.clone());
        match self {
            Lies::Transposed if x.rank() > 1 => x.transpose(0, -1).array().contiguous().into(),
            Lies::EverySecond if x.rank() > 0 => {
                let last = x.rank() as isize - 1;
                let pairs = x.unsqueeze(-1);
                cat(&[&pairs, &pairs], -1).flatten(last)
            }
            _ => x,
        }
    }

    fn seen(self, stored: &Tensor) -> Tensor {
        match self {
            Lies::Transposed if stored.rank() > 1 => stored.transpose(0, -1),
            Lies::EverySecond if stored.rank() > 0 => {
                let axis = stored.rank() as isize - 1;
                stored.slice(axis, 0, stored.shape()[axis as usize], 2)
            }
            _ => stored.clone(),
        }
    }
}

fn check(case: &Case, device: Device, lies: Lies) {
    let draw = |(seed, input): (u64, &table::Input)| lies.stored(&input.draw_small(seed)).to(device);
    let inputs: Vec<Tensor> = (1..).zip(&case.inputs).map(draw).collect();
    let f = |x: &[Tensor]| (case.run)(&x.iter().map(|x| lies.seen(x)).collect::<Vec<_>>());
    let name = format!("{} on {device}, {lies:?}", case.name);
    let first = gradcheck(f, &inputs);
    assert!(first < BOUND, "{name}: relative error {first:e}");
    let second = gradgradcheck(f, &inputs);
    assert!(second < BOUND, "{name}, second order: relative error {second:e}");
}

#[test]
fn every_operation() {
    for case in cases() {
        for device in [Device::Naive, Device::Cpu] {
            for lies in [Lies::RowMajor, Lies::Transposed, Lies::EverySecond] {
                check(&case, device, lies);
            }
        }
    }
}

#[test]
fn inputs_used_twice() {
    for case in cases() {
        let inputs: Vec<Tensor> =
            (1..).zip(&case.inputs).map(|(seed, input)| input.draw_small(seed).into()).collect();
        let error = gradcheck(
            |x| {
                let y = (case.run)(x);
                (&y * (case.run)(x)).sum() + y.sum() + x[0].sum()
            },
            &inputs,
        );
        assert!(error < BOUND, "{}: relative error {error:e}", case.name);
    }
}
