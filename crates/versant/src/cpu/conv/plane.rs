//! A channel of an image, laid out for a kernel that slides over it: padded, and with the places that are a whole
//! number of strides apart next to one another.

use std::ops::Range;

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

    /// Lays out channels of an image one after another, the band that begins `below` rows further down.
    pub fn fill<T: Real>(&self, below: usize, image: &[T], planes: &mut [T]) {
        let pixels = self.rows.image * self.columns.image;
        if pixels == 0 {
            // Nothing but padding.
            return planes.fill(T::ZERO);
        }
        for (image, plane) in image.chunks_exact(pixels).zip(planes.chunks_exact_mut(self.len())) {
            self.fill_channel(below, image, plane);
        }
    }

    fn fill_channel<T: Real>(&self, below: usize, image: &[T], plane: &mut [T]) {
        if self.is_image(below) {
            return plane.copy_from_slice(&image[below * self.columns.image..][..plane.len()]);
        }
        plane.fill(T::ZERO);
        let Plane { rows, columns } = self;
        let parts = rows.residues.iter().flat_map(|&r| columns.residues.iter().map(move |&c| (r, c)));
        for ((row, column), part) in parts.zip(plane.chunks_exact_mut(rows.len * columns.len)) {
            let seen = columns.inside(column, 0);
            if seen.is_empty() {
                continue;
            }
            let left = columns.place(column, 0, seen.start);
            for q in rows.inside(row, below) {
                let line = &image[rows.place(row, below, q) * columns.image..][left..columns.image];
                copy_strided(line, columns.stride, &mut part[q * columns.len..][seen.clone()]);
            }
        }
    }
}

fn copy_strided<T: Copy>(from: &[T], stride: usize, to: &mut [T]) {
    match (stride, to) {
        (1, to) => to.copy_from_slice(&from[..to.len()]),
        // Pairs are a loop for vectors.
        (2, [to @ .., last]) => {
            *last = from[2 * to.len()];
            for (to, pair) in to.iter_mut().zip(from.chunks_exact(2)) {
                *to = pair[0];
            }
        }
        (_, to) => {
            for (to, &v) in to.iter_mut().zip(from.iter().step_by(stride)) {
                *to = v;
            }
        }
    }
}
