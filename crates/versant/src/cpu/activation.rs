//! Activations, their gradients and losses whose formulas are too long for the compiler to inline them where loops get
//! them as closures.

use super::elementwise::{Map, Zip};
use super::isa::{isa, multiversion};
use super::real::Real;

/// g (s + 2 x s (1 - s) u') with s = s(2 u), u = sqrt(2/pi) (x + 0.044715 x^3).
#[inline(always)]
fn gelu_tanh_grad<T: Real>(g: T, x: T) -> T {
    let c = (8.0 / std::f64::consts::PI).sqrt();
    let [c, cubic, slope, far] = [c, c * 0.044715, 3.0 * c * 0.044715, 20.0].map(T::from_f64);
    // Beyond +-20 the slope is 0 or 1, and a product of 0 and a large x^3 would be lost.
    let x = if x < -far { -far } else { x };
    let x = if x > far { far } else { x };
    let square = x * x;
    let s = (x * (square * cubic + c)).sigmoid();
    g * (s + x * (s * (T::ONE - s)) * (square * slope + c))
}

multiversion! {
    fn gelu_grads[T: Real](g: &mut [T], x: &[T]) {
        for (g, &x) in g.iter_mut().zip(x) {
            *g = *g * x.gelu_slope();
        }
    }
}

multiversion! {
    fn gelu_tanh_grads[T: Real](g: &mut [T], x: &[T]) {
        for (g, &x) in g.iter_mut().zip(x) {
            *g = gelu_tanh_grad(*g, x);
        }
    }
}

multiversion! {
    fn softpluses[T: Real](x: &mut [T]) {
        for x in x.iter_mut() {
            *x = x.softplus();
        }
    }
}

multiversion! {
    /// max(x, 0) - x y + log(1 + e^-|x|)
    fn losses[T: Real](x: &mut [T], y: &[T]) {
        for (x, &y) in x.iter_mut().zip(y) {
            let positive = if *x > T::ZERO || x.is_nan() { *x } else { T::ZERO };
            *x = positive - *x * y + (-x.abs()).softplus();
        }
    }
}

/// log(1 + e^x).
///
/// # Panics
/// If the lengths differ.
pub fn softplus<T: Real>(map: Map<T>) {
    let isa = isa();
    map.in_pieces(|x| softpluses(isa, x));
}

/// The binary cross-entropy of logits x against targets y.
///
/// # Panics
/// If a slice has another length than the result.
pub fn bce_with_logits<T: Real>(zip: Zip<T>) {
    let isa = isa();
    zip.in_pieces(|x, y| losses(isa, x, y));
}

/// The gradient of gelu at x from that of its result.
///
/// # Panics
/// If a slice has another length than the result.
pub fn gelu_backward<T: Real>(zip: Zip<T>) {
    let isa = isa();
    zip.in_pieces(|g, x| gelu_grads(isa, g, x));
}

/// The gradient of gelu's approximation by a hyperbolic tangent, as [`gelu_backward`].
///
/// # Panics
/// If a slice has another length than the result.
pub fn gelu_tanh_backward<T: Real>(zip: Zip<T>) {
    let isa = isa();
    zip.in_pieces(|g, x| gelu_tanh_grads(isa, g, x));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::elementwise::Operand;
    use crate::naive;
    use crate::ops::Binary;

    /// Tails of vectors, nothing, several pieces, and operands of every kind.
    #[test]
    fn operands_of_every_kind() {
        for len in [0, 1, 15, 33, 1000, 5 * 16 * 1024 + 6] {
            let x: Vec<f32> = (0..len).map(|i| (i % 977) as f32 * 0.02 - 9.0).collect();
            let g: Vec<f32> = (0..len).map(|i| (i % 7) as f32 - 3.0).collect();
            let mut operands =
                vec![(Operand::Slice(&g[..]), g.clone()), (Operand::Scalar(-2.0), vec![-2.0; len])];
            if len > 0 && len % 3 == 0 {
                let values = [1.0, -0.5, 3.0];
                let each = (0..len).map(|i| values[i / (len / 3)]).collect();
                operands.push((Operand::Repeated { values: &[1.0, -0.5, 3.0], repeat: len / 3 }, each));
            }
            for (operand, g) in operands {
                let mut out = [vec![9.0; len], vec![9.0; len]];
                gelu_backward(Zip::To(operand, Operand::Slice(&x), &mut out[0]));
                gelu_tanh_backward(Zip::To(operand, Operand::Slice(&x), &mut out[1]));
                let mut same = g.clone();
                gelu_backward(Zip::InPlace(&mut same, Operand::Slice(&x)));
                assert_eq!(same, out[0]);
                for (op, out) in [Binary::GeluGrad, Binary::GeluTanhGrad].into_iter().zip(&out) {
                    for ((&out, &g), &x) in out.iter().zip(&g).zip(&x) {
                        let wanted = naive::binary(op, g.into(), x.into());
                        assert!(
                            (f64::from(out) - wanted).abs() <= 1e-5 * f64::from(g).abs(),
                            "{op:?} at {x}"
                        );
                    }
                }
            }
        }
    }
}
