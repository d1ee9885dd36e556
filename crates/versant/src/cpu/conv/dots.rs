//! The gradient in the kernel with places as lanes: each of its numbers is a dot product of a channel of y and of what
//! a tap sees, both read where they lie. A tile is a few channels of y times a few taps, kept in registers over all
//! places of an image. Best where y has few channels, as with depthwise convolutions, and rows fill vectors.

use std::cell::Cell;

use super::forward::{layout, starts};
use super::patches::Patches;
use super::weight::{MAX_PARTIAL, MAX_PLACES, add};
use super::{MAX_PLANES, flops, for_each_item};
use crate::cpu::gemm::{ENOUGH_ITEMS, ITEM_FLOPS, Job, SLACK, Vector};
use crate::cpu::isa::{Isa, isa, multiversion};
use crate::cpu::real::Real;
use crate::cpu::scratch::{Line, with_scratch};
use crate::cpu::threads::Shared;
use crate::device::ConvShape;

thread_local! {
    static PARTIAL: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static PLANES: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static SUMS: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// How the work is cut: the sum into chunks, of which slabs have several, channels of x into blocks.
struct Plan {
    /// Rows of y in a chunk.
    rows: usize,
    bands: usize,
    chunks: usize,
    slabs: usize,
    channels: usize,
    blocks: usize,
}

impl Plan {
    fn new(s: &ConvShape) -> Plan {
        let ([height, width], in_group) = (s.output, s.inputs / s.groups);
        let rows = (MAX_PLACES / width).clamp(1, height);
        let bands = height.div_ceil(rows);
        let chunks = s.batch * bands;
        let wanted = (flops(s) / ITEM_FLOPS).clamp(1, ENOUGH_ITEMS);
        let room = (MAX_PARTIAL / s.weight().numel()).max(1);
        let slabs = wanted.div_ceil(s.groups).min(room).min(chunks);
        let most = (MAX_PLANES / layout(s, rows).0.len()).clamp(1, in_group);
        let channels = in_group.div_ceil(wanted.div_ceil(slabs * s.groups)).clamp(1, most);
        Plan { rows, bands, chunks, slabs, channels, blocks: in_group.div_ceil(channels) }
    }
}

/// w = sum over images and places of x y, where neither w nor the sum is empty.
pub(super) fn weight<T: Real>(s: &ConvShape, x: &[T], y: &[T], w: &mut [T]) {
    let (isa, plan, total) = (isa(), Plan::new(s), w.len());
    let lanes = T::tile_shape(isa).cols / 2;
    let (in_group, out_group, kernel) =
        (s.inputs / s.groups, s.outputs / s.groups, s.kernel[0] * s.kernel[1]);
    let [pixels, places] = [s.image, s.output].map(|[h, w]| h * w);
    let (plane, taps) = layout(s, plan.rows);
    let starts = starts(plan.channels, &plane, &taps);
    with_scratch(&PARTIAL, plan.slabs * total, |partial: &mut [T]| {
        let out = Shared::new(partial);
        for_each_item(s, plan.slabs * s.groups * plan.blocks, &|item| {
            let (rest, block) = (item / plan.blocks, item % plan.blocks);
            let (slab, group) = (rest / s.groups, rest % s.groups);
            let first = block * plan.channels;
            let channels = plan.channels.min(in_group - first);
            let starts = &starts[..channels * kernel];
            with_scratch(&SUMS, out_group * starts.len() * lanes, |sums: &mut [T]| {
                sums.fill(T::ZERO);
                for chunk in plan.chunks * slab / plan.slabs..plan.chunks * (slab + 1) / plan.slabs {
                    let (n, top) = (chunk / plan.bands, chunk % plan.bands * plan.rows);
                    let size = [plan.rows.min(s.output[0] - top), s.output[1]];
                    with_scratch(&PLANES, channels * plane.len() + SLACK, |planes: &mut [T]| {
                        let of_x = (n * s.inputs + group * in_group + first) * pixels;
                        let image = &x[of_x..][..channels * pixels];
                        plane.fill(top * s.stride[0], image, planes);
                        let patches = Patches::new(planes, starts, size, [plane.row_step(), 1]);
                        let of_y = (n * s.outputs + group * out_group) * places + top * size[1];
                        T::run(isa, Dots::new(isa, patches, (&y[of_y..], places, out_group), sums));
                    });
                }
                let at = slab * total + (group * out_group * in_group + first) * kernel;
                for (o, sums) in sums.chunks_exact(starts.len() * lanes).enumerate() {
                    let row = out.get().wrapping_add(at + o * in_group * kernel);
                    // SAFETY: each item has its own slab, group and channels of x: of each row of w its own part.
                    let row = unsafe { std::slice::from_raw_parts_mut(row, starts.len()) };
                    add_lanes(isa, sums, lanes, row);
                }
            });
        });
        let (sum, rest) = partial.split_at_mut(total);
        rest.chunks_exact(total).for_each(|part| add(isa, sum, part));
        w.copy_from_slice(sum);
    });
}

multiversion! {
    /// The sum of each vector of lanes, added pairwise.
    fn add_lanes[T: Real](sums: &[T], lanes: usize, out: &mut [T]) {
        match lanes {
            16 => fold::<T, 16>(sums, out),
            8 => fold::<T, 8>(sums, out),
            4 => fold::<T, 4>(sums, out),
            2 => fold::<T, 2>(sums, out),
            _ => unreachable!("vectors have 2 to 16 lanes, not {lanes}"),
        }
    }
}

#[inline(always)]
fn fold<T: Real, const N: usize>(sums: &[T], out: &mut [T]) {
    for (out, sums) in out.iter_mut().zip(sums.as_chunks::<N>().0) {
        let (mut lanes, mut half) = (*sums, N / 2);
        while half > 0 {
            for lane in 0..half {
                let other = lanes[lane + half];
                lanes[lane] += other;
            }
            half /= 2;
        }
        *out = lanes[0];
    }
}

/// Adds to the sums, a vector for each channel of y and element of a patch, the products at all places.
struct Dots<'a, 'b, T> {
    patches: Patches<'a, T>,
    /// Channels of y, so many, each so far from the one before.
    y: (&'a [T], usize, usize),
    sums: &'b mut [T],
    /// Rows of the registers' tile.
    tall: usize,
}

impl<'a, 'b, T: Real> Dots<'a, 'b, T> {
    fn new(isa: Isa, patches: Patches<'a, T>, y: (&'a [T], usize, usize), sums: &'b mut [T]) -> Self {
        let [rows, width] = patches.size();
        assert!((y.2 - 1) * y.1 + rows * width <= y.0.len(), "y has a number for each place");
        assert_eq!(patches.steps()[1], 1, "neighbours are neighbours in memory");
        Dots { patches, y, sums, tall: T::tile_shape(isa).rows }
    }
}

impl<T: Real> Job<T> for Dots<'_, '_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector<Elem = T>>(mut self) {
        let (channels, taps) = (self.y.2, self.patches.starts().len());
        assert_eq!(self.sums.len(), channels * taps * V::LANES, "a vector for each pair");
        // With 32 registers 20 sums, with 16 registers 8.
        let [high, wide] = if self.tall == 8 { [4, 5] } else { [2, 4] };
        let (panels, parts) = (channels.div_ceil(high), taps.div_ceil(wide));
        for panel in 0..panels {
            let o = channels * panel / panels;
            let rows = channels * (panel + 1) / panels - o;
            for part in 0..parts {
                let p = taps * part / parts;
                let columns = taps * (part + 1) / parts - p;
                macro_rules! tiles {
                    ($($m:literal $n:literal),*) => {
                        match (rows, columns) {
                            $(($m, $n) => self.tile::<V, $m, $n>(o, p),)*
                            _ => unreachable!("a tile has 1 to 4 x 1 to 5 sums, not {rows} x {columns}"),
                        }
                    };
                }
                // SAFETY: the caller promises the instructions; there are these channels and taps.
                unsafe {
                    tiles!(1 1, 1 2, 1 3, 1 4, 1 5, 2 1, 2 2, 2 3, 2 4, 2 5, 3 1, 3 2, 3 3, 3 4, 3 5, 4 1, 4 2, 4 3,
                        4 4, 4 5);
                }
            }
        }
    }
}

impl<T: Real> Dots<'_, '_, T> {
    /// M channels of y from `o` on and N elements of a patch from `p` on.
    ///
    /// # Safety
    /// The machine has V's instructions; there are these channels and elements.
    #[inline(always)]
    unsafe fn tile<V: Vector<Elem = T>, const M: usize, const N: usize>(&mut self, o: usize, p: usize) {
        let (patches, (y, y_step, _)) = (&self.patches, self.y);
        let ([rows, width], [row_step, _], k) = (patches.size(), patches.steps(), patches.starts().len());
        let sum = |i: usize, j: usize| ((o + i) * k + p + j) * V::LANES;
        // SAFETY: `new` and `run` have checked the lengths of y and of the sums, and patches lie inside their data; of
        // the last vector of a row only its own places are read.
        unsafe {
            let mut sums: [[V; N]; M] =
                std::array::from_fn(|i| std::array::from_fn(|j| V::load(self.sums.as_ptr().add(sum(i, j)))));
            let mut seen: [*const T; N] =
                std::array::from_fn(|j| patches.data().as_ptr().add(patches.starts()[p + j]));
            let mut y: [*const T; M] = std::array::from_fn(|i| y.as_ptr().add((o + i) * y_step));
            let add = |sums: &mut [[V; N]; M], x: [V; N], y: [V; M]| {
                for (sums, &y) in sums.iter_mut().zip(&y) {
                    for (sum, &x) in sums.iter_mut().zip(&x) {
                        *sum = y.mul_add(x, *sum);
                    }
                }
            };
            let (whole, rest) = (width / V::LANES * V::LANES, width % V::LANES);
            for _ in 0..rows {
                for q in (0..whole).step_by(V::LANES) {
                    add(&mut sums, seen.map(|x| V::load(x.add(q))), y.map(|y| V::load(y.add(q))));
                }
                if rest > 0 {
                    let first = |p: *const T| V::load_first(p.add(whole), rest);
                    add(&mut sums, seen.map(first), y.map(first));
                }
                seen = seen.map(|x| x.wrapping_add(row_step));
                y = y.map(|y| y.wrapping_add(width));
            }
            for (i, sums) in sums.into_iter().enumerate() {
                for (j, value) in sums.into_iter().enumerate() {
                    value.store(self.sums.as_mut_ptr().add(sum(i, j)));
                }
            }
        }
    }
}
