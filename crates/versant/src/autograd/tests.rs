//! Who is walked, who is asked, who is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{checkpoint, grad, grad_with_graph};
use crate::nn::{Context, Layer, Linear, Module};
use crate::rng::Rng;
use crate::{DType, Tensor, no_grad};

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).requires_grad()
}

/// x y, counting how often each of its two gradients is computed.
fn counted(x: &Tensor, y: &Tensor, counts: &Arc<[AtomicUsize; 2]>) -> Tensor {
    let (a, b, counts) = (x.clone(), y.clone(), counts.clone());
    let count = move |i: usize| counts[i].fetch_add(1, Ordering::Relaxed);
    let value = no_grad(|| x * y);
    Tensor::from_op("counted", value.array().clone(), [x, y], move |back| {
        let to_x = || {
            count(0);
            back.grad() * &b
        };
        let to_y = || {
            count(1);
            back.grad() * &a
        };
        [back.want(0, to_x), back.want(1, to_y)]
    })
}

fn counts() -> Arc<[AtomicUsize; 2]> {
    Arc::default()
}

fn read(counts: &[AtomicUsize; 2]) -> [usize; 2] {
    [counts[0].load(Ordering::Relaxed), counts[1].load(Ordering::Relaxed)]
}

#[test]
fn a_walk_to_targets_computes_nothing_for_others() {
    let (a, b, of_ab, of_bb) = (leaf(&[2.0]), leaf(&[3.0]), counts(), counts());
    let first = counted(&a, &b, &of_ab);
    let beside = counted(&b, &b, &of_bb);
    let y = (&first * &beside).sum();
    let found = grad_with_graph(&y, &[&a]).remove(0);
    assert_eq!(found.to_vec::<f64>(), [27.0]);
    assert_eq!((read(&of_ab), read(&of_bb)), ([1, 0], [0, 0]));
    // Neither does a walk to an inner tensor and, through it, to a leaf.
    let found = grad(&y, &[&first, &a]);
    assert_eq!((found[0].to_vec::<f64>(), found[1].to_vec::<f64>()), (vec![9.0], vec![27.0]));
    assert_eq!((read(&of_ab), read(&of_bb)), ([2, 0], [0, 0]));
    // What was not walked was not freed.
    assert_eq!(beside.sum().backward().get(&b).map(|g| g.to_vec()), Some(vec![6.0f64]));
}

#[test]
fn frozen_parameters_cost_nothing() {
    let counts = counts();
    let (x, frozen) = (leaf(&[2.0]), leaf(&[5.0]).detach());
    let grads = counted(&x, &frozen, &counts).sum().backward();
    assert_eq!((grads.get(&x).map(|g| g.to_vec()), read(&counts)), (Some(vec![5.0f64]), [1, 0]));

    let mut layer = Linear::new(3, 2, &mut Rng::new(1));
    layer.freeze();
    let x = Tensor::ones([4, 3]).requires_grad();
    let grads = layer.forward(&x, &mut Context::train(0, 0)).sum().backward();
    assert!(grads.get(&x).is_some() && grads.of(&layer).is_empty());
}

#[test]
fn a_retained_graph_is_walked_again_and_freed_at_last() {
    let probe = Arc::new(());
    let held = probe.clone();
    let x = leaf(&[1.0, 2.0]);
    let saved = x.clone();
    let y = Tensor::from_op("probe", x.array().clone(), [&x], move |back| {
        let _held = &held;
        [back.want(0, || back.grad() * &saved)]
    });
    let seed = Tensor::from_slice(&[1.0f64, 10.0], [2]);
    for _ in 0..3 {
        let grads = y.backward_from_retain_graph(&seed);
        assert_eq!(grads.get(&x).map(|g| g.to_vec()), Some(vec![1.0f64, 20.0]));
        assert_eq!(y.sum().backward_retain_graph().get(&x).map(|g| g.to_vec()), Some(vec![1.0f64, 2.0]));
        assert_eq!(Arc::strong_count(&probe), 2);
    }
    y.backward_from(&seed);
    assert_eq!(Arc::strong_count(&probe), 1);
}

#[test]
fn a_plain_backward_gives_gradients_without_graphs() {
    let x = leaf(&[1.0, 2.0]);
    let grads = (&x + 1.0).backward_from(&x.square());
    assert!(grads.get(&x).is_some_and(|g| !g.tracks_grad()));
    let given = x.exp();
    let y = Tensor::from_op("odd", x.array().clone(), [&x], move |back| [back.want(0, || given.clone())]);
    assert!(y.sum().backward().get(&x).is_some_and(|g| !g.tracks_grad()));
}

#[test]
fn on_grad_sees_the_whole_gradient_and_changes_nothing() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = seen.clone();
    let x = leaf(&[2.0]);
    let h =
        x.square().on_grad(move |g| list.lock().expect("a list").push((g.to_vec::<f64>(), g.tracks_grad())));
    let y = (&h * &h + &h * 3.0).sum();
    // d/dh = 2 h + 3 = 11, d/dx = 2 x 11; the second order walk passes h again: d(slope)/dh = 2 * 2 x = 8.
    let slope = grad_with_graph(&y, &[&x]).remove(0);
    assert_eq!(slope.to_vec::<f64>(), [44.0]);
    let curvature = grad(&slope.sum(), &[&x]).remove(0);
    // y = x^4 + 3 x^2
    assert_eq!(curvature.to_vec::<f64>(), [12.0 * 4.0 + 6.0]);
    assert_eq!(*seen.lock().expect("a list"), [(vec![11.0], false), (vec![8.0], false)]);
    // Nobody needs a gradient here.
    assert!(!leaf(&[1.0]).detach().on_grad(|_| panic!("looked")).tracks_grad());
    let other = leaf(&[3.0]);
    let y = x.exp().on_grad(|_| panic!("looked")) * &other;
    assert_eq!(grad(&y, &[&other]).remove(0).to_vec::<f64>(), [2f64.exp()]);
}

#[test]
fn what_on_grad_keeps_is_no_cycle() {
    let probe = Arc::new(());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let (held, list) = (probe.clone(), kept.clone());
    let x = leaf(&[2.0]);
    let y = x.exp().on_grad(move |g| {
        let _held = &held;
        list.lock().expect("a list").push(g.clone());
    });
    drop(grad_with_graph(&y.square().sum(), &[&x]));
    drop(y);
    assert_eq!((kept.lock().expect("a list").len(), Arc::strong_count(&probe)), (1, 1));
}

/// A function of two inputs with intermediate results, to be checkpointed or not.
fn block(x: &Tensor, w: &Tensor) -> Tensor {
    let h = x.matmul(w).tanh();
    (&h * &h.exp()).matmul(w).sigmoid()
}

fn square(seed: u64) -> Tensor {
    Tensor::randn([7, 7], &mut Rng::new(seed)).cast(DType::F64).requires_grad()
}

fn checkpointed(x: &Tensor, w: &Tensor) -> Tensor {
    let (x, w) = (x.clone(), w.clone());
    checkpoint(move || block(&x, &w))
}

fn nested(x: &Tensor, w: &Tensor) -> Tensor {
    let (x, w) = (x.clone(), w.clone());
    checkpoint(move || {
        let h = checkpointed(&x.exp(), &w);
        checkpointed(&h, &w).sigmoid()
    })
}

fn plain_of_nested(x: &Tensor, w: &Tensor) -> Tensor {
    block(&block(&x.exp(), w), w).sigmoid()
}

type Block = fn(&Tensor, &Tensor) -> Tensor;

#[test]
fn a_checkpoint_gives_the_same_bits() {
    let w = square(2);
    let run = |f: Block, x: &Tensor| {
        // The input is itself the result of operations, one of them shared by two frontiers.
        let h = x.square().tanh();
        let y = f(&h, &w);
        let grads = y.square().sum().backward();
        (y.to_vec::<f64>(), grads.get(x).map(|g| g.to_vec::<f64>()), grads.get(&w).map(|g| g.to_vec::<f64>()))
    };
    let x = square(1);
    assert_eq!(run(block, &x), run(checkpointed, &x));
    let ((y, dx, dw), (y2, dx2, dw2)) = (run(plain_of_nested, &x), run(nested, &x));
    assert_eq!((y, dx), (y2, dx2));
    // The weight's gradient sums over three uses, in another order.
    for (a, b) in dw.expect("a gradient").iter().zip(dw2.expect("a gradient")) {
        assert!((a - b).abs() <= 1e-12 * a.abs().max(1e-3));
    }
}

#[test]
fn second_order_through_checkpoints() {
    for f in [checkpointed as Block, nested] {
        let inputs = [1, 2].map(|seed| square(seed).narrow(0, 0, 2).narrow(1, 0, 2).detach());
        assert!(crate::gradcheck(|x| f(&x[0], &x[1]), &inputs) < 1e-7);
        assert!(crate::gradgradcheck(|x| f(&x[0], &x[1]), &inputs) < 1e-7);
    }
}

#[test]
fn a_checkpoint_of_dependent_inputs_counts_nothing_twice() {
    // Inside, both x and x^2 are used: the walk within must stop at x^2 instead of going on to x.
    let x = leaf(&[3.0]);
    let squared = x.square();
    let (a, b) = (x.clone(), squared.clone());
    let y = checkpoint(move || &a * &b);
    assert_eq!(
        grad_with_graph(&y.sum(), &[&x, &squared]).iter().map(Tensor::item::<f64>).collect::<Vec<_>>(),
        [27.0, 3.0]
    );
    assert_eq!(y.sum().backward().get(&x).map(Tensor::item::<f64>), Some(27.0));
}

#[test]
fn checkpoints_of_nothing_and_of_everything() {
    assert!(!checkpoint(|| Tensor::ones([2])).tracks_grad());
    assert!(!checkpoint(|| Tensor::ones([2]).requires_grad() * 2.0).tracks_grad());
    let x = leaf(&[2.0]);
    let same = x.clone();
    let y = checkpoint(move || same.clone());
    assert_eq!(y.sum().backward().get(&x).map(Tensor::item::<f64>), Some(1.0));
    let inner = x.clone();
    assert!(!no_grad(|| checkpoint(move || inner.exp())).tracks_grad());
}

#[test]
fn a_checkpoint_keeps_nothing_of_its_inside() {
    let (probe, x) = (Arc::new(()), leaf(&[2.0]));
    let (inner, held) = (x.clone(), Arc::downgrade(&probe));
    let y = checkpoint(move || {
        let held = held.upgrade();
        Tensor::from_op("probe", inner.array().clone(), [&inner], move |back| {
            let _held = &held;
            [back.want(0, || back.grad().clone())]
        })
    });
    assert_eq!(Arc::strong_count(&probe), 1);
    drop(y.sum().backward());
    assert_eq!(Arc::strong_count(&probe), 1);
}

#[test]
#[should_panic(
    expected = "checkpoint: the closure gave f64 [1] from 1 tensors and, when computed again, f64 [2] from 1 \
                           tensors; it must compute the same every time"
)]
fn a_checkpoint_that_computes_something_else() {
    let (x, calls) = (leaf(&[2.0]), AtomicUsize::new(0));
    let y = checkpoint(move || x.broadcast_to([1 + calls.fetch_add(1, Ordering::Relaxed)]).exp());
    y.sum().backward();
}
