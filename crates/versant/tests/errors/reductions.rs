//! Sums, extremes, softmax.

use versant::keepdim;

use super::{VAST, Wrong, bools, f32s, ints, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "sum", "axis 2" => f32s([VAST, 3]).sum_axes(2);
    "sum", "axis -3" => f32s([VAST, 3]).sum_axes(-3);
    "sum", "[0, -2]" => f32s([VAST, 3]).sum_axes([0, -2]);
    "sum", "[1, 1]" => f32s([VAST, 3]).sum_axes(keepdim([1, 1]));
    "sum", "axis 0" => f32s(()).sum_axes(0);
    "sum", "-9223372036854775808" => f32s([VAST]).sum_axes(isize::MIN);
    "sum", "9223372036854775807" => f32s([VAST]).sum_axes(isize::MAX);
    "sum", "bool" => bools([VAST]).sum();
    "mean", "axis 2" => f32s([VAST, 3]).mean_axes(2);
    "mean", "i64" => ints([VAST]).mean();
    "mean", "bool" => bools([VAST]).mean_axes(0);
    "mean", "[0, 0]" => f32s([VAST]).mean_axes([0, 0]);
    "max", "axis 1" => f32s([VAST]).max_axes(1);
    "max", "[1099511627776, 0]" => f32s([VAST, 0]).max_axes(1);
    "max", "[0]" => f32s([0]).max();
    "max", "bool" => bools([VAST]).max();
    "min", "axis -2" => f32s([VAST]).min_axes(-2);
    "min", "[1099511627776, 0]" => f32s([VAST, 0]).min_axes(-1);
    "min", "bool" => bools([VAST]).min();
    "argmax", "axis 1" => f32s([VAST]).argmax(1);
    "argmax", "[3, 0]" => f32s([3, 0]).argmax(1);
    "argmax", "axis 0" => f32s(()).argmax(0);
    "sum_to", "[5, 2]" => f32s([VAST, 3]).sum_to([5, 2].into());
    "sum_to", "[1, 1, 1]" => f32s([VAST, 3]).sum_to([1, 1, 1].into());
    "softmax", "axis 2" => f32s([VAST, 3]).softmax(2);
    "softmax", "axis -1" => f32s(()).softmax(-1);
    "softmax", "i64" => ints([VAST, 3]).softmax(1);
    "softmax", "i64" => ints([VAST, 3]).softmax(0);
    "log_softmax", "axis 1" => f32s([VAST]).log_softmax(1);
    "log_softmax", "bool" => bools([VAST]).log_softmax(0);
};
