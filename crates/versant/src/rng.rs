//! The one random number generator: counter-based, so that a number depends only on what it is for.
//!
//! Philox-4x32-10 (Salmon et al., *Parallel Random Numbers: As Easy as 1, 2, 3*, SC 2011) maps a 64-bit key and a
//! 128-bit counter to 128 random bits. The key is the run's seed; the counter names the use: purpose, epoch,
//! index, and the running block. Two uses never share numbers, and no number depends on the order in which
//! threads ask for it.

/// What random numbers are used for. Different purposes under one seed are independent streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Whatever a user of the library wants.
    User = 0,
    /// Initial parameters.
    Init = 1,
    /// The order of samples in an epoch.
    Shuffle = 2,
    /// Dropout masks.
    Dropout = 3,
    /// Data augmentation.
    Augment = 4,
    /// The built-in digits, training part.
    DigitsTrain = 5,
    /// The built-in digits, test part.
    DigitsTest = 6,
    /// The built-in shapes, training part.
    ShapesTrain = 7,
    /// The built-in shapes, test part.
    ShapesTest = 8,
    /// Mixed batches.
    Mix = 9,
}

/// A stream of random numbers, a pure function of (seed, purpose, epoch, index).
///
/// ```
/// use versant::rng::{Purpose, Rng};
/// let mut a = Rng::keyed(42, Purpose::Shuffle, 3, 0);
/// let mut b = Rng::keyed(42, Purpose::Shuffle, 3, 0);
/// assert_eq!(a.permutation(100), b.permutation(100));
/// ```
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
    spare_normal: Option<f64>,
}

impl Rng {
    /// The stream for [`Purpose::User`].
    pub fn new(seed: u64) -> Rng {
        Rng::keyed(seed, Purpose::User, 0, 0)
    }

    /// The stream for one use. Each stream holds 2^34 32-bit numbers.
    pub fn keyed(seed: u64, purpose: Purpose, epoch: u32, index: u32) -> Rng {
        Rng {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, index, epoch, purpose as u32],
            block: [0; 4],
            used: 4,
            spare_normal: None,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.next_u32() as u64 | (self.next_u32() as u64) << 32
    }

    /// Uniform in [0, 1), 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in [low, high).
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal, by Box and Muller's transform.
    pub fn normal(&mut self) -> f64 {
        if let Some(z) = self.spare_normal.take() {
            return z;
        }
        // 1 - u is in (0, 1], so that the logarithm is finite.
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare_normal = Some(radius * sin);
        radius * cos
    }

    /// Beta(a, b), as the share of one of two gamma variates in their sum.
    ///
    /// # Panics
    /// If a parameter is not above 0.
    #[track_caller]
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        assert!(a > 0.0 && b > 0.0, "Rng::beta: the parameters are {a} and {b}; both must be above 0");
        let (ln_a, ln_b) = (self.ln_gamma(a), self.ln_gamma(b));
        1.0 / (1.0 + libm::exp(ln_b - ln_a))
    }

    /// The logarithm of a gamma variate, which for small shapes is below what f64 can hold. (Marsaglia and Tsang, *A
    /// Simple Method for Generating Gamma Variables*, 2000)
    fn ln_gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.ln_gamma(shape + 1.0) + libm::log(1.0 - self.uniform()) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = 1.0 + c * x;
            let v = v * v * v;
            let ln_u = libm::log(1.0 - self.uniform());
            if v > 0.0 && ln_u < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return libm::log(d * v);
            }
        }
    }

    /// Uniform in 0..n without bias (Lemire, *Fast Random Integer Generation in an Interval*, 2019).
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "Rng::below: the range 0..0 is empty");
        loop {
            let wide = self.next_u64() as u128 * n as u128;
            if wide as u64 >= n.wrapping_neg() % n {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Shuffles in place (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// A random order of 0..n.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
    const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    for _ in 0..10 {
        let p0 = MULTIPLIERS[0] * counter[0] as u64;
        let p1 = MULTIPLIERS[1] * counter[2] as u64;
        counter = [
            (p1 >> 32) as u32 ^ counter[1] ^ key[0],
            p1 as u32,
            (p0 >> 32) as u32 ^ counter[3] ^ key[1],
            p0 as u32,
        ];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the Random123 distribution (kat_vectors, philox4x32 10).
    #[test]
    fn philox_known_answers() {
        assert_eq!(philox4x32([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn streams_of_different_uses_differ() {
        let first = |p, e, i| Rng::keyed(7, p, e, i).next_u64();
        let all = [
            first(Purpose::Init, 0, 0),
            first(Purpose::Shuffle, 0, 0),
            first(Purpose::Init, 1, 0),
            first(Purpose::Init, 0, 1),
        ];
        for i in 0..all.len() {
            for j in 0..i {
                assert_ne!(all[i], all[j]);
            }
        }
    }

    #[test]
    fn moments_of_uniform_and_normal() {
        let mut rng = Rng::new(1);
        let n = 100_000;
        let (mut u1, mut z1, mut z2) = (0.0, 0.0, 0.0);
        for _ in 0..n {
            let u = rng.uniform();
            assert!((0.0..1.0).contains(&u));
            u1 += u;
            let z = rng.normal();
            z1 += z;
            z2 += z * z;
        }
        let n = n as f64;
        // Five standard errors each.
        assert!((u1 / n - 0.5).abs() < 5.0 * (1.0 / 12.0 / n).sqrt());
        assert!((z1 / n).abs() < 5.0 * (1.0 / n).sqrt());
        assert!((z2 / n - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
    }

    #[test]
    fn moments_of_beta() {
        let mut rng = Rng::new(2);
        for (a, b) in [(0.2, 0.2), (1.0, 1.0), (0.5, 2.0), (8.0, 3.0)] {
            let n = 20_000;
            let all: Vec<f64> = (0..n).map(|_| rng.beta(a, b)).collect();
            assert!(all.iter().all(|v| (0.0..=1.0).contains(v)));
            let mean = all.iter().sum::<f64>() / n as f64;
            let variance = all.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
            let expected = a * b / ((a + b) * (a + b) * (a + b + 1.0));
            // Five standard errors of the mean; of the variance at most 2 / n of it, squared.
            assert!((mean - a / (a + b)).abs() < 5.0 * (expected / n as f64).sqrt(), "{mean}");
            assert!((variance / expected - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt(), "{variance}");
        }
        assert!((0..100).all(|_| !rng.beta(1e-6, 1e-6).is_nan()));
    }

    #[test]
    fn permutation_holds_every_index_once() {
        let mut order = Rng::new(3).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(i, &v)| i == v));
    }
}
