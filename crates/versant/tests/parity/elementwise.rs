//! Functions of one and of two arguments, activations, comparisons, choice.

use versant::Tensor;

use super::fixture::Args;

/// Points at which PyTorch is not followed; `scripts/parity/elementwise.py` says why.
pub const LEFT_OUT: [(&str, &str); 5] =
    [("sign", "NaN"), ("silu", "-inf"), ("gelu", "-inf"), ("gelu_tanh", "-inf"), ("hardswish", "-inf")];

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let result = unary(op, x, a).or_else(|| binary(op, x, a)).or_else(|| compare(op, x, a));
    result.map(|y| vec![y])
}

fn unary(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    let x = &x[0];
    Some(match op {
        "neg" => x.neg(),
        "abs" => x.abs(),
        "sign" => x.sign(),
        "exp" => x.exp(),
        "expm1" => x.expm1(),
        "log" => x.log(),
        "log1p" => x.log1p(),
        "sqrt" => x.sqrt(),
        "rsqrt" => x.rsqrt(),
        "square" => x.square(),
        "reciprocal" => x.reciprocal(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "atan" => x.atan(),
        "erf" => x.erf(),
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "round" => x.round(),
        "trunc" => x.trunc(),
        "clamp" => x.clamp(a.number("min"), a.number("max")),
        "powf" => x.powf(a.number("c")),
        "isnan" => x.isnan(),
        "isinf" => x.isinf(),
        "isfinite" => x.isfinite(),
        "relu" => x.relu(),
        "leaky_relu" => x.leaky_relu(a.number("negative_slope")),
        "elu" => x.elu(a.number("alpha")),
        "selu" => x.selu(),
        "silu" => x.silu(),
        "gelu" => x.gelu(),
        "gelu_tanh" => x.gelu_tanh(),
        "mish" => x.mish(),
        "hardtanh" => x.hardtanh(a.number("min_val"), a.number("max_val")),
        "hardswish" => x.hardswish(),
        "hardsigmoid" => x.hardsigmoid(),
        "softplus" => x.softplus(),
        "sigmoid" => x.sigmoid(),
        "tanh" => x.tanh(),
        "add_scalar" => x + a.number("c"),
        "mul_scalar" => x * a.number("c"),
        "c - x" => a.number("c") - x,
        "c / x" => a.number("c") / x,
        "x % c" => x % a.number("other"),
        _ => return None,
    })
}

fn binary(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    Some(match op {
        "add" => &x[0] + &x[1],
        "sub" => &x[0] - &x[1],
        "mul" => &x[0] * &x[1],
        "div" => &x[0] / &x[1],
        "maximum" => x[0].maximum(&x[1]),
        "minimum" => x[0].minimum(&x[1]),
        "pow" => x[0].pow(&x[1]),
        "remainder" => x[0].remainder(&x[1]),
        "fmod" => x[0].fmod(&x[1]),
        "atan2" => x[0].atan2(&x[1]),
        "maximum c" => x[0].maximum(a.number("c")),
        "minimum c" => x[0].minimum(a.number("c")),
        "remainder c" => x[0].remainder(a.number("c")),
        "fmod c" => x[0].fmod(a.number("c")),
        "lerp" => x[0].lerp(&x[1], &x[2]),
        "lerp c" => x[0].lerp(&x[1], a.number("weight")),
        "where_cond" => x[0].where_cond(&x[1], &x[2]),
        "where_cond c" => x[0].where_cond(&x[1], a.number("c")),
        "c where_cond" => x[0].where_cond(a.number("c"), &x[1]),
        "masked_fill" => x[0].masked_fill(&x[1], a.number("c")),
        _ => return None,
    })
}

fn compare(op: &str, x: &[Tensor], a: &Args) -> Option<Tensor> {
    Some(match op {
        "equal" => x[0].equal(&x[1]),
        "not_equal" => x[0].not_equal(&x[1]),
        "lt" => x[0].lt(&x[1]),
        "le" => x[0].le(&x[1]),
        "gt" => x[0].gt(&x[1]),
        "ge" => x[0].ge(&x[1]),
        "equal c" => x[0].equal(a.number("other")),
        "not_equal c" => x[0].not_equal(a.number("other")),
        "lt c" => x[0].lt(a.number("other")),
        "le c" => x[0].le(a.number("other")),
        "gt c" => x[0].gt(a.number("other")),
        "ge c" => x[0].ge(a.number("other")),
        "logical_and" => x[0].logical_and(&x[1]),
        "logical_or" => x[0].logical_or(&x[1]),
        "logical_xor" => x[0].logical_xor(&x[1]),
        "logical_not" => x[0].logical_not(),
        _ => return None,
    })
}
