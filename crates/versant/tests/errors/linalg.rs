//! Products of matrices.

use versant::einsum;

use super::{BIG, VAST, Wrong, bools, f32s, f64s, ints, naive, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "matmul", "[1048576, 3]" => f32s([BIG, 3]).matmul(&f32s([2, BIG]));
    "matmul", "[]" => f32s(()).matmul(&f32s([VAST, 2]));
    "matmul", "[]" => f32s([VAST, 2]).matmul(&f32s(()));
    "matmul", "[2]" => f32s([VAST]).matmul(&f32s([2]));
    "matmul", "[1048576]" => f32s([BIG]).matmul(&f32s([3, BIG]));
    "matmul", "[1048576]" => f32s([BIG, 3]).matmul(&f32s([BIG]));
    "matmul", "[3, 5, 1048576]" => f32s([2, BIG, 5]).matmul(&f32s([3, 5, BIG]));
    "matmul", "i64 [1048576, 2]" => ints([BIG, 2]).matmul(&ints([2, BIG]));
    "matmul", "bool [1048576, 2]" => bools([BIG, 2]).matmul(&bools([2, BIG]));
    "matmul", "f64 [2, 1048576]" => f32s([BIG, 2]).matmul(&f64s([2, BIG]));
    "matmul", "naive" => f32s([BIG, 2]).matmul(&naive([2, BIG]));
    "matmul", "[1099511627776, 1099511627776]" => f32s([VAST, 1]).matmul(&f32s([1, VAST]));
    "matmul", "[4294967296, 4294967296, 1, 1]" => f32s([1 << 32, 1, 1, 1]).matmul(&f32s([1, 1 << 32, 1, 1]));
    "linear", "weight [4, 5]" => f32s([BIG, 3]).linear(&f32s([4, 5]), None);
    "linear", "weight [4]" => f32s([BIG, 4]).linear(&f32s([4]), None);
    "linear", "input []" => f32s(()).linear(&f32s([4, 5]), None);
    "linear", "bias [3]" => f32s([BIG, 5]).linear(&f32s([4, 5]), Some(&f32s([3])));
    "linear", "bias [1, 4]" => f32s([BIG, 5]).linear(&f32s([4, 5]), Some(&f32s([1, 4])));
    "linear", "f64" => f32s([BIG, 5]).linear(&f64s([4, 5]), None);
    "linear", "i64" => ints([BIG, 5]).linear(&ints([4, 5]), None);
    "linear", "naive" => f32s([BIG, 5]).linear(&naive([4, 5]), None);
    "linear", "f64" => f32s([BIG, 5]).linear(&f32s([4, 5]), Some(&f64s([4])));
    "linear", "[1099511627776, 1099511627776]" => f32s([VAST, 1]).linear(&f32s([VAST, 1]), None);
    "dot", "[3]" => f32s([BIG]).dot(&f32s([3]));
    "dot", "[1099511627776, 2]" => f32s([VAST, 2]).dot(&f32s([VAST, 2]));
    "dot", "i64" => ints([VAST]).dot(&ints([VAST]));
    "dot", "naive" => f32s([VAST]).dot(&naive([VAST]));
    "outer", "[3, 1]" => f32s([BIG]).outer(&f32s([3, 1]));
    "outer", "[1099511627776]" => f32s([VAST]).outer(&f32s([VAST]));
    "outer", "f64" => f32s([BIG]).outer(&f64s([3]));
    "bmm", "[3, 4, 5]" => f32s([2, BIG, 4]).bmm(&f32s([3, 4, 5]));
    "bmm", "[1048576, 4]" => f32s([BIG, 4]).bmm(&f32s([4, BIG]));
    "bmm", "bool" => bools([2, BIG, 4]).bmm(&bools([2, 4, BIG]));
    "trace", "[1099511627776]" => f32s([VAST]).trace();
    "diagonal", "axis 2" => f32s([VAST, 3]).diagonal(0, 0, 2);
    "diagonal", "[1099511627776, 3]" => f32s([VAST, 3]).diagonal(0, 1, -1);
    "tril", "[1099511627776]" => f32s([VAST]).tril(0);
    "triu", "[]" => f32s(()).triu(0);
    "einsum", "2 operands" => einsum("ij,jk", &[&f32s([BIG, 2])]);
    "einsum", "3 axes of operand 0" => einsum("ijk", &[&f32s([BIG, 2])]);
    "einsum", "'j' has 2 elements in one place and 3" => einsum("ij,jk", &[&f32s([BIG, 2]), &f32s([3, BIG])]);
    "einsum", "'z'" => einsum("ij->iz", &[&f32s([BIG, 2])]);
    "einsum", "twice" => einsum("ij->ii", &[&f32s([BIG, 2])]);
    "einsum", "'3'" => einsum("i3", &[&f32s([BIG, 2])]);
    "einsum", "f64" => einsum("ij,jk", &[&f32s([BIG, 2]), &f64s([2, BIG])]);
    "einsum", "i64" => einsum("ij", &[&ints([BIG, 2])]);
};
