//! A channel of an image, laid out for a kernel that slides over it: padded, and with the places that are a whole
//! number of strides apart next to one another.

use std::ops::Range;

use crate::cpu::gemm::{Job, MOST_LANES, SLACK, Vector};
use crate::cpu::isa::Isa;
use crate::cpu::real::Real;

/// One axis: for each residue r of the stride that the kernel sees, the places first + r + q stride for q below len.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    image: usize,
    first: isize,
    stride: usize,
    residues: Vec<usize>,
    pub len: usize,
}

/// Where a tap of the kernel begins: at which residue, and at which q.
pub(super) type Tap = [usize; 2];

impl Axis {
    /// The axis of `image` places under `kernel` taps, from the place `first` on for `count` places of the result.
    pub fn new(
        image: usize,
        first: isize,
        stride: usize,
        (kernel, dilation): (usize, usize),
        count: usize,
    ) -> (Axis, Vec<Tap>) {
        let mut residues: Vec<usize> = (0..kernel).map(|u| u * dilation % stride).collect();
        residues.sort_unstable();
        residues.dedup();
        let tap = |u: usize| {
            let place = u * dilation;
            let residue = residues.partition_point(|&r| r < place % stride);
            [residue, place / stride]
        };
        let taps: Vec<Tap> = (0..kernel).map(tap).collect();
        let len = count + (kernel - 1) * dilation / stride;
        (Axis { image, first, stride, residues, len }, taps)
    }

    /// The range of q whose places, `beyond` further, lie within the image.
    fn inside(&self, residue: usize, beyond: usize) -> Range<usize> {
        let below = |end: isize| {
            let missing = end - self.first - (residue + beyond) as isize;
            (missing.max(0) as usize).div_ceil(self.stride).min(self.len)
        };
        below(0)..below(self.image as isize)
    }

    /// The place in the image of a q that is inside.
    fn place(&self, residue: usize, beyond: usize, q: usize) -> usize {
        (self.first + (residue + beyond + q * self.stride) as isize) as usize
    }
}

/// The two axes of a channel.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    pub rows: Axis,
    pub columns: Axis,
}

impl Plane {
    /// The numbers of one channel.
    pub fn len(&self) -> usize {
        self.rows.residues.len() * self.columns.residues.len() * self.rows.len * self.columns.len
    }

    /// Where the taps of a row and of a column meet.
    pub fn start(&self, [row_residue, row]: Tap, [column_residue, column]: Tap) -> usize {
        let part = row_residue * self.columns.residues.len() + column_residue;
        (part * self.rows.len + row) * self.columns.len + column
    }

    /// From a row of places to the next.
    pub fn row_step(&self) -> usize {
        self.columns.len
    }

    /// Whether the layout is the image's own: no padding, no stride.
    fn is_image(&self, below: usize) -> bool {
        let Plane { rows, columns } = self;
        let is_plain = |axis: &Axis| axis.first == 0 && axis.stride == 1;
        is_plain(rows) && is_plain(columns) && columns.len == columns.image && below + rows.len <= rows.image
    }

    /// Lays out channels of an image one after another, the band that begins `below` rows further down. Behind them,
    /// `SLACK` elements may be overwritten.
    ///
    /// # Panics
    /// When there is less room.
    pub fn fill<T: Real>(&self, isa: Isa, below: usize, image: &[T], planes: &mut [T]) {
        T::run(isa, Fill { plane: self, below, image, planes });
    }

    /// Lays out the part of a channel that has these residues, from `to` on: what lies outside of the image is 0.
    ///
    /// # Safety
    /// The machine has V's instructions, and from `to` on lie the part and `SLACK` elements.
    #[inline(always)]
    unsafe fn fill_part<V: Vector>(
        &self,
        (row, column): (usize, usize),
        below: usize,
        image: &[V::Elem],
        to: *mut V::Elem,
    ) {
        let Plane { rows, columns } = self;
        let (seen, inside) = (columns.inside(column, 0), rows.inside(row, below));
        let inside = if seen.is_empty() { 0..0 } else { inside };
        // SAFETY: a row's vectors end less than a vector behind it, in rows to come, which are written later, or in the
        // slack; of the image only the places that are seen are read.
        unsafe {
            let zeros = |from: usize, end: usize| {
                for i in (from..end).step_by(V::LANES) {
                    V::splat(V::Elem::ZERO).store(to.add(i));
                }
            };
            zeros(0, inside.start * columns.len);
            for q in inside.clone() {
                let first = q * columns.len;
                zeros(first, first + seen.start);
                let left = columns.place(column, 0, seen.start);
                let line = &image[rows.place(row, below, q) * columns.image..][left..columns.image];
                copy_strided::<V>(line, columns.stride, seen.len(), to.add(first + seen.start));
                zeros(first + seen.start + seen.len().next_multiple_of(V::LANES), first + columns.len);
            }
            zeros(inside.end * columns.len, rows.len * columns.len);
        }
    }
}

/// Channels of an image on their way into planes.
struct Fill<'a, T> {
    plane: &'a Plane,
    below: usize,
    image: &'a [T],
    planes: &'a mut [T],
}

impl<T: Real> Job<T> for Fill<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(self) {
        let Fill { plane: Plane { rows, columns }, below, .. } = self;
        let (len, part) = (self.plane.len(), rows.len * columns.len);
        let channels = self.image.chunks_exact((rows.image * columns.image).max(1));
        assert!(channels.len() * len + SLACK <= self.planes.len() && V::LANES <= SLACK, "planes need room");
        for (c, image) in channels.enumerate() {
            let to = &mut self.planes[c * len..];
            if self.plane.is_image(below) {
                to[..len].copy_from_slice(&image[below * columns.image..][..len]);
                continue;
            }
            let mut to = to.as_mut_ptr();
            for &row in &rows.residues {
                for &column in &columns.residues {
                    // SAFETY: the caller promises the instructions; the assertion, the room.
                    unsafe { self.plane.fill_part::<V>((row, column), below, image, to) };
                    to = to.wrapping_add(part);
                }
            }
        }
    }
}

/// `to[i] = from[i * stride]` for i below `count`, and zeros up to a whole vector.
///
/// # Safety
/// The machine has V's instructions, and from `to` on is room for whole vectors.
#[inline(always)]
unsafe fn copy_strided<V: Vector>(from: &[V::Elem], stride: usize, count: usize, to: *mut V::Elem) {
    let from = &from[..(count - 1) * stride + 1];
    for i in (0..count).step_by(V::LANES) {
        let (n, from) = (V::LANES.min(count - i), &from[i * stride..]);
        // SAFETY: only elements of `from` are read, and whole vectors are written.
        unsafe {
            let vector = match stride {
                1 => V::load_first(from.as_ptr(), n),
                2 => {
                    let first = V::LANES.min(from.len());
                    let second = V::LANES.min(from.len() - first);
                    let next = V::load_first(from.as_ptr().add(first), second);
                    V::load_first(from.as_ptr(), first).evens(next)
                }
                _ => {
                    let mut lanes = [V::Elem::ZERO; MOST_LANES];
                    (0..n).for_each(|q| lanes[q] = from[q * stride]);
                    V::load(lanes.as_ptr())
                }
            };
            vector.store(to.add(i));
        }
    }
}
