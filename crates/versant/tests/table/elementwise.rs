//! Functions of one and of two arguments, activations, choice.

use versant::rng::Rng;
use versant::{DType, Tensor};

use super::{Case, any, case, positive};

type One = fn(&Tensor) -> Tensor;
type Two = fn(&Tensor, &Tensor) -> Tensor;

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let of_any: [(&str, One); 20] = [
        ("neg", Tensor::neg),
        ("abs", Tensor::abs),
        ("sign", Tensor::sign),
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
    let of_positive: [(&str, One); 4] = [
        ("log", Tensor::log),
        ("sqrt", Tensor::sqrt),
        ("powf", |x| x.powf(2.7)),
        ("number / x", |x| 2.0 / x),
    ];
    for (name, f) in of_positive {
        all.push(case(name, [positive([4, 3]).large([300, 401])], move |x| f(&x[0])));
    }
    let of_two: [(&str, Two); 6] = [
        ("add", Tensor::add),
        ("sub", Tensor::sub),
        ("mul", Tensor::mul),
        ("div", Tensor::div),
        ("maximum", Tensor::maximum),
        ("minimum", Tensor::minimum),
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
    let pair = || [any([4, 3]).large([300, 401]), any([4, 3]).large([300, 401])];
    all.push(case("mask_positive", pair(), |x| x[0].mask_positive(&x[1])));
    all.push(case("where_cond", [any([4, 3]).large([300, 401]), any([3]).large([401])], |x| {
        x[0].gt(&x[0].detach().neg()).where_cond(&x[0], &x[1])
    }));
    all
}
