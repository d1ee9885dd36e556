//! The patches of an image as an operand of a product: patch element p at place (i, j) of the result is
//! `data[starts[p] + i * row_step + j * column_step]`.

use crate::cpu::gemm::{DEPTH, Left, MatRef, Right, Rows, Run, SLACK, Vector, pack_b};
use crate::cpu::real::Real;

/// Patches as columns: the right side of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Patches<'a, T> {
    data: &'a [T],
    starts: &'a [usize],
    rows: usize,
    width: usize,
    row_step: usize,
    column_step: usize,
}

/// Copies of whole vectors that make a row of a panel: more than a panel has columns.
const MOST_COPIES: usize = 64;

impl<'a, T: Real> Patches<'a, T> {
    /// The patches at `rows` x `width` places.
    ///
    /// # Panics
    /// When a patch, or `SLACK` elements behind it, would lie outside `data`.
    pub fn new(
        data: &'a [T],
        starts: &'a [usize],
        [rows, width]: [usize; 2],
        [row_step, column_step]: [usize; 2],
    ) -> Self {
        let reach = rows.saturating_sub(1) * row_step + width.saturating_sub(1) * column_step;
        let last = starts.iter().max().map_or(0, |start| start + reach + SLACK);
        assert!(last <= data.len(), "patches up to {last} lie outside {} elements", data.len());
        // Rows without anything between them are one row.
        let [rows, width] = if row_step == width * column_step { [1, rows * width] } else { [rows, width] };
        Patches { data, starts, rows, width, row_step, column_step }
    }

    pub fn data(&self) -> &'a [T] {
        self.data
    }

    pub fn starts(&self) -> &'a [usize] {
        self.starts
    }

    /// Rows and columns of places.
    pub fn size(&self) -> [usize; 2] {
        [self.rows, self.width]
    }

    /// From a row of places, and from a place, to the next.
    pub fn steps(&self) -> [usize; 2] {
        [self.row_step, self.column_step]
    }
}

impl<T: Real> Right<T> for Patches<'_, T> {
    #[inline(always)]
    unsafe fn pack<V: Vector<Elem = T>>(
        &self,
        (p0, depth): (usize, usize),
        (j0, cols): (usize, usize),
        to: &mut [T],
        width: usize,
    ) {
        assert!(j0 + cols <= self.rows * self.width, "columns must be places");
        assert!(
            cols <= width && width <= MOST_COPIES && self.column_step == 1,
            "rows are copied by the vector"
        );
        assert!(to.len() >= depth * width + SLACK && V::LANES <= SLACK, "a panel needs slack behind it");
        // A copy may run beyond its part of a row: what comes there is written later.
        let mut copies = [(0, 0); MOST_COPIES];
        let (mut count, mut j) = (0, 0);
        while j < cols {
            let (row, column) = ((j0 + j) / self.width, (j0 + j) % self.width);
            let len = (self.width - column).min(cols - j);
            for q in (0..len).step_by(V::LANES) {
                copies[count] = (row * self.row_step + column + q, j + q);
                count += 1;
            }
            j += len;
        }
        let (copies, starts) = (&copies[..count], &self.starts[p0..p0 + depth]);
        // SAFETY: the caller promises the instructions; `new` has checked that all places are readable and `SLACK`
        // elements behind them, and so much can be written behind the panel.
        unsafe { copy_rows::<V>(self.data, starts, copies, to, width) }
    }
}

/// Copies to row p of the panel the vectors at `starts[p]`, each from its place in the data to its place in the row.
///
/// # Safety
/// The machine has V's instructions; all vectors can be read and written.
#[inline(always)]
unsafe fn copy_rows<V: Vector>(
    data: &[V::Elem],
    starts: &[usize],
    copies: &[(usize, usize)],
    to: &mut [V::Elem],
    width: usize,
) {
    let to = to.as_mut_ptr();
    // The few copies of most panels stay in registers.
    macro_rules! rows {
        ($($n:literal),*) => {
            match copies.len() {
                $($n => {
                    let copies: [(usize, usize); $n] = std::array::from_fn(|i| copies[i]);
                    for (p, &start) in starts.iter().enumerate() {
                        for (from, at) in copies {
                            V::load(data.as_ptr().add(start + from)).store(to.add(p * width + at));
                        }
                    }
                })*
                _ => for (p, &start) in starts.iter().enumerate() {
                    for &(from, at) in copies {
                        V::load(data.as_ptr().add(start + from)).store(to.add(p * width + at));
                    }
                },
            }
        };
    }
    // SAFETY: the caller's promise.
    unsafe { rows!(1, 2, 3, 4, 5, 6) }
}

/// Patches as rows, the sum running over the places: the left side of the gradient in the kernel.
#[derive(Clone, Copy)]
pub(super) struct PatchRows<'a, T> {
    data: &'a [T],
    starts: &'a [usize],
    runs: &'a [Run],
    /// The number of terms before each run, and of all.
    ends: &'a [usize],
}

impl<'a, T: Real> PatchRows<'a, T> {
    /// Row i at the terms of run r is `data[starts[i] + runs[r].at..][..runs[r].len]`.
    ///
    /// # Panics
    /// When a run would lie outside `data`, is longer than a block, or is not counted in `ends`.
    pub fn new(data: &'a [T], starts: &'a [usize], runs: &'a [Run], ends: &'a [usize]) -> Self {
        let last = runs.iter().map(|run| run.at + run.len).max().unwrap_or(0);
        let last = starts.iter().max().map_or(0, |start| start + last);
        assert!(last <= data.len(), "patches up to {last} lie outside {} elements", data.len());
        let counted = ends.len() == runs.len() + 1
            && ends.windows(2).zip(runs).all(|(e, run)| e[1] - e[0] == run.len && run.len <= DEPTH);
        assert!(counted, "runs are at most {DEPTH} long and counted");
        PatchRows { data, starts, runs, ends }
    }

    fn run_at(&self, p: usize) -> usize {
        self.ends.partition_point(|&end| end < p)
    }
}

// SAFETY: `new` has checked that all runs of all rows lie inside `data`; a block is a whole number of runs, which
// `depth` gives and `rows` asserts.
unsafe impl<T: Real> Left<T> for PatchRows<'_, T> {
    /// As many whole runs as there is room for.
    fn depth(&self, _: usize, p0: usize) -> usize {
        let end = self.ends.partition_point(|&end| end <= p0 + DEPTH);
        self.ends[end - 1] - p0
    }

    #[inline(always)]
    fn rows(&self, (i0, rows): (usize, usize), (p0, depth): (usize, usize), _: &mut [T]) -> Rows<T> {
        let (first, end) = (self.run_at(p0), self.run_at(p0 + depth));
        assert!(
            self.ends[first] == p0 && self.ends[end] == p0 + depth && i0 + rows <= self.starts.len(),
            "a block is a number of rows and of whole runs"
        );
        Rows::InRuns {
            base: self.data.as_ptr(),
            starts: self.starts[i0..].as_ptr(),
            runs: self.runs[first..].as_ptr(),
            count: end - first,
        }
    }
}

/// The channels of some images as columns, the places of one image after those of another.
#[derive(Clone, Copy)]
pub(super) struct Channels<'a, T> {
    /// From the first image's first channel on.
    pub data: &'a [T],
    pub channels: usize,
    /// The places of a channel.
    pub places: usize,
    /// From an image to the next.
    pub image_step: usize,
    /// The places in use of each image: from the first on, so many.
    pub used: (usize, usize),
}

impl<T: Real> Right<T> for Channels<'_, T> {
    #[inline(always)]
    unsafe fn pack<V: Vector<Elem = T>>(
        &self,
        (p0, depth): (usize, usize),
        j0_cols: (usize, usize),
        to: &mut [T],
        width: usize,
    ) {
        let (first, used) = self.used;
        let mut done = 0;
        while done < depth {
            let (image, place) = ((p0 + done) / used, (p0 + done) % used);
            let count = (used - place).min(depth - done);
            let data = &self.data[image * self.image_step..][..self.channels * self.places];
            let channels = MatRef::new(data, [self.places, self.channels], [1, self.places]);
            // SAFETY: the caller promises the instructions.
            unsafe {
                pack_b::<V>(&channels, (first + place, count), j0_cols, &mut to[done * width..], width)
            };
            done += count;
        }
    }
}
