//! The recipes, one file each, in the order of the course.

mod mnist_mlp;

use crate::recipe::Recipe;

/// Every recipe.
pub const ALL: &[&dyn Recipe] = &[&mnist_mlp::MnistMlp];
