//! One trait for the vectors of all instruction sets: what the tile kernel and packing need, nothing more.

use crate::cpu::real::Real;

/// No vector has more lanes.
const MOST_LANES: usize = 64;

/// A register of lanes.
///
/// # Safety
/// Every method requires that the machine has the instructions, and of pointers that they are valid for the
/// lanes touched (all, or the first `n` <= `LANES`). No alignment is required.
pub trait Vector: Copy {
    type Elem: Real;
    const LANES: usize;
    unsafe fn splat(x: Self::Elem) -> Self;
    unsafe fn load(p: *const Self::Elem) -> Self;
    unsafe fn store(self, p: *mut Self::Elem);
    /// `self * b + c`, with one rounding where the instruction set has it.
    unsafe fn mul_add(self, b: Self, c: Self) -> Self;
    unsafe fn add(self, b: Self) -> Self;
    unsafe fn sub(self, b: Self) -> Self;
    unsafe fn mul(self, b: Self) -> Self;
    /// max(x, 0), NaN stays NaN.
    unsafe fn relu(self) -> Self;

    /// Asks for the cache line of `p`, which may be any address.
    #[inline(always)]
    fn prefetch(_p: *const Self::Elem) {}

    /// The sum of the lanes: both halves are added until one lane is left.
    #[inline(always)]
    unsafe fn sum(self) -> Self::Elem {
        let mut lanes = [Self::Elem::ZERO; 64];
        // SAFETY: LANES <= 64 elements at `lanes` are writable.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut left = Self::LANES;
        while left > 1 {
            left /= 2;
            for i in 0..left {
                lanes[i] += lanes[left + i];
            }
        }
        lanes[0]
    }

    /// The first `n` lanes; the others are zero.
    #[inline(always)]
    unsafe fn load_first(p: *const Self::Elem, n: usize) -> Self {
        let mut lanes = [Self::Elem::ZERO; 64];
        // SAFETY: `n` <= LANES <= 64 elements at `p` are readable.
        unsafe {
            std::ptr::copy_nonoverlapping(p, lanes.as_mut_ptr(), n);
            Self::load(lanes.as_ptr())
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, p: *mut Self::Elem, n: usize) {
        let mut lanes = [Self::Elem::ZERO; 64];
        // SAFETY: `n` <= LANES <= 64 elements at `p` are writable.
        unsafe {
            self.store(lanes.as_mut_ptr());
            std::ptr::copy_nonoverlapping(lanes.as_ptr(), p, n);
        }
    }

    /// The lanes of `self` and of `other` in turns.
    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> [Self; 2] {
        let (mut a, mut b) = ([Self::Elem::ZERO; MOST_LANES], [Self::Elem::ZERO; MOST_LANES]);
        let mut lanes = [Self::Elem::ZERO; 2 * MOST_LANES];
        // SAFETY: both vectors have LANES <= MOST_LANES elements.
        unsafe {
            self.store(a.as_mut_ptr());
            other.store(b.as_mut_ptr());
            for i in 0..Self::LANES {
                (lanes[2 * i], lanes[2 * i + 1]) = (a[i], b[i]);
            }
            [Self::load(lanes.as_ptr()), Self::load(lanes.as_ptr().add(Self::LANES))]
        }
    }

    /// Writes the transpose of a LANES x LANES block: `to[j][i] = row(i)[j]`, rows of `to` being `stride` elements
    /// apart.
    #[inline(always)]
    unsafe fn transpose(row: impl Fn(usize) -> *const Self::Elem, to: *mut Self::Elem, stride: usize) {
        for i in 0..Self::LANES {
            let row = row(i);
            for j in 0..Self::LANES {
                // SAFETY: the caller promises both blocks.
                unsafe { *to.add(j * stride + i) = *row.add(j) };
            }
        }
    }
}

/// Lanes for any machine, which the compiler maps to the vectors of its baseline. `FUSED` is for baselines with
/// fused multiply-add, as on ARM; elsewhere that would be a slow function call.
#[derive(Clone, Copy)]
pub struct Portable<T, const N: usize, const FUSED: bool>([T; N]);

impl<T: Real, const N: usize, const FUSED: bool> Vector for Portable<T, N, FUSED> {
    type Elem = T;
    const LANES: usize = N;

    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Portable([x; N])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller promises N readable elements.
        Portable(unsafe { p.cast::<[T; N]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the caller promises N writable elements.
        unsafe { p.cast::<[T; N]>().write_unaligned(self.0) }
    }
    #[inline(always)]
    unsafe fn mul_add(self, b: Self, c: Self) -> Self {
        let mul_add = |x: T, y: T, z: T| if FUSED { x.mul_add(y, z) } else { x * y + z };
        Portable(std::array::from_fn(|i| mul_add(self.0[i], b.0[i], c.0[i])))
    }
    #[inline(always)]
    unsafe fn add(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] + b.0[i]))
    }
    #[inline(always)]
    unsafe fn sub(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] - b.0[i]))
    }
    #[inline(always)]
    unsafe fn mul(self, b: Self) -> Self {
        Portable(std::array::from_fn(|i| self.0[i] * b.0[i]))
    }
    #[inline(always)]
    unsafe fn relu(self) -> Self {
        Portable(self.0.map(|x| if T::ZERO > x { T::ZERO } else { x }))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    /// The methods whose intrinsics differ only in name.
    macro_rules! simple_methods {
        ($splat:ident $load:ident $store:ident $fma:ident $add:ident $sub:ident $mul:ident $max:ident $zero:ident) => {
            #[inline(always)]
            unsafe fn splat(x: Self::Elem) -> Self {
                // SAFETY: as the trait says.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            unsafe fn load(p: *const Self::Elem) -> Self {
                // SAFETY: as the trait says.
                unsafe { $load(p) }
            }
            #[inline(always)]
            unsafe fn store(self, p: *mut Self::Elem) {
                // SAFETY: as the trait says.
                unsafe { $store(p, self) }
            }
            #[inline(always)]
            unsafe fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: as the trait says.
                unsafe { $fma(self, b, c) }
            }
            #[inline(always)]
            unsafe fn add(self, b: Self) -> Self {
                // SAFETY: as the trait says.
                unsafe { $add(self, b) }
            }
            #[inline(always)]
            unsafe fn sub(self, b: Self) -> Self {
                // SAFETY: as the trait says.
                unsafe { $sub(self, b) }
            }
            #[inline(always)]
            unsafe fn mul(self, b: Self) -> Self {
                // SAFETY: as the trait says.
                unsafe { $mul(self, b) }
            }
            #[inline(always)]
            unsafe fn relu(self) -> Self {
                // With a NaN this instruction gives its second operand.
                // SAFETY: as the trait says.
                unsafe { $max($zero(), self) }
            }
            #[inline(always)]
            fn prefetch(p: *const Self::Elem) {
                // SAFETY: a hint, which touches no memory; the instruction belongs to every x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
            }
        };
    }

    impl Vector for __m256 {
        type Elem = f32;
        const LANES: usize = 8;
        simple_methods!(_mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps
            _mm256_max_ps _mm256_setzero_ps);

        #[inline(always)]
        unsafe fn load_first(p: *const f32, n: usize) -> Self {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm256_maskload_ps(p, first_of_8(n)) }
        }
        #[inline(always)]
        unsafe fn store_first(self, p: *mut f32, n: usize) {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm256_maskstore_ps(p, first_of_8(n), self) }
        }
        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            // SAFETY: as the trait says. Lanes take turns within 128-bit parts, which then change places.
            unsafe {
                let (low, high) = (_mm256_unpacklo_ps(self, other), _mm256_unpackhi_ps(self, other));
                [_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high)]
            }
        }
        #[inline(always)]
        unsafe fn transpose(row: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
            // SAFETY: as the trait says.
            unsafe { transpose_8x8(row, to, stride) }
        }
    }

    /// All bits of the first `n` lanes.
    #[inline(always)]
    unsafe fn first_of_8(n: usize) -> __m256i {
        const ONES_THEN_ZEROS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        // SAFETY: the machine has the instruction; `n` <= 8 leaves eight numbers.
        unsafe { _mm256_loadu_si256(ONES_THEN_ZEROS.as_ptr().add(8 - n).cast()) }
    }

    impl Vector for __m256d {
        type Elem = f64;
        const LANES: usize = 4;
        simple_methods!(_mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_fmadd_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd
            _mm256_max_pd _mm256_setzero_pd);
    }

    impl Vector for __m512d {
        type Elem = f64;
        const LANES: usize = 8;
        simple_methods!(_mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_fmadd_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd
            _mm512_max_pd _mm512_setzero_pd);

        #[inline(always)]
        unsafe fn load_first(p: *const f64, n: usize) -> Self {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm512_maskz_loadu_pd(((1u32 << n) - 1) as __mmask8, p) }
        }
        #[inline(always)]
        unsafe fn store_first(self, p: *mut f64, n: usize) {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm512_mask_storeu_pd(p, ((1u32 << n) - 1) as __mmask8, self) }
        }
    }

    impl Vector for __m512 {
        type Elem = f32;
        const LANES: usize = 16;
        simple_methods!(_mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps
            _mm512_max_ps _mm512_setzero_ps);

        #[inline(always)]
        unsafe fn load_first(p: *const f32, n: usize) -> Self {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm512_maskz_loadu_ps(((1u32 << n) - 1) as __mmask16, p) }
        }
        #[inline(always)]
        unsafe fn store_first(self, p: *mut f32, n: usize) {
            // SAFETY: as the trait says; lanes outside the mask are not touched.
            unsafe { _mm512_mask_storeu_ps(p, ((1u32 << n) - 1) as __mmask16, self) }
        }
        #[inline(always)]
        unsafe fn interleave(self, other: Self) -> [Self; 2] {
            // SAFETY: as the trait says.
            unsafe {
                let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let high = _mm512_add_epi32(low, _mm512_set1_epi32(8));
                [_mm512_permutex2var_ps(self, low, other), _mm512_permutex2var_ps(self, high, other)]
            }
        }
        #[inline(always)]
        unsafe fn transpose(row: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
            // SAFETY: as the trait says.
            unsafe { transpose_16x16(row, to, stride) }
        }
    }

    /// Four rows of 8 become, in both 128-bit parts, a transposed 4 x 4 block; then parts change places.
    #[inline(always)]
    unsafe fn transpose_8x8(row: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
        // SAFETY: the caller promises the instructions and both blocks.
        unsafe {
            let mut rows = [_mm256_setzero_ps(); 8];
            for q in 0..2 {
                let [a, b, c, d] = std::array::from_fn(|i| _mm256_loadu_ps(row(4 * q + i)));
                let (ab_low, ab_high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                rows[4 * q] = _mm256_shuffle_ps::<0x44>(ab_low, cd_low);
                rows[4 * q + 1] = _mm256_shuffle_ps::<0xee>(ab_low, cd_low);
                rows[4 * q + 2] = _mm256_shuffle_ps::<0x44>(ab_high, cd_high);
                rows[4 * q + 3] = _mm256_shuffle_ps::<0xee>(ab_high, cd_high);
            }
            for i in 0..4 {
                let (a, b) = (rows[i], rows[4 + i]);
                _mm256_storeu_ps(to.add(i * stride), _mm256_permute2f128_ps::<0x20>(a, b));
                _mm256_storeu_ps(to.add((4 + i) * stride), _mm256_permute2f128_ps::<0x31>(a, b));
            }
        }
    }

    /// Four rows of 16 become, in every 128-bit part, a transposed 4 x 4 block; two rounds of shuffling whole
    /// parts then finish the 16 x 16 transpose.
    #[inline(always)]
    unsafe fn transpose_16x16(row: impl Fn(usize) -> *const f32, to: *mut f32, stride: usize) {
        // SAFETY: the caller promises the instructions and both blocks.
        unsafe {
            let mut rows = [_mm512_setzero_ps(); 16];
            for q in 0..4 {
                let [a, b, c, d] = std::array::from_fn(|i| _mm512_loadu_ps(row(4 * q + i)));
                let (ab_low, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
                let (cd_low, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
                rows[4 * q] = _mm512_shuffle_ps::<0x44>(ab_low, cd_low);
                rows[4 * q + 1] = _mm512_shuffle_ps::<0xee>(ab_low, cd_low);
                rows[4 * q + 2] = _mm512_shuffle_ps::<0x44>(ab_high, cd_high);
                rows[4 * q + 3] = _mm512_shuffle_ps::<0xee>(ab_high, cd_high);
            }
            for i in 0..4 {
                let (a, b, c, d) = (rows[i], rows[4 + i], rows[8 + i], rows[12 + i]);
                let (ab_even, ab_odd) =
                    (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
                let (cd_even, cd_odd) =
                    (_mm512_shuffle_f32x4::<0x88>(c, d), _mm512_shuffle_f32x4::<0xdd>(c, d));
                let out = |row: usize| to.add(row * stride);
                _mm512_storeu_ps(out(i), _mm512_shuffle_f32x4::<0x88>(ab_even, cd_even));
                _mm512_storeu_ps(out(4 + i), _mm512_shuffle_f32x4::<0x88>(ab_odd, cd_odd));
                _mm512_storeu_ps(out(8 + i), _mm512_shuffle_f32x4::<0xdd>(ab_even, cd_even));
                _mm512_storeu_ps(out(12 + i), _mm512_shuffle_f32x4::<0xdd>(ab_odd, cd_odd));
            }
        }
    }
}
