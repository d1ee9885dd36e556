//! Functions of one and of two arguments, activations, choice.

use versant::rng::Rng;
use versant::{DType, Tensor};

use super::{Case, any, case, positive};

type One = fn(&Tensor) -> Tensor;
type Two = fn(&Tensor, &Tensor) -> Tensor;

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let of_any: [(&str, One); 36] = [
        ("neg", Tensor::neg),
        ("abs", Tensor::abs),
        ("sign", Tensor::sign),
        ("exp", Tensor::exp),
        ("expm1", Tensor::expm1),
        ("square", Tensor::square),
        ("reciprocal", Tensor::reciprocal),
        ("sin", Tensor::sin),
        ("cos", Tensor::cos),
        ("tan", |x| (x * 0.7).tan()),
        ("atan", Tensor::atan),
        ("floor", Tensor::floor),
        ("ceil", Tensor::ceil),
        ("round", Tensor::round),
        ("trunc", Tensor::trunc),
        ("clamp", |x| x.clamp(-0.9, 0.8).square()),
        ("erf", Tensor::erf),
        ("relu", Tensor::relu),
        ("leaky_relu", |x| x.leaky_relu(0.1)),
        ("elu", |x| x.elu(1.3)),
        ("sigmoid", Tensor::sigmoid),
        ("tanh", Tensor::tanh),
        ("silu", Tensor::silu),
        ("gelu", Tensor::gelu),
        ("gelu_tanh", Tensor::gelu_tanh),
        ("selu", Tensor::selu),
        ("mish", Tensor::mish),
        ("hardtanh", |x| x.hardtanh(-0.7, 1.1).square()),
        ("hardswish", |x| (x * 2.5).hardswish()),
        ("hardsigmoid", |x| (x * 2.5).hardsigmoid().square()),
        ("softplus", Tensor::softplus),
        ("numbers", |x| 1.0 - (x * 3.0 + 2.0) / 4.0),
        ("powf 0", |x| x.powf(0.0)),
        ("cast", |x| x.cast(x.dtype())),
        ("dropout", |x| x.dropout(0.3, &mut Rng::new(1))),
        ("to another type and back", |x| match x.dtype() {
            DType::F32 => x.cast(DType::F64).cast(DType::F32),
            _ => x.cast(DType::F64),
        }),
    ];
    for (name, f) in of_any {
        all.push(case(name, [any([4, 3]).large([300, 401])], move |x| f(&x[0])));
    }
    let of_positive: [(&str, One); 6] = [
        ("log", Tensor::log),
        ("log1p", Tensor::log1p),
        ("rsqrt", Tensor::rsqrt),
        ("sqrt", Tensor::sqrt),
        ("powf", |x| x.powf(2.7)),
        ("number / x", |x| 2.0 / x),
    ];
    for (name, f) in of_positive {
        all.push(case(name, [positive([4, 3]).large([300, 401])], move |x| f(&x[0])));
    }
    let of_two: [(&str, Two); 9] = [
        ("add", Tensor::add),
        ("sub", Tensor::sub),
        ("mul", Tensor::mul),
        ("div", Tensor::div),
        ("maximum", |a, b| a.maximum(b)),
        ("minimum", |a, b| a.minimum(b)),
        ("remainder", |a, b| a.remainder(b).square()),
        ("fmod", |a, b| (a % b).square()),
        ("atan2", |a, b| a.atan2(b)),
    ];
    for (name, f) in of_two {
        let pairs = [
            [any([4, 3]).large([300, 401]), any([4, 3]).large([300, 401])],
            [any([4, 3]).large([300, 401]), any([3]).large([401])],
            [any([4, 1]).large([300, 1]), any([1, 3]).large([1, 401])],
            [any([4, 3]).large([300, 401]), any(())],
            [any([1, 1]), any([2, 4, 3]).large([2, 150, 401])],
        ];
        for [a, b] in pairs {
            let name = format!("{name} {} {}", a.small_shape(), b.small_shape());
            all.push(case(name, [a, b], move |x| f(&x[0], &x[1])));
        }
    }
    all.push(case("mul with itself", [any([3])], |x| &x[0] * &x[0]));
    let exponent = any([3]).large([401]);
    all.push(case("pow", [positive([4, 3]).large([300, 401]), exponent], |x| x[0].pow(&x[1])));
    all.push(case("pow of a number", [positive([4, 3]).large([300, 401])], |x| x[0].pow(1.6)));
    let ends = || [any([4, 3]).large([300, 401]), any([3]).large([401])];
    all.push(case("lerp of a number", ends(), |x| x[0].lerp(&x[1], 0.3)));
    let weighted = [ends().to_vec(), vec![any([4, 1]).large([300, 1])]].concat();
    all.push(case("lerp", weighted, |x| x[0].lerp(&x[1], &x[2])));
    all.push(case("where_cond with a number", [any([4, 3]).large([300, 401])], |x| {
        x[0].gt(0.5).where_cond(&x[0].square(), 2.0)
    }));
    all.push(case("masked_fill", [any([4, 3]).large([300, 401])], |x| {
        x[0].masked_fill(&x[0].abs().lt(0.6), 3.0).square()
    }));
    let pair = || [any([4, 3]).large([300, 401]), any([4, 3]).large([300, 401])];
    all.push(case("mask_positive", pair(), |x| x[0].mask_positive(&x[1])));
    all.push(case("where_cond", [any([4, 3]).large([300, 401]), any([3]).large([401])], |x| {
        x[0].gt(&x[0].detach().neg()).where_cond(&x[0], &x[1])
    }));
    all
}
