//! Convolutions: one walk over all products, three ways to add them up.

use super::number::{read, write};
use crate::array::Array;
use crate::device::{ConvShape, Epilogue};

/// Calls `f` with the places in x, w and y of every product x w that y has as a term.
fn each_product(s: &ConvShape, mut f: impl FnMut(usize, usize, usize)) {
    let (in_group, out_group) = (s.inputs / s.groups, s.outputs / s.groups);
    let ([height, width], [rows, columns], [kh, kw]) = (s.image, s.output, s.kernel);
    let seen = |axis: usize, i: usize, u: usize| {
        let place = (i * s.stride[axis] + u * s.dilation[axis]).checked_sub(s.before[axis]);
        place.filter(|&place| place < s.image[axis])
    };
    for n in 0..s.batch {
        for o in 0..s.outputs {
            for c in 0..in_group {
                let image = (n * s.inputs + o / out_group * in_group + c) * height * width;
                let kernel = (o * in_group + c) * kh * kw;
                let output = (n * s.outputs + o) * rows * columns;
                for (i, u) in pairs(rows, kh) {
                    let Some(row) = seen(0, i, u) else { continue };
                    for (j, v) in pairs(columns, kw) {
                        let Some(column) = seen(1, j, v) else { continue };
                        f(image + row * width + column, kernel + u * kw + v, output + i * columns + j);
                    }
                }
            }
        }
    }
}

fn pairs(n: usize, m: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (0..m).map(move |j| (i, j)))
}

/// An image of the bias: each channel's number at all of its places.
fn filled(bias: Option<&Array>, [batch, channels, height, width]: [usize; 4]) -> Vec<f64> {
    let bias = bias.map_or(vec![0.0; channels], read);
    let places = height * width;
    (0..batch * channels * places).map(|i| bias[i / places % channels]).collect()
}

fn finished(sums: Vec<f64>, epilogue: Epilogue) -> Vec<f64> {
    let relu = |x: f64| if 0.0 > x { 0.0 } else { x };
    if epilogue.relu { sums.into_iter().map(relu).collect() } else { sums }
}

pub(super) fn forward(s: &ConvShape, x: &Array, weight: &Array, epilogue: Epilogue, y: &mut Array) {
    let (x, w, mut sums) = (read(x), read(weight), filled(epilogue.bias, y.dims()));
    each_product(s, |i, j, k| sums[k] += x[i] * w[j]);
    write(y, finished(sums, epilogue));
}

pub(super) fn input(s: &ConvShape, y: &Array, weight: &Array, epilogue: Epilogue, x: &mut Array) {
    let (y, w, mut sums) = (read(y), read(weight), filled(epilogue.bias, x.dims()));
    each_product(s, |i, j, k| sums[i] += y[k] * w[j]);
    write(x, finished(sums, epilogue));
}

pub(super) fn weight(s: &ConvShape, x: &Array, y: &Array, weight: &mut Array) {
    let (x, y, mut sums) = (read(x), read(y), vec![0.0; weight.numel()]);
    each_product(s, |i, j, k| sums[j] += x[i] * y[k]);
    write(weight, sums);
}
