//! Elementary functions of `f32`, free of branches and table look-ups, so that a loop over a slice is vectorised.
//!
//! They use products and sums only, no fused ones: every instruction set gives the same bits.

/// Adding and subtracting this rounds to the nearest whole number, for |x| < 2^22.
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has few enough bits that its product with an exponent is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;

/// e^x, to 1 ulp; overflows to infinity, underflows through the subnormal numbers to 0.
///
/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2; e^r is a polynomial.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Beyond these the result is 0 or infinity; NaN passes both comparisons.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let (coarse, fine) = (x - n * LN2_HIGH, n * LN2_LOW);
    let r = coarse - fine;
    let lost = (coarse - r) - fine;
    let mut p = 1.987_569_1e-4f32;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 0.5;
    // What r and 1 + r lost to rounding joins the small terms.
    let sum = 1.0 + r;
    let e = sum + ((r - (sum - 1.0)) + (p * (r * r) + lost));
    // 2^n in two factors: n itself may be outside the exponents of normal numbers.
    let n = shifted.to_bits() as i32 - ROUND.to_bits() as i32;
    let half = n >> 1;
    e * power_of_two(half) * power_of_two(n - half)
}

/// 2^n for -126 <= n <= 127.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
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

/// The logistic function 1 / (1 + e^-x), to 2.5 ulp, also where it is tiny.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let numerator = if x >= 0.0 { 1.0 } else { e };
    numerator / (1.0 + e)
}

/// The error function, to 2 ulp.
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

/// The error function of an `f64`, to about 1e-15: erf x = 2 / sqrt(pi) e^(-x^2) sum of
/// x (2 x^2)^n / (1 * 3 * .. * (2 n + 1)), a sum of positive terms.
pub fn erf64(x: f64) -> f64 {
    let a = x.abs();
    if a.is_nan() || a > 6.0 {
        return if a > 6.0 { 1f64.copysign(x) } else { x };
    }
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        odd += 2.0;
        term *= 2.0 * x * x / odd;
        sum += term;
    }
    std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp() * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    type Function<T> = fn(T) -> T;

    /// The distance in units of the last place of the true value's f32 neighbourhood.
    fn ulps(got: f32, truth: f64) -> f64 {
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

    fn worst(f: Function<f32>, truth: Function<f64>, step: u32) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        let mut bits = 0u32;
        loop {
            let x = f32::from_bits(bits);
            let error = ulps(f(x), truth(x as f64));
            if error > worst.0 {
                worst = (error, x);
            }
            match bits.checked_add(step) {
                Some(next) => bits = next,
                None => return worst,
            }
        }
    }

    fn true_sigmoid(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn within_the_promised_ulps() {
        let cases: [(&str, Function<f32>, Function<f64>, f64); 5] = [
            ("erf", erf, erf64, 2.0),
            ("exp", exp, f64::exp, 1.0),
            ("ln", ln, f64::ln, 1.0),
            ("tanh", tanh, f64::tanh, 1.5),
            ("sigmoid", sigmoid, true_sigmoid, 2.5),
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
        assert!(erf(f32::NAN).is_nan() && erf64(f64::NAN).is_nan());
        assert_eq!([erf(f32::INFINITY), erf(f32::NEG_INFINITY), erf(1e20)], [1.0, -1.0, 1.0]);
        assert_eq!([erf(-0.0).to_bits(), erf(1e-45).to_bits()], [(-0.0f32).to_bits(), 1]);
        assert_eq!([erf64(f64::INFINITY), erf64(-7.0), erf64(0.0)], [1.0, -1.0, 0.0]);
        assert!((erf64(1.0) - 0.842_700_792_949_714_9).abs() < 1e-15);
        assert!((erf64(-2.5) + 0.999_593_047_982_555).abs() < 1e-15);
        assert_eq!([sigmoid(0.0), sigmoid(f32::INFINITY), sigmoid(f32::NEG_INFINITY)], [0.5, 1.0, 0.0]);
    }
}
