//! Elementwise arithmetic of two arguments, with broadcasting, and the operators `+ - * /`.

use std::ops;

use crate::array::Array;
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
    /// 0 where b <= 0, else a (also where b is NaN): relu's gradient in one pass
    MaskPositive,
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
            Binary::MaskPositive => "mask_positive",
        }
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
        let Some(shape) = self.shape().broadcast(&other.shape()) else {
            panic!(
                "{operation}: {} and {} do not broadcast; axes match from the last, and only an axis of 1 stretches",
                self.shape(),
                other.shape()
            )
        };
        (self.broadcast_to(shape), other.broadcast_to(shape))
    }

    /// op(a, b) for each pair of elements, with broadcasting.
    ///
    /// # Panics
    /// When shapes do not broadcast, types or devices differ, or the type is bool.
    #[track_caller]
    pub fn binary(&self, op: Binary, other: &Array) -> Array {
        let (a, b) = self.broadcast_pair(other, op.name());
        assert!(a.dtype() != crate::DType::Bool, "{}: bool has no arithmetic; cast it first", op.name());
        let mut out = Array::recycled(a.shape(), a.dtype(), a.device());
        a.device().backend().binary(op, &a, &b, &mut out);
        out
    }

    /// self += other, in place where nobody else holds the memory. Shapes and types are equal.
    pub(crate) fn add_assign(&mut self, other: &Array) {
        if self.is_sole_owner() {
            self.device().backend().add_assign(self, other);
        } else {
            *self = self.binary(Binary::Add, other);
        }
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
    pub fn maximum(&self, other: &Tensor) -> Tensor {
        self.extremum("maximum", Binary::Maximum, other)
    }

    /// The smaller of each pair; NaN if either is. Gradient: g to the smaller, half to each where equal.
    #[track_caller]
    pub fn minimum(&self, other: &Tensor) -> Tensor {
        self.extremum("minimum", Binary::Minimum, other)
    }

    #[track_caller]
    fn extremum(&self, name: &'static str, op: Binary, other: &Tensor) -> Tensor {
        let (a, b) = (self.clone(), other.clone());
        Tensor::from_op(name, self.array().binary(op, other.array()), [self, other], move |back| {
            let share = |lost: Tensor, shape| {
                let half = back.grad() * 0.5;
                let zero = half.constant(0.0);
                lost.where_cond(&zero, &a.equal(&b).where_cond(&half, back.grad())).sum_to(shape)
            };
            let (a_lost, b_lost) = match op {
                Binary::Maximum => (a.lt(&b), b.lt(&a)),
                _ => (a.gt(&b), b.gt(&a)),
            };
            [back.want(0, || share(a_lost, a.shape())), back.want(1, || share(b_lost, b.shape()))]
        })
    }

    /// a^b. Gradients: g b a^(b-1); g y log(a), 0 where a = 0 and b >= 0.
    #[track_caller]
    pub fn pow(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.clone(), other.clone());
        let value = self.array().binary(Binary::Pow, other.array());
        Tensor::from_op_with_output("pow", value, [self, other], move |back, y| {
            let g = back.grad();
            let zero = g.constant(0.0);
            let to_base = || b.equal(&zero).where_cond(&zero, &(g * (&b * a.pow(&(&b - 1.0)))));
            let to_exponent = || {
                let flat = a.equal(&zero).logical_and(&b.ge(&zero));
                flat.where_cond(&zero, &(g * (y * a.log())))
            };
            [back.want(0, || to_base().sum_to(a.shape())), back.want(1, || to_exponent().sum_to(b.shape()))]
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

macro_rules! operator {
    ($($trait:ident $method:ident)*) => {$(
        impl ops::$trait<&Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                Tensor::$method(self, other)
            }
        }
        impl ops::$trait<Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                Tensor::$method(self, &other)
            }
        }
        impl ops::$trait<&Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                Tensor::$method(&self, other)
            }
        }
        impl ops::$trait<Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                Tensor::$method(&self, &other)
            }
        }
    )*};
}
operator!(Add add  Sub sub  Mul mul  Div div);

/// `$x` is the tensor and `$c` the number.
macro_rules! scalar_operator {
    ($($trait:ident $method:ident: $x:ident, $c:ident => $right:expr, $left:expr;)*) => {$(
        impl ops::$trait<f64> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $c: f64) -> Tensor {
                let $x = self;
                $right
            }
        }
        impl ops::$trait<f64> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $c: f64) -> Tensor {
                let $x = &self;
                $right
            }
        }
        impl ops::$trait<&Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $x: &Tensor) -> Tensor {
                let $c = self;
                $left
            }
        }
        impl ops::$trait<Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, x: Tensor) -> Tensor {
                let ($x, $c) = (&x, self);
                $left
            }
        }
    )*};
}
scalar_operator! {
    Add add: x, c => x.add_scalar(c), x.add_scalar(c);
    Sub sub: x, c => x.add_scalar(-c), x.neg().add_scalar(c);
    Mul mul: x, c => x.mul_scalar(c), x.mul_scalar(c);
    Div div: x, c => x.div(&x.constant(c)), x.constant(c).div(x);
}

impl ops::Neg for &Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        Tensor::neg(self)
    }
}

impl ops::Neg for Tensor {
    type Output = Tensor;
    #[track_caller]
    fn neg(self) -> Tensor {
        Tensor::neg(&self)
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

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
