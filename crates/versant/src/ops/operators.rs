//! The operators `+ - * / %`, between tensors and between tensors and numbers.
//!
//! Where nothing is recorded, an operand that is given away (`a` and not `&a`) is written over if nobody else holds its
//! memory: in `&a * 2.0 + &b * 3.0 - &c` only the two products take any. The values are the same.

use std::ops;

use super::binary::Binary;
use super::unary::Unary;
use crate::tensor::Tensor;

macro_rules! operator {
    ($($trait:ident $method:ident: $op:ident, $function:ident;)*) => {$(
        impl ops::$trait<&Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                Tensor::$function(self, other)
            }
        }
        impl ops::$trait<Tensor> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                ops::$trait::$method(self.clone(), other)
            }
        }
        impl ops::$trait<&Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: &Tensor) -> Tensor {
                ops::$trait::$method(self, other.clone())
            }
        }
        impl ops::$trait<Tensor> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, other: Tensor) -> Tensor {
                match Tensor::unrecorded([self, other]) {
                    Ok([a, b]) => a.into_binary(Binary::$op, b).into(),
                    Err([a, b]) => Tensor::$function(&a, &b),
                }
            }
        }
    )*};
}
operator! {
    Add add: Add, add;
    Sub sub: Sub, sub;
    Mul mul: Mul, mul;
    Div div: Div, div;
    Rem rem: Fmod, fmod;
}

/// `$x` is the tensor, given away, and `$c` the number.
macro_rules! scalar_operator {
    ($($trait:ident $method:ident: $x:ident, $c:ident => $right:expr, $left:expr;)*) => {$(
        impl ops::$trait<f64> for &Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $c: f64) -> Tensor {
                let $x = self.clone();
                $right
            }
        }
        impl ops::$trait<f64> for Tensor {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $c: f64) -> Tensor {
                let $x = self;
                $right
            }
        }
        impl ops::$trait<&Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, x: &Tensor) -> Tensor {
                let ($x, $c) = (x.clone(), self);
                $left
            }
        }
        impl ops::$trait<Tensor> for f64 {
            type Output = Tensor;
            #[track_caller]
            fn $method(self, $x: Tensor) -> Tensor {
                let $c = self;
                $left
            }
        }
    )*};
}
scalar_operator! {
    Add add: x, c => add_scalar(x, c), add_scalar(x, c);
    Sub sub: x, c => add_scalar(x, -c), add_scalar(-x, c);
    Mul mul: x, c => mul_scalar(x, c), mul_scalar(x, c);
    Div div: x, c => { let c = x.constant("div", c); x / c }, x.constant("div", c) / x;
    Rem rem: x, c => { let c = x.constant("fmod", c); x % c }, x.constant("fmod", c) % x;
}

#[track_caller]
fn add_scalar(x: Tensor, c: f64) -> Tensor {
    match Tensor::unrecorded([x]) {
        Ok([x]) => x.into_unary(Unary::AddScalar(c)).into(),
        Err([x]) => x.add_scalar(c),
    }
}

#[track_caller]
fn mul_scalar(x: Tensor, c: f64) -> Tensor {
    match Tensor::unrecorded([x]) {
        Ok([x]) => x.into_unary(Unary::MulScalar(c)).into(),
        Err([x]) => x.mul_scalar(c),
    }
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
        match Tensor::unrecorded([self]) {
            Ok([x]) => x.into_unary(Unary::Neg).into(),
            Err([x]) => Tensor::neg(&x),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::rng::Rng;
    use crate::{Device, Tensor, no_grad};

    fn address(x: &Tensor) -> *const u8 {
        x.array().storage_address()
    }

    /// Every operator, with operands given away and lent, shared and views, on both devices: the values are those of the
    /// functions, and what is lent stays as it was.
    #[test]
    fn what_is_given_away_is_written_over_and_nothing_else() {
        for device in [Device::Cpu, Device::Naive] {
            let rng = &mut Rng::new(1);
            for (sa, sb) in
                [(&[3, 40][..], &[3, 40][..]), (&[3, 40], &[40]), (&[40], &[3, 40]), (&[3, 1], &[1, 40])]
            {
                let [a, b] = [sa, sb].map(|s| Tensor::rand(s, rng).add_scalar(0.5).to(device));
                let before = [a.to_vec::<f32>(), b.to_vec()];
                // A copy that nobody else holds.
                let own = |x: &Tensor| x.add_scalar(0.0);
                type Function = fn(&Tensor, &Tensor) -> Tensor;
                type Operator = fn(Tensor, Tensor) -> Tensor;
                let cases: [(Function, Operator); 5] = [
                    (Tensor::add, |a, b| a + b),
                    (Tensor::sub, |a, b| a - b),
                    (Tensor::mul, |a, b| a * b),
                    (Tensor::div, |a, b| a / b),
                    (|a, b| a.fmod(b), |a, b| a % b),
                ];
                for (i, (function, operator)) in cases.into_iter().enumerate() {
                    let wanted = function(&a, &b);
                    for (x, y) in [
                        (own(&a), own(&b)),
                        (a.clone(), own(&b)),
                        (own(&a), b.clone()),
                        (a.clone(), b.clone()),
                    ] {
                        let y = operator(x, y);
                        assert_eq!(
                            (y.shape(), y.to_vec::<f32>()),
                            (wanted.shape(), wanted.to_vec()),
                            "{i} {sa:?} {sb:?}"
                        );
                    }
                }
                let x = own(&a);
                let twice = x.clone();
                assert_eq!((x - twice).to_vec::<f32>(), vec![0.0; a.numel()]);
                assert_eq!([a.to_vec::<f32>(), b.to_vec()], before);
            }
        }
    }

    #[test]
    fn a_chain_takes_the_memory_of_its_first_link() {
        let [a, b] = [1.0, 2.0].map(|v| Tensor::ones([100]).add_scalar(v));
        let first = &a * 2.0;
        let at = address(&first);
        let y = -(1.0 - ((&b + first) * 3.0 / 2.0 - &a));
        assert_eq!(address(&y), at);
        assert_eq!(y.to_vec::<f32>(), [7.5; 100]);
        assert_eq!((a.to_vec::<f32>(), b.to_vec::<f32>()), (vec![2.0; 100], vec![3.0; 100]));
    }

    /// A small part that outlives the whole must not keep its memory.
    #[test]
    fn a_part_of_a_larger_memory_is_not_written_over() {
        let whole = Tensor::arange(1000).cast(crate::DType::F32);
        let part = whole.narrow(0, 10, 3);
        drop(whole);
        let sums = [part.clone() + 1.0, 1.0 + part];
        for y in &sums {
            assert_eq!(y.to_vec::<f32>(), [11.0, 12.0, 13.0]);
            assert_eq!(y.array().layout().offset, 0);
        }
    }

    /// What a node has saved is held by it.
    #[test]
    fn a_recorded_value_is_left_alone() {
        let x = Tensor::from_slice(&[1.0f64, 2.0], [2]).requires_grad();
        let y = x.exp();
        let (saved, z) = (y.to_vec::<f64>(), y.clone());
        let doubled = no_grad(|| z * 2.0);
        assert_eq!(doubled.to_vec::<f64>(), [2.0 * saved[0], 2.0 * saved[1]]);
        let alone = no_grad(|| x.exp() + 1.0);
        assert_eq!(alone.to_vec::<f64>(), [1.0 + saved[0], 1.0 + saved[1]]);
        assert_eq!(
            (y.sum() * 3.0).backward().remove(&x).map(|g| g.to_vec()),
            Some(vec![3.0 * saved[0], 3.0 * saved[1]])
        );
    }
}
