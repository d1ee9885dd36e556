//! Pooling, pixels and channels, other sizes. The elements that are compared with one another are all distinct.

use versant::{Interpolation, Pool, Tensor};

use super::{Case, any, case, distinct};

type One = fn(&Tensor) -> Tensor;

const BILINEAR: Interpolation = Interpolation::Bilinear { align_corners: false };
const ALIGNED: Interpolation = Interpolation::Bilinear { align_corners: true };

/// A width that one row of windows cannot have as pairs, and large sizes that are cut within a plane and across planes.
pub fn cases() -> Vec<Case> {
    let largest: [(&str, One); 8] = [
        ("max_pool2d", |x| x.max_pool2d(2)),
        ("max_pool2d, overlapping", |x| x.max_pool2d(Pool::new([3, 2]).stride([1, 2]))),
        ("max_pool2d, padded", |x| x.max_pool2d(Pool::new(3).stride(2).padding(1).ceil_mode(true))),
        ("max_pool2d, dilated", |x| x.max_pool2d(Pool::new(2).stride(1).padding(1).dilation([2, 3]))),
        ("max_pool1d", |x| x.flatten(2).max_pool1d(Pool::new(3).stride(2).padding(1))),
        ("adaptive_max_pool2d", |x| x.adaptive_max_pool2d([3, 2])),
        ("adaptive_max_pool2d to 1", |x| x.adaptive_max_pool2d(1)),
        ("max_unpool2d", |x| {
            let [_, _, h, w] = x.dims();
            let (y, places) = x.max_pool2d_with_indices(2);
            y.square().max_unpool2d(&places, [h, w])
        }),
    ];
    let linear: [(&str, One); 16] = [
        ("avg_pool2d", |x| x.avg_pool2d(2)),
        ("avg_pool2d, overlapping", |x| x.avg_pool2d(Pool::new([3, 2]).stride([1, 2]))),
        ("avg_pool2d, apart", |x| x.avg_pool2d(Pool::new(1).stride([2, 3]))),
        ("avg_pool2d, padded", |x| x.avg_pool2d(Pool::new(3).stride(2).padding(1).ceil_mode(true))),
        ("avg_pool2d, padding not counted", |x| {
            x.avg_pool2d(Pool::new(2).padding([1, 0]).count_include_pad(false))
        }),
        ("avg_pool1d", |x| x.flatten(2).avg_pool1d(Pool::new(3).stride(2).padding(1))),
        ("adaptive_avg_pool2d", |x| x.adaptive_avg_pool2d([3, 2])),
        ("adaptive_avg_pool2d to 1", |x| x.adaptive_avg_pool2d(1)),
        ("adaptive_avg_pool1d", |x| x.flatten(2).adaptive_avg_pool1d(7)),
        ("pixel_unshuffle", |x| x.pixel_unshuffle(2)),
        ("pixel_shuffle", |x| x.transpose(1, 2).pixel_shuffle(2)),
        ("channel_shuffle", |x| x.channel_shuffle(2)),
        ("interpolate", |x| x.interpolate([3, 7], Interpolation::Nearest)),
        ("interpolate, bilinear", |x| x.interpolate([3, 7], BILINEAR)),
        ("interpolate, corners aligned", |x| x.interpolate([5, 2], ALIGNED)),
        ("interpolate_by", |x| x.interpolate_by([1.5, 2.0], BILINEAR)),
    ];
    // The same sizes for all, so that each works: channels, rows and columns even.
    let of = |input: fn([usize; 4]) -> super::Input, (name, f): (&'static str, One)| {
        case(name, [input([1, 2, 4, 6]).large([3, 10, 60, 70])], move |x| f(&x[0]).square())
    };
    let mut all: Vec<Case> = largest.into_iter().map(|each| of(distinct, each)).collect();
    all.extend(linear.into_iter().map(|each| of(any, each)));
    all
}
