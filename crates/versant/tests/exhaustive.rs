//! Every `f32` there is, through the vectorised elementary functions, against the standard library and `libm` in f64:
//!
//! ```text
//! cargo test --release -p versant --test exhaustive -- --nocapture
//! ```
//!
//! prints the table in the documentation of [`versant::cpu::math`]. It takes minutes, and would take an hour
//! unoptimised: there it is left out.
#![cfg(not(debug_assertions))]

use std::thread;

use versant::cpu::elementwise::unary;
use versant::cpu::isa::{Isa, with_isa};
use versant::cpu::math;

type Function<T> = fn(T) -> T;

/// Each with its promise, the greatest error in units in the last place.
const FUNCTIONS: [(&str, Function<f32>, Function<f64>, f64); 11] = [
    ("exp", math::exp, f64::exp, 1.0),
    ("exp_m1", math::exp_m1, f64::exp_m1, 1.5),
    ("ln", math::ln, f64::ln, 1.0),
    ("tanh", math::tanh, f64::tanh, 1.5),
    ("sigmoid", math::sigmoid, sigmoid, 1.5),
    ("silu", math::silu, silu, 2.5),
    ("softplus", math::softplus, softplus, 2.0),
    ("erf", math::erf, libm::erf, 1.5),
    ("gelu", math::gelu, gelu, 5.0),
    ("sin", |x| math::sin(narrow(x)), |x| f64::from(narrow(x as f32)).sin(), 0.51),
    ("cos", |x| math::cos(narrow(x)), |x| f64::from(narrow(x as f32)).cos(), 0.51),
];

/// The angles that the vectorised formula is for.
#[inline(always)]
fn narrow(x: f32) -> f32 {
    if x.abs() > math::WIDEST_ANGLE { f32::NAN } else { x }
}

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

fn silu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { 0.0 } else { x * sigmoid(x) }
}

fn softplus(x: f64) -> f64 {
    let above = if x < 0.0 { 0.0 } else { x };
    above + (-x.abs()).exp().ln_1p()
}

fn gelu(x: f64) -> f64 {
    if x == f64::NEG_INFINITY { 0.0 } else { 0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2) }
}

/// The distance from the truth, in units in the last place of the f32 nearest to it.
fn ulps(got: f32, truth: f64) -> f64 {
    let nearest = truth as f32;
    if got == nearest || (got.is_nan() && nearest.is_nan()) {
        return 0.0;
    }
    if !got.is_finite() || !nearest.is_finite() {
        // The largest finite number counts as one step away from infinity.
        let is_step = got.abs().min(nearest.abs()) == f32::MAX && got.signum() == nearest.signum();
        return if is_step { 1.0 } else { f64::INFINITY };
    }
    let exponent = (nearest.abs().to_bits() >> 23).max(1);
    // 2^(127 + 23 - exponent) from its bits.
    (got as f64 - truth).abs() * f64::from_bits((1023 + 127 + 23 - exponent as u64) << 52)
}

/// Inputs of one call of a kernel; few enough to stay on this thread.
const BLOCK: usize = 1 << 14;

/// The greatest error among the inputs with these bits, and where it is. The blocks take turns with the instruction
/// sets, of which another test shows that they give the same bits.
fn worst(f: Function<f32>, truth: Function<f64>, bits: std::ops::Range<u64>) -> (f64, f32) {
    let mut y = vec![0.0; BLOCK];
    let mut worst = (0.0, 0.0);
    for (first, &isa) in bits.step_by(BLOCK).zip(Isa::supported().iter().cycle()) {
        let x: Vec<f32> = (first..).take(BLOCK).map(|bits| f32::from_bits(bits as u32)).collect();
        with_isa(isa, || unary(&x, &mut y, f));
        for (&x, &y) in x.iter().zip(&y) {
            let error = ulps(y, truth(x as f64));
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

#[test]
fn every_input_of_every_function() {
    const ALL: u64 = 1 << 32;
    let parts = 4 * thread::available_parallelism().map_or(1, |n| n.get().next_power_of_two()) as u64;
    let mut broken = Vec::new();
    println!("| function | greatest error in ulp | at x | promised |\n|---|---|---|---|");
    for (name, f, truth, promised) in FUNCTIONS {
        let (error, at) = thread::scope(|scope| {
            let part = |i| scope.spawn(move || worst(f, truth, i * (ALL / parts)..(i + 1) * (ALL / parts)));
            let all: Vec<_> = (0..parts).map(part).collect();
            let errors = all.into_iter().map(|part| part.join().expect("no panic in a part"));
            errors.fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
        });
        println!("| `{name}` | {error:.3} | {at:e} | {promised} |");
        if error > promised {
            broken.push(name);
        }
    }
    assert!(broken.is_empty(), "promises broken: {broken:?}");
}
