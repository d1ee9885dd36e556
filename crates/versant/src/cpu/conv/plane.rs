//! A channel of an image, laid out for a kernel that slides over it: padded, and with the places that are a whole number
//! of strides apart next to one another.

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

    /// The place in the image that lies `beyond` places further, if there is one.
    fn place(&self, residue: usize, q: usize, beyond: usize) -> Option<usize> {
        let place = self.first + (residue + q * self.stride + beyond) as isize;
        usize::try_from(place).ok().filter(|&place| place < self.image)
    }

    /// The range of q that lies within the image.
    fn inside(&self, residue: usize) -> (usize, usize) {
        let below = |end: isize| {
            let missing = end - self.first - residue as isize;
            (missing.max(0) as usize).div_ceil(self.stride).min(self.len)
        };
        (below(0), below(self.image as isize))
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

    /// Lays out a channel of the image, the band that begins `below` rows further down.
    pub fn fill<T: Real>(&self, below: usize, image: &[T], plane: &mut [T]) {
        if self.is_image(below) {
            return plane.copy_from_slice(&image[below * self.columns.image..][..plane.len()]);
        }
        let mut lines = plane.chunks_exact_mut(self.columns.len);
        for &row_residue in &self.rows.residues {
            for &residue in &self.columns.residues {
                let (from, to) = self.columns.inside(residue);
                for q in 0..self.rows.len {
                    let Some(line) = lines.next() else { return };
                    let Some(row) = self.rows.place(row_residue, q, below).filter(|_| from < to) else {
                        line.fill(T::ZERO);
                        continue;
                    };
                    line[..from].fill(T::ZERO);
                    line[to..].fill(T::ZERO);
                    let column = self.columns.first + (residue + from * self.columns.stride) as isize;
                    let seen = &image[row * self.columns.image..][..self.columns.image][column as usize..];
                    copy_strided(seen, self.columns.stride, &mut line[from..to]);
                }
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
