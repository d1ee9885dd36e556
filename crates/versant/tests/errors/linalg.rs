//! Products of matrices.

use super::{BIG, VAST, Wrong, bools, f32s, f64s, ints, naive, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "matmul", "[1048576, 3]" => f32s([BIG, 3]).matmul(&f32s([2, BIG]));
    "matmul", "[]" => f32s(()).matmul(&f32s([VAST, 2]));
    "matmul", "[]" => f32s([VAST, 2]).matmul(&f32s(()));
    "matmul", "[3, 5, 1048576]" => f32s([2, BIG, 5]).matmul(&f32s([3, 5, BIG]));
    "matmul", "i64 [1048576, 2]" => ints([BIG, 2]).matmul(&ints([2, BIG]));
    "matmul", "bool [1048576, 2]" => bools([BIG, 2]).matmul(&bools([2, BIG]));
    "matmul", "f64 [2, 1048576]" => f32s([BIG, 2]).matmul(&f64s([2, BIG]));
    "matmul", "naive" => f32s([BIG, 2]).matmul(&naive([2, BIG]));
    "linear", "weight [4, 5]" => f32s([BIG, 3]).linear(&f32s([4, 5]), None);
    "linear", "weight [4]" => f32s([BIG, 4]).linear(&f32s([4]), None);
    "linear", "input []" => f32s(()).linear(&f32s([4, 5]), None);
    "linear", "bias [3]" => f32s([BIG, 5]).linear(&f32s([4, 5]), Some(&f32s([3])));
    "linear", "bias [1, 4]" => f32s([BIG, 5]).linear(&f32s([4, 5]), Some(&f32s([1, 4])));
    "linear", "f64" => f32s([BIG, 5]).linear(&f64s([4, 5]), None);
    "linear", "i64" => ints([BIG, 5]).linear(&ints([4, 5]), None);
    "linear", "naive" => f32s([BIG, 5]).linear(&naive([4, 5]), None);
};
