//! Steps of the optimisers in one pass over parameters, gradients and state; the formulas are PyTorch's.

use super::isa::{isa, multiversion};
use super::real::Real;
use super::threads::for_each_pieces;
use crate::device::{AdamStep, SgdStep};

/// Elements of one piece of work.
const PIECE: usize = 16 * 1024;

/// Shorter parameters stay on the calling thread.
const PARALLEL_LEN: usize = 64 * 1024;

fn piece_len(len: usize) -> usize {
    if len < PARALLEL_LEN { len.max(1) } else { PIECE }
}

/// p -= lr (g + weight_decay p): a step without momentum.
///
/// # Panics
/// If the lengths differ.
pub fn sgd<T: Real>(param: &mut [T], grad: &[T], s: &SgdStep) {
    assert_eq!(param.len(), grad.len(), "sgd: parameter and gradient differ in length");
    let (isa, len) = (isa(), piece_len(param.len()));
    let (lr, decay) = (T::from_f64(s.lr), T::from_f64(s.weight_decay));
    for_each_pieces([param], len, |index, [param]| {
        sgd_piece(isa, param, &grad[index * len..], lr, decay);
    });
}

multiversion! {
    fn sgd_piece[T: Real](param: &mut [T], grad: &[T], lr: T, decay: T) {
        for (p, &g) in param.iter_mut().zip(grad) {
            *p = *p - lr * (g + decay * *p);
        }
    }
}

/// A step with momentum. With d = g + weight_decay p:
///
/// v = momentum v + (1 - dampening) d (the first step sets v = d), then p -= lr v, or with Nesterov's variant
/// p -= lr (d + momentum v). `first` tells whether `velocity` holds nothing yet.
///
/// # Panics
/// If the lengths differ.
pub fn sgd_momentum<T: Real>(param: &mut [T], grad: &[T], velocity: &mut [T], s: &SgdStep) {
    assert_eq!(param.len(), grad.len(), "sgd: parameter and gradient differ in length");
    let (isa, len) = (isa(), piece_len(param.len()));
    let c = SgdFactors {
        lr: T::from_f64(s.lr),
        decay: T::from_f64(s.weight_decay),
        keep: T::from_f64(s.momentum),
        take: T::from_f64(1.0 - s.dampening),
        is_first: s.first,
        nesterov: s.nesterov,
    };
    for_each_pieces([param, velocity], len, |index, [param, velocity]| {
        momentum_piece(isa, param, &grad[index * len..], velocity, c);
    });
}

#[derive(Clone, Copy)]
struct SgdFactors<T> {
    lr: T,
    decay: T,
    keep: T,
    take: T,
    is_first: bool,
    nesterov: bool,
}

multiversion! {
    fn momentum_piece[T: Real](param: &mut [T], grad: &[T], velocity: &mut [T], c: SgdFactors<T>) {
        for ((p, v), &g) in param.iter_mut().zip(velocity).zip(grad) {
            let d = g + c.decay * *p;
            *v = if c.is_first { d } else { c.keep * *v + c.take * d };
            let direction = if c.nesterov { d + c.keep * *v } else { *v };
            *p = *p - c.lr * direction;
        }
    }
}

/// Step number t (from 1) of Adam or AdamW:
///
/// m = m + (1 - beta1) (g - m), v = beta2 v + (1 - beta2) g^2,
/// p -= lr / (1 - beta1^t) m / (sqrt v / sqrt(1 - beta2^t) + eps).
///
/// # Panics
/// If the lengths differ or `t` is not positive.
pub fn adam<T: Real>(param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], s: &AdamStep) {
    assert_eq!(param.len(), grad.len(), "adam: parameter and gradient differ in length");
    assert!(s.t > 0, "adam: steps are counted from 1");
    let (isa, len) = (isa(), piece_len(param.len()));
    let left = |beta: f64| 1.0 - beta.powi(s.t);
    let c = AdamFactors {
        shrink: T::from_f64(if s.decoupled { 1.0 - s.lr * s.weight_decay } else { 1.0 }),
        decay: T::from_f64(if s.decoupled { 0.0 } else { s.weight_decay }),
        take1: T::from_f64(1.0 - s.beta1),
        keep2: T::from_f64(s.beta2),
        take2: T::from_f64(1.0 - s.beta2),
        root2: T::from_f64(left(s.beta2).sqrt()),
        eps: T::from_f64(s.eps),
        lr: T::from_f64(s.lr / left(s.beta1)),
    };
    for_each_pieces([param, mean, square], len, |index, [param, mean, square]| {
        adam_piece(isa, param, &grad[index * len..], mean, square, c);
    });
}

#[derive(Clone, Copy)]
struct AdamFactors<T> {
    shrink: T,
    decay: T,
    take1: T,
    keep2: T,
    take2: T,
    root2: T,
    eps: T,
    lr: T,
}

multiversion! {
    fn adam_piece[T: Real](param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], c: AdamFactors<T>) {
        for (((p, m), v), &g) in param.iter_mut().zip(mean).zip(square).zip(grad) {
            let g = g + c.decay * *p;
            *m = *m + c.take1 * (g - *m);
            *v = c.keep2 * *v + c.take2 * (g * g);
            let denominator = v.sqrt() / c.root2 + c.eps;
            *p = c.shrink * *p - c.lr * (*m / denominator);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::threads::tests::with_threads;

    fn close(got: &[f64], wanted: &[f64]) {
        assert_eq!(got.len(), wanted.len());
        for (g, w) in got.iter().zip(wanted) {
            assert!((g - w).abs() <= 1e-14 * w.abs().max(1.0), "{got:?} for {wanted:?}");
        }
    }

    /// Three steps; the gradient of each is a fixed function of the parameters.
    fn run(mut step: impl FnMut(i32, &mut [f64], &[f64])) -> Vec<f64> {
        let mut p = vec![1.0, -2.0, 0.5];
        for t in 1..=3 {
            let g: Vec<f64> = p.iter().map(|v| v * v * v - 0.5 * v + 0.25).collect();
            step(t, &mut p, &g);
        }
        p
    }

    const PLAIN: SgdStep =
        SgdStep { lr: 0.1, momentum: 0.0, dampening: 0.0, weight_decay: 0.01, nesterov: false, first: false };

    #[test]
    fn sgd_as_pytorch() {
        let got = run(|_, p, g| sgd(p, g, &PLAIN));
        close(&got, &[0.8179826731614103, -1.099310688176226, 0.46188345569882694]);
    }

    #[test]
    fn momentum_as_pytorch() {
        let settings = SgdStep { momentum: 0.9, dampening: 0.2, ..PLAIN };
        let mut v = vec![f64::NAN; 3];
        let got = run(|t, p, g| sgd_momentum(p, g, &mut v, &SgdStep { first: t == 1, ..settings }));
        close(&got, &[0.6743373834928909, 0.02389161409040909, 0.43566808156843917]);
    }

    #[test]
    fn nesterov_as_pytorch() {
        let settings = SgdStep { momentum: 0.9, nesterov: true, ..PLAIN };
        let mut v = vec![f64::NAN; 3];
        let got = run(|t, p, g| sgd_momentum(p, g, &mut v, &SgdStep { first: t == 1, ..settings }));
        close(&got, &[0.5659024335109571, 0.19889370926647745, 0.3988188618943373]);
    }

    const ADAM: AdamStep =
        AdamStep { lr: 0.1, beta1: 0.8, beta2: 0.95, eps: 1e-6, weight_decay: 0.02, decoupled: false, t: 1 };

    #[test]
    fn adam_and_adamw_as_pytorch() {
        let steps = |decoupled| {
            let (mut m, mut v) = (vec![0.0; 3], vec![0.0; 3]);
            run(|t, p, g| adam(p, g, &mut m, &mut v, &AdamStep { decoupled, t, ..ADAM }))
        };
        close(&steps(false), &[0.7103812701610382, -1.7042197667153742, 0.20070240364587794]);
        close(&steps(true), &[0.7056156475863122, -1.693102456386039, 0.1980605945345811]);
    }

    #[test]
    fn threads_do_not_change_bits() {
        let len = PARALLEL_LEN + 1001;
        let grad: Vec<f32> = (0..len).map(|i| (i % 101) as f32 * 0.02 - 1.0).collect();
        let settings = AdamStep { decoupled: true, t: 3, ..ADAM };
        let step = |threads| {
            let (mut p, mut m, mut v) = (grad.clone(), vec![0.1; len], vec![0.2; len]);
            with_threads(threads, || adam(&mut p, &grad, &mut m, &mut v, &settings));
            (p, m, v)
        };
        assert_eq!(step(1), step(3));
        let (mut p, mut m, mut v) = (grad.clone(), vec![0.1; len], vec![0.2; len]);
        for i in 0..len {
            adam(&mut p[i..=i], &grad[i..=i], &mut m[i..=i], &mut v[i..=i], &settings);
        }
        assert_eq!(step(3), (p, m, v));
    }
}
