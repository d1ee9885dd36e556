//! Views, joining, indices.

use versant::cat;

use super::{BIG, VAST, Wrong, f32s, f64s, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "reshape", "[1048576, 4]" => f32s([BIG, 3]).reshape([BIG, 4]);
    "reshape", "[0]" => f32s([VAST]).reshape([0]);
    "shape", "[4294967296, 4294967296]" => f32s([BIG]).reshape([1 << 32, 1 << 32]);
    "shape", "9 axes" => f32s([BIG]).reshape([1; 9]);
    "flatten", "axis 2" => f32s([VAST, 3]).flatten(2);
    "squeeze", "[1099511627776, 3]" => f32s([VAST, 3]).squeeze(0);
    "squeeze", "axis 2" => f32s([VAST, 1]).squeeze(2);
    "squeeze", "axis -1" => f32s(()).squeeze(-1);
    "unsqueeze", "axis 3" => f32s([VAST, 3]).unsqueeze(3);
    "unsqueeze", "axis -4" => f32s([VAST, 3]).unsqueeze(-4);
    "transpose", "axis 2" => f32s([VAST, 3]).transpose(0, 2);
    "transpose", "axis -3" => f32s([VAST, 3]).transpose(-3, 0);
    "permute", "[0, 0]" => f32s([VAST, 3]).permute(&[0, 0]);
    "permute", "[0]" => f32s([VAST, 3]).permute(&[0]);
    "permute", "[0, 2]" => f32s([VAST, 3]).permute(&[0, 2]);
    "permute", "[0, 1, 2]" => f32s([VAST, 3]).permute(&[0, 1, 2]);
    "broadcast_to", "[1099511627776, 4]" => f32s([VAST, 3]).broadcast_to([VAST, 4]);
    "broadcast_to", "[3]" => f32s([VAST, 3]).broadcast_to([3]);
    "broadcast_to", "[0, 3]" => f32s([VAST, 3]).broadcast_to([0, 3]);
    "broadcast_to", "[]" => f32s([1]).broadcast_to(());
    "slice", "axis 2" => f32s([VAST, 3]).slice(2, 0, 1, 1);
    "slice", "2..4" => f32s([VAST, 3]).slice(1, 2, 4, 1);
    "slice", "2..1" => f32s([VAST, 3]).slice(1, 2, 1, 1);
    "slice", "by 0" => f32s([VAST, 3]).slice(1, 0, 3, 0);
    "slice", "18446744073709551615" => f32s([VAST, 3]).slice(1, usize::MAX, usize::MAX, 1);
    "cat", "nothing" => cat(&[], 0);
    "cat", "axis 2" => cat(&[&f32s([BIG, 3])], 2);
    "cat", "axis 0" => cat(&[&f32s(())], 0);
    "cat", "[1048576, 2]" => cat(&[&f32s([BIG, 3]), &f32s([BIG, 2])], 0);
    "cat", "[1048576]" => cat(&[&f32s([BIG, 3]), &f32s([BIG])], 0);
    "cat", "f64 [1048576, 3]" => cat(&[&f32s([BIG, 3]), &f64s([BIG, 3])], 0);
    "one_hot", "f32" => f32s([VAST]).one_hot(3);
};
