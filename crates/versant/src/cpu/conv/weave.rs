//! Rows that were computed apart, one for each residue of the columns' stride, woven into rows of an image.

use crate::cpu::gemm::{Job, Vector};
use crate::cpu::real::Real;

/// Element q of a row of part i goes to place i + q stride of a row of the image.
pub(super) struct Weave<'a, T> {
    /// Rows one after another, and their length: that of the first part is the longest.
    parts: &'a [(&'a [T], usize)],
    stride: usize,
    /// Channels, and rows of each.
    size: [usize; 2],
    to: *mut T,
    /// From a channel and from a row to the next.
    steps: [usize; 2],
}

impl<'a, T: Real> Weave<'a, T> {
    /// # Safety
    /// From `to` on lie, as the steps say, rows as long as those of all parts together, which nobody else touches.
    pub unsafe fn new(
        parts: &'a [(&'a [T], usize)],
        stride: usize,
        size: [usize; 2],
        to: *mut T,
        steps: [usize; 2],
    ) -> Self {
        let rows = size[0] * size[1];
        assert!(parts.iter().all(|(part, len)| part.len() >= rows * len), "a part has all rows");
        // The residues of a stride take turns from the first on.
        assert!(
            parts.windows(2).all(|two| two[1].1 <= two[0].1) && parts[0].1 <= parts[parts.len() - 1].1 + 1
        );
        Weave { parts, stride, size, to, steps }
    }
}

impl<T: Real> Job<T> for Weave<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let ([channels, rows], [channel_step, row_step]) = (self.size, self.steps);
        for i in 0..channels * rows {
            let to = self.to.wrapping_add(i / rows * channel_step + i % rows * row_step);
            if let (2, &[(even, long), (odd, short)]) = (self.stride, self.parts) {
                let (even, odd) = (&even[i * long..][..long], &odd[i * short..][..short]);
                // SAFETY: the caller promises the instructions; the image has row i.
                unsafe { in_turns::<V>(even, odd, to) };
                continue;
            }
            for (residue, &(part, len)) in self.parts.iter().enumerate() {
                for (q, &v) in part[i * len..][..len].iter().enumerate() {
                    // SAFETY: the row of the image holds all parts.
                    unsafe { *to.add(residue + q * self.stride) = v };
                }
            }
        }
    }
}

/// The numbers of both in turns.
///
/// # Safety
/// The machine has V's instructions; `to` has room for both; `odd` is as long as `even` or one shorter.
#[inline(always)]
unsafe fn in_turns<V: Vector>(even: &[V::Elem], odd: &[V::Elem], to: *mut V::Elem) {
    for q in (0..even.len()).step_by(V::LANES) {
        let (a, b) = (V::LANES.min(even.len() - q), V::LANES.min(odd.len().saturating_sub(q)));
        let first = (a + b).min(V::LANES);
        // SAFETY: the caller's promise; only the rows' own numbers are read and written.
        unsafe {
            let even = V::load_first(even.as_ptr().add(q), a);
            let odd = V::load_first(odd.as_ptr().wrapping_add(q), b);
            let [low, high] = even.interleave(odd);
            low.store_first(to.add(2 * q), first);
            high.store_first(to.wrapping_add(2 * q + first), a + b - first);
        }
    }
}
