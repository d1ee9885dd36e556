//! Every operation's gradient against finite differences in f64, on both backends, and a second time through
//! the gradient's own graph.

use versant::rng::Rng;
use versant::{
    Array, CrossEntropy, DType, Device, Reduction, Shape, Tensor, cat, gradcheck, gradgradcheck, stack,
};

const BOUND: f64 = 1e-7;

type Function = fn(&Tensor) -> Tensor;
type Function2 = fn(&Tensor, &Tensor) -> Tensor;

/// Values in +-[0.2, 1.7], away from the kinks at 0 and from one another's ties.
fn input(shape: impl Into<Shape>, seed: u64) -> Tensor {
    let shape = shape.into();
    let mut rng = Rng::new(seed);
    let values: Vec<f64> = (0..shape.numel())
        .map(|_| rng.uniform_in(0.2, 1.7) * if rng.below(2) == 0 { 1.0 } else { -1.0 })
        .collect();
    Tensor::from_slice(&values, shape)
}

fn positive(shape: impl Into<Shape>, seed: u64) -> Tensor {
    Tensor::from(Array::rand(shape, 0.3, 2.0, DType::F64, &mut Rng::new(seed)))
}

#[track_caller]
fn check(name: &str, inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Tensor) {
    for device in [Device::Naive, Device::Cpu] {
        let inputs: Vec<Tensor> = inputs.iter().map(|x| x.to(device)).collect();
        let first = gradcheck(&f, &inputs);
        assert!(first < BOUND, "{name} on {device}: relative error {first:e}");
        let second = gradgradcheck(&f, &inputs);
        assert!(second < BOUND, "{name} on {device}, second order: relative error {second:e}");
    }
}

/// In every layout that matters: plain, transposed, broadcast, sliced, a scalar, and used twice.
#[track_caller]
fn check_unary(name: &str, x: &Tensor, f: fn(&Tensor) -> Tensor) {
    check(name, std::slice::from_ref(x), |x| f(&x[0]));
    check(&format!("{name} of a transpose"), std::slice::from_ref(x), |x| f(&x[0].transpose(0, 1)));
    check(&format!("{name} of a slice"), std::slice::from_ref(x), |x| f(&x[0].slice(1, 0, 3, 2)));
    let row = x.narrow(0, 0, 1);
    check(&format!("{name} of a broadcast"), &[row], |x| f(&x[0].broadcast_to([2, 4, 3])));
    let one = x.narrow(0, 0, 1).narrow(1, 0, 1).reshape(());
    check(&format!("{name} of a scalar"), &[one], |x| f(&x[0]));
    check(&format!("{name} used twice"), std::slice::from_ref(x), |x| f(&x[0]) * &x[0] + f(&x[0]));
}

#[test]
fn elementwise_of_one() {
    let functions: [(&str, Function); 15] = [
        ("neg", Tensor::neg),
        ("abs", Tensor::abs),
        ("exp", Tensor::exp),
        ("square", Tensor::square),
        ("reciprocal", Tensor::reciprocal),
        ("erf", Tensor::erf),
        ("relu", Tensor::relu),
        ("leaky_relu", |x| x.leaky_relu(0.1)),
        ("elu", |x| x.elu(1.3)),
        ("sigmoid", Tensor::sigmoid),
        ("tanh", Tensor::tanh),
        ("silu", Tensor::silu),
        ("gelu", Tensor::gelu),
        ("softplus", Tensor::softplus),
        ("scalars", |x| 1.0 - (x * 3.0 + 2.0) / 4.0),
    ];
    for (name, f) in functions {
        check_unary(name, &input([4, 3], 1), f);
    }
    let on_positive: [(&str, Function); 4] = [
        ("log", Tensor::log),
        ("sqrt", Tensor::sqrt),
        ("powf", |x| x.powf(2.7)),
        ("number / x", |x| 2.0 / x),
    ];
    for (name, f) in on_positive {
        check_unary(name, &positive([4, 3], 2), f);
    }
}

#[test]
fn elementwise_of_two() {
    let functions: [(&str, Function2); 6] = [
        ("add", Tensor::add),
        ("sub", Tensor::sub),
        ("mul", Tensor::mul),
        ("div", Tensor::div),
        ("maximum", Tensor::maximum),
        ("minimum", Tensor::minimum),
    ];
    let shapes: [([usize; 2], &[usize]); 5] =
        [([4, 3], &[4, 3]), ([4, 3], &[3]), ([4, 1], &[1, 3]), ([4, 3], &[]), ([1, 1], &[2, 4, 3])];
    for (name, f) in functions {
        for (a, b) in shapes {
            let inputs = [input(a, 3), input(b, 4)];
            check(&format!("{name} {a:?} {b:?}"), &inputs, |x| f(&x[0], &x[1]));
        }
        check(&format!("{name} of a transpose"), &[input([4, 3], 3), input([3, 4], 4)], |x| {
            f(&x[0], &x[1].transpose(0, 1))
        });
    }
    check("mul with itself", &[input([3], 5)], |x| &x[0] * &x[0]);
    check("pow", &[positive([4, 3], 6), input([3], 7)], |x| x[0].pow(&x[1]));
    check("mask_positive", &[input([4, 3], 8)], |x| x[0].mask_positive(&input([4, 3], 9).to(x[0].device())));
    check("select", &[input([4, 3], 8), input([3], 9)], |x| {
        x[0].gt(&x[0].detach().neg()).select(&x[0], &x[1])
    });
}

#[test]
fn reductions() {
    let x = input([2, 4, 3], 10);
    for axes in [&[][..], &[0], &[1], &[-1], &[0, 2], &[0, 1, 2]] {
        let x = std::slice::from_ref(&x);
        check(&format!("sum {axes:?}"), x, |x| x[0].sum_axes(axes));
        check(&format!("mean {axes:?}"), x, |x| x[0].mean_axes(axes));
        check(&format!("max {axes:?}"), x, |x| x[0].max_axes(axes));
        check(&format!("min {axes:?}"), x, |x| x[0].min_axes(axes));
        check(&format!("sum {axes:?} of a transpose"), x, |x| x[0].transpose(0, 1).sum_axes(axes));
    }
}

#[test]
fn products() {
    let pairs: [(&[usize], &[usize]); 8] = [
        (&[3], &[3]),
        (&[2, 3], &[3]),
        (&[3], &[3, 4]),
        (&[2, 3], &[3, 4]),
        (&[2, 2, 3], &[2, 3, 4]),
        (&[2, 1, 2, 3], &[3, 3, 2]),
        (&[2, 3], &[2, 3, 1]),
        (&[1, 3], &[3, 1]),
    ];
    for (a, b) in pairs {
        check(&format!("matmul {a:?} {b:?}"), &[input(a, 11), input(b, 12)], |x| x[0].matmul(&x[1]));
    }
    check("matmul of transposes", &[input([3, 2], 11), input([4, 3], 12)], |x| {
        x[0].transpose(0, 1).matmul(&x[1].transpose(0, 1))
    });
    check("matmul of a broadcast", &[input([1, 3], 11), input([3, 2], 12)], |x| {
        x[0].broadcast_to([4, 3]).matmul(&x[1])
    });
    check("a gram matrix", &[input([3, 2], 11)], |x| x[0].matmul(&x[0].transpose(0, 1)));
    for leading in [&[5][..], &[2, 3], &[]] {
        let x = input([leading, &[3]].concat(), 13);
        check(&format!("linear {leading:?}"), &[x, input([4, 3], 14), input([4], 15)], |x| {
            x[0].linear(&x[1], Some(&x[2]))
        });
    }
    check("linear without bias", &[input([5, 3], 13), input([4, 3], 14)], |x| x[0].linear(&x[1], None));
}

#[test]
fn softmax_and_losses() {
    let x = input([4, 5], 16);
    for axis in [0, 1] {
        check(&format!("softmax {axis}"), std::slice::from_ref(&x), |x| x[0].softmax(axis));
        check(&format!("log_softmax {axis}"), std::slice::from_ref(&x), |x| x[0].log_softmax(axis));
    }
    let labels = Tensor::from_slice(&[4i64, 0, 2, 2], [4]);
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for label_smoothing in [0.0, 0.2] {
            let options = CrossEntropy { label_smoothing, reduction };
            check("cross_entropy", std::slice::from_ref(&x), |x| {
                x[0].cross_entropy_with(&labels.to(x[0].device()), &options)
            });
            check("cross_entropy of soft targets", &[x.clone(), positive([4, 5], 17)], |x| {
                x[0].cross_entropy_with(&x[1], &options)
            });
        }
        let y = input([4, 5], 18);
        check("mse_loss", &[x.clone(), y.clone()], |x| x[0].mse_loss_with(&x[1], reduction));
        check("bce_with_logits", &[x.clone(), y], |x| x[0].bce_with_logits_with(&x[1], reduction));
    }
}

#[test]
fn shapes() {
    let x = input([2, 3, 4], 19);
    let functions: [(&str, Function); 11] = [
        ("reshape", |x| x.reshape([4, 6])),
        ("reshape of a transpose", |x| x.transpose(0, 2).reshape([6, 4])),
        ("flatten", |x| x.flatten(1)),
        ("squeeze", |x| x.unsqueeze(1).squeeze(1)),
        ("unsqueeze", |x| x.unsqueeze(-1)),
        ("permute", |x| x.permute(&[2, 0, 1])),
        ("broadcast_to", |x| x.broadcast_to([2, 2, 3, 4])),
        ("slice", |x| x.slice(2, 1, 4, 2)),
        ("narrow", |x| x.narrow(1, 1, 1)),
        ("empty slice", |x| cat(&[&x.narrow(1, 2, 0), x], 1)),
        ("cast", |x| x.cast(DType::F64)),
    ];
    for (name, f) in functions {
        // The square makes the gradient depend on the values, so that a misplaced one shows.
        check(name, std::slice::from_ref(&x), |x| f(&x[0]).square());
    }
    check("cat", &[input([2, 3], 20), input([2, 1], 21)], |x| cat(&[&x[0], &x[1], &x[0]], 1).square());
    check("stack", &[input([2, 3], 20), input([2, 3], 21)], |x| stack(&[&x[0], &x[1]], 1).square());
    check("dropout", &[input([5, 5], 22)], |x| x[0].dropout(0.4, &mut Rng::new(3)));
}
