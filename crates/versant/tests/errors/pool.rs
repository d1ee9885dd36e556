//! Pooling, pixels and channels, images at another size.

use versant::nn::{Context, Layer, MaxPool2d, Upsample};
use versant::{Interpolation, Pool, Tensor};

use super::{BIG, VAST, Wrong, f32s, f64s, ints, naive, wrong};

const NEAREST: Interpolation = Interpolation::Nearest;

fn places(shape: [usize; 4], place: i64) -> Tensor {
    Tensor::from_slice(&[place], [1, 1, 1, 1]).broadcast_to(shape)
}

pub(super) const CALLS: &[Wrong] = wrong! {
    "max_pool2d", "[1099511627776, 3]" => f32s([VAST, 3]).max_pool2d(2);
    "max_pool2d", "i64" => ints([BIG, 1, 4, 4]).max_pool2d(2);
    "max_pool2d", "[1099511627776, 3, 0, 4]" => f32s([VAST, 3, 0, 4]).max_pool2d(2);
    "max_pool2d", "kernel [5, 5]" => f32s([VAST, 1, 4, 8]).max_pool2d(5);
    "max_pool2d", "kernel [2, 9]" => f32s([VAST, 1, 4, 8]).max_pool2d([2, 9]);
    "max_pool2d", "kernel [0, 0]" => f32s([VAST, 1, 4, 8]).max_pool2d(0);
    "max_pool2d", "stride [2, 0]" => f32s([VAST, 1, 4, 8]).max_pool2d(Pool::new(2).stride([2, 0]));
    "max_pool2d", "dilation [0, 0]" => f32s([VAST, 1, 4, 8]).max_pool2d(Pool::new(2).dilation(0));
    "max_pool2d", "padding [0, 2]" => f32s([VAST, 1, 4, 8]).max_pool2d(Pool::new(3).padding([0, 2]));
    "max_pool2d", "dilation [5, 5]" => f32s([VAST, 1, 4, 8]).max_pool2d(Pool::new(2).padding(1).dilation(5));
    "max_pool2d", "18446744073709551615" => f32s([VAST, 1, 4, 8]).max_pool2d(usize::MAX);
    "max_pool2d", "[1, 4, 8]" => MaxPool2d::new(2).forward(&f32s([1, 4, 8]), &mut Context::eval());
    "max_pool2d_with_indices", "[4, 8]" => f32s([4, 8]).max_pool2d_with_indices(2);
    "max_pool2d_with_indices", "kernel [9, 9]" => f32s([VAST, 1, 4, 8]).max_pool2d_with_indices(9);
    "max_pool1d", "[1, 2, 3, 4]" => f32s([1, 2, 3, 4]).max_pool1d(2);
    "max_pool1d", "kernel, not [2, 3]" => f32s([VAST, 2, 8]).max_pool1d([2, 3]);
    "max_pool1d", "stride, not [1, 2]" => f32s([VAST, 2, 8]).max_pool1d(Pool::new(2).stride([1, 2]));
    "max_pool1d", "[1099511627776, 2, 8]" => f32s([VAST, 2, 8]).max_pool1d(9);
    "avg_pool2d", "[1099511627776]" => f32s([VAST]).avg_pool2d(2);
    "avg_pool2d", "dilation, not [2, 2]" => f32s([VAST, 1, 4, 8]).avg_pool2d(Pool::new(2).dilation(2));
    "avg_pool2d", "kernel [5, 5]" => f32s([VAST, 1, 4, 8]).avg_pool2d(5);
    "avg_pool2d", "padding [2, 2]" => f32s([VAST, 1, 4, 8]).avg_pool2d(Pool::new(2).padding(2));
    "avg_pool1d", "i64" => ints([VAST, 2, 8]).avg_pool1d(2);
    "avg_pool1d", "[1099511627776, 2, 0]" => f32s([VAST, 2, 0]).avg_pool1d(2);
    "adaptive_avg_pool2d", "[4, 8]" => f32s([4, 8]).adaptive_avg_pool2d(1);
    "adaptive_avg_pool2d", "[1, 1, 0, 8]" => f32s([1, 1, 0, 8]).adaptive_avg_pool2d(1);
    "adaptive_avg_pool1d", "[4, 8]" => f32s([4, 8]).adaptive_avg_pool1d(1);
    "adaptive_max_pool2d", "[4, 8]" => f32s([4, 8]).adaptive_max_pool2d(1);
    "max_unpool2d", "[1, 1, 2, 2]" => f32s([VAST, 1, 2, 2]).max_unpool2d(&places([1, 1, 2, 2], 0), 4);
    "max_unpool2d", "f64" => f32s([VAST, 1, 2, 2]).max_unpool2d(&f64s([VAST, 1, 2, 2]), 4);
    "max_unpool2d", "naive" => naive([VAST, 1, 2, 2]).max_unpool2d(&places([VAST, 1, 2, 2], 0), 4);
    "max_unpool2d", "place 20" => f32s([BIG, 1, 2, 2]).max_unpool2d(&places([BIG, 1, 2, 2], 20), [4, 5]);
    "max_unpool2d", "place -1" => f32s([BIG, 1, 2, 2]).max_unpool2d(&places([BIG, 1, 2, 2], -1), [4, 5]);
    "max_unpool2d", "[1099511627776, 4]" => f32s([VAST, 1, 2, 2]).max_unpool2d(&places([VAST, 1, 2, 2], 0), [VAST, 4]);
    "pixel_unshuffle", "[3, 4, 4]" => f32s([3, 4, 4]).pixel_unshuffle(2);
    "pixel_unshuffle", "2 by 2" => f32s([VAST, 1, 4, 5]).pixel_unshuffle(2);
    "pixel_unshuffle", "0 by 0" => f32s([VAST, 1, 4, 4]).pixel_unshuffle(0);
    "pixel_shuffle", "6 channels" => f32s([VAST, 6, 4, 4]).pixel_shuffle(2);
    "pixel_shuffle", "0 by 0" => f32s([VAST, 4, 4, 4]).pixel_shuffle(0);
    "pixel_shuffle", "8589934592" => f32s([VAST, 4, 4, 4]).pixel_shuffle(1 << 33);
    "channel_shuffle", "4 groups" => f32s([VAST, 6, 4, 4]).channel_shuffle(4);
    "channel_shuffle", "0 groups" => f32s([VAST, 6, 4, 4]).channel_shuffle(0);
    "interpolate", "[4, 8]" => f32s([4, 8]).interpolate(2, NEAREST);
    "interpolate", "[0, 3]" => f32s([VAST, 1, 4, 8]).interpolate([0, 3], NEAREST);
    "interpolate", "[1099511627776, 3]" => f32s([VAST, 1, 4, 8]).interpolate([VAST, 3], NEAREST);
    "interpolate", "i64" => ints([VAST, 1, 4, 8]).interpolate(2, NEAREST);
    "interpolate_by", "-1" => f32s([VAST, 1, 4, 8]).interpolate_by([1.0, -1.0], NEAREST);
    "interpolate_by", "NaN" => f32s([VAST, 1, 4, 8]).interpolate_by(f64::NAN, NEAREST);
    "interpolate_by", "[0, 1]" => Upsample::by(0.2).forward(&f32s([VAST, 1, 4, 8]), &mut Context::eval());
    "interpolate_by", "memory" => f32s([VAST, 1, 4, 8]).interpolate_by(1e30, NEAREST);
};
