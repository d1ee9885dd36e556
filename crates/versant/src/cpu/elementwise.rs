//! Loops over slices, element by element.
//!
//! The loops are compiled for every instruction set; a function given to them is vectorised if it is inlined,
//! which the compiler does for small closures and for the functions of [`math`](super::math). Long slices are
//! cut into pieces of fixed length for several threads. No result depends on the instruction set or the threads.

use std::borrow::Cow;
use std::iter;

use super::isa::{isa, multiversion};
use super::threads::{even, for_each_piece};

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Shorter slices stay on the calling thread.
const PARALLEL_LEN: usize = 64 * 1024;

/// An operand of [`binary`].
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// One element for each of the result.
    Slice(&'a [T]),
    /// One element for all.
    Scalar(T),
    /// Each of `values` in turn for `repeat` elements of the result, over and over: broadcast along the last axes, the
    /// first ones, or both. The other operand is a slice.
    Repeated {
        /// The different elements.
        values: &'a [T],
        /// How many neighbours share one.
        repeat: usize,
    },
}

impl<'a, T: Copy> Operand<'a, T> {
    fn check(&self, len: usize) {
        match self {
            Operand::Slice(slice) => {
                assert_eq!(slice.len(), len, "an operand has {} elements, the result {len}", slice.len());
            }
            Operand::Scalar(_) => (),
            Operand::Repeated { values, repeat } => {
                let period = values.len() * repeat;
                assert!(
                    period > 0 && len.is_multiple_of(period),
                    "{len} elements are no periods of {period}"
                );
            }
        }
    }

    /// One element for each of a result of that length.
    pub(super) fn elements(&self, len: usize) -> Cow<'a, [T]> {
        self.check(len);
        match *self {
            Operand::Slice(slice) => slice.into(),
            Operand::Scalar(x) => vec![x; len].into(),
            Operand::Repeated { values, repeat } => {
                let period = values.iter().flat_map(|&value| iter::repeat_n(value, repeat));
                period.cycle().take(len).collect()
            }
        }
    }

    fn piece(&self, start: usize, len: usize) -> Operand<'a, T> {
        match self {
            Operand::Slice(slice) => Operand::Slice(&slice[start..start + len]),
            Operand::Scalar(x) => Operand::Scalar(*x),
            Operand::Repeated { .. } => unreachable!("has a loop of its own"),
        }
    }
}

multiversion! {
    fn map1[T: Copy, R, F: Fn(T) -> R](x: &[T], out: &mut [R], f: &F) {
        for (y, &x) in out.iter_mut().zip(x) {
            *y = f(x);
        }
    }
}

multiversion! {
    fn map1_in_place[T: Copy, F: Fn(T) -> T](x: &mut [T], f: &F) {
        for x in x.iter_mut() {
            *x = f(*x);
        }
    }
}

multiversion! {
    fn map2[A: Copy, B: Copy, R, F: Fn(A, B) -> R](a: Operand<A>, b: Operand<B>, out: &mut [R], f: &F) {
        match (a, b) {
            (Operand::Slice(a), Operand::Slice(b)) => {
                for ((y, &a), &b) in out.iter_mut().zip(a).zip(b) {
                    *y = f(a, b);
                }
            }
            (Operand::Slice(a), Operand::Scalar(b)) => {
                for (y, &a) in out.iter_mut().zip(a) {
                    *y = f(a, b);
                }
            }
            (Operand::Scalar(a), Operand::Slice(b)) => {
                for (y, &b) in out.iter_mut().zip(b) {
                    *y = f(a, b);
                }
            }
            (Operand::Scalar(a), Operand::Scalar(b)) => {
                for y in out.iter_mut() {
                    *y = f(a, b);
                }
            }
            (Operand::Repeated { .. }, _) | (_, Operand::Repeated { .. }) => unreachable!("has a loop of its own"),
        }
    }
}

multiversion! {
    /// out = f(a, b) where b is each value for `repeat` elements, from the one with the number `first` on, over and
    /// over.
    fn map2_repeated[A: Copy, B: Copy, R, F: Fn(A, B) -> R](
        a: &[A],
        values: (&[B], usize),
        repeat: usize,
        out: &mut [R],
        f: &F,
    ) {
        let (values, first) = values;
        if repeat == 1 {
            for (out, a) in out.chunks_mut(values.len()).zip(a.chunks(values.len())) {
                for ((y, &a), &b) in out.iter_mut().zip(a).zip(values) {
                    *y = f(a, b);
                }
            }
            return;
        }
        let in_turn = values[first..].iter().chain(values.iter().cycle());
        for ((out, a), &b) in out.chunks_mut(repeat).zip(a.chunks(repeat)).zip(in_turn) {
            for (y, &a) in out.iter_mut().zip(a) {
                *y = f(a, b);
            }
        }
    }
}

multiversion! {
    fn map2_in_place[T: Copy, F: Fn(T, T) -> T](a: &mut [T], b: Operand<T>, f: &F) {
        match b {
            Operand::Slice(b) => {
                for (a, &b) in a.iter_mut().zip(b) {
                    *a = f(*a, b);
                }
            }
            Operand::Scalar(b) => {
                for a in a.iter_mut() {
                    *a = f(*a, b);
                }
            }
            Operand::Repeated { .. } => unreachable!("has a loop of its own"),
        }
    }
}

multiversion! {
    /// a = f(a, b), b as in `map2_repeated`.
    fn map2_repeated_in_place[T: Copy, F: Fn(T, T) -> T](
        a: &mut [T],
        values: (&[T], usize),
        repeat: usize,
        f: &F,
    ) {
        let (values, first) = values;
        if repeat == 1 {
            for a in a.chunks_mut(values.len()) {
                for (a, &b) in a.iter_mut().zip(values) {
                    *a = f(*a, b);
                }
            }
            return;
        }
        let in_turn = values[first..].iter().chain(values.iter().cycle());
        for (a, &b) in a.chunks_mut(repeat).zip(in_turn) {
            for a in a.iter_mut() {
                *a = f(*a, b);
            }
        }
    }
}

multiversion! {
    fn choose[T: Copy](mask: &[u8], a: Operand<T>, b: Operand<T>, out: &mut [T]) {
        let pick = |m: u8, a: T, b: T| if m != 0 { a } else { b };
        let each = out.iter_mut().zip(mask);
        match (a, b) {
            (Operand::Slice(a), Operand::Slice(b)) => {
                each.zip(a.iter().zip(b)).for_each(|((y, &m), (&a, &b))| *y = pick(m, a, b));
            }
            (Operand::Slice(a), Operand::Scalar(b)) => {
                each.zip(a).for_each(|((y, &m), &a)| *y = pick(m, a, b));
            }
            (Operand::Scalar(a), Operand::Slice(b)) => {
                each.zip(b).for_each(|((y, &m), &b)| *y = pick(m, a, b));
            }
            (Operand::Scalar(a), Operand::Scalar(b)) => each.for_each(|(y, &m)| *y = pick(m, a, b)),
            _ => unreachable!("not given by the callers"),
        }
    }
}

/// Calls `run(start, piece)` for all of `out`: in one piece if it is short, else in pieces on several threads.
pub(super) fn in_pieces<R: Send>(out: &mut [R], run: impl Fn(usize, &mut [R]) + Sync) {
    let len =
        if out.len() < PARALLEL_LEN { out.len().max(1) } else { even(out.len(), PIECE).next_multiple_of(64) };
    for_each_piece(out, len, |index, piece| run(index * len, piece));
}

/// out = f(x), element by element.
///
/// ```
/// let mut out = [0.0f32; 3];
/// versant::cpu::elementwise::unary(&[-1.0, 0.5, 2.0], &mut out, |v: f32| v.max(0.0));
/// assert_eq!(out, [0.0, 0.5, 2.0]);
/// ```
///
/// # Panics
/// If the lengths differ.
pub fn unary<T: Copy + Sync, R: Send>(x: &[T], out: &mut [R], f: impl Fn(T) -> R + Sync) {
    assert_eq!(x.len(), out.len(), "unary: {} elements into {}", x.len(), out.len());
    let isa = isa();
    in_pieces(out, |start, piece| map1(isa, &x[start..start + piece.len()], piece, &f));
}

/// x = f(x), element by element.
pub fn unary_in_place<T: Copy + Send>(x: &mut [T], f: impl Fn(T) -> T + Sync) {
    let isa = isa();
    in_pieces(x, |_, piece| map1_in_place(isa, piece, &f));
}

/// out = f(a, b), element by element; either operand may be one number for all.
///
/// ```
/// use versant::cpu::elementwise::{Operand, binary};
/// let mut out = [0.0f32; 2];
/// binary(Operand::Slice(&[1.0, 2.0]), Operand::Scalar(3.0), &mut out, |a, b| a * b);
/// assert_eq!(out, [3.0, 6.0]);
/// ```
///
/// # Panics
/// If a slice has another length than the result.
pub fn binary<A, B, R>(a: Operand<A>, b: Operand<B>, out: &mut [R], f: impl Fn(A, B) -> R + Sync)
where
    A: Copy + Send + Sync,
    B: Copy + Send + Sync,
    R: Send,
{
    a.check(out.len());
    b.check(out.len());
    let isa = isa();
    match (a, b) {
        (Operand::Slice(a), Operand::Repeated { values, repeat }) => {
            return repeated(a, values, repeat, out, &f);
        }
        (Operand::Repeated { values, repeat }, Operand::Slice(b)) => {
            return repeated(b, values, repeat, out, &|b, a| f(a, b));
        }
        (Operand::Repeated { .. }, _) | (_, Operand::Repeated { .. }) => {
            panic!("only one operand is repeated")
        }
        _ => (),
    }
    in_pieces(out, |start, piece| {
        map2(isa, a.piece(start, piece.len()), b.piece(start, piece.len()), piece, &f);
    });
}

/// Calls `run(start, values, piece)` for all of `out`, which is whole periods of repeated values; `values` come with the
/// number of the one that the piece begins with. Pieces are whole stretches: of one value or, where each stands for one
/// element, of all of them.
fn in_stretches<B: Sync, R: Send>(
    out: &mut [R],
    (values, repeat): (&[B], usize),
    run: impl Fn(usize, (&[B], usize), &mut [R]) + Sync,
) {
    let stretch = if repeat == 1 { values.len() } else { repeat };
    let len = if out.len() < PARALLEL_LEN { out.len().max(1) } else { PIECE.div_ceil(stretch) * stretch };
    for_each_piece(out, len, |piece, out| {
        run(piece * len, (values, piece * len / repeat % values.len()), out);
    });
}

/// [`binary`] with a repeated operand.
fn repeated<A, B, R>(a: &[A], values: &[B], repeat: usize, out: &mut [R], f: &(impl Fn(A, B) -> R + Sync))
where
    A: Copy + Sync,
    B: Copy + Sync,
    R: Send,
{
    let isa = isa();
    in_stretches(out, (values, repeat), |start, values, out| {
        map2_repeated(isa, &a[start..start + out.len()], values, repeat, out, f);
    });
}

/// a = f(a, b), element by element; `b` as in [`binary`].
///
/// # Panics
/// If the slices' lengths differ.
pub fn binary_in_place<T: Copy + Send + Sync>(a: &mut [T], b: Operand<T>, f: impl Fn(T, T) -> T + Sync) {
    b.check(a.len());
    let isa = isa();
    match b {
        Operand::Repeated { values, repeat } => in_stretches(a, (values, repeat), |_, values, a| {
            map2_repeated_in_place(isa, a, values, repeat, &f);
        }),
        _ => in_pieces(a, |start, piece| map2_in_place(isa, piece, b.piece(start, piece.len()), &f)),
    }
}

/// What a function of one argument reads, and where its results go.
pub enum Map<'a, T> {
    /// From here to there.
    To(&'a [T], &'a mut [T]),
    /// Each result in its argument's place.
    InPlace(&'a mut [T]),
}

impl<T: Copy + Send + Sync> Map<'_, T> {
    /// f of each element.
    pub fn with(self, f: impl Fn(T) -> T + Sync) {
        match self {
            Map::To(x, out) => unary(x, out, f),
            Map::InPlace(x) => unary_in_place(x, f),
        }
    }

    /// Calls `run(x)`, which is to write f(x) over x, on stretches of all elements: for formulas too long to be inlined
    /// into a loop that gets them as closures.
    pub(super) fn in_pieces(self, run: impl Fn(&mut [T]) + Sync) {
        let (x, out) = match self {
            Map::To(x, out) => (Some(x), out),
            Map::InPlace(x) => (None, x),
        };
        assert!(x.is_none_or(|x| x.len() == out.len()), "lengths differ");
        in_pieces(out, |start, out| {
            if let Some(x) = x {
                out.copy_from_slice(&x[start..start + out.len()]);
            }
            run(out);
        });
    }
}

/// What a function of two arguments reads, and where its results go.
pub enum Zip<'a, T> {
    /// From here to there.
    To(Operand<'a, T>, Operand<'a, T>, &'a mut [T]),
    /// Each result in the place of its first argument.
    InPlace(&'a mut [T], Operand<'a, T>),
}

impl<'a, T: Copy + Send + Sync> Zip<'a, T> {
    /// f of each pair of elements.
    pub fn with(self, f: impl Fn(T, T) -> T + Sync) {
        match self {
            Zip::To(a, b, out) => binary(a, b, out, f),
            Zip::InPlace(a, b) => binary_in_place(a, b, f),
        }
    }

    /// Calls `run(a, b)`, which is to write f(a, b) over a, on stretches of all elements, as [`Map::in_pieces`].
    pub(super) fn in_pieces(self, run: impl Fn(&mut [T], &[T]) + Sync) {
        let (a, b, out) = match self {
            Zip::To(a, b, out) => (Some(a.elements(out.len())), b, out),
            Zip::InPlace(a, b) => (None, b, a),
        };
        let b = b.elements(out.len());
        in_pieces(out, |start, out| {
            let range = start..start + out.len();
            if let Some(a) = &a {
                out.copy_from_slice(&a[range.clone()]);
            }
            run(out, &b[range]);
        });
    }
}

/// out = mask ? a : b, element by element; either operand may be one number for all.
///
/// # Panics
/// If a slice has another length than the result.
pub fn select<T: Copy + Send + Sync>(mask: &[u8], a: Operand<T>, b: Operand<T>, out: &mut [T]) {
    a.check(out.len());
    b.check(out.len());
    Operand::Slice(mask).check(out.len());
    let isa = isa();
    in_pieces(out, |start, piece| {
        let len = piece.len();
        choose(isa, &mask[start..start + len], a.piece(start, len), b.piece(start, len), piece);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::isa::Isa;
    use crate::cpu::math;
    use crate::cpu::threads::tests::with_threads;

    const LENGTHS: [usize; 9] =
        [0, 1, 7, 16, 33, 1000, PARALLEL_LEN - 1, PARALLEL_LEN, PARALLEL_LEN + PIECE + 1];

    fn ramp(len: usize) -> Vec<f32> {
        (0..len).map(|i| (i % 977) as f32 * 0.01 - 4.0).collect()
    }

    #[test]
    fn unary_of_every_length() {
        for threads in [1, 3] {
            with_threads(threads, || {
                for len in LENGTHS {
                    let x = ramp(len);
                    let mut out = vec![0.0; len];
                    unary(&x, &mut out, math::tanh);
                    assert!(x.iter().zip(&out).all(|(&x, y)| math::tanh(x).to_bits() == y.to_bits()));
                    let mut flags = vec![false; len];
                    unary(&x, &mut flags, |v| v > 0.0);
                    assert!(x.iter().zip(&flags).all(|(&x, &y)| (x > 0.0) == y));
                    let mut same = x.clone();
                    unary_in_place(&mut same, math::tanh);
                    assert_eq!(same, out);
                }
            });
        }
    }

    #[test]
    fn binary_of_every_length_and_kind() {
        for len in LENGTHS {
            let (x, y) = (ramp(len), ramp(len).into_iter().rev().collect::<Vec<_>>());
            let mut out = vec![0.0; len];
            let f = |a: f32, b: f32| a - 2.0 * b;
            binary(Operand::Slice(&x), Operand::Slice(&y), &mut out, f);
            assert!((0..len).all(|i| out[i] == f(x[i], y[i])));
            let mut same = x.clone();
            binary_in_place(&mut same, Operand::Slice(&y), f);
            assert_eq!(same, out);
            binary(Operand::Slice(&x), Operand::Scalar(3.0), &mut out, f);
            assert!((0..len).all(|i| out[i] == f(x[i], 3.0)));
            let mut same = x.clone();
            binary_in_place(&mut same, Operand::Scalar(3.0), f);
            assert_eq!(same, out);
            binary(Operand::Scalar(3.0), Operand::Slice(&y), &mut out, f);
            assert!((0..len).all(|i| out[i] == f(3.0, y[i])));
            binary(Operand::Scalar(3.0), Operand::Scalar(1.0), &mut out, f);
            assert!(out.iter().all(|&v| v == 1.0));
        }
    }

    /// Along the last axes, the first ones, and both, on either side.
    #[test]
    fn repeated_operands_of_every_kind() {
        for [periods, values, repeat] in [
            [1, 1, 1],
            [0, 3, 2],
            [1, 300, 7],
            [700, 1, 90],
            [9, 40, 1],
            [3000, 33, 1],
            [5, 70, 33],
            [2, 3, PIECE + 5],
        ] {
            let len = periods * values * repeat;
            let (x, y) = (ramp(len), ramp(values));
            let of = Operand::Repeated { values: &y, repeat };
            let f = |a: f32, b: f32| a - 2.0 * b;
            for threads in [1, 3] {
                let mut out = [vec![0.0; len], vec![0.0; len]];
                with_threads(threads, || {
                    binary(Operand::Slice(&x), of, &mut out[0], f);
                    binary(of, Operand::Slice(&x), &mut out[1], f);
                });
                assert!((0..len).all(|i| out[0][i] == f(x[i], y[i / repeat % values])));
                let mut same = x.clone();
                with_threads(threads, || binary_in_place(&mut same, of, f));
                assert_eq!(same, out[0]);
                assert!((0..len).all(|i| out[1][i] == f(y[i / repeat % values], x[i])));
            }
        }
    }

    #[test]
    fn select_of_every_length_and_kind() {
        for len in LENGTHS {
            let (x, y) = (ramp(len), ramp(len).into_iter().rev().collect::<Vec<_>>());
            let mask: Vec<u8> = (0..len).map(|i| (i % 3 == 1) as u8).collect();
            let mut out = vec![0.0; len];
            for (a, b) in [(false, false), (false, true), (true, false), (true, true)] {
                let [a, b] = [(a, &x), (b, &y)].map(|(is_number, slice)| {
                    if is_number { Operand::Scalar(slice.len() as f32) } else { Operand::Slice(slice) }
                });
                select(&mask, a, b, &mut out);
                let of = |operand: Operand<f32>, i: usize| match operand {
                    Operand::Slice(slice) => slice[i],
                    Operand::Scalar(number) => number,
                    Operand::Repeated { values, repeat } => values[i / repeat % values.len()],
                };
                assert!((0..len).all(|i| out[i] == of(if i % 3 == 1 { a } else { b }, i)));
            }
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let x = ramp(1003);
        let functions = [
            math::exp,
            math::exp_m1,
            math::ln,
            math::tanh,
            math::sigmoid,
            math::silu,
            math::softplus,
            math::erf,
            math::gelu,
            math::gelu_tanh,
        ];
        for f in functions {
            for isa in Isa::supported() {
                let mut out = vec![0.0; x.len()];
                map1(isa, &x, &mut out, &f);
                assert!(x.iter().zip(&out).all(|(&x, y)| f(x).to_bits() == y.to_bits()), "{isa}");
            }
        }
    }

    #[test]
    #[should_panic(expected = "an operand has 2 elements, the result 3")]
    fn lengths_are_checked() {
        binary(Operand::Slice(&[0.0f32; 2]), Operand::Scalar(1.0), &mut [0.0f32; 3], |a: f32, b: f32| a + b);
    }
}
