//! Elementary functions of `f32`, free of branches and table look-ups, so that a loop over a slice is vectorised.
//!
//! They use products, sums and quotients only, and no fused ones: every instruction set gives the same bits.
//!
//! The greatest error over all 2^32 inputs, in units in the last place of the true value, as `tests/exhaustive.rs` has
//! measured it against the standard library and `libm` in f64:
//!
//! | function | greatest error in ulp | at x | promised |
//! |---|---|---|---|
//! | `exp` | 0.767 | -8.758434e1 | 1 |
//! | `exp_m1` | 1.379 | 3.635559e-1 | 1.5 |
//! | `ln` | 0.827 | 1.413642e0 | 1 |
//! | `tanh` | 1.331 | 6.339018e-1 | 1.5 |
//! | `sigmoid` | 1.180 | -1.622865e1 | 1.5 |
//! | `silu` | 2.425 | -1.943958e0 | 2.5 |
//! | `softplus` | 1.955 | -1.2830428e0 | 2 |
//! | `erf` | 1.204 | 9.200323e-1 | 1.5 |
//! | `gelu` | 4.883 | -9.613259e0 | 5 |
//! | `sin` | none: the nearest f32 everywhere | | 0.51 |
//! | `cos` | none: the nearest f32 everywhere | | 0.51 |

/// Adding and subtracting this rounds to the nearest whole number, for |x| < 2^22.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has few enough bits that its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// x = n ln 2 + r + lost with a whole n and |r| <= ln 2 / 2; `lost` is what r lost to rounding.
#[inline(always)]
fn reduce(x: f32) -> (i32, f32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let (coarse, fine) = (x - n * LN2_HIGH, n * LN2_LOW);
    let r = coarse - fine;
    (shifted.to_bits() as i32 - ROUND.to_bits() as i32, r, (coarse - r) - fine)
}

/// e^r - 1 - r for |r| <= 0.4.
#[inline(always)]
fn exp_tail(r: f32) -> f32 {
    let mut p = 1.987_569_1e-4f32;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 0.5;
    p * (r * r)
}

/// e^(r + lost) for |r| <= 0.4, and what its rounding lost.
#[inline(always)]
fn exp_near(r: f32, lost: f32) -> (f32, f32) {
    let sum = 1.0 + r;
    // What 1 + r lost to rounding joins the small terms.
    let tail = (r - (sum - 1.0)) + (exp_tail(r) + lost);
    let e = sum + tail;
    (e, tail - (e - sum))
}

/// x 2^n in two factors: n itself may be outside the exponents of normal numbers.
#[inline(always)]
fn scale(x: f32, n: i32) -> f32 {
    let half = n >> 1;
    x * power_of_two(half) * power_of_two(n - half)
}

/// 2^n for -126 <= n <= 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// e^x, to 1 ulp; overflows to infinity, underflows through the subnormal numbers to 0.
///
/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r is a polynomial.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinity; NaN passes both comparisons.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let (n, r, lost) = reduce(x);
    scale(exp_near(r, lost).0, n)
}

/// e^x - 1, to 1.5 ulp, also near 0.
///
/// 2^n (e^r - 1) + (2^n - 1) with n and r as in [`exp`].
#[inline(always)]
pub fn exp_m1(x: f32) -> f32 {
    let y = if x > 89.0 { 89.0 } else { x };
    let y = if y < -25.0 { -25.0 } else { y };
    let (n, r, lost) = reduce(y);
    let near = r + (exp_tail(r) + lost);
    // 2^128 is no f32: half of it is doubled at the end.
    let is_last = (n > 127) as i32;
    let two_n = power_of_two(n - is_last);
    ((two_n * near + (two_n - 1.0)) * power_of_two(is_last)).copysign(x)
}

/// The natural logarithm, to 1 ulp; minus infinity at 0, NaN below.
///
/// ln x = e ln 2 + ln m with m in [sqrt 1/2, sqrt 2); ln m is a polynomial of m - 1.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    let is_subnormal = x < f32::MIN_POSITIVE;
    let scaled = if is_subnormal { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits();
    // Subtracting the bits of sqrt 1/2 makes the exponent field the wanted e.
    let offset = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let e = (offset as i32 >> 23) as f32 - if is_subnormal { 23.0 } else { 0.0 };
    let m = f32::from_bits(bits.wrapping_sub(offset & 0xff80_0000)) - 1.0;
    let square = m * m;
    let mut p = 7.037_684e-2f32;
    p = p * m - 1.151_461e-1;
    p = p * m + 1.167_699_9e-1;
    p = p * m - 1.242_014_1e-1;
    p = p * m + 1.424_932_3e-1;
    p = p * m - 1.666_805_8e-1;
    p = p * m + 2.000_071_5e-1;
    p = p * m - 2.499_999_4e-1;
    p = p * m + 0.333_333_3;
    let tail = p * m * square + e * LN2_LOW - 0.5 * square;
    let result = (m + tail) + e * LN2_HIGH;
    let result = if x == f32::INFINITY { x } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    if x >= 0.0 { result } else { f32::NAN }
}

/// The hyperbolic tangent, to 1.5 ulp.
///
/// An odd polynomial near 0, else 1 - 2 / (e^2|x| + 1) with the sign of x.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let square = x * x;
    let mut p = -5.704_988_7e-3f32;
    p = p * square + 2.063_909e-2;
    p = p * square - 5.373_971_6e-2;
    p = p * square + 1.333_144_2e-1;
    p = p * square - 3.333_328e-1;
    let near = p * square * x + x;
    let far = 1.0 - 2.0 / (exp(a + a) + 1.0);
    (if a < 0.625 { near } else { far }).copysign(x)
}

/// The logistic function 1 / (1 + e^-x) = v 2^n as v and n, for x >= -112.
///
/// With e = e^-|x| it is 1 / (1 + e) or, where x < 0, e / (1 + e). What e and 1 + e lost to rounding corrects the
/// quotient.
#[inline(always)]
fn sigmoid_parts(x: f32) -> (f32, i32) {
    let a = if x.abs() > 112.0 { 112.0 } else { x.abs() };
    let (n, r, lost) = reduce(-a);
    let (high, low) = exp_near(r, lost);
    let e = scale(high, n);
    let sum = 1.0 + e;
    let sum_low = (e - (sum - 1.0)) + scale(low, n);
    let (top, top_low, n) = if x >= 0.0 { (1.0, 0.0, 0) } else { (high, low, n) };
    let quotient = top / sum;
    // 1.457 - sum / 2 is 1 / sum to 5 %, enough for a correction.
    (quotient + (top_low - quotient * sum_low) * (1.457 - 0.5 * sum), n)
}

/// The logistic function 1 / (1 + e^-x), to 1.5 ulp, also where it is tiny.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let (v, n) = sigmoid_parts(x);
    scale(v, n)
}

/// x / (1 + e^-x), to 2.5 ulp, also where it is tiny; 0 at minus infinity.
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    let x = if x < -112.0 { -112.0 } else { x };
    let (v, n) = sigmoid_parts(x);
    scale(x * v, n)
}

/// log(1 + e^x), to 2 ulp.
///
/// max(x, 0) + log(1 + e) with e = e^-|x|; what 1 + e lost to rounding corrects the logarithm.
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let e = exp(-x.abs());
    let sum = 1.0 + e;
    (if x > 0.0 { x } else { 0.0 }) + (ln(sum) + (e - (sum - 1.0)) / sum)
}

/// For 0 <= z <= 16: e and n with e^(-z^2/2) = e 2^n, v = (z/2) / (1 + z/2), and p = m(z) (1 + z/2), a polynomial of v
/// (after Shepherd and Laframboise 1981). m(z) = Phi(-z) / e^(-z^2/2) is Mills' ratio, which varies slowly, Phi the normal
/// distribution function.
#[inline(always)]
fn normal_tail(z: f32) -> (f32, i32, f32, f32) {
    // z^2 = high^2 + (z - high) (z + high), and high has few enough bits that its square is exact.
    let high = f32::from_bits(z.to_bits() & 0xffff_f000);
    let rest = 0.5 * (high - z) * (z + high);
    let (n, r, lost) = reduce(-0.5 * high * high);
    let (e, _) = exp_near(r + rest, lost);
    let half = 0.5 * z;
    let v = half / (1.0 + half);
    let mut p = -4.640_221_2e-2f32;
    p = p * v + 1.951_213_5e-1;
    p = p * v - 3.088_471_3e-1;
    p = p * v + 2.528_063_7e-1;
    p = p * v - 1.484_143_9e-1;
    p = p * v + 4.000_090_4e-2;
    p = p * v + 1.235_703_2e-2;
    p = p * v + 5.406_303e-2;
    p = p * v + 4.244_338_7e-2;
    p = p * v - 9.576_785e-2;
    p = p * v - 2.978_845_5e-1;
    p = p * v + 0.5;
    (e, n, v, p)
}

/// x Phi(x), Phi the normal distribution function, to 5 ulp, also where it is tiny; 0 at minus infinity.
///
/// With z = |x| it is max(x, 0) - z Phi(-z), and z Phi(-z) = e^(-z^2/2) 2 v p.
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let z = if x.abs() > 16.0 { 16.0 } else { x.abs() };
    let (e, n, v, p) = normal_tail(z);
    let tail = scale(e * (p * (v + v)), n);
    if x >= 0.0 { x - tail } else { -tail }
}

/// Phi(x) + x phi(x), phi the density e^(-x^2/2) / sqrt(2 pi): the slope of [`gelu`], to 1.2e-7; NaN at
/// infinity, as in PyTorch.
#[inline(always)]
pub fn gelu_slope(x: f32) -> f32 {
    let z = if x.abs() > 16.0 { 16.0 } else { x.abs() };
    let (e, n, v, p) = normal_tail(z);
    // 1 / (1 + z/2) = 1 - v
    let tail = scale(e * (p * (1.0 - v) - z * 0.398_942_3), n);
    // Nothing but at infinity, where x phi(x) is infinity times 0.
    let tail = tail + 0.0 * x;
    if x >= 0.0 { 1.0 - tail } else { tail }
}

/// x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), the approximation of [`gelu`]; 0 at minus infinity.
///
/// It is x / (1 + e^-2u), to 4 + 8 |u| ulp: the rounding of u is amplified by the exponential.
#[inline(always)]
pub fn gelu_tanh(x: f32) -> f32 {
    let x = if x < -16.0 { -16.0 } else { x };
    let (v, n) = sigmoid_parts(1.595_769 * (x + 0.044_715 * x * x * x));
    scale(x * v, n)
}

/// The error function, to 1.5 ulp.
///
/// An odd polynomial near 0, else 1 - e^q(|x|) with a polynomial q, and the sign of x.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let a = x.abs();
    let square = x * x;
    let mut p = -5.967_617e-4f32;
    p = p * square + 4.991_194e-3;
    p = p * square - 2.676_813_5e-2;
    p = p * square + 1.128_199_3e-1;
    p = p * square - 3.761_253_4e-1;
    p = p * square + 1.283_791_7e-1;
    let near = p * x + x;
    let mut q = -1.728_534_7e-5f32 * a + 3.831_971e-4;
    q = q * square + (-3.883_964_4e-3 * a + 2.425_462_2e-2);
    q = q * a - 1.067_778_8e-1;
    q = q * a - 6.348_467e-1;
    q = q * a - 1.287_175_1e-1;
    let far = 1.0 - exp(q * a - a);
    // For infinity the polynomial would be infinity minus infinity.
    let far = if a > 5.0 { 1.0 } else { far };
    (if a <= 0.927_734_4 { near } else { far }).copysign(x)
}

/// [`sin`] and [`cos`] hold for |x| up to this.
pub const WIDEST_ANGLE: f32 = 1_048_576.0;

/// pi / 2 in two parts; the first has few enough bits that its product with a number of quarters is exact.
const QUARTER_HIGH: f64 = 1.570_796_326_734_125_6;
const QUARTER_LOW: f64 = 6.077_100_506_506_192e-11;

/// sin(x + quarters pi/2), in f64, whose error the rounding to f32 hides.
///
/// x = n pi/2 + r with a whole n and |r| <= pi/4; then it is the sine or the cosine of r, with a sign. Both are the first
/// terms of their series, as many as f64 can tell from all.
#[inline(always)]
fn sin_after(x: f32, quarters: u64) -> f32 {
    /// As [`ROUND`], for f64.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let x = f64::from(x);
    let shifted = x * std::f64::consts::FRAC_2_PI + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * QUARTER_HIGH) - n * QUARTER_LOW;
    let quarter = shifted.to_bits().wrapping_add(quarters);
    let square = r * r;
    let mut p = -1.0 / 1_307_674_368_000.0;
    p = p * square + 1.0 / 6_227_020_800.0;
    p = p * square - 1.0 / 39_916_800.0;
    p = p * square + 1.0 / 362_880.0;
    p = p * square - 1.0 / 5040.0;
    p = p * square + 1.0 / 120.0;
    p = p * square - 1.0 / 6.0;
    let sine = r * (p * square + 1.0);
    let mut p = 1.0 / 20_922_789_888_000.0;
    p = p * square - 1.0 / 87_178_291_200.0;
    p = p * square + 1.0 / 479_001_600.0;
    p = p * square - 1.0 / 3_628_800.0;
    p = p * square + 1.0 / 40_320.0;
    p = p * square - 1.0 / 720.0;
    p = p * square + 1.0 / 24.0;
    p = p * square - 0.5;
    let cosine = p * square + 1.0;
    let value = if quarter & 1 == 0 { sine } else { cosine };
    f64::from_bits(value.to_bits() ^ (quarter & 2) << 62) as f32
}

/// The sine, to 0.51 ulp, for |x| up to [`WIDEST_ANGLE`].
#[inline(always)]
pub fn sin(x: f32) -> f32 {
    sin_after(x, 0)
}

/// The cosine, to 0.51 ulp, for |x| up to [`WIDEST_ANGLE`].
#[inline(always)]
pub fn cos(x: f32) -> f32 {
    sin_after(x, 1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::naive::unary as naive;
    use crate::ops::Unary;

    type Function<T> = fn(T) -> T;

    /// The distance in units of the last place of the true value's f32 neighbourhood.
    pub(in crate::cpu) fn ulps(got: f32, truth: f64) -> f64 {
        let nearest = truth as f32;
        if got.is_nan() || nearest.is_nan() {
            return if got.is_nan() && nearest.is_nan() { 0.0 } else { f64::INFINITY };
        }
        if got == nearest {
            return 0.0;
        }
        if got.is_infinite() || nearest.is_infinite() {
            // The nearest finite value counts as one step away from infinity.
            return if got.abs().min(nearest.abs()) == f32::MAX { 1.0 } else { f64::INFINITY };
        }
        let exponent = ((nearest.abs().to_bits() >> 23) as i32).max(1) - 127 - 23;
        (got as f64 - truth).abs() / (exponent as f64).exp2()
    }

    fn worst(f: Function<f32>, truth: Function<f64>, step: usize) -> (f64, f32) {
        let inputs = (0..=u32::MAX).step_by(step).map(f32::from_bits);
        inputs
            .map(|x| (ulps(f(x), truth(x as f64)), x))
            .fold((0.0, 0.0), |a, b| if b.0 > a.0 { b } else { a })
    }

    /// It goes through 0, where no relative error can be promised.
    #[test]
    fn the_slope_of_gelu() {
        let truth = |x: f64| crate::naive::binary(crate::ops::Binary::GeluGrad, 1.0, x);
        let error = |x: f32| (f64::from(gelu_slope(x)) - truth(x.into())).abs();
        let worst = (-200_000..=200_000).map(|i| error(i as f32 * 1e-4)).fold(0.0, f64::max);
        assert!(worst <= 1.2e-7, "{worst}");
        assert_eq!([-f32::MAX, -40.0, 40.0, f32::MAX].map(gelu_slope), [0.0, 0.0, 1.0, 1.0]);
        assert!([f32::NEG_INFINITY, f32::INFINITY, f32::NAN].map(gelu_slope).iter().all(|y| y.is_nan()));
    }

    #[test]
    fn within_the_promised_ulps() {
        let cases: [(&str, Function<f32>, Function<f64>, f64); 9] = [
            ("exp", exp, f64::exp, 1.0),
            ("exp_m1", exp_m1, f64::exp_m1, 1.5),
            ("ln", ln, f64::ln, 1.0),
            ("tanh", tanh, f64::tanh, 1.5),
            ("erf", erf, libm::erf, 1.5),
            ("sigmoid", sigmoid, |x| naive(Unary::Sigmoid, x), 1.5),
            ("silu", silu, |x| naive(Unary::Silu, x), 2.5),
            ("softplus", softplus, |x| naive(Unary::Softplus, x), 2.0),
            ("gelu", gelu, |x| naive(Unary::Gelu, x), 5.0),
        ];
        for (name, f, truth, limit) in cases {
            let (error, x) = worst(f, truth, 1021);
            assert!(error <= limit, "{name}({x:e}) is {error} ulp off");
        }
    }

    #[test]
    fn special_values() {
        assert!(exp(f32::NAN).is_nan() && ln(f32::NAN).is_nan());
        assert!(tanh(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan());
        assert_eq!([exp(0.0), exp(-0.0), exp(f32::NEG_INFINITY)], [1.0, 1.0, 0.0]);
        assert_eq!([exp(f32::INFINITY), exp(88.73), exp(-103.0)], [f32::INFINITY, f32::INFINITY, 1e-45]);
        assert_eq!([ln(0.0), ln(-0.0)], [f32::NEG_INFINITY; 2]);
        assert_eq!([ln(1.0), ln(f32::INFINITY)], [0.0, f32::INFINITY]);
        assert!(ln(-1.0).is_nan() && ln(f32::NEG_INFINITY).is_nan());
        assert_eq!(tanh(-0.0).to_bits(), (-0.0f32).to_bits());
        assert_eq!([tanh(f32::INFINITY), tanh(f32::NEG_INFINITY), tanh(1e-40)], [1.0, -1.0, 1e-40]);
        assert!(erf(f32::NAN).is_nan());
        assert_eq!([erf(f32::INFINITY), erf(f32::NEG_INFINITY), erf(1e20)], [1.0, -1.0, 1.0]);
        assert_eq!([erf(-0.0).to_bits(), erf(1e-45).to_bits()], [(-0.0f32).to_bits(), 1]);
        assert_eq!([sigmoid(0.0), sigmoid(f32::INFINITY), sigmoid(f32::NEG_INFINITY)], [0.5, 1.0, 0.0]);
        assert_eq!([exp_m1(f32::INFINITY), exp_m1(88.72), exp_m1(-30.0)], [f32::INFINITY, exp(88.72), -1.0]);
        assert_eq!([exp_m1(-0.0).to_bits(), exp_m1(1e-45).to_bits()], [(-0.0f32).to_bits(), 1]);
        assert_eq!([softplus(f32::INFINITY), softplus(f32::NEG_INFINITY)], [f32::INFINITY, 0.0]);
        assert!(softplus(f32::NAN).is_nan() && exp_m1(f32::NAN).is_nan());
        for gate in [silu, gelu, gelu_tanh] {
            assert!(gate(f32::NAN).is_nan());
            assert_eq!(
                [gate(f32::INFINITY), gate(1e30), gate(f32::NEG_INFINITY)],
                [f32::INFINITY, 1e30, 0.0]
            );
            assert_eq!([gate(0.0).to_bits(), gate(-0.0).to_bits()], [0, (-0.0f32).to_bits()]);
        }
    }
}
