//! Elementwise arithmetic of two arguments, with broadcasting.

use super::arg::Arg;
use crate::array::Array;
use crate::dtype::DType;
use crate::tensor::Tensor;

/// The functions of two arguments that backends know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a b
    Mul,
    /// a / b; integers round towards zero
    Div,
    /// The larger; NaN if either is
    Maximum,
    /// The smaller; NaN if either is
    Minimum,
    /// a^b
    Pow,
    /// a - b floor(a / b), with the sign of b
    Remainder,
    /// a - b trunc(a / b), with the sign of a
    Fmod,
    /// The angle of the point (b, a)
    Atan2,
    /// 0 where b <= 0, else a (also where b is NaN): relu's gradient in one pass
    MaskPositive,
    /// a b (1 - b): sigmoid's gradient, b its result
    SigmoidGrad,
    /// a (1 - b^2): tanh's gradient, b its result
    TanhGrad,
    /// a s(b) (1 + b (1 - s(b))), s the logistic function: silu's gradient at b
    SiluGrad,
    /// a (Phi(b) + b phi(b)), Phi the normal distribution function and phi its density: gelu's gradient at b
    GeluGrad,
    /// a (s + 2 b s (1 - s) u') with s = s(2 u), u = sqrt(2/pi) (b + 0.044715 b^3): gelu_tanh's gradient at b
    GeluTanhGrad,
    /// max(a, 0) - a b + log(1 + e^-|a|): the binary cross-entropy of logits a against targets b
    BceWithLogits,
    /// 1 / (1 + e^-a) - b: its gradient at a
    SigmoidMinus,
}

impl Binary {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Maximum => "maximum",
            Binary::Minimum => "minimum",
            Binary::Pow => "pow",
            Binary::Remainder => "remainder",
            Binary::Fmod => "fmod",
            Binary::Atan2 => "atan2",
            Binary::MaskPositive => "mask_positive",
            Binary::SigmoidGrad => "sigmoid_grad",
            Binary::TanhGrad => "tanh_grad",
            Binary::SiluGrad => "silu_grad",
            Binary::GeluGrad => "gelu_grad",
            Binary::GeluTanhGrad => "gelu_tanh_grad",
            Binary::BceWithLogits => "bce_with_logits",
            Binary::SigmoidMinus => "sigmoid_minus",
        }
    }

    /// Whether it has a meaning for floating types alone.
    fn is_of_floats(self) -> bool {
        use Binary::{Atan2, BceWithLogits, SigmoidMinus};
        use Binary::{GeluGrad, GeluTanhGrad, SigmoidGrad, SiluGrad, TanhGrad};
        let is_slope = matches!(self, SigmoidGrad | TanhGrad | SiluGrad | GeluGrad | GeluTanhGrad);
        is_slope || matches!(self, Atan2 | BceWithLogits | SigmoidMinus)
    }
}

impl Array {
    /// Checks what every operation on two arrays demands, and stretches both to their common shape.
    #[track_caller]
    pub(super) fn broadcast_pair(&self, other: &Array, operation: &str) -> (Array, Array) {
        assert!(
            self.dtype() == other.dtype(),
            "{operation}: {} {} and {} {} differ in type; cast one",
            self.dtype(),
            self.shape(),
            other.dtype(),
            other.shape()
        );
        assert!(
            self.device() == other.device(),
            "{operation}: one side is on {}, the other on {}; move one with .to(device)",
            self.device(),
            other.device()
        );
        let shape = self.shape().broadcast_for(operation, &other.shape());
        (self.broadcast_to(shape), other.broadcast_to(shape))
    }

    /// op(a, b) for each pair of elements, with broadcasting.
    ///
    /// # Panics
    /// When shapes do not broadcast, types or devices differ, or the type is bool.
    #[track_caller]
    pub fn binary(&self, op: Binary, other: &Array) -> Array {
        let (a, b) = self.broadcast_pair(other, op.name());
        let name = op.name();
        assert!(a.dtype() != DType::Bool, "{name}: bool has no arithmetic; cast it first");
        assert!(
            !op.is_of_floats() || a.dtype().is_float(),
            "{name}: needs f32 or f64, not {}; cast it first",
            a.dtype()
        );
        let mut out = Array::recycled(a.shape(), a.dtype(), a.device());
        a.device().backend().binary(op, &a, &b, &mut out);
        out
    }

    /// Whether op(self, other) may be written over self: it has the result's shape, and nobody else holds its memory.
    fn gives_way_to(&self, other: &Array) -> bool {
        self.dtype().is_float()
            && self.is_sole_owner()
            && (self.dtype(), self.device()) == (other.dtype(), other.device())
            && other.layout().broadcast_to(self.shape()).is_some()
    }

    /// self = op(self, other), in place where nobody else holds the memory.
    #[track_caller]
    pub(crate) fn binary_assign(&mut self, op: Binary, other: &Array) {
        if self.gives_way_to(other) {
            let other = other.broadcast_to(self.shape());
            self.device().backend().binary_assign(op, self, &other);
        } else {
            *self = self.binary(op, other);
        }
    }

    /// [`binary`](Array::binary) of arrays given away, in the memory of one of them where that is possible.
    #[track_caller]
    pub(super) fn into_binary(mut self, op: Binary, mut other: Array) -> Array {
        let commutes = matches!(op, Binary::Add | Binary::Mul);
        if commutes && !self.gives_way_to(&other) && other.gives_way_to(&self) {
            other.binary_assign(op, &self);
            return other;
        }
        self.binary_assign(op, &other);
        self
    }
}

/// g is the gradient of the result; each parent's gradient is summed back to that parent's shape.
impl Tensor {
    /// a + b. Gradients: g, g.
    #[track_caller]
    pub fn add(&self, other: &Tensor) -> Tensor {
        let (sa, sb) = (self.shape(), other.shape());
        Tensor::from_op("add", self.array().binary(Binary::Add, other.array()), [self, other], move |back| {
            [back.want(0, || back.grad().sum_to(sa)), back.want(1, || back.grad().sum_to(sb))]
        })
    }

    /// a - b. Gradients: g, -g.
    #[track_caller]
    pub fn sub(&self, other: &Tensor) -> Tensor {
        let (sa, sb) = (self.shape(), other.shape());
        Tensor::from_op("sub", self.array().binary(Binary::Sub, other.array()), [self, other], move |back| {
            [back.want(0, || back.grad().sum_to(sa)), back.want(1, || back.grad().sum_to(sb).neg())]
        })
    }

    /// a b. Gradients: g b, g a.
    #[track_caller]
    pub fn mul(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.clone(), other.clone());
        Tensor::from_op("mul", self.array().binary(Binary::Mul, other.array()), [self, other], move |back| {
            let g = back.grad();
            [back.want(0, || g.mul(&b).sum_to(a.shape())), back.want(1, || g.mul(&a).sum_to(b.shape()))]
        })
    }

    /// a / b. Gradients: g / b, -g a / b^2.
    #[track_caller]
    pub fn div(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.clone(), other.clone());
        Tensor::from_op("div", self.array().binary(Binary::Div, other.array()), [self, other], move |back| {
            let g = back.grad();
            [
                back.want(0, || g.div(&b).sum_to(a.shape())),
                back.want(1, || (g * (&a / &b / &b)).sum_to(b.shape()).neg()),
            ]
        })
    }

    /// The larger of each pair; NaN if either is. Gradient: g to the larger, half to each where equal.
    #[track_caller]
    pub fn maximum<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let (a, b) = (self.clone(), other.into().tensor("maximum", self));
        let value = self.array().binary(Binary::Maximum, b.array());
        Tensor::from_op("maximum", value, [self, &b.clone()], move |back| {
            let g = back.grad();
            [back.want(0, || share(g, b.gt(&a), &a, &b)), back.want(1, || share(g, a.gt(&b), &b, &a))]
        })
    }

    /// The smaller of each pair; NaN if either is. Gradient: g to the smaller, half to each where equal.
    #[track_caller]
    pub fn minimum<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let (a, b) = (self.clone(), other.into().tensor("minimum", self));
        let value = self.array().binary(Binary::Minimum, b.array());
        Tensor::from_op("minimum", value, [self, &b.clone()], move |back| {
            let g = back.grad();
            [back.want(0, || share(g, b.lt(&a), &a, &b)), back.want(1, || share(g, a.lt(&b), &b, &a))]
        })
    }

    /// a^b. Gradients: g b a^(b-1), 0 where b = 0; g y log(a), 0 where a = 0 and b >= 0.
    #[track_caller]
    pub fn pow<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let b = match other.into() {
            Arg::Number(exponent) if self.dtype().is_float() => return self.powf(exponent),
            other => other.tensor("pow", self),
        };
        let value = self.array().binary(Binary::Pow, b.array());
        let a = self.clone();
        Tensor::from_op_with_output("pow", value, [self, &b.clone()], move |back, y| {
            let g = back.grad();
            let to_base = || b.equal(0.0).where_cond(0.0, &(g * (&b * a.pow(&(&b - 1.0)))));
            let to_exponent = || {
                let flat = a.equal(0.0).logical_and(&b.ge(0.0));
                flat.where_cond(0.0, &(g * (y * a.log())))
            };
            [back.want(0, || to_base().sum_to(a.shape())), back.want(1, || to_exponent().sum_to(b.shape()))]
        })
    }

    /// a - b floor(a / b), the rest of a division, with the sign of b: Python's `%`. Gradients: g, -g floor(a / b).
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[7i64, -7], [2]);
    /// assert_eq!(x.remainder(3.0).to_vec::<i64>(), [1, 2]);
    /// assert_eq!(x.fmod(3.0).to_vec::<i64>(), [1, -1]);
    /// ```
    #[track_caller]
    pub fn remainder<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let (a, b) = (self.clone(), other.into().tensor("remainder", self));
        let value = self.array().binary(Binary::Remainder, b.array());
        Tensor::from_op_with_output("remainder", value, [self, &b.clone()], move |back, y| {
            let g = back.grad();
            // a / b rounded may be a whole number when a / b is just below it. By 0 there is no rest.
            let quotient = || b.equal(0.0).where_cond(&(&a / &b), &((&a - y) / &b).round());
            [back.want(0, || g.sum_to(a.shape())), back.want(1, || (g * quotient()).sum_to(b.shape()).neg())]
        })
    }

    /// a - b trunc(a / b), the rest of a division, with the sign of a; also written `a % b`, as in Rust.
    /// Gradients: g, -g trunc(a / b).
    #[track_caller]
    pub fn fmod<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let (a, b) = (self.clone(), other.into().tensor("fmod", self));
        let value = self.array().binary(Binary::Fmod, b.array());
        Tensor::from_op_with_output("fmod", value, [self, &b.clone()], move |back, y| {
            let g = back.grad();
            let quotient = || y.isnan().where_cond(&(&a / &b).trunc(), &((&a - y) / &b).round());
            [back.want(0, || g.sum_to(a.shape())), back.want(1, || (g * quotient()).sum_to(b.shape()).neg())]
        })
    }

    /// The angle in [-pi, pi] of the point with the ordinate y = `self` and the abscissa x = `other`.
    /// Gradients: g x / (x^2 + y^2), -g y / (x^2 + y^2); 0 at the origin.
    #[track_caller]
    pub fn atan2<'a>(&self, other: impl Into<Arg<'a>>) -> Tensor {
        let (y, x) = (self.clone(), other.into().tensor("atan2", self));
        let value = self.array().binary(Binary::Atan2, x.array());
        Tensor::from_op("atan2", value, [self, &x.clone()], move |back| {
            let square = y.square() + x.square();
            let share = back.grad() / square.equal(0.0).where_cond(1.0, &square);
            [
                back.want(0, || (&share * &x).sum_to(y.shape())),
                back.want(1, || (&share * &y).sum_to(x.shape()).neg()),
            ]
        })
    }

    /// a + w (b - a), the way from a to b, of which the weight w is the part gone. Gradients: g (1 - w), g w to b,
    /// g (b - a) to w.
    #[track_caller]
    pub fn lerp<'a>(&self, end: &Tensor, weight: impl Into<Arg<'a>>) -> Tensor {
        let (a, b, w) = (self.clone(), end.clone(), weight.into().tensor("lerp", self));
        let (ends, _) = self.array().broadcast_pair(end.array(), "lerp");
        ends.broadcast_pair(w.array(), "lerp");
        let value = crate::no_grad(|| {
            // Computed from the nearer end, so that w = 1 gives b exactly.
            let (step, rest) = (&b - &a, 1.0 - &w);
            w.abs().lt(0.5).where_cond(&(&a + &step * &w), &(&b - step * rest))
        });
        Tensor::from_op("lerp", value.array().clone(), [self, end, &w.clone()], move |back| {
            let g = back.grad();
            [
                back.want(0, || (g * (1.0 - &w)).sum_to(a.shape())),
                back.want(1, || (g * &w).sum_to(b.shape())),
                back.want(2, || (g * (&b - &a)).sum_to(w.shape())),
            ]
        })
    }

    /// 0 where b <= 0, else a: relu's gradient. Gradients: to a the same mask of g, to b zero.
    #[track_caller]
    pub fn mask_positive(&self, by: &Tensor) -> Tensor {
        let (mask, sa) = (by.detach(), self.shape());
        let value = self.array().binary(Binary::MaskPositive, by.array());
        Tensor::from_op("mask_positive", value, [self, by], move |back| {
            let g = back.grad();
            [back.want(0, || g.mask_positive(&mask).sum_to(sa)), back.want(1, || mask.zeros_like())]
        })
    }
}

/// The gradient of an extremum for `mine`: 0 where it has `lost`, half where both are equal, else g.
fn share(g: &Tensor, lost: Tensor, mine: &Tensor, other: &Tensor) -> Tensor {
    let won = mine.equal(other).where_cond(&(g * 0.5), g);
    lost.where_cond(0.0, &won).sum_to(mine.shape())
}

#[cfg(test)]
mod tests {
    use crate::{Device, Tensor};

    fn gradients(y: &Tensor, of: [&Tensor; 2]) -> [Vec<f64>; 2] {
        let grads = y.sum().backward();
        of.map(|x| grads.get(x).map(|g| g.to_vec()).unwrap_or_default())
    }

    #[test]
    fn rests_have_the_sign_of_the_divisor_or_of_the_dividend() {
        let (a, b) = ([7.0f64, -7.0, 7.0, -7.0], [3.0f64, 3.0, -3.0, -3.0]);
        for device in [Device::Cpu, Device::Naive] {
            let [a, b] = [a, b].map(|v| Tensor::from_slice(&v, [4]).to(device).requires_grad());
            let (floored, truncated) = (a.remainder(&b), a.fmod(&b));
            assert_eq!(floored.to_vec::<f64>(), [1.0, 2.0, -2.0, -1.0]);
            assert_eq!(truncated.to_vec::<f64>(), [1.0, -1.0, 1.0, -1.0]);
            assert_eq!((&a % &b).to_vec::<f64>(), truncated.to_vec::<f64>());
            assert_eq!(gradients(&floored, [&a, &b]), [vec![1.0; 4], vec![-2.0, 3.0, 3.0, -2.0]]);
            assert_eq!(gradients(&truncated, [&a, &b]), [vec![1.0; 4], vec![-2.0, 2.0, 2.0, -2.0]]);
            let whole = |t: &Tensor| t.cast(crate::DType::I64);
            assert_eq!(whole(&a).remainder(&whole(&b)).to_vec::<i64>(), [1, 2, -2, -1]);
            assert_eq!(whole(&a).fmod(&whole(&b)).to_vec::<i64>(), [1, -1, 1, -1]);
            let least = Tensor::from_slice(&[i64::MIN, 5], [2]).to(device);
            let minus = Tensor::from_slice(&[-1i64, 0], [2]).to(device);
            assert_eq!((&least % &minus).to_vec::<i64>(), [0, 0]);
            assert_eq!(least.remainder(&minus).to_vec::<i64>(), [0, 0]);
        }
        let x = Tensor::scalar(5.5f32);
        assert_eq!([(&x % 2.0).item::<f32>(), (12.0 % &x).item()], [1.5, 1.0]);
    }

    /// 1 / 0.1 is 10 in f64, but 0.1 is a little more than a tenth, and goes into 1 only 9 times.
    #[test]
    fn the_gradient_of_remainder_knows_the_true_quotient() {
        let [a, b] = [1.0f64, 0.1].map(|v| Tensor::scalar(v).requires_grad());
        assert_eq!(gradients(&a.remainder(&b), [&a, &b]), [vec![1.0], vec![-9.0]]);
    }

    #[test]
    fn special_values_of_rests_and_angles() {
        for device in [Device::Cpu, Device::Naive] {
            let of = |v: &[f64]| Tensor::from_slice(v, [v.len()]).to(device);
            let rest = of(&[-1.0, 1.0]).remainder(f64::INFINITY);
            assert_eq!(rest.to_vec::<f64>(), [f64::INFINITY, 1.0]);
            let (a, b) = (of(&[1.0, f64::INFINITY]), of(&[0.0, 1.0]).requires_grad());
            assert_eq!(gradients(&a.fmod(&b), [&b, &b])[0], [f64::NEG_INFINITY; 2]);
            assert_eq!(gradients(&a.remainder(&b), [&b, &b])[0][0], f64::NEG_INFINITY);
            assert!(
                of(&[1.0, f64::INFINITY]).fmod(&of(&[0.0, 1.0])).to_vec::<f64>().iter().all(|v| v.is_nan())
            );
            let [y, x] = [[0.0, 1.0, -0.0], [0.0, 0.0, -1.0]].map(|v| of(&v).requires_grad());
            let angle = y.atan2(&x);
            let pi = std::f64::consts::PI;
            assert_eq!(angle.to_vec::<f64>(), [0.0, pi / 2.0, -pi]);
            assert_eq!(gradients(&angle, [&y, &x]), [vec![0.0, 0.0, -1.0], vec![0.0, -1.0, 0.0]]);
        }
    }

    #[test]
    fn lerp_meets_both_ends() {
        for device in [Device::Cpu, Device::Naive] {
            let (a, b) = (Tensor::scalar(0.1f64).to(device), Tensor::scalar(0.7f64).to(device));
            let at = |w: f64| a.lerp(&b, w).item::<f64>();
            assert_eq!([at(0.0), at(1.0), at(0.5)], [0.1, 0.7, 0.39999999999999997]);
            let w = Tensor::from_slice(&[0.0f64, 0.5, 1.0], [3]).to(device).requires_grad();
            assert_eq!(a.lerp(&b, &w).to_vec::<f64>(), [0.1, 0.39999999999999997, 0.7]);
        }
    }

    #[test]
    #[should_panic(expected = "lerp: [2] and [3] do not broadcast")]
    fn lerp_names_itself() {
        let _ = Tensor::zeros([2]).lerp(&Tensor::ones([1]), &Tensor::zeros([3]));
    }

    #[test]
    fn numbers_stand_for_tensors() {
        let x = Tensor::from_slice(&[-1.0f32, 2.0], [2]);
        assert_eq!(x.maximum(0.5).to_vec::<f32>(), [0.5, 2.0]);
        assert_eq!(x.minimum(0.5).to_vec::<f32>(), [-1.0, 0.5]);
        assert_eq!(x.pow(2.0).to_vec::<f32>(), [1.0, 4.0]);
        let whole = Tensor::from_slice(&[3i64, -4], [2]);
        assert_eq!(whole.pow(2.0).to_vec::<i64>(), [9, 16]);
        assert_eq!(whole.maximum(0.0).to_vec::<i64>(), [3, 0]);
    }

    #[test]
    #[should_panic(expected = "minimum: the tensor is i64, which cannot hold 0.5; cast it first")]
    fn fractions_do_not_fit_integers() {
        let _ = Tensor::arange(3).minimum(0.5);
    }

    #[test]
    #[should_panic(expected = "atan2: needs f32 or f64, not i64; cast it first")]
    fn integers_have_no_angles() {
        let _ = Tensor::arange(3).atan2(1.0);
    }

    #[test]
    fn ties_of_maximum_share_the_gradient() {
        let a = Tensor::from_slice(&[1.0f64, 2.0, 3.0], [3]).requires_grad();
        let b = Tensor::from_slice(&[1.0f64, 3.0, 2.0], [3]).requires_grad();
        let grads = a.maximum(&b).sum().backward();
        assert_eq!(grads.get(&a).map(|g| g.to_vec()), Some(vec![0.5, 0.0, 1.0]));
        assert_eq!(grads.get(&b).map(|g| g.to_vec()), Some(vec![0.5, 1.0, 0.0]));
    }

    #[test]
    #[should_panic(expected = "add: [2, 3] and [2] do not broadcast")]
    fn shapes_that_do_not_broadcast() {
        let _ = Tensor::zeros([2, 3]) + Tensor::zeros([2]);
    }

    #[test]
    #[should_panic(expected = "mul: f32 [2] and f64 [2] differ in type; cast one")]
    fn types_that_differ() {
        let _ = Tensor::zeros([2]) * Tensor::from_slice(&[1.0f64, 2.0], [2]);
    }
}
