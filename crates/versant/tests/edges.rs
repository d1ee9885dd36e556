//! Places where engines go wrong: empty and scalar arrays, sizes that wrap, shared memory, infinities in
//! gradients, graphs used twice, and messages that must name the operation and the shapes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use versant::autograd::{Gradients, Node};
use versant::ops::Binary;
use versant::prelude::*;
use versant::{Array, CrossEntropy, Reduction, autograd};

const INF: f64 = f64::INFINITY;

fn leaf(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, [values.len()]).requires_grad()
}

fn gradient(y: &Tensor, x: &Tensor) -> Vec<f64> {
    y.backward().get(x).expect("a gradient").to_vec()
}

/// The message of the panic of `f`.
#[track_caller]
fn message<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("there was no panic") };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("a text")).to_string(),
    }
}

#[test]
fn views_of_nothing() {
    for device in [Device::Cpu, Device::Naive] {
        let x = Tensor::zeros([0, 5]).to(device).requires_grad();
        let part = x.slice(1, 3, 5, 1);
        assert_eq!((part.shape(), part.to_vec::<f32>().len()), ([0, 2].into(), 0));
        assert_eq!(part.exp().reshape([2, 0]).sum_axes([1]).to_vec::<f32>(), [0.0; 2]);
        let grads = part.sum().backward();
        assert_eq!(grads.get(&x).map(Tensor::shape), Some([0, 5].into()));
        // Products of matrices without columns are zero, for each of a batch, in memory that held other numbers.
        drop(Array::rand([3, 2, 1000], 1.0, 2.0, DType::F32, &mut Rng::new(1)));
        let (a, b) = (Tensor::zeros([3, 2, 0]).to(device), Tensor::zeros([3, 0, 1000]).to(device));
        assert_eq!(a.matmul(&b).to_vec::<f32>(), [0.0; 6000]);
        let bias = Tensor::ones([1000]).to(device);
        let no_features = a.linear(&Tensor::zeros([1000, 0]).to(device), Some(&bias));
        assert_eq!(no_features.to_vec::<f32>(), [1.0; 6000]);
        let empty = Tensor::zeros([0, 4]).to(device).requires_grad();
        let labels = Tensor::from_slice::<i64>(&[], [0]).to(device);
        let each = CrossEntropy { reduction: Reduction::None, ..CrossEntropy::default() };
        assert_eq!(empty.cross_entropy_with(&labels, &each).sum().item::<f32>(), 0.0);
    }
}

#[test]
fn scalars() {
    let x = Tensor::scalar(3.0f64).requires_grad();
    assert_eq!(gradient(&x.broadcast_to([2, 2]).transpose(0, 1).mean(), &x), [1.0]);
    assert_eq!(gradient(&(x.max() + x.sum() + x.mean()), &x), [3.0]);
    assert_eq!(x.flatten(0).shape(), [1].into());
    assert_eq!(message(|| x.softmax(-1)), "softmax: axis -1 of a scalar, which has no axes");
    assert_eq!(message(|| x.matmul(&x)), "matmul: [] and []; a scalar is multiplied with *");
}

#[test]
fn sizes_that_would_wrap() {
    let tall = Array::full([1 << 40, 1], 0.0, DType::F32);
    let wide = Array::full([1, 1 << 40], 0.0, DType::F32);
    let text = message(|| tall.binary(Binary::Add, &wide));
    assert_eq!(
        text,
        "add: [1099511627776, 1] and [1, 1099511627776] broadcast to [1099511627776, 1099511627776], more elements than \
         memory can hold"
    );
    let huge = Tensor::full([1 << 59, 1], 0.0, DType::F32);
    let text = message(|| versant::cat(&[&huge, &huge, &huge], 0));
    assert_eq!(
        text,
        "cat: the 3 tensors together are [1729382256910270464, 1], more elements than memory can hold"
    );
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]).requires_grad();
    let y = x.slice(0, 1, 2, usize::MAX);
    assert_eq!(y.to_vec::<f32>(), [3.0, 4.0]);
    assert_eq!(y.sum().backward().get(&x).map(|g| g.to_vec()), Some(vec![0.0f32, 0.0, 1.0, 1.0]));
}

#[test]
fn integers_are_exact_or_refused() {
    for device in [Device::Cpu, Device::Naive] {
        let bytes = Tensor::from_slice(&[200u8, 100, 7], [3]).to(device);
        assert_eq!(bytes.sum().item::<i64>(), 307);
        let least = Tensor::from_slice(&[i64::MIN, 7], [2]).to(device);
        let minus = Tensor::from_slice(&[-1i64, 0], [2]).to(device);
        assert_eq!((&least / &minus).to_vec::<i64>(), [i64::MIN, 0]);
        let big = Tensor::from_slice(&[1i64 << 60, (1 << 60) + 1], [2]).to(device);
        assert_eq!(big.argmax(0).item::<i64>(), 1);
        // 2^60 + 1 over the half between two f32: through f64 it would be rounded twice.
        let half = (1i64 << 60) + (1 << 36) + 1;
        let half = Tensor::from_slice(&[half], [1]).to(device);
        assert_eq!(half.cast(DType::F32).to_vec::<f32>(), [half.item::<i64>() as f32]);
        assert_eq!(message(|| big.mean()), "mean: needs f32 or f64, not i64; cast it first");
        let text = message(|| &big / 2.0);
        assert_eq!(
            text,
            "div: the tensor is i64, the other side the number 2; cast the tensor to f32 or f64 first"
        );
    }
}

#[test]
fn infinite_gradients_stay_where_they_belong() {
    let infinite = |y: &Tensor, x: &Tensor| {
        let seed = Tensor::full(y.shape(), INF, DType::F64);
        y.backward_from(&seed).get(x).expect("a gradient").to_vec::<f64>()
    };
    let x = leaf(&[-1.0, 2.0]);
    assert_eq!(infinite(&x.relu(), &x), [0.0, INF]);
    assert_eq!(infinite(&x.leaky_relu(2.0), &x), [INF, INF]);
    assert_eq!(infinite(&x.sign(), &x), [0.0, 0.0]);
    assert_eq!(infinite(&x.powf(0.0), &x), [0.0, 0.0]);
    assert_eq!(infinite(&x.maximum(&leaf(&[0.0, 0.0])), &x), [0.0, INF]);
    assert_eq!(infinite(&x.minimum(&leaf(&[0.0, 0.0])), &x), [INF, 0.0]);
    let zeros = Tensor::from_slice(&[0.0f64, 0.0], [2]);
    assert_eq!(infinite(&x.pow(&zeros), &x), [0.0, 0.0]);
    let ends = leaf(&[-INF, INF, f64::NAN]);
    assert_eq!(gradient(&ends.elu(1.0).sum(), &ends), [0.0, 1.0, 1.0]);
    assert_eq!(gradient(&ends.relu().sum(), &ends), [0.0, 1.0, 1.0]);
    let base = leaf(&[0.0, 0.0, INF]);
    assert_eq!(gradient(&base.pow(&Tensor::from_slice(&[0.0f64, 2.0, 0.0], [3])).sum(), &base), [0.0; 3]);
}

#[test]
fn small_losses_and_slopes_keep_their_digits() {
    let near =
        |got: f32, wanted: f64| assert!((got as f64 / wanted - 1.0).abs() < 1e-6, "{got:e}, not {wanted:e}");
    for (x, y) in [(12.0f32, 1.0f32), (-12.0, 0.0)] {
        let loss = Tensor::scalar(x).bce_with_logits(&Tensor::scalar(y));
        near(loss.item(), (-12f64).exp().ln_1p());
    }
    let x = Tensor::scalar(8.0f32).requires_grad();
    let s = x.sigmoid().item::<f32>() as f64;
    near(x.sigmoid().backward().get(&x).expect("a gradient").item(), s * (1.0 - s));
    let zero = Tensor::scalar(0.0f64).requires_grad();
    assert_eq!(gradient(&zero.bce_with_logits(&Tensor::scalar(0.25f64)), &zero), [0.25]);
}

#[test]
fn writing_in_place_disturbs_no_view() {
    // The parameter shares its buffer with a larger tensor, begins inside it, and is broadcast from it.
    let base = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [4]);
    let stretched = Tensor::scalar(1.0f32).broadcast_to([2]);
    for mut part in [base.narrow(0, 1, 2).requires_grad(), stretched.requires_grad()] {
        let before = part.to_vec::<f32>();
        let snapshot = part.detach();
        let loss = (&part * 2.0).sum();
        Sgd::new(0.5).step(&mut part, &loss.backward());
        assert_eq!(part.to_vec::<f32>(), before.iter().map(|v| v - 1.0).collect::<Vec<_>>());
        assert_eq!(snapshot.to_vec::<f32>(), before);
    }
    assert_eq!(base.to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(stretched.to_vec::<f32>(), [1.0, 1.0]);
    // A graph built before the step differentiates the values it saw.
    let mut w = Tensor::scalar(3.0f32).requires_grad();
    let (first, second) = (w.square(), w.square());
    Sgd::new(1.0).step(&mut w, &first.backward());
    assert_eq!(second.backward().get(&w).map(Tensor::item::<f32>), Some(6.0));
}

#[test]
fn gradients_of_inner_nodes() {
    let x = leaf(&[1.0, 2.0]);
    let h = x.square();
    let y = h.exp().sum();
    let dh = autograd::grad(&y, &[&h]).remove(0);
    assert_eq!(dh.to_vec::<f64>(), h.exp().to_vec::<f64>());
    // The walk stopped at h: the part of the graph below is still there.
    assert_eq!(gradient(&h.sum(), &x), [2.0, 4.0]);
    let z = (&x * 3.0).sum();
    assert_eq!(autograd::grad(&z, &[&x, &x, &z]).len(), 3);
    let text = message(|| autograd::grad(&x.sum(), &[&x, &leaf(&[1.0])]));
    assert_eq!(text, "grad: y [] does not depend on xs[1] [1] (or xs[1] does not require a gradient)");
}

#[test]
fn a_graph_is_freed_by_its_first_walk() {
    let x = leaf(&[1.0]);
    let y = x.square();
    y.sum().backward();
    let text = message(|| y.sum().backward());
    assert!(
        text.starts_with("backward: the graph of this square [1] was freed by an earlier backward"),
        "{text}"
    );
    let text = message(|| versant::no_grad(|| x.square()).sum().backward());
    assert!(text.starts_with("backward: nothing that this f64 [] depends on requires a gradient"), "{text}");
}

#[test]
fn a_backward_may_use_the_graph_itself() {
    // Its own gradient formula walks another graph, switches recording off and on, and reads its own output.
    let x = leaf(&[2.0]);
    let saved = x.clone();
    let value = versant::no_grad(|| x.exp());
    let y = Tensor::from_op_with_output("exp", value.array().clone(), [&x], move |back, y| {
        let slope = autograd::with_grad(|| autograd::grad(&saved.exp().sum(), &[&saved]).remove(0));
        let again = versant::no_grad(|| &slope - y);
        assert_eq!(again.to_vec::<f64>(), [0.0]);
        [back.want(0, || back.grad() * slope)]
    });
    assert_eq!(gradient(&y.sum(), &x), [2f64.exp()]);
    assert!(autograd::is_recording());
}

#[test]
fn a_backward_must_give_every_gradient() {
    let (a, b) = (leaf(&[1.0]), leaf(&[2.0]));
    let y = Tensor::from_op_many("short", a.array().clone(), &[&a, &b], |back| {
        vec![back.want(0, || back.grad().clone())]
    });
    assert_eq!(message(|| y.sum().backward()), "short: the backward gave 1 gradients for 2 parents");
    let y = Tensor::from_op("wide", a.array().clone(), [&a], |back| {
        [back.want(0, || back.grad().broadcast_to([3]))]
    });
    let text = message(|| y.sum().backward());
    assert_eq!(text, "wide: the backward gave a gradient f64 [3] for a parent f64 [1]");
}

#[test]
fn one_leaf_on_two_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<(Tensor, Array, Gradients, Node, Linear)>();
    let w = Tensor::randn([50, 50], &mut Rng::new(1)).requires_grad();
    let kept = w.tanh().square().sum();
    let slope = |x: &Tensor| x.matmul(&w).tanh().sum().backward().remove(&w).map(|g| g.to_vec::<f32>());
    let again = || autograd::grad_with_graph(&kept, &[&w]).remove(0).to_vec::<f32>();
    let x = Tensor::randn([50, 50], &mut Rng::new(2));
    let wanted = (slope(&x), again());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!((slope(&x), again()), wanted);
                }
            });
        }
    });
}

#[test]
fn messages_name_the_operation_and_the_shapes() {
    let x = Tensor::zeros([2, 3]);
    let labels = Tensor::zeros([2]);
    assert_eq!(message(|| x.sum_to([5, 2].into())), "sum_to: [5, 2] does not broadcast to [2, 3]");
    assert_eq!(message(|| labels.one_hot(3)), "one_hot: labels are i64, not f32; cast them first");
    assert_eq!(
        message(|| Tensor::arange(3).dropout(0.5, &mut Rng::new(1))),
        "dropout: needs f32 or f64, not i64; cast it first"
    );
    assert_eq!(
        message(|| x.gt(&labels)),
        "gt: [2, 3] and [2] do not broadcast; axes match from the last, and only an axis of 1 stretches"
    );
    assert_eq!(
        message(|| x.matmul(&x.transpose(0, 1).to(Device::Naive))),
        "matmul: one side is on cpu, the other on naive; move one with .to(device)"
    );
    assert_eq!(
        message(|| Array::from_bytes(&[0; 7], [2], DType::F32)),
        "from_bytes: 7 bytes do not fill shape [2] of f32, which takes 8"
    );
    assert_eq!(
        message(|| x.slice(1, 2, 4, 1)),
        "slice: 2..4 by 1 does not fit axis 1 of [2, 3], which has 3 elements"
    );
    assert_eq!(
        message(|| x.backward()),
        "backward: shape [2, 3] is not one value; reduce it first (.sum() or .mean()), or give a gradient to \
         backward_from"
    );
    assert!(message(|| x.permute(&[0, 0])).contains("[0, 0] does not name each axis of [2, 3] once"));
}
