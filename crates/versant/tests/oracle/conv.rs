//! Convolutions of any stride, padding, dilation and groups, with their gradients.

use proptest::prelude::*;
use versant::ops::Unary;
use versant::rng::Rng;
use versant::{Array, Conv, DType, Device, Padding, Tensor};

use crate::compare::{eps, wide, within};
use crate::views::{Values, draw};

/// Lengths of an axis of an image around those of vectors and of rows.
const LENGTHS: [usize; 12] = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 40];

/// Channels of a group, in x and in y.
const CHANNELS: [usize; 9] = [0, 1, 2, 3, 7, 8, 9, 17, 33];

#[derive(Clone, Debug)]
struct Setup {
    batch: usize,
    groups: usize,
    channels: [usize; 2],
    image: [usize; 2],
    kernel: [usize; 2],
    conv: Conv,
    double: bool,
    transposed: bool,
    seed: u64,
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

fn setup() -> impl Strategy<Value = Setup> {
    let length = || prop::sample::select(&LENGTHS[..]);
    let channels = || prop::sample::select(&CHANNELS[..]);
    let groups = prop_oneof![3 => Just(1usize), 1 => 2usize..4, 1 => 4usize..20];
    let sizes = (0usize..6, groups, [channels(), channels()], [length(), length()], pair(1..6));
    let options = (pair(1..4), pair(0..5), pair(1..4), pair(0..3), 0u8..8);
    (sizes, options, any::<bool>(), any::<bool>(), any::<u64>()).prop_map(
        |(
            (batch, groups, mut channels, image, kernel),
            (stride, padding, dilation, extra, kind),
            double,
            transposed,
            seed,
        )| {
            // In many groups, few channels: most often depthwise.
            if groups > 1 {
                channels = channels.map(|c| if groups > 3 { c.clamp(1, 2) } else { c.min(9) });
            }
            let padding = match kind {
                0 if !transposed => Padding::Same,
                1 => Padding::Valid,
                _ => Padding::Pixels(padding),
            };
            let stride = if padding == Padding::Same { [1, 1] } else { stride };
            let mut conv = Conv::new().stride(stride).padding(padding).dilation(dilation).groups(groups);
            if transposed {
                let less = |axis: usize| extra[axis].min(stride[axis].max(dilation[axis]) - 1);
                conv = conv.output_padding([less(0), less(1)]);
            }
            Setup { batch, groups, channels, image, kernel, conv, double, transposed, seed }
        },
    )
}

impl Setup {
    /// Whether the kernel fits, or anything is left.
    fn is_possible(&self) -> bool {
        let Padding::Pixels(padding) = self.conv.padding else {
            return self.transposed
                || self.conv.padding == Padding::Same
                || (0..2).all(|a| self.image[a] > (self.kernel[a] - 1) * self.conv.dilation[a]);
        };
        (0..2).all(|a| {
            let reach = (self.kernel[a] - 1) * self.conv.dilation[a];
            let whole = (self.image[a] - 1) * self.conv.stride[a] + reach + 1 + self.conv.output_padding[a];
            let fits = self.image[a] + 2 * padding[a] > reach;
            if self.transposed { whole > 2 * padding[a] } else { fits }
        })
    }

    /// x, w, b.
    fn inputs(&self) -> [Array; 3] {
        let [of_x, of_y] = self.channels;
        let (inputs, outputs) = (of_x * self.groups, of_y * self.groups);
        let weight = if self.transposed { [inputs, of_y] } else { [outputs, of_x] };
        let dtype = if self.double { DType::F64 } else { DType::F32 };
        let mut rng = Rng::new(self.seed);
        let mut draw = |dims: &[usize]| draw(dims, dtype, Values::Ordinary, &mut rng);
        [
            draw(&[&[self.batch, inputs][..], &self.image[..]].concat()),
            draw(&[&weight[..], &self.kernel[..]].concat()),
            draw(&[outputs]),
        ]
    }

    /// The result and the gradients of x, w, b under an upstream gradient that depends on the result's shape.
    fn run(&self, inputs: [Array; 3], device: Device, positive: bool) -> Vec<Array> {
        let [x, w, b] = inputs.map(|a| Tensor::from(a.to(device)).requires_grad());
        let y = if self.transposed {
            x.conv_transpose2d(&w, Some(&b), &self.conv)
        } else {
            x.conv2d(&w, Some(&b), &self.conv)
        };
        let low = if positive { 1.0 } else { -1.0 };
        let g = Array::rand(y.shape(), low, 1.0, DType::F64, &mut Rng::new(self.seed)).cast(y.dtype());
        let grads = y.backward_from(&g.to(device).into());
        let of = |t: &Tensor| grads.get(t).map(|g| g.array().clone()).expect("a gradient");
        vec![y.array().clone(), of(&x), of(&w), of(&b)]
    }
}

oracle! {
    #[test]
    fn convolutions(setup in setup().prop_filter("possible", Setup::is_possible)) {
        let inputs = setup.inputs();
        let got = setup.run(inputs.clone(), Device::Cpu, false);
        let wanted = setup.run(inputs.clone(), Device::Naive, false);
        let magnitudes = inputs.map(|a| a.to(Device::Naive).cast(DType::F64).unary(Unary::Abs));
        let sizes = setup.run(magnitudes, Device::Naive, true);
        for ((got, wanted), size) in got.iter().zip(&wanted).zip(sizes) {
            // No sum has more terms than this.
            let terms = setup.inputs().iter().map(Array::numel).max().unwrap_or(0).max(got.numel()).max(1);
            let (size, error) = (wide(&size), 8.0 * (terms as f64).sqrt() * eps(got.dtype()));
            within(got, wanted, |i, _| error * size[i]);
        }
    }
}
