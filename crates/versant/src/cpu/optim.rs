//! Steps of the optimisers in one pass over parameters, gradients and state; the formulas are PyTorch's.

use super::isa::{isa, multiversion};
use super::real::Real;
use super::threads::for_each_pieces;
use crate::optim::{AdagradStep, AdamKind, AdamStep, LionStep, RmsPropStep, SgdStep, Update};

/// Elements of one piece of work.
const PIECE: usize = 8 * 1024;

/// Shorter parameters stay on the calling thread.
const PARALLEL_LEN: usize = 32 * 1024;

fn piece_len(len: usize) -> usize {
    if len < PARALLEL_LEN { len.max(1) } else { PIECE }
}

/// One step of a parameter; `kept` are the arrays that the update names.
///
/// # Panics
/// If the lengths differ, or there are not as many arrays as the update wants.
pub fn update<T: Real>(update: &Update, param: &mut [T], grad: &[T], mut kept: Vec<&mut [T]>) {
    assert_eq!(param.len(), grad.len(), "update: parameter and gradient differ in length");
    match (update, &mut kept[..]) {
        (Update::Sgd(s), []) => sgd(param, grad, s),
        (Update::Sgd(s), [velocity]) => sgd_momentum(param, grad, velocity, s),
        (Update::Adam(s), [mean, square]) => adam(param, grad, mean, square, s),
        (Update::Adam(s), [mean, square, largest]) => amsgrad(param, grad, mean, square, largest, s),
        (Update::RmsProp(s), [square]) => rms_prop(param, grad, square, s),
        (Update::RmsProp(s), [square, mean]) if s.centered => centered(param, grad, square, mean, s),
        (Update::RmsProp(s), [square, step]) => rms_prop_momentum(param, grad, square, step, s),
        (Update::RmsProp(s), [square, step, mean]) => centered_momentum(param, grad, square, step, mean, s),
        (Update::Adagrad(s), [sum]) => adagrad(param, grad, sum, s),
        (Update::Lion(s), [mean]) => lion(param, grad, mean, s),
        (Update::Lerp { weight }, []) => lerp(param, grad, T::from_f64(*weight)),
        (update, kept) => unreachable!("{update:?} with {} arrays", kept.len()),
    }
}

/// p -= lr (g + weight_decay p): a step without momentum.
fn sgd<T: Real>(param: &mut [T], grad: &[T], s: &SgdStep) {
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
fn sgd_momentum<T: Real>(param: &mut [T], grad: &[T], velocity: &mut [T], s: &SgdStep) {
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

/// Step number t (from 1) of Adam or a relative:
///
/// m = m + (1 - beta1) (g - m), v = beta2 v + (1 - beta2) g^2,
/// p -= (mean m + grad g) / (sqrt v / root + eps), the factors as `AdamStep` gives them.
///
/// # Panics
/// If `t` is not positive.
fn adam<T: Real>(param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], s: &AdamStep) {
    let (isa, len, c) = (isa(), piece_len(param.len()), AdamNumbers::new(s));
    for_each_pieces([param, mean, square], len, |index, [param, mean, square]| {
        let grad = &grad[index * len..];
        match s.kind {
            AdamKind::Plain | AdamKind::AmsGrad => adam_piece(isa, param, grad, mean, square, c),
            AdamKind::Nesterov { .. } | AdamKind::Rectified => {
                relative_piece(isa, param, grad, mean, square, c);
            }
        }
    });
}

/// As [`adam`], with the largest v so far in the denominator.
fn amsgrad<T: Real>(
    param: &mut [T],
    grad: &[T],
    mean: &mut [T],
    square: &mut [T],
    largest: &mut [T],
    s: &AdamStep,
) {
    let (isa, len, c) = (isa(), piece_len(param.len()), AdamNumbers::new(s));
    for_each_pieces([param, mean, square, largest], len, |index, [param, mean, square, largest]| {
        amsgrad_piece(isa, param, &grad[index * len..], mean, square, largest, c);
    });
}

#[derive(Clone, Copy)]
struct AdamNumbers<T> {
    shrink: T,
    decay: T,
    take1: T,
    keep2: T,
    take2: T,
    root: T,
    eps: T,
    of_mean: T,
    of_grad: T,
    adaptive: bool,
}

impl<T: Real> AdamNumbers<T> {
    fn new(s: &AdamStep) -> AdamNumbers<T> {
        assert!(s.t > 0, "adam: steps are counted from 1");
        let factors = s.factors();
        AdamNumbers {
            shrink: T::from_f64(if s.decoupled { 1.0 - s.lr * s.weight_decay } else { 1.0 }),
            decay: T::from_f64(if s.decoupled { 0.0 } else { s.weight_decay }),
            take1: T::from_f64(1.0 - s.beta1),
            keep2: T::from_f64(s.beta2),
            take2: T::from_f64(1.0 - s.beta2),
            root: T::from_f64(factors.root),
            eps: T::from_f64(s.eps),
            of_mean: T::from_f64(factors.mean),
            of_grad: T::from_f64(factors.grad),
            adaptive: factors.adaptive,
        }
    }
}

multiversion! {
    fn adam_piece[T: Real](param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], c: AdamNumbers<T>) {
        for (((p, m), v), &g) in param.iter_mut().zip(mean).zip(square).zip(grad) {
            let g = g + c.decay * *p;
            *m = *m + c.take1 * (g - *m);
            *v = c.keep2 * *v + c.take2 * (g * g);
            let denominator = v.sqrt() / c.root + c.eps;
            *p = c.shrink * *p - c.of_mean * (*m / denominator);
        }
    }
}

multiversion! {
    fn relative_piece[T: Real](
        param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], c: AdamNumbers<T>,
    ) {
        for (((p, m), v), &g) in param.iter_mut().zip(mean).zip(square).zip(grad) {
            let g = g + c.decay * *p;
            *m = *m + c.take1 * (g - *m);
            *v = c.keep2 * *v + c.take2 * (g * g);
            let step = c.of_mean * *m + c.of_grad * g;
            let denominator = if c.adaptive { v.sqrt() / c.root + c.eps } else { T::ONE };
            *p = c.shrink * *p - step / denominator;
        }
    }
}

multiversion! {
    fn amsgrad_piece[T: Real](
        param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], largest: &mut [T], c: AdamNumbers<T>,
    ) {
        for ((((p, m), v), w), &g) in param.iter_mut().zip(mean).zip(square).zip(largest).zip(grad) {
            let g = g + c.decay * *p;
            *m = *m + c.take1 * (g - *m);
            *v = c.keep2 * *v + c.take2 * (g * g);
            *w = if *v > *w || v.is_nan() { *v } else { *w };
            let denominator = w.sqrt() / c.root + c.eps;
            *p = c.shrink * *p - c.of_mean * (*m / denominator);
        }
    }
}

#[derive(Clone, Copy)]
struct RmsPropNumbers<T> {
    lr: T,
    decay: T,
    keep: T,
    take: T,
    eps: T,
    momentum: T,
}

impl<T: Real> RmsPropNumbers<T> {
    fn new(s: &RmsPropStep) -> RmsPropNumbers<T> {
        RmsPropNumbers {
            lr: T::from_f64(s.lr),
            decay: T::from_f64(s.weight_decay),
            keep: T::from_f64(s.alpha),
            take: T::from_f64(1.0 - s.alpha),
            eps: T::from_f64(s.eps),
            momentum: T::from_f64(s.momentum),
        }
    }
}

impl<T: Real> RmsPropNumbers<T> {
    /// d = g / (sqrt v + eps) with v = alpha v + (1 - alpha) g^2, of the gradient with its decay; with a mean
    /// a = a + (1 - alpha) (g - a) the root is that of v - a^2.
    #[inline(always)]
    fn direction(self, p: T, g: T, v: &mut T, mean: Option<&mut T>) -> T {
        let g = g + self.decay * p;
        *v = self.keep * *v + self.take * (g * g);
        let Some(a) = mean else { return g / (v.sqrt() + self.eps) };
        *a = *a + self.take * (g - *a);
        g / ((*v - *a * *a).sqrt() + self.eps)
    }
}

/// p -= lr d.
fn rms_prop<T: Real>(param: &mut [T], grad: &[T], square: &mut [T], s: &RmsPropStep) {
    let (isa, len, c) = (isa(), piece_len(param.len()), RmsPropNumbers::new(s));
    for_each_pieces([param, square], len, |index, [param, square]| {
        rms_prop_piece(isa, param, &grad[index * len..], square, c);
    });
}

multiversion! {
    fn rms_prop_piece[T: Real](param: &mut [T], grad: &[T], square: &mut [T], c: RmsPropNumbers<T>) {
        for ((p, v), &g) in param.iter_mut().zip(square).zip(grad) {
            *p = *p - c.lr * c.direction(*p, g, v, None);
        }
    }
}

/// b = momentum b + d, p -= lr b.
fn rms_prop_momentum<T: Real>(
    param: &mut [T],
    grad: &[T],
    square: &mut [T],
    step: &mut [T],
    s: &RmsPropStep,
) {
    let (isa, len, c) = (isa(), piece_len(param.len()), RmsPropNumbers::new(s));
    for_each_pieces([param, square, step], len, |index, [param, square, step]| {
        rms_prop_momentum_piece(isa, param, &grad[index * len..], square, step, c);
    });
}

multiversion! {
    fn rms_prop_momentum_piece[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], step: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for (((p, v), b), &g) in param.iter_mut().zip(square).zip(step).zip(grad) {
            *b = c.momentum * *b + c.direction(*p, g, v, None);
            *p = *p - c.lr * *b;
        }
    }
}

/// As [`rms_prop`], with the mean gradient.
fn centered<T: Real>(param: &mut [T], grad: &[T], square: &mut [T], mean: &mut [T], s: &RmsPropStep) {
    let (isa, len, c) = (isa(), piece_len(param.len()), RmsPropNumbers::new(s));
    for_each_pieces([param, square, mean], len, |index, [param, square, mean]| {
        centered_piece(isa, param, &grad[index * len..], square, mean, c);
    });
}

multiversion! {
    fn centered_piece[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], mean: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for (((p, v), a), &g) in param.iter_mut().zip(square).zip(mean).zip(grad) {
            *p = *p - c.lr * c.direction(*p, g, v, Some(a));
        }
    }
}

/// As [`rms_prop_momentum`], with the mean gradient.
fn centered_momentum<T: Real>(
    param: &mut [T],
    grad: &[T],
    square: &mut [T],
    step: &mut [T],
    mean: &mut [T],
    s: &RmsPropStep,
) {
    let (isa, len, c) = (isa(), piece_len(param.len()), RmsPropNumbers::new(s));
    for_each_pieces([param, square, step, mean], len, |index, [param, square, step, mean]| {
        centered_momentum_piece(isa, param, &grad[index * len..], square, step, mean, c);
    });
}

multiversion! {
    fn centered_momentum_piece[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], step: &mut [T], mean: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for ((((p, v), b), a), &g) in param.iter_mut().zip(square).zip(step).zip(mean).zip(grad) {
            *b = c.momentum * *b + c.direction(*p, g, v, Some(a));
            *p = *p - c.lr * *b;
        }
    }
}

/// s += g^2, p -= lr g / (sqrt s + eps).
fn adagrad<T: Real>(param: &mut [T], grad: &[T], sum: &mut [T], s: &AdagradStep) {
    let (isa, len) = (isa(), piece_len(param.len()));
    let [lr, decay, eps] = [s.lr, s.weight_decay, s.eps].map(T::from_f64);
    for_each_pieces([param, sum], len, |index, [param, sum]| {
        adagrad_piece(isa, param, &grad[index * len..], sum, lr, decay, eps);
    });
}

multiversion! {
    fn adagrad_piece[T: Real](param: &mut [T], grad: &[T], sum: &mut [T], lr: T, decay: T, eps: T) {
        for ((p, s), &g) in param.iter_mut().zip(sum).zip(grad) {
            let g = g + decay * *p;
            *s += g * g;
            *p = *p - lr * (g / (s.sqrt() + eps));
        }
    }
}

/// p = (1 - lr weight_decay) p - lr sign(m + (1 - beta1) (g - m)), m = m + (1 - beta2) (g - m).
fn lion<T: Real>(param: &mut [T], grad: &[T], mean: &mut [T], s: &LionStep) {
    let (isa, len) = (isa(), piece_len(param.len()));
    let c = [1.0 - s.lr * s.weight_decay, s.lr, 1.0 - s.beta1, 1.0 - s.beta2].map(T::from_f64);
    for_each_pieces([param, mean], len, |index, [param, mean]| {
        lion_piece(isa, param, &grad[index * len..], mean, c);
    });
}

multiversion! {
    fn lion_piece[T: Real](param: &mut [T], grad: &[T], mean: &mut [T], c: [T; 4]) {
        let [shrink, lr, take1, take2] = c;
        for ((p, m), &g) in param.iter_mut().zip(mean).zip(grad) {
            let d = *m + take1 * (g - *m);
            // 0 and NaN stay what they are.
            let sign = if d > T::ZERO { T::ONE } else if d < T::ZERO { -T::ONE } else { d };
            *p = shrink * *p - lr * sign;
            *m = *m + take2 * (g - *m);
        }
    }
}

/// p += weight (g - p).
fn lerp<T: Real>(param: &mut [T], new: &[T], weight: T) {
    let (isa, len) = (isa(), piece_len(param.len()));
    for_each_pieces([param], len, |index, [param]| lerp_piece(isa, param, &new[index * len..], weight));
}

multiversion! {
    fn lerp_piece[T: Real](param: &mut [T], new: &[T], weight: T) {
        for (p, &g) in param.iter_mut().zip(new) {
            *p = *p + weight * (g - *p);
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
    fn run(mut step: impl FnMut(i64, &mut [f64], &[f64])) -> Vec<f64> {
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

    const ADAM: AdamStep = AdamStep {
        lr: 0.1,
        beta1: 0.8,
        beta2: 0.95,
        eps: 1e-6,
        weight_decay: 0.02,
        decoupled: false,
        kind: AdamKind::Plain,
        t: 1,
    };

    #[test]
    fn adam_and_adamw_as_pytorch() {
        let steps = |decoupled| {
            let (mut m, mut v) = (vec![0.0; 3], vec![0.0; 3]);
            run(|t, p, g| adam(p, g, &mut m, &mut v, &AdamStep { decoupled, t, ..ADAM }))
        };
        close(&steps(false), &[0.7103812701610382, -1.7042197667153742, 0.20070240364587794]);
        close(&steps(true), &[0.7056156475863122, -1.693102456386039, 0.1980605945345811]);
    }

    /// Every kernel, with the number of arrays that it keeps.
    fn every_update() -> Vec<(Update, usize)> {
        let sgd = SgdStep { momentum: 0.9, nesterov: true, ..PLAIN };
        let adam = |kind| Update::Adam(AdamStep { kind, decoupled: true, t: 3, ..ADAM });
        let rms_prop = RmsPropStep {
            lr: 0.1,
            alpha: 0.9,
            eps: 1e-6,
            weight_decay: 0.02,
            momentum: 0.5,
            centered: false,
        };
        vec![
            (Update::Sgd(PLAIN), 0),
            (Update::Sgd(sgd), 1),
            (adam(AdamKind::Plain), 2),
            (adam(AdamKind::AmsGrad), 3),
            (adam(AdamKind::Nesterov { momentum_decay: 0.1 }), 2),
            (adam(AdamKind::Rectified), 2),
            (Update::RmsProp(RmsPropStep { momentum: 0.0, ..rms_prop }), 1),
            (Update::RmsProp(RmsPropStep { momentum: 0.0, centered: true, ..rms_prop }), 2),
            (Update::RmsProp(rms_prop), 2),
            (Update::RmsProp(RmsPropStep { centered: true, ..rms_prop }), 3),
            (Update::Adagrad(AdagradStep { lr: 0.1, eps: 1e-6, weight_decay: 0.02 }), 1),
            (Update::Lion(LionStep { lr: 0.1, beta1: 0.9, beta2: 0.99, weight_decay: 0.02 }), 1),
            (Update::Lerp { weight: 0.1 }, 0),
        ]
    }

    #[test]
    fn threads_do_not_change_bits() {
        let len = PARALLEL_LEN + 1001;
        let start: Vec<f32> = (0..len).map(|i| (i % 101) as f32 * 0.02 - 1.0).collect();
        let grad: Vec<f32> = (0..len).map(|i| (i % 97) as f32 * 0.02 - 0.9).collect();
        for (rule, slots) in every_update() {
            let step = |range: std::ops::Range<usize>| {
                let mut p = start[range.clone()].to_vec();
                let mut kept = vec![vec![0.2; p.len()]; slots];
                update(&rule, &mut p, &grad[range], kept.iter_mut().map(|k| &mut k[..]).collect());
                (p, kept.concat())
            };
            let whole = with_threads(1, || step(0..len));
            assert!(whole.0.iter().all(|p| p.is_finite()) && whole.0 != start, "{rule:?}");
            assert_eq!(whole, with_threads(3, || step(0..len)), "{rule:?}");
            let one_by_one: Vec<f32> = (0..500).flat_map(|i| step(i..i + 1).0).collect();
            assert_eq!(whole.0[..500], one_by_one, "{rule:?}");
        }
    }
}
