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
            (None, true) => Tensor::from_op_with_output(with_relu, value, [a, b], move |back, y| {
                grads(back, &back.grad().mask_positive(y))
            }),
            (Some(bias), true) => {
                Tensor::from_op_with_output(with_relu, value, [a, b, bias], move |back, y| {
                    let (g, of_planes) = masked(back.grad(), y, back.needs(2));
                    let [da, db] = grads(back, &g);
                    [da, db, back.want(2, || of_planes.map_or_else(|| sums(&g), |sums| sums.sum_axes([0])))]
                })
            }
        }
    }
}

/// g where the result y of a ReLU is not 0; if `summed`, of images in the same pass also the sums over places, [n, c].
fn masked(g: &Tensor, y: &Tensor, summed: bool) -> (Tensor, Option<Tensor>) {
    if !summed || g.rank() < 3 || is_recording() {
        return (g.mask_positive(y), None);
    }
    let planes = [g.shape()[0], g.shape()[1], g.shape()[2..].iter().product()];
    let mut out = Array::recycled(planes.into(), g.dtype(), g.device());
    let mut sums = Array::recycled([planes[0], planes[1]].into(), g.dtype(), g.device());
    let [y, g0] = [y, g].map(|t| t.array().contiguous().reshape(planes));
    g.device().backend().relu_backward(&y, &g0, &mut out, &mut sums);
    (out.reshape(g.shape()).into(), Some(sums.into()))
}
