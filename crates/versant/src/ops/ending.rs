//! How products and convolutions end: with a bias and a ReLU, done as their results leave the registers.

use crate::array::Array;
use crate::autograd::{Back, Grad, is_recording};
use crate::tensor::Tensor;

/// What comes after the sum of products.
pub(super) struct Ending<'a> {
    /// The operation's name without and with a ReLU.
    pub names: [&'static str; 2],
    /// Added to the sums.
    pub bias: Option<&'a Tensor>,
    /// max(y, 0), after the bias.
    pub relu: bool,
    /// The bias's gradient from that of the sums.
    pub sums: fn(&Tensor) -> Tensor,
}

impl Ending<'_> {
    /// The node of a result of two factors. `grads` gives their gradients from that of the sums: with a ReLU the
    /// gradient of the result, where the result is not 0.
    pub fn node(
        self,
        value: Array,
        [a, b]: [&Tensor; 2],
        grads: impl Fn(&Back, &Tensor) -> [Grad; 2] + Send + Sync + 'static,
    ) -> Tensor {
        let Ending { names: [plain, with_relu], bias, relu, sums } = self;
        match (bias, relu) {
            (None, false) => Tensor::from_op(plain, value, [a, b], move |back| grads(back, back.grad())),
            (Some(bias), false) => Tensor::from_op(plain, value, [a, b, bias], move |back| {
                let [da, db] = grads(back, back.grad());
                [da, db, back.want(2, || sums(back.grad()))]
            }),
            // What is not needed any more falls free before the factors' gradients take memory.
            (None, true) => Tensor::record(with_relu, value, &[a, b], true, move |back| {
                let (g, y) = (back.take_grad(), back.take_output());
                let g = masked(g, y, false).0;
                grads(back, &g).into()
            }),
            (Some(bias), true) => Tensor::record(with_relu, value, &[a, b, bias], true, move |back| {
                let (g, y) = (back.take_grad(), back.take_output());
                let (g, of_planes) = masked(g, y, back.needs(2));
                let [da, db] = grads(back, &g);
                let bias = back.want(2, || of_planes.map_or_else(|| sums(&g), |sums| sums.sum_axes([0])));
                vec![da, db, bias]
            }),
        }
    }
}

/// g where the result y of a ReLU is not 0; if `summed`, of images in the same pass also the sums over places, [n, c].
fn masked(g: Tensor, y: Tensor, summed: bool) -> (Tensor, Option<Tensor>) {
    if !summed || g.rank() < 3 || is_recording() {
        return (g.mask_positive(&y), None);
    }
    let shape = g.shape();
    let planes = [shape[0], shape[1], shape[2..].iter().product()];
    let mut sums = Array::recycled([planes[0], planes[1]].into(), g.dtype(), g.device());
    let y = y.array().contiguous().reshape(planes);
    let mut masked = g.array().contiguous().reshape(planes);
    // The last hold on the memory but `masked`: else it would be copied.
    drop(g);
    masked.device().backend().relu_backward(&y, &mut masked, &mut sums);
    (masked.reshape(shape).into(), Some(sums.into()))
}
