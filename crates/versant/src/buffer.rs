//! Memory: one 64-byte aligned block of any element type, from a pool by size.
//!
//! Training asks for the same sizes step after step. A block that falls free goes back to the pool and comes
//! out again with its old contents, so a step neither calls the system's allocator for large blocks nor clears
//! memory that a kernel overwrites anyway. Sizes are rounded up to four steps between powers of two, so that batches
//! and sentences of slightly different lengths share blocks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use bytemuck::{Pod, Zeroable};

use crate::dtype::{DType, Element};

/// One cache line; the unit of allocation, so that every buffer starts at a multiple of 64 bytes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

const ZERO_LINE: Line = Line([0; 64]);

/// Blocks smaller than this many lines are cheaper from the system's allocator than from the pool.
const POOLED_LINES: usize = 64;

/// The pool keeps at most this many bytes; beyond, the blocks that have lain there longest go back to the system.
const POOL_LIMIT: usize = 256 << 20;

/// The elements of an array, in memory order.
pub struct Buffer {
    lines: Vec<Line>,
    dtype: DType,
    len: usize,
}

impl Buffer {
    /// `len` elements with arbitrary but initialised contents: for kernels that write every element.
    pub(crate) fn recycled(dtype: DType, len: usize) -> Buffer {
        let lines = Pool::take((len * dtype.size()).div_ceil(64));
        Buffer { lines, dtype, len }
    }

    /// `len` zeros.
    pub(crate) fn zeros(dtype: DType, len: usize) -> Buffer {
        let mut buffer = Buffer::recycled(dtype, len);
        buffer.bytes_mut().fill(0);
        buffer
    }

    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The elements.
    ///
    /// # Panics
    /// When `T` is not the buffer's element type.
    #[track_caller]
    pub(crate) fn as_slice<T: Element>(&self) -> &[T::Repr] {
        assert_eq!(T::DTYPE, self.dtype, "buffer of {}, read as {}", self.dtype, T::DTYPE);
        bytemuck::cast_slice(self.bytes())
    }

    /// The elements, to be written.
    #[track_caller]
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> &mut [T::Repr] {
        assert_eq!(T::DTYPE, self.dtype, "buffer of {}, written as {}", self.dtype, T::DTYPE);
        bytemuck::cast_slice_mut(self.bytes_mut())
    }

    /// The memory of the elements, in the machine's byte order.
    pub(crate) fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.lines)[..self.len * self.dtype.size()]
    }

    /// The memory of the elements, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len * self.dtype.size()]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        Pool::give(std::mem::take(&mut self.lines));
    }
}

/// Free blocks by their size, each with the time at which it came; the oldest of a size in front.
#[derive(Default)]
struct Pool {
    free: BTreeMap<usize, VecDeque<(u64, Vec<Line>)>>,
    bytes: usize,
    time: u64,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

impl Pool {
    /// A block of at least so many lines. The one that fell free last comes out first: it may still be in the cache.
    fn take(lines: usize) -> Vec<Line> {
        if lines < POOLED_LINES {
            return vec![ZERO_LINE; lines];
        }
        let lines = lines.next_multiple_of(1 << (lines.ilog2() - 2));
        let mut pool = POOL.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(pool) = pool.as_mut()
            && let Some((_, block)) = pool.free.get_mut(&lines).and_then(VecDeque::pop_back)
        {
            pool.bytes -= lines * 64;
            return block;
        }
        drop(pool);
        vec![ZERO_LINE; lines]
    }

    fn give(block: Vec<Line>) {
        let bytes = block.len() * 64;
        if block.len() < POOLED_LINES || bytes > POOL_LIMIT {
            return;
        }
        let mut pool = POOL.lock().unwrap_or_else(|e| e.into_inner());
        let pool = pool.get_or_insert_default();
        while pool.bytes + bytes > POOL_LIMIT {
            pool.forget_oldest();
        }
        pool.bytes += bytes;
        pool.time += 1;
        pool.free.entry(block.len()).or_default().push_back((pool.time, block));
    }

    /// A block that nobody has asked for in the time in which all others were used may never be asked for again.
    fn forget_oldest(&mut self) {
        let oldest = self.free.values_mut().filter(|blocks| !blocks.is_empty());
        let oldest = oldest.min_by_key(|blocks| blocks[0].0).and_then(VecDeque::pop_front);
        self.bytes -= oldest.map_or(self.bytes, |(_, block)| block.len() * 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_sized() {
        for len in [0, 1, 15, 16, 17, 5000] {
            let mut buffer = Buffer::zeros(DType::F32, len);
            assert_eq!(buffer.as_slice::<f32>().len(), len);
            assert!(len == 0 || (buffer.as_slice::<f32>().as_ptr() as usize).is_multiple_of(64));
            buffer.as_mut_slice::<f32>().fill(1.0);
            drop(buffer);
            // A block that comes back from the pool is cleared when zeros are asked for.
            assert!(Buffer::zeros(DType::F32, len).as_slice::<f32>().iter().all(|&v| v == 0.0));
        }
    }

    #[test]
    fn sizes_near_one_another_share_blocks() {
        let block = |lines: usize| Pool::take(lines).len();
        assert_eq!([63, 64, 65, 80, 81, 127, 129].map(block), [63, 64, 80, 80, 96, 128, 160]);
        assert_eq!(block(1_000_003), 1_048_576);
        for lines in POOLED_LINES..5000 {
            assert!((lines..=lines * 5 / 4).contains(&block(lines)), "{lines} lines in {}", block(lines));
        }
    }

    #[test]
    fn the_pool_forgets_what_is_oldest() {
        let mut pool = Pool { bytes: 3 * 64 * 64 + 128 * 64, time: 4, ..Pool::default() };
        for (time, lines) in [(1, 64), (2, 128), (3, 64), (4, 64)] {
            pool.free.entry(lines).or_default().push_back((time, vec![ZERO_LINE; lines]));
        }
        let mut times = Vec::new();
        while pool.bytes > 0 {
            let of = |pool: &Pool| pool.free.values().flatten().map(|(time, _)| *time).collect::<Vec<_>>();
            let before = of(&pool);
            pool.forget_oldest();
            let after = of(&pool);
            times.extend(before.into_iter().filter(|time| !after.contains(time)));
        }
        assert_eq!(times, [1, 2, 3, 4]);
    }

    #[test]
    #[should_panic(expected = "buffer of f32, read as i64")]
    fn reading_another_type_is_refused() {
        Buffer::zeros(DType::F32, 2).as_slice::<i64>();
    }
}
