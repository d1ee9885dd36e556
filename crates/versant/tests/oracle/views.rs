//! Random arrays: any shape up to six axes, any strides and offset, with special values among ordinary ones. And the
//! tests' common form: each case runs on one of the machine's instruction sets.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use versant::cpu::isa::Isa;
use versant::rng::Rng;
use versant::{Array, DType};

/// Around the widths of vectors, tiles and blocks.
const DIMS: [usize; 19] = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];

const MOST_AXES: usize = 6;

/// Larger arrays would only make the suite slow.
const MOST_ELEMENTS: usize = 10_000;

/// Property tests, as `proptest!` writes them, of which each case draws an instruction set.
macro_rules! oracle {
    ($($(#[$meta:meta])* fn $name:ident($($arg:pat in $strategy:expr),* $(,)?) $body:block)*) => {
        proptest! {
            #![proptest_config($crate::views::config(1000))]
            $($(#[$meta])* fn $name(isa in $crate::views::isa(), $($arg in $strategy),*) {
                versant::cpu::isa::with_isa(isa, || $body)
            })*
        }
    };
}

/// The same cases in every run.
pub fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    }
}

/// One of those that this machine has.
pub fn isa() -> impl Strategy<Value = Isa> {
    prop::sample::select(Isa::supported())
}

/// What values to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values {
    /// Ordinary numbers of several magnitudes.
    Ordinary,
    /// Some NaN and infinities among them.
    NotFinite,
    /// Also zeros of both signs, and numbers near the ends of the range of f32.
    All,
}

pub fn values() -> impl Strategy<Value = Values> {
    prop_oneof![Just(Values::Ordinary), Just(Values::NotFinite), Just(Values::All)]
}

/// A recipe for an array: the shape of the base, steps that make it a view, and the seed of its values.
#[derive(Clone, Debug)]
pub struct View {
    dims: Vec<usize>,
    steps: Vec<(u8, usize, usize, usize)>,
    seed: u64,
    values: Values,
}

pub fn view() -> impl Strategy<Value = View> {
    let dims = prop::collection::vec(prop::sample::select(&DIMS[..]), 0..=MOST_AXES);
    let steps = prop::collection::vec((0u8..4, 0usize..64, 0usize..64, 0usize..64), 0..4);
    (dims, steps, any::<u64>(), values()).prop_map(|(mut dims, steps, seed, values)| {
        let mut total = 1;
        for dim in &mut dims {
            if total * *dim > MOST_ELEMENTS {
                *dim = if total * 2 > MOST_ELEMENTS { 1 } else { 2 };
            }
            total *= (*dim).max(1);
        }
        View { dims, steps, seed, values }
    })
}

pub fn dim() -> impl Strategy<Value = usize> {
    prop::sample::select(&DIMS[..])
}

impl View {
    /// The array, on the fast backend.
    pub fn array(&self, dtype: DType) -> Array {
        self.steps.iter().fold(self.base(dtype), |x, &step| apply(&x, step))
    }

    /// The row-major array before it became a view.
    pub fn base(&self, dtype: DType) -> Array {
        draw(&self.dims, dtype, self.values, &mut Rng::new(self.seed))
    }

    /// Another array with values of the same kind.
    pub fn partner(&self, dims: Vec<usize>) -> View {
        View { dims, seed: self.seed.wrapping_add(1), ..self.clone() }
    }
}

/// One more change of layout. Every step makes sense for every array.
fn apply(x: &Array, (kind, a, b, c): (u8, usize, usize, usize)) -> Array {
    let rank = x.rank();
    if rank == 0 {
        return if kind == 3 { x.broadcast_to([1 + a % 3]) } else { x.clone() };
    }
    let axis = a % rank;
    let len = x.shape()[axis];
    match kind {
        0 => x.transpose(axis as isize, (b % rank) as isize),
        1 => {
            let start = b % (len + 1);
            let end = start + c % (len - start + 1);
            x.slice(axis as isize, start, end, 1 + (b + c) % 3)
        }
        2 => {
            let one =
                if len > 0 { x.slice(axis as isize, b % len, b % len + 1, 1) } else { return x.clone() };
            one.broadcast_to(x.shape())
        }
        _ if rank < MOST_AXES && x.numel() * 3 <= MOST_ELEMENTS => {
            x.broadcast_to([&[1 + b % 3], &x.shape()[..]].concat())
        }
        _ => x.clone(),
    }
}

/// Values in a row-major array.
pub fn draw(dims: &[usize], dtype: DType, values: Values, rng: &mut Rng) -> Array {
    let n = dims.iter().product();
    match dtype {
        DType::F32 | DType::F64 => {
            let numbers: Vec<f64> = (0..n).map(|_| number(values, rng)).collect();
            Array::from_slice(&numbers, dims).cast(dtype)
        }
        DType::I64 => Array::from_slice(&(0..n).map(|_| integer(values, rng)).collect::<Vec<_>>(), dims),
        DType::U8 => Array::from_slice(&(0..n).map(|_| rng.below(256) as u8).collect::<Vec<_>>(), dims),
        DType::Bool => Array::from_slice(&(0..n).map(|_| rng.below(2) == 1).collect::<Vec<_>>(), dims),
    }
}

fn number(values: Values, rng: &mut Rng) -> f64 {
    let not_finite = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let extreme = [0.0, -0.0, 1.0, -1.0, 1e30, -1e30, 1e-30, -1e-30, 1e-42, -1e-42];
    let pick = |from: &[f64], rng: &mut Rng| from[rng.below(from.len() as u64) as usize];
    match values {
        Values::NotFinite if rng.below(40) == 0 => pick(&not_finite, rng),
        Values::All if rng.below(40) == 0 => pick(&not_finite, rng),
        Values::All if rng.below(4) == 0 => pick(&extreme, rng),
        _ => rng.normal() * 10f64.powi(rng.below(4) as i32 - 2),
    }
}

fn integer(values: Values, rng: &mut Rng) -> i64 {
    match values {
        Values::All if rng.below(8) == 0 => [i64::MIN, i64::MAX, 0, -1, (1 << 53) + 1][rng.below(5) as usize],
        _ => rng.below(41) as i64 - 20,
    }
}
