//! Sine and cosine. Angles so wide that the vectorised formula does not hold for them are computed one by one.

use super::elementwise::Map;
use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use crate::naive;
use crate::ops::Unary;

multiversion! {
    fn has_wide[T: Real](x: &[T]) -> bool {
        x.iter().fold(false, |found, x| found | (x.abs() > T::WIDEST_ANGLE))
    }
}

multiversion! {
    fn sines[T: Real](x: &mut [T]) {
        for x in x.iter_mut() {
            *x = x.sin();
        }
    }
}

multiversion! {
    fn cosines[T: Real](x: &mut [T]) {
        for x in x.iter_mut() {
            *x = x.cos();
        }
    }
}

/// The sine of radians.
///
/// # Panics
/// If the lengths differ.
pub fn sin<T: Real>(map: Map<T>) {
    of_angles(Unary::Sin, map, sines, T::sin);
}

/// The cosine of radians.
///
/// # Panics
/// If the lengths differ.
pub fn cos<T: Real>(map: Map<T>) {
    of_angles(Unary::Cos, map, cosines, T::cos);
}

/// `each` does what `all` does with every element, so that neighbours do not change bits.
fn of_angles<T: Real>(op: Unary, map: Map<T>, all: fn(Isa, &mut [T]), each: fn(T) -> T) {
    let isa = isa();
    map.in_pieces(|x| {
        if !has_wide(isa, x) {
            return all(isa, x);
        }
        for x in x {
            let is_wide = x.abs() > T::WIDEST_ANGLE;
            *x = if is_wide { T::from_f64(naive::unary(op, x.to_f64())) } else { each(*x) };
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::math::WIDEST_ANGLE;
    use crate::cpu::math::tests::ulps;

    fn of(f: fn(Map<f32>), x: &[f32]) -> Vec<f32> {
        let mut y = vec![9.0; x.len()];
        f(Map::To(x, &mut y));
        y
    }

    /// Of all sizes; neighbours that are wide change nothing.
    #[test]
    fn within_half_a_unit() {
        let x: Vec<f32> = (0..=u32::MAX).step_by(4093).map(f32::from_bits).collect();
        let near: Vec<f32> = x.iter().map(|&x| if x.abs() > WIDEST_ANGLE { 0.0 } else { x }).collect();
        type Case = (fn(Map<f32>), fn(f64) -> f64);
        let cases: [Case; 2] = [(sin, f64::sin), (cos, f64::cos)];
        for (f, truth) in cases {
            let (y, of_near) = (of(f, &x), of(f, &near));
            for ((&x, y), of_near) in x.iter().zip(y).zip(of_near) {
                assert!(ulps(y, truth(x.into())) <= 0.51, "{x:e}: {y:e}");
                assert!(x.abs() > WIDEST_ANGLE || x.is_nan() || y.to_bits() == of_near.to_bits(), "{x:e}");
            }
        }
    }

    /// The multiples of pi/2, where most bits cancel, and the ends of the range.
    #[test]
    fn where_the_result_is_small() {
        for n in 0..=667_544u32 {
            let x = (f64::from(n) * std::f64::consts::FRAC_PI_2) as f32;
            for x in [x.next_down(), x, x.next_up()] {
                let (s, c) = f64::from(x).sin_cos();
                assert!(ulps(Real::sin(x), s) <= 0.51 && ulps(Real::cos(x), c) <= 0.51, "{x:e}");
            }
        }
    }

    #[test]
    fn special_values() {
        let x = [
            0.0,
            -0.0,
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            WIDEST_ANGLE,
            -WIDEST_ANGLE.next_up(),
            1e-45,
        ];
        let (s, c) = (of(sin, &x), of(cos, &x));
        assert_eq!([s[0].to_bits(), s[1].to_bits(), s[7].to_bits()], [0, (-0.0f32).to_bits(), 1]);
        assert!(s[2..5].iter().chain(&c[2..5]).all(|y| y.is_nan()));
        assert_eq!([c[0], c[1], c[7]], [1.0; 3]);
        assert!(of(sin, &[]).is_empty());
        let mut doubles = [0.5f64, 1e300];
        sin(Map::InPlace(&mut doubles));
        assert_eq!(doubles, [0.5f64.sin(), 1e300f64.sin()]);
    }
}
