//! Every operation, once: what the tests of gradients, of planted mistakes and of determinism go through.
//!
//! A new operation is a [`case`] in the file of its family. Its function must work for the small shapes, at which
//! gradients are compared with finite differences, and for the large ones, at which the work is cut into pieces.
#![allow(dead_code, reason = "each test that includes the table uses a part of it")]

mod conv;
mod elementwise;
mod endings;
mod graph;
mod indexing;
mod linalg;
mod losses;
mod norm;
mod pool;
mod reductions;
mod shapes;

use versant::rng::Rng;
use versant::{Array, DType, Shape, Tensor};

/// Where the values of an input lie.
#[derive(Clone, Copy, Debug)]
pub enum Domain {
    /// +-[0.2, 1.7]: away from the kinks at 0.
    Any,
    /// [0.3, 2].
    Positive,
    /// [0.1, 0.9]: probabilities.
    Unit,
    /// Multiples of 0.17 in random order: no two are near one another.
    Distinct,
}

/// An input: its shape in the gradient checks, its shape at full size, its values.
#[derive(Clone, Debug)]
pub struct Input {
    small: Shape,
    large: Shape,
    domain: Domain,
}

fn input(shape: impl Into<Shape>, domain: Domain) -> Input {
    let small = shape.into();
    Input { small, large: small, domain }
}

pub fn any(shape: impl Into<Shape>) -> Input {
    input(shape, Domain::Any)
}

pub fn positive(shape: impl Into<Shape>) -> Input {
    input(shape, Domain::Positive)
}

pub fn unit(shape: impl Into<Shape>) -> Input {
    input(shape, Domain::Unit)
}

pub fn distinct(shape: impl Into<Shape>) -> Input {
    input(shape, Domain::Distinct)
}

impl Input {
    /// The shape at which the work is cut into pieces.
    pub fn large(self, shape: impl Into<Shape>) -> Input {
        Input { large: shape.into(), ..self }
    }

    pub fn small_shape(&self) -> Shape {
        self.small
    }

    pub fn large_shape(&self) -> Shape {
        self.large
    }

    pub fn draw_small(&self, seed: u64) -> Array {
        draw(self.small, self.domain, DType::F64, seed)
    }

    pub fn draw_large(&self, dtype: DType, seed: u64) -> Array {
        draw(self.large, self.domain, dtype, seed)
    }
}

fn draw(shape: Shape, domain: Domain, dtype: DType, seed: u64) -> Array {
    let mut rng = Rng::new(seed);
    let n = shape.numel();
    let values: Vec<f64> = match domain {
        Domain::Any => {
            (0..n).map(|_| rng.uniform_in(0.2, 1.7) * if rng.below(2) == 0 { 1.0 } else { -1.0 }).collect()
        }
        Domain::Positive => (0..n).map(|_| rng.uniform_in(0.3, 2.0)).collect(),
        Domain::Unit => (0..n).map(|_| rng.uniform_in(0.1, 0.9)).collect(),
        Domain::Distinct => {
            rng.permutation(n).into_iter().map(|i| (i as f64 - n as f64 / 2.0) * 0.17 + 0.05).collect()
        }
    };
    Array::from_slice(&values, shape).cast(dtype)
}

type Function = Box<dyn Fn(&[Tensor]) -> Tensor + Send + Sync>;

/// An operation with the inputs to try it on.
pub struct Case {
    pub name: String,
    pub inputs: Vec<Input>,
    pub run: Function,
}

pub fn case(
    name: impl Into<String>,
    inputs: impl Into<Vec<Input>>,
    run: impl Fn(&[Tensor]) -> Tensor + Send + Sync + 'static,
) -> Case {
    Case { name: name.into(), inputs: inputs.into(), run: Box::new(run) }
}

/// All of them.
pub fn cases() -> Vec<Case> {
    [
        elementwise::cases(),
        graph::cases(),
        reductions::cases(),
        linalg::cases(),
        conv::cases(),
        endings::cases(),
        shapes::cases(),
        indexing::cases(),
        losses::cases(),
        norm::cases(),
        pool::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
