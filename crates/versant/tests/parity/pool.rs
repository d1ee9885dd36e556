//! Pooling, pixels and channels, images at another size.

use versant::{Interpolation, Pool, Tensor};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    let size = || a.get::<[usize; 2]>("output_size");
    let y = match op {
        "max_pool2d" => x[0].max_pool2d(of_images(a)),
        "max_pool2d_with_indices" => {
            let (y, places) = x[0].max_pool2d_with_indices(of_images(a));
            return Some(vec![y, places]);
        }
        "max_pool1d" => x[0].max_pool1d(of_sequences(a)),
        "avg_pool2d" => x[0].avg_pool2d(of_images(a)),
        "avg_pool1d" => x[0].avg_pool1d(of_sequences(a)),
        "adaptive_avg_pool2d" => x[0].adaptive_avg_pool2d(size()),
        "adaptive_avg_pool1d" => x[0].adaptive_avg_pool1d(a.get("output_size")),
        "adaptive_max_pool2d" => x[0].adaptive_max_pool2d(size()),
        "max_unpool2d" => x[0].max_unpool2d(&x[1], size()),
        "pixel_shuffle" => x[0].pixel_shuffle(a.get("upscale_factor")),
        "pixel_unshuffle" => x[0].pixel_unshuffle(a.get("downscale_factor")),
        "channel_shuffle" => x[0].channel_shuffle(a.get("groups")),
        "interpolate" => x[0].interpolate(a.get::<[usize; 2]>("size"), mode(a)),
        "interpolate_by" => x[0].interpolate_by(a.get::<[f64; 2]>("scale_factor"), mode(a)),
        _ => return None,
    };
    Some(vec![y])
}

fn of_images(a: &Args) -> Pool {
    pool(a, |name| a.maybe(name))
}

fn of_sequences(a: &Args) -> Pool {
    pool(a, |name| a.maybe(name).map(|n| [n, n]))
}

fn pool(a: &Args, pair: impl Fn(&str) -> Option<[usize; 2]>) -> Pool {
    let kernel = pair("kernel_size").expect("a kernel");
    let pool = Pool::new(kernel).stride(pair("stride").unwrap_or(kernel)).ceil_mode(a.flag("ceil_mode"));
    let pool = pool.padding(pair("padding").unwrap_or_default()).dilation(pair("dilation").unwrap_or([1, 1]));
    pool.count_include_pad(a.maybe("count_include_pad").unwrap_or(true))
}

fn mode(a: &Args) -> Interpolation {
    match a.get::<String>("mode").as_str() {
        "nearest" => Interpolation::Nearest,
        _ => Interpolation::Bilinear { align_corners: a.flag("align_corners") },
    }
}
