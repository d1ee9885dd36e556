//! Pooling as layers [course: B6, B7]. Without parameters; the settings that they tell are PyTorch's.

use super::{Context, Layer, Module, Observation};
use crate::ops::{Pair, Pool};
use crate::tensor::Tensor;

/// Two whole numbers as an observation takes them.
fn pair(values: [usize; 2]) -> [f64; 2] {
    values.map(|v| v as f64)
}

/// The settings that all pools have: one number each along one axis, two for images.
fn windows(seen: Observation, pool: &Pool, axes: usize) -> Observation {
    let [kernel, stride, padding] = [pool.window.kernel, pool.window.stride, pool.window.padding].map(pair);
    let seen = seen.setting("kernel_size", &kernel[..axes]).setting("stride", &stride[..axes]);
    seen.setting("padding", &padding[..axes]).setting("ceil_mode", &[f64::from(pool.ceil_mode)])
}

fn with_dilation(seen: Observation, pool: &Pool, axes: usize) -> Observation {
    windows(seen, pool, axes).setting("dilation", &pair(pool.window.dilation)[..axes])
}

fn with_count(seen: Observation, pool: &Pool, axes: usize) -> Observation {
    windows(seen, pool, axes).setting("count_include_pad", &[f64::from(pool.count_include_pad)])
}

macro_rules! pooling {
    ($(#[$doc:meta])* $name:ident, $method:ident, $settings:ident, $axes:literal) => {
        $(#[$doc])*
        #[derive(Module, Clone, Debug)]
        pub struct $name(#[module(skip)] Pool);

        impl $name {
            /// With a kernel's size, or a [`Pool`] that has more to say.
            pub fn new(pool: impl Into<Pool>) -> $name {
                $name(pool.into())
            }
        }

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
                let y = x.$method(self.0);
                cx.observe(stringify!($name), x, &y, |o| $settings(o, &self.0, $axes));
                y
            }
        }
    };
}

pooling!(
    /// [`Tensor::max_pool2d`]: images [n, c, h, w].
    ///
    /// ```
    /// use versant::nn::{Context, Layer, MaxPool2d};
    /// use versant::{Pool, Tensor};
    /// let halves = MaxPool2d::new(2);
    /// let of_resnet = MaxPool2d::new(Pool::new(3).stride(2).padding(1));
    /// let x = Tensor::zeros([1, 3, 32, 32]);
    /// for layer in [halves, of_resnet] {
    ///     assert_eq!(layer.forward(&x, &mut Context::eval()).shape(), [1, 3, 16, 16].into());
    /// }
    /// ```
    MaxPool2d, max_pool2d, with_dilation, 2
);
pooling!(
    /// [`Tensor::max_pool1d`]: sequences [n, c, l].
    MaxPool1d, max_pool1d, with_dilation, 1
);
pooling!(
    /// [`Tensor::avg_pool2d`]: images [n, c, h, w].
    AvgPool2d, avg_pool2d, with_count, 2
);
pooling!(
    /// [`Tensor::avg_pool1d`]: sequences [n, c, l].
    AvgPool1d, avg_pool1d, with_count, 1
);

macro_rules! adaptive {
    ($(#[$doc:meta])* $name:ident, $method:ident) => {
        $(#[$doc])*
        #[derive(Module, Clone, Debug)]
        pub struct $name(#[module(skip)] [usize; 2]);

        impl $name {
            /// To this height and width.
            pub fn new(size: impl Into<Pair<usize>>) -> $name {
                $name(size.into().0)
            }
        }

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
                let y = x.$method(self.0);
                cx.observe(stringify!($name), x, &y, |o| o.setting("output_size", &pair(self.0)));
                y
            }
        }
    };
}

adaptive!(
    /// [`Tensor::adaptive_avg_pool2d`]: images of any size to one size. `AdaptiveAvgPool2d::new(1)` is global average
    /// pooling, [n, c, h, w] to [n, c, 1, 1].
    AdaptiveAvgPool2d, adaptive_avg_pool2d
);
adaptive!(
    /// [`Tensor::adaptive_max_pool2d`]: images of any size to one size, that of 1 being global max pooling.
    AdaptiveMaxPool2d, adaptive_max_pool2d
);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(layer: &dyn Layer, x: Tensor) -> Vec<(&'static str, Vec<f64>)> {
        let mut cx = Context::eval().observing();
        layer.forward(&x, &mut cx);
        cx.observations()[0].settings.clone()
    }

    #[test]
    fn settings_have_pytorchs_names() {
        let pool = Pool::new([3, 2]).stride([2, 1]).padding([1, 0]).ceil_mode(true);
        let mut wanted =
            vec![("kernel_size", vec![3.0, 2.0]), ("stride", vec![2.0, 1.0]), ("padding", vec![1.0, 0.0])];
        wanted.push(("ceil_mode", vec![1.0]));
        let x = || Tensor::zeros([1, 1, 7, 7]);
        let of_max = settings(&MaxPool2d::new(pool.dilation(2)), x());
        assert_eq!(of_max, [&wanted[..], &[("dilation", vec![2.0, 2.0])]].concat());
        let of_mean = settings(&AvgPool2d::new(pool), x());
        assert_eq!(of_mean, [&wanted[..], &[("count_include_pad", vec![1.0])]].concat());
        assert_eq!(settings(&AdaptiveAvgPool2d::new(1), x()), [("output_size", vec![1.0, 1.0])]);
        assert_eq!(settings(&MaxPool1d::new(2), x().squeeze(0))[0], ("kernel_size", vec![2.0]));
    }
}
