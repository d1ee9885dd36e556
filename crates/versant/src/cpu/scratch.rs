//! Memory that each thread keeps from call to call, so that kernels do not allocate.

use std::cell::Cell;
use std::thread::LocalKey;

use super::real::Real;

/// Memory that starts on a cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line([f64; 8]);

// SAFETY: eight f64 without padding; all bit patterns are valid.
unsafe impl bytemuck::Zeroable for Line {}
// SAFETY: as above.
unsafe impl bytemuck::Pod for Line {}

/// Calls `run` with `len` elements of the memory in `key`; their content is arbitrary. A call for the same key
/// inside `run` gets memory of its own.
#[inline(always)]
pub(crate) fn with_scratch<T: Real>(
    key: &'static LocalKey<Cell<Vec<Line>>>,
    len: usize,
    run: impl FnOnce(&mut [T]),
) {
    let lines = len.div_ceil(size_of::<Line>() / size_of::<T>());
    let mut memory = key.take();
    if memory.len() < lines {
        memory.resize(lines, bytemuck::Zeroable::zeroed());
    }
    run(&mut bytemuck::cast_slice_mut(&mut memory)[..len]);
    key.set(memory);
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static KEY: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    }

    #[test]
    fn memory_is_aligned_and_reused() {
        let mut first: *const f32 = std::ptr::null();
        with_scratch(&KEY, 1001, |x: &mut [f32]| first = x.as_ptr());
        assert!(first.cast::<Line>().is_aligned());
        with_scratch(&KEY, 500, |x: &mut [f64]| {
            assert_eq!((x.len(), x.as_ptr().cast()), (500, first));
            with_scratch(&KEY, 3, |y: &mut [f32]| assert_ne!(y.as_ptr(), first));
        });
        with_scratch(&KEY, 0, |x: &mut [f32]| assert!(x.is_empty()));
    }
}
