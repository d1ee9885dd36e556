//! Cross-entropy fused with the softmax of its logits, and its gradient. The classes of a sample lie in a row or, where
//! an image has a label at each of its places, a plane apart; then the loops are over places.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::reduce::max_of_row;
use super::softmax::{FEW, affine, each_row, exponentials, log_sum_exp};
use super::threads::for_each_piece;

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Neighbouring places whose sums are kept at a time: some vectors of them.
const PLACES: usize = 64;

/// How logits [n, classes, places] lie, and the label smoothing.
#[derive(Clone, Copy, Debug)]
pub struct Classes {
    /// Classes of a sample.
    pub classes: usize,
    /// Samples whose logits of one class lie next to one another.
    pub places: usize,
    /// Probability mass taken from the label and spread evenly over all classes.
    pub smoothing: f64,
}

impl Classes {
    fn check(&self, logits: usize, samples: usize) {
        assert_eq!(logits, samples * self.classes, "{samples} samples of {} classes", self.classes);
        assert!(
            samples == 0 || samples.is_multiple_of(self.places),
            "whole images of {} places",
            self.places
        );
    }

    /// 1 - s, and the part of s that each class gets.
    fn shares<T: Real>(&self) -> [T; 2] {
        [1.0 - self.smoothing, self.smoothing / self.classes as f64].map(T::from_f64)
    }
}

/// One loss a sample: logsumexp(x) - (1 - s) x_label - s mean(x), each x taken relative to the largest.
///
/// # Panics
/// If the lengths do not fit or a label is no class.
pub fn cross_entropy<T: Real>(of: Classes, x: &[T], labels: &[i64], losses: &mut [T]) {
    of.check(x.len(), losses.len());
    match of.places {
        0 => (),
        1 if of.classes <= FEW => losses_of_short_rows(of, x, labels, losses),
        1 => losses_of_rows(of, x, labels, losses),
        _ => losses_of_planes(of, x, labels, losses),
    }
}

/// g (softmax(x) - target) for the g of each sample.
///
/// # Panics
/// If the lengths do not fit or a label is no class.
pub fn cross_entropy_backward<T: Real>(of: Classes, x: &[T], labels: &[i64], g: &[T], out: &mut [T]) {
    of.check(out.len(), g.len());
    match of.places {
        0 => (),
        // Some rows at a time are turned to planes.
        1 if of.classes <= FEW => gradients_of_short_rows(of, x, labels, g, out),
        1 => gradients_of_rows(of, x, labels, g, out),
        _ => gradients_of_planes(of, x, labels, g, out),
    }
}

fn losses_of_rows<T: Real>(of: Classes, x: &[T], labels: &[i64], losses: &mut [T]) {
    let (isa, cols) = (isa(), of.classes);
    let (rows, [certain, share]) = (PIECE.div_ceil(cols), of.shares::<T>());
    for_each_piece(losses, rows, |piece, losses| {
        let mut scratch = vec![T::ZERO; cols];
        for (i, loss) in losses.iter_mut().enumerate() {
            let row = piece * rows + i;
            let x = &x[row * cols..][..cols];
            let (top, log_sum) = log_sum_exp(isa, x, &mut scratch);
            *loss = log_sum + certain * (top - x[labels[row] as usize]);
            // Without smoothing an infinite logit of another class must not turn the loss into NaN.
            if of.smoothing != 0.0 {
                *loss += share * x.iter().fold(T::ZERO, |sum, &x| sum + (top - x));
            }
        }
    });
}

fn gradients_of_rows<T: Real>(of: Classes, x: &[T], labels: &[i64], g: &[T], out: &mut [T]) {
    let (isa, cols, [certain, share]) = (isa(), of.classes, of.shares::<T>());
    each_row(out, cols, |row, out| {
        let (x, g) = (&x[row * cols..][..cols], g[row]);
        let sum = exponentials(isa, x, max_of_row(isa, x), out);
        affine(isa, out, g / sum, -(g * share));
        let hit = &mut out[labels[row] as usize];
        *hit = *hit - g * certain;
    });
}

/// out[j, i] = x[i, j] for x [rows, cols].
fn transpose<T: Copy>(x: &[T], rows: usize, cols: usize, out: &mut [T]) {
    for (i, row) in x.chunks_exact(cols).enumerate() {
        row.iter().enumerate().for_each(|(j, &x)| out[j * rows + i] = x);
    }
}

fn losses_of_short_rows<T: Real>(of: Classes, x: &[T], labels: &[i64], losses: &mut [T]) {
    let isa = isa();
    for_each_piece(losses, PLACES, |piece, losses| {
        let (first, rows) = (piece * PLACES, losses.len());
        let (x, mut planes) = (&x[first * of.classes..][..rows * of.classes], [T::ZERO; FEW * PLACES]);
        transpose(x, rows, of.classes, &mut planes);
        Places::new().losses(isa, Classes { places: rows, ..of }, &planes, &labels[first..], losses);
    });
}

fn gradients_of_short_rows<T: Real>(of: Classes, x: &[T], labels: &[i64], g: &[T], out: &mut [T]) {
    let (isa, cols) = (isa(), of.classes);
    for_each_piece(out, PLACES * cols, |piece, out| {
        let (first, rows) = (piece * PLACES, out.len() / cols);
        let [mut planes, mut slopes] = [(); 2].map(|()| [T::ZERO; FEW * PLACES]);
        transpose(&x[first * cols..][..out.len()], rows, cols, &mut planes);
        let of = Classes { places: rows, ..of };
        Places::new().gradients(isa, of, &planes, &labels[first..], &g[first..][..rows], &mut slopes);
        transpose(&slopes[..out.len()], cols, rows, out);
    });
}

multiversion! {
    /// The larger of each pair; NaN if either is.
    fn raise[T: Real](top: &mut [T], x: &[T]) {
        for (top, &x) in top.iter_mut().zip(x) {
            *top = if *top > x || top.is_nan() { *top } else { x };
        }
    }
}

multiversion! {
    /// Adds e^(x - top), which is also written to `out`.
    fn add_exponentials[T: Real](x: &[T], top: &[T], sum: &mut [T], out: &mut [T]) {
        for (((sum, out), &x), &top) in sum.iter_mut().zip(out).zip(x).zip(top) {
            *out = (x - top).exp();
            *sum += *out;
        }
    }
}

multiversion! {
    /// Adds top - x.
    fn add_distances[T: Real](x: &[T], top: &[T], sum: &mut [T]) {
        for ((sum, &x), &top) in sum.iter_mut().zip(x).zip(top) {
            *sum += top - x;
        }
    }
}

multiversion! {
    fn logarithms[T: Real](x: &mut [T]) {
        for x in x.iter_mut() {
            *x = x.ln();
        }
    }
}

multiversion! {
    /// out = out (g / sum) - g share.
    fn scale[T: Real](g: &[T], sum: &[T], share: T, out: &mut [T]) {
        for ((out, &g), &sum) in out.iter_mut().zip(g).zip(sum) {
            *out = *out * (g / sum) + -(g * share);
        }
    }
}

/// Memory for numbers of neighbouring places.
struct Places<T> {
    top: [T; PLACES],
    sum: [T; PLACES],
    distances: [T; PLACES],
}

impl<T: Real> Places<T> {
    fn new() -> Places<T> {
        let zeros = || [T::ZERO; PLACES];
        Places { top: zeros(), sum: zeros(), distances: zeros() }
    }

    /// The largest logits of the first `len` places of x, whose classes lie `of.places` apart.
    fn tops(&mut self, isa: Isa, of: Classes, x: &[T], len: usize) {
        let top = &mut self.top[..len];
        top.fill(T::NEG_INFINITY);
        (0..of.classes).for_each(|class| raise(isa, top, &x[class * of.places..][..len]));
    }

    fn losses(&mut self, isa: Isa, of: Classes, x: &[T], labels: &[i64], losses: &mut [T]) {
        let (len, [certain, share]) = (losses.len(), of.shares::<T>());
        self.tops(isa, of, x, len);
        let Places { top, sum: unused, distances } = self;
        let (top, distances) = (&top[..len], &mut distances[..len]);
        losses.fill(T::ZERO);
        distances.fill(T::ZERO);
        for x in (0..of.classes).map(|class| &x[class * of.places..][..len]) {
            add_exponentials(isa, x, top, losses, &mut unused[..len]);
            // Without smoothing an infinite logit of another class must not turn the loss into NaN.
            if of.smoothing != 0.0 {
                add_distances(isa, x, top, distances);
            }
        }
        logarithms(isa, losses);
        for (place, loss) in losses.iter_mut().enumerate() {
            *loss += certain * (top[place] - x[labels[place] as usize * of.places + place]);
            if of.smoothing != 0.0 {
                *loss += share * distances[place];
            }
        }
    }

    /// `out` lies as x.
    fn gradients(&mut self, isa: Isa, of: Classes, x: &[T], labels: &[i64], g: &[T], out: &mut [T]) {
        let (len, [certain, share]) = (g.len(), of.shares::<T>());
        self.tops(isa, of, x, len);
        let (top, sum) = (&self.top[..len], &mut self.sum[..len]);
        sum.fill(T::ZERO);
        for at in (0..of.classes).map(|class| class * of.places) {
            add_exponentials(isa, &x[at..][..len], top, sum, &mut out[at..][..len]);
        }
        for at in (0..of.classes).map(|class| class * of.places) {
            scale(isa, g, sum, share, &mut out[at..][..len]);
        }
        for (place, (&label, &g)) in labels.iter().zip(g).enumerate() {
            let hit = &mut out[label as usize * of.places + place];
            *hit = *hit - g * certain;
        }
    }
}

fn losses_of_planes<T: Real>(of: Classes, x: &[T], labels: &[i64], losses: &mut [T]) {
    let (isa, Classes { classes, places, .. }) = (isa(), of);
    // Stretches of places, shorter ones at the ends of images.
    let in_image = places.div_ceil(PLACES);
    let mut stretches: Vec<&mut [T]> =
        losses.chunks_mut(places).flat_map(|image| image.chunks_mut(PLACES)).collect();
    let together = PIECE.div_ceil(PLACES * classes);
    for_each_piece(&mut stretches, together, |piece, stretches| {
        let mut memory = Places::new();
        for (i, losses) in (piece * together..).zip(stretches) {
            let (image, first) = (i / in_image, i % in_image * PLACES);
            let (x, labels) = (&x[image * classes * places + first..], &labels[image * places + first..]);
            memory.losses(isa, of, x, labels, losses);
        }
    });
}

fn gradients_of_planes<T: Real>(of: Classes, x: &[T], labels: &[i64], g: &[T], out: &mut [T]) {
    let (isa, Classes { classes, places, .. }) = (isa(), of);
    for_each_piece(out, classes * places, |image, out| {
        let mut memory = Places::new();
        for first in (0..places).step_by(PLACES) {
            let (len, sample) = (PLACES.min(places - first), image * places + first);
            let x = &x[image * classes * places + first..];
            memory.gradients(isa, of, x, &labels[sample..], &g[sample..][..len], &mut out[first..]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::threads::tests::with_threads;
    use crate::rng::Rng;

    /// Logits of few classes in planes, and in rows that are turned to planes, give the bits of the same logits in rows,
    /// for any number of threads.
    #[test]
    fn planes_are_rows_that_lie_apart() {
        for [n, classes, places] in [[0, 3, 4], [1, 1, 2], [2, 3, 7], [3, 10, PLACES], [2, 4, 3 * PLACES + 5]]
        {
            let mut rng = Rng::new(places as u64);
            let mut planes: Vec<f32> = (0..n * classes * places).map(|_| rng.normal() as f32 * 4.0).collect();
            planes.iter_mut().skip(2).step_by(29).for_each(|x| *x = f32::NEG_INFINITY);
            let samples = n * places;
            let labels: Vec<i64> = (0..samples).map(|_| rng.below(classes as u64) as i64).collect();
            let g: Vec<f32> = (0..samples).map(|_| rng.normal() as f32).collect();
            let turned = |planes: &[f32]| -> Vec<f32> {
                let at =
                    |i: usize| (i / classes / places * classes + i % classes) * places + i / classes % places;
                (0..planes.len()).map(|i| planes[at(i)]).collect()
            };
            for smoothing in [0.0, 0.1] {
                let run = |places: usize, x: &[f32]| {
                    let of = Classes { classes, places, smoothing };
                    let (mut losses, mut dx) = (vec![0.0; samples], vec![0.0; x.len()]);
                    cross_entropy(of, x, &labels, &mut losses);
                    cross_entropy_backward(of, x, &labels, &g, &mut dx);
                    (losses, dx)
                };
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let (of, rows) = (Classes { classes, places: 1, smoothing }, turned(&planes));
                let (mut losses, mut dx) = (vec![0.0; samples], vec![0.0; planes.len()]);
                losses_of_rows(of, &rows, &labels, &mut losses);
                gradients_of_rows(of, &rows, &labels, &g, &mut dx);
                let wanted = (bits(&losses), bits(&dx));
                for threads in [1, 3] {
                    let (losses, dx) = with_threads(threads, || run(places, &planes));
                    assert_eq!(
                        (bits(&losses), bits(&turned(&dx))),
                        wanted,
                        "{n} {classes} {places} {smoothing}"
                    );
                    let (losses, dx) = with_threads(threads, || run(1, &rows));
                    assert_eq!((bits(&losses), bits(&dx)), wanted, "{n} {classes} {smoothing}, in rows");
                }
            }
        }
    }
}
