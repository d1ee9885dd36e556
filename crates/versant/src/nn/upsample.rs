//! Pixels to channels and back [course: B8], and images at another size, as layers.

use super::{Context, Layer, Module};
use crate::ops::{Interpolation, Pair};
use crate::tensor::Tensor;

macro_rules! shuffle {
    ($(#[$doc:meta])* $name:ident, $method:ident, $setting:literal) => {
        $(#[$doc])*
        #[derive(Module, Clone, Debug)]
        pub struct $name(pub usize);

        impl Layer for $name {
            #[track_caller]
            fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
                let y = x.$method(self.0);
                cx.observe(stringify!($name), x, &y, |o| o.setting($setting, &[self.0 as f64]));
                y
            }
        }
    };
}

shuffle!(
    /// [`Tensor::pixel_unshuffle`] by a factor r: [n, c, h, w] to [n, c r^2, h / r, w / r]. With r = 2 it is the slides'
    /// squeeze, the invertible pooling of flows such as Glow (Kingma and Dhariwal 2018, arXiv 1807.03039).
    /// [course: B8]
    ///
    /// ```
    /// use versant::nn::{Context, Layer, PixelShuffle, PixelUnshuffle, Sequential};
    /// use versant::{Tensor, rng::Rng};
    /// let there_and_back = Sequential::new().push(PixelUnshuffle(2)).push(PixelShuffle(2));
    /// let x = Tensor::randn([2, 3, 4, 6], &mut Rng::new(0));
    /// let y = there_and_back.forward(&x, &mut Context::eval());
    /// assert_eq!(y.to_vec::<f32>(), x.to_vec::<f32>());
    /// ```
    PixelUnshuffle, pixel_unshuffle, "downscale_factor"
);
shuffle!(
    /// [`Tensor::pixel_shuffle`] by a factor r: [n, c r^2, h, w] to [n, c, h r, w r], the slides' unsqueeze for r = 2.
    /// [course: B8]
    PixelShuffle, pixel_shuffle, "upscale_factor"
);
shuffle!(
    /// [`Tensor::channel_shuffle`] by a number of groups.
    ChannelShuffle, channel_shuffle, "groups"
);

/// Images [n, c, h, w] at another size, by the nearest pixels unless told otherwise: [`Tensor::interpolate`] or
/// [`Tensor::interpolate_by`]. Settings: `size` or `scale_factor`; `mode`, 0 for nearest and 1 for bilinear; with
/// bilinear `align_corners`.
///
/// ```
/// use versant::nn::{Context, Layer, Upsample};
/// use versant::{Interpolation, Tensor};
/// let twice = Upsample::by(2.0).mode(Interpolation::Bilinear { align_corners: false });
/// let y = twice.forward(&Tensor::ones([1, 3, 4, 5]), &mut Context::eval());
/// assert_eq!(y.shape(), [1, 3, 8, 10].into());
/// ```
#[derive(Module, Clone, Debug)]
pub struct Upsample {
    #[module(skip)]
    target: Target,
    #[module(skip)]
    mode: Interpolation,
}

#[derive(Clone, Debug)]
enum Target {
    Size([usize; 2]),
    Factor([f64; 2]),
}

impl Upsample {
    /// To a height and width.
    pub fn to(size: impl Into<Pair<usize>>) -> Upsample {
        Upsample { target: Target::Size(size.into().0), mode: Interpolation::Nearest }
    }

    /// By a factor.
    pub fn by(factor: impl Into<Pair<f64>>) -> Upsample {
        Upsample { target: Target::Factor(factor.into().0), mode: Interpolation::Nearest }
    }

    /// What stands between the pixels.
    pub fn mode(self, mode: Interpolation) -> Upsample {
        Upsample { mode, ..self }
    }
}

impl Layer for Upsample {
    #[track_caller]
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let y = match self.target {
            Target::Size(size) => x.interpolate(size, self.mode),
            Target::Factor(factor) => x.interpolate_by(factor, self.mode),
        };
        cx.observe("Upsample", x, &y, |o| {
            let o = match self.target {
                Target::Size(size) => o.setting("size", &size.map(|d| d as f64)),
                Target::Factor(factor) => o.setting("scale_factor", &factor),
            };
            match self.mode {
                Interpolation::Nearest => o.setting("mode", &[0.0]),
                Interpolation::Bilinear { align_corners } => {
                    o.setting("mode", &[1.0]).setting("align_corners", &[f64::from(align_corners)])
                }
            }
        });
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_pytorchs_names() {
        let told = |layer: Upsample| {
            let mut cx = Context::eval().observing();
            layer.forward(&Tensor::zeros([1, 1, 2, 2]), &mut cx);
            cx.observations()[0].settings.clone()
        };
        assert_eq!(told(Upsample::to([3, 4])), [("size", vec![3.0, 4.0]), ("mode", vec![0.0])]);
        let bilinear = Upsample::by([1.5, 2.0]).mode(Interpolation::Bilinear { align_corners: true });
        let wanted = [("scale_factor", vec![1.5, 2.0]), ("mode", vec![1.0]), ("align_corners", vec![1.0])];
        assert_eq!(told(bilinear), wanted);
    }
}
