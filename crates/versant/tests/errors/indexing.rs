//! Elements by their indices.

use versant::Tensor;

use super::{BIG, VAST, Wrong, bools, f32s, f64s, ints, naive, wrong};

/// A list of indices.
fn list(indices: &[i64]) -> Tensor {
    Tensor::from_slice(indices, [indices.len()])
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "index_select", "axis 2" => f32s([VAST, 3]).index_select(2, &list(&[0]));
    "index_select", "axis 0" => f32s(()).index_select(0, &list(&[0]));
    "index_select", "f32 [1048576]" => f32s([VAST, 3]).index_select(0, &f32s([BIG]));
    "index_select", "[1048576, 1]" => f32s([VAST, 3]).index_select(0, &ints([BIG, 1]));
    "index_select", "index 3 (element 1 of [2])" => f32s([VAST, 3]).index_select(1, &list(&[0, 3]));
    "index_select", "index -1" => f32s([VAST, 3]).index_select(1, &list(&[-1]));
    "index_select", "9223372036854775807" => f32s([VAST, 3]).index_select(1, &list(&[i64::MAX]));
    "index_select", "naive" => naive([VAST, 3]).index_select(0, &list(&[0]));
    "index_add", "axis -3" => f32s([VAST, 3]).index_add(-3, &list(&[0]), &f32s([1, 3]));
    "index_add", "f64" => f32s([VAST, 3]).index_add(0, &list(&[0]), &f64s([1, 3]));
    "index_add", "[2, 3]" => f32s([VAST, 3]).index_add(0, &list(&[0]), &f32s([2, 3]));
    "index_add", "bool" => bools([VAST, 3]).index_add(0, &list(&[0]), &bools([1, 3]));
    "index_add", "index 3 " => f32s([VAST, 3]).index_add(1, &list(&[3]), &f32s([VAST, 1]));
    "gather", "axis 2" => f32s([VAST, 3]).gather(2, &ints([1, 1]));
    "gather", "axis 0" => f32s(()).gather(0, &ints(()));
    "gather", "f64 [1, 1]" => f32s([VAST, 3]).gather(1, &f64s([1, 1]));
    "gather", "[2]" => f32s([VAST, 3]).gather(1, &ints([2]));
    "gather", "[4, 2]" => f32s([3, VAST]).gather(1, &ints([4, 2]));
    "gather", "index 1 (element 0 of [1, 1])" => f32s([VAST, 1]).gather(1, &ints([1, 1]));
    "gather", "index -2" => f32s([1, 5]).gather(1, &list(&[-2]).unsqueeze(0));
    "gather", "naive" => naive([VAST, 3]).gather(1, &ints([1, 1]));
    "scatter", "[1, 1]" => f32s([VAST, 3]).scatter(1, &ints([1, 2]), &f32s([1, 1]));
    "scatter", "f64" => f32s([VAST, 3]).scatter(1, &ints([1, 1]), &f64s([1, 1]));
    "scatter", "index 1 " => f32s([VAST, 1]).scatter(1, &ints([1, 1]), &f32s([1, 1]));
    "scatter", "[2, 1, 1]" => f32s([VAST, 3]).scatter(1, &ints([2, 1, 1]), &f32s([2, 1, 1]));
    "scatter_add", "bool" => bools([VAST, 3]).scatter_add(1, &ints([1, 1]), &bools([1, 1]));
    "scatter_add", "[1, 1]" => f32s([VAST, 3]).scatter_add(1, &ints([1, 2]), &f32s([1, 1]));
    "scatter_add", "axis 5" => f32s([VAST, 3]).scatter_add(5, &ints([1, 1]), &f32s([1, 1]));
    "scatter_add", "naive" => f32s([VAST, 3]).scatter_add(1, &ints([1, 1]), &naive([1, 1]));
    "take_along", "[1]" => f32s([VAST, 3]).take_along(&ints([1]), 1);
    "take_along", "[5, 1]" => f32s([3, VAST]).take_along(&ints([5, 1]), 1);
    "take_along", "index 1 " => f32s([VAST, 1]).take_along(&ints([1, 4]), 1);
    "take_along", "u8" => f32s([VAST, 3]).take_along(&super::of(versant::DType::U8, [1, 1]), 1);
    "embedding", "[1099511627776]" => f32s([VAST]).embedding(&list(&[0]));
    "embedding", "index 7 (element 1 of [2])" => f32s([5, 3]).embedding(&list(&[0, 7]));
    "embedding", "f32 [1048576]" => f32s([5, 3]).embedding(&f32s([BIG]));
    "embedding", "naive" => naive([5, 3]).embedding(&list(&[0]));
    "one_hot", "f32" => f32s([VAST]).one_hot(3);
    "one_hot", "label 1 " => ints([BIG]).one_hot(1);
    "one_hot", "0 classes" => ints([BIG]).one_hot(0);
    "one_hot", "[1099511627776] in 1099511627776 classes" => ints([VAST]).one_hot(VAST);
    "masked_select", "f32 [1099511627776]" => f32s([VAST]).masked_select(&f32s([VAST]));
    "masked_select", "[3]" => f32s([VAST, 2]).masked_select(&bools([3]));
    "masked_select", "naive" => naive([VAST]).masked_select(&bools([VAST]));
    "slice_scatter", "axis 2" => f32s([VAST, 3]).slice_scatter(2, 0, 1, 1, &f32s([VAST, 1]));
    "slice_scatter", "2..5 by 1" => f32s([VAST, 3]).slice_scatter(1, 2, 5, 1, &f32s([VAST, 3]));
    "slice_scatter", "by 0" => f32s([VAST, 3]).slice_scatter(1, 0, 3, 0, &f32s([VAST, 3]));
    "slice_scatter", "[1099511627776, 2]" => f32s([VAST, 3]).slice_scatter(1, 0, 3, 1, &f32s([VAST, 2]));
    "slice_scatter", "f64" => f32s([VAST, 3]).slice_scatter(1, 0, 3, 1, &f64s([VAST, 3]));
    "select_scatter", "index 3" => f32s([VAST, 3]).select_scatter(1, 3, &f32s([VAST]));
    "select_scatter", "[2]" => f32s([VAST, 3]).select_scatter(1, 0, &f32s([2]));
    "select_scatter", "axis -3" => f32s([VAST, 3]).select_scatter(-3, 0, &f32s([3]));
};
