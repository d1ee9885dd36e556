//! The transforms of F(4x4, 3x3), one dimension after the other.
//!
//! Four results of a kernel of three taps are the product of two polynomials, of which six values say everything: those at
//! 0, a, -a, b, -b and "at infinity", the highest coefficient. With y = A^T ((G w) . (B^T d)), m(x) = x (x^2 - a^2)
//! (x^2 - b^2) and N = m'(0), m'(a), m'(b):
//!
//! ```text
//!       a²b²   0    -a²-b²  0     1  0          1/N0  0      0           1  1  1  1  1  0
//!       0     -ab²  -b²     a     1  0          1/Na  a/Na   a²/Na       0  a -a  b -b  0
//! B^T = 0      ab²  -b²    -a     1  0      G = 1/Na -a/Na   a²/Na  A^T= 0  a² a² b² b² 0
//!       0     -a²b  -a²     b     1  0          1/Nb  b/Nb   b²/Nb       0  a³-a³ b³-b³ 1
//!       0      a²b  -a²    -b     1  0          1/Nb -b/Nb   b²/Nb
//!       0      a²b²  0    -a²-b²  0  1          0     0      1
//! ```
//!
//! (Winograd 1980; Lavin and Gray 2016, *Fast algorithms for convolutional neural networks*.) The points decide the
//! rounding: 0, ±1, ±2 give four times the error of the direct sum, a = 5/8 and b = 11/8 less than twice (cf. Barabasz
//! et al. 2020, *Error analysis and improving the accuracy of Winograd convolution*). Both, and their squares and
//! cubes, are exact in f32.

use crate::cpu::gemm::Vector;
use crate::cpu::real::Real;

/// Results of a tile along one axis.
pub(super) const TILE: usize = 4;
/// Values of a tile along one axis, and places that it sees.
pub(super) const SEEN: usize = 6;
/// Values of a tile.
pub(super) const VALUES: usize = SEEN * SEEN;

const A: f64 = 0.625;
const B: f64 = 1.375;
const AA: f64 = A * A;
const BB: f64 = B * B;
/// 1 / m'(0), 1 / m'(a), 1 / m'(b).
const N0: f64 = 1.0 / (AA * BB);
const NA: f64 = 1.0 / (2.0 * AA * (AA - BB));
const NB: f64 = 1.0 / (2.0 * BB * (BB - AA));

/// A linear map of P values along one axis to Q.
///
/// Vectors go through plain functions and loops here, no closures: those would be compiled without V's instructions.
pub(super) trait Transform<const P: usize, const Q: usize> {
    /// # Safety
    /// The machine has V's instructions.
    unsafe fn along<V: Vector>(x: [V; P]) -> [V; Q];
}

/// # Safety
/// The machine has V's instructions.
#[inline(always)]
unsafe fn n<V: Vector>(x: f64) -> V {
    // SAFETY: the caller's promise.
    unsafe { V::splat(V::Elem::from_f64(x)) }
}

/// B^T d.
pub(super) struct OfImage;

impl Transform<SEEN, SEEN> for OfImage {
    #[inline(always)]
    unsafe fn along<V: Vector>(d: [V; SEEN]) -> [V; SEEN] {
        // SAFETY: the caller's promise.
        unsafe {
            let (even_a, odd_a) = (n::<V>(-BB).mul_add(d[2], d[4]), n::<V>(-BB).mul_add(d[1], d[3]));
            let (even_b, odd_b) = (n::<V>(-AA).mul_add(d[2], d[4]), n::<V>(-AA).mul_add(d[1], d[3]));
            [
                n::<V>(AA * BB).mul_add(d[0], n::<V>(-AA - BB).mul_add(d[2], d[4])),
                n::<V>(A).mul_add(odd_a, even_a),
                n::<V>(-A).mul_add(odd_a, even_a),
                n::<V>(B).mul_add(odd_b, even_b),
                n::<V>(-B).mul_add(odd_b, even_b),
                n::<V>(AA * BB).mul_add(d[1], n::<V>(-AA - BB).mul_add(d[3], d[5])),
            ]
        }
    }
}

/// G w.
pub(super) struct OfKernel;

impl Transform<3, SEEN> for OfKernel {
    #[inline(always)]
    unsafe fn along<V: Vector>(w: [V; 3]) -> [V; SEEN] {
        // SAFETY: the caller's promise.
        unsafe {
            let even_a = n::<V>(NA).mul(n::<V>(AA).mul_add(w[2], w[0]));
            let even_b = n::<V>(NB).mul(n::<V>(BB).mul_add(w[2], w[0]));
            [
                n::<V>(N0).mul(w[0]),
                n::<V>(A * NA).mul_add(w[1], even_a),
                n::<V>(-A * NA).mul_add(w[1], even_a),
                n::<V>(B * NB).mul_add(w[1], even_b),
                n::<V>(-B * NB).mul_add(w[1], even_b),
                w[2],
            ]
        }
    }
}

/// A^T m.
pub(super) struct ToResult;

impl Transform<SEEN, TILE> for ToResult {
    #[inline(always)]
    unsafe fn along<V: Vector>(m: [V; SEEN]) -> [V; TILE] {
        // SAFETY: the caller's promise.
        unsafe {
            let (sum_a, difference_a) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (sum_b, difference_b) = (m[3].add(m[4]), m[3].sub(m[4]));
            [
                m[0].add(sum_a).add(sum_b),
                n::<V>(A).mul_add(difference_a, n::<V>(B).mul(difference_b)),
                n::<V>(AA).mul_add(sum_a, n::<V>(BB).mul(sum_b)),
                n::<V>(A * AA).mul_add(difference_a, n::<V>(B * BB).mul_add(difference_b, m[5])),
            ]
        }
    }
}

/// A y, the adjoint of [`ToResult`].
pub(super) struct OfResult;

impl Transform<TILE, SEEN> for OfResult {
    #[inline(always)]
    unsafe fn along<V: Vector>(y: [V; TILE]) -> [V; SEEN] {
        // SAFETY: the caller's promise.
        unsafe {
            let (even_a, odd_a) = (n::<V>(AA).mul_add(y[2], y[0]), n::<V>(AA).mul_add(y[3], y[1]));
            let (even_b, odd_b) = (n::<V>(BB).mul_add(y[2], y[0]), n::<V>(BB).mul_add(y[3], y[1]));
            [
                y[0],
                n::<V>(A).mul_add(odd_a, even_a),
                n::<V>(-A).mul_add(odd_a, even_a),
                n::<V>(B).mul_add(odd_b, even_b),
                n::<V>(-B).mul_add(odd_b, even_b),
                y[3],
            ]
        }
    }
}

/// G^T u, the adjoint of [`OfKernel`].
pub(super) struct ToKernel;

impl Transform<SEEN, 3> for ToKernel {
    #[inline(always)]
    unsafe fn along<V: Vector>(u: [V; SEEN]) -> [V; 3] {
        // SAFETY: the caller's promise.
        unsafe {
            let (sum_a, difference_a) = (u[1].add(u[2]), u[1].sub(u[2]));
            let (sum_b, difference_b) = (u[3].add(u[4]), u[3].sub(u[4]));
            [
                n::<V>(N0).mul_add(u[0], n::<V>(NA).mul_add(sum_a, n::<V>(NB).mul(sum_b))),
                n::<V>(A * NA).mul_add(difference_a, n::<V>(B * NB).mul(difference_b)),
                n::<V>(AA * NA).mul_add(sum_a, n::<V>(BB * NB).mul_add(sum_b, u[5])),
            ]
        }
    }
}

/// The vectors of a tile in memory: the one in row i and column j lies at i steps[0] + j steps[1].
pub(super) type Steps = [usize; 2];

/// Transforms P x P vectors to Q x Q, along both axes.
///
/// # Safety
/// The machine has V's instructions, and the vectors can be read and written.
#[inline(always)]
pub(super) unsafe fn both_axes<V: Vector, M: Transform<P, Q>, const P: usize, const Q: usize>(
    (from, from_steps): (*const V::Elem, Steps),
    (to, to_steps): (*mut V::Elem, Steps),
    finish: Option<(V, bool)>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = n::<V>(0.0);
        let mut columns = [[zero; Q]; P];
        for (j, column) in columns.iter_mut().enumerate() {
            let mut x = [zero; P];
            for (i, x) in x.iter_mut().enumerate() {
                *x = V::load(from.add(i * from_steps[0] + j * from_steps[1]));
            }
            *column = M::along(x);
        }
        for i in 0..Q {
            let mut x = [zero; P];
            for (x, column) in x.iter_mut().zip(&columns) {
                *x = column[i];
            }
            let row = M::along(x);
            for (j, &value) in row.iter().enumerate() {
                let value = match finish {
                    Some((bias, true)) => value.add(bias).relu(),
                    Some((bias, false)) => value.add(bias),
                    None => value,
                };
                value.store(to.add(i * to_steps[0] + j * to_steps[1]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::gemm::{Engines, Job};
    use crate::cpu::isa::Isa;

    /// Four results of three taps in one dimension, and the adjoints by their definition: <f(x), y> = <x, f^T(y)>.
    struct Check;

    impl Job<f64> for Check {
        #[inline(always)]
        unsafe fn run<V: Vector<Elem = f64>>(self) {
            // SAFETY: the caller's promise; arrays of a vector's length are loaded and stored.
            unsafe {
                let lane = |v: V| {
                    let mut lanes = [0.0; 64];
                    v.store(lanes.as_mut_ptr());
                    lanes[0]
                };
                let d: [f64; SEEN] = std::array::from_fn(|i| (i as f64 * 1.7 + 0.3).sin());
                let w: [f64; 3] = std::array::from_fn(|i| (i as f64 * 2.9 + 1.0).cos());
                let y: [f64; TILE] = std::array::from_fn(|i| (i as f64 * 0.7).cos());
                let splat = |x: f64| V::splat(x);
                let (v, u) = (OfImage::along(d.map(splat)), OfKernel::along(w.map(splat)));
                let m: [V; SEEN] = std::array::from_fn(|i| v[i].mul(u[i]));
                for (i, got) in ToResult::along(m).map(lane).into_iter().enumerate() {
                    let wanted: f64 = (0..3).map(|t| w[t] * d[i + t]).sum();
                    assert!((got - wanted).abs() < 1e-14, "{got} for {wanted}");
                }
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let adjoint = OfResult::along(y.map(splat)).map(lane);
                assert!(
                    (dot(&ToResult::along(d.map(splat)).map(lane), &y) - dot(&d, &adjoint)).abs() < 1e-13
                );
                let adjoint = ToKernel::along(d.map(splat)).map(lane);
                assert!((dot(&u.map(lane), &d) - dot(&w, &adjoint)).abs() < 1e-13);
            }
        }
    }

    #[test]
    fn transforms_make_a_convolution_and_adjoints_are_adjoint() {
        for isa in Isa::supported() {
            f64::run(isa, Check);
        }
    }
}
