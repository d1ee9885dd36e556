//! Steps of the optimisers: all parameters at once, each with its gradient and state in one pass; the formulas are
//! PyTorch's.

use super::isa::{Isa, isa, multiversion};
use super::real::Real;
use super::threads::for_each_piece;
use crate::optim::{AdagradStep, AdamKind, AdamStep, LionStep, RmsPropStep, SgdStep, Update};

/// The most elements of one piece of work.
const PIECE: usize = 8 * 1024;

/// Steps of fewer elements stay on the calling thread.
const PARALLEL_LEN: usize = 32 * 1024;

/// One step of a parameter.
pub struct Slices<'a, T> {
    /// The formula and its numbers.
    pub update: Update,
    /// What is changed.
    pub param: &'a mut [T],
    /// Its gradient.
    pub grad: &'a [T],
    /// The arrays that the update names.
    pub kept: Vec<&'a mut [T]>,
}

/// A part of a parameter, and the same part of its gradient and of what is kept for it.
struct Piece<'a, T> {
    numbers: &'a Numbers<T>,
    param: &'a mut [T],
    grad: &'a [T],
    kept: [&'a mut [T]; 3],
}

/// Does the steps.
///
/// # Panics
/// If the lengths of a step differ, or there are not as many arrays as the update wants.
pub fn update<T: Real>(steps: Vec<Slices<T>>) {
    let total: usize = steps.iter().map(|s| s.param.len()).sum();
    let numbers: Vec<_> = steps.iter().map(|s| Numbers::new(&s.update, s.kept.len())).collect();
    let mut pieces = Vec::with_capacity(steps.len() + total / PIECE);
    for (numbers, step) in numbers.iter().zip(steps) {
        cut(numbers, step, &mut pieces);
    }
    let isa = isa();
    if total < PARALLEL_LEN {
        pieces.iter_mut().for_each(|piece| piece.step(isa));
    } else {
        for_each_piece(&mut pieces, 1, |_, piece| piece[0].step(isa));
    }
}

fn cut<'a, T: Real>(numbers: &'a Numbers<T>, step: Slices<'a, T>, pieces: &mut Vec<Piece<'a, T>>) {
    let Slices { param, grad, kept, .. } = step;
    let fits = grad.len() == param.len() && kept.iter().all(|k| k.len() == param.len());
    assert!(fits, "update: parameter, gradient and state differ in length");
    let mut kept = kept.into_iter().map(|k| k.chunks_mut(PIECE));
    let mut kept = [kept.next(), kept.next(), kept.next()];
    for (param, grad) in param.chunks_mut(PIECE).zip(grad.chunks(PIECE)) {
        let kept = kept.each_mut().map(|k| k.as_mut().and_then(Iterator::next).unwrap_or_default());
        pieces.push(Piece { numbers, param, grad, kept });
    }
}

/// The numbers of an update in the type of its parameter, for the formula of the same name.
enum Numbers<T> {
    Sgd { lr: T, decay: T },
    Momentum(SgdNumbers<T>),
    Adam(AdamNumbers<T>),
    AmsGrad(AdamNumbers<T>),
    Relative(AdamNumbers<T>),
    RmsProp(RmsPropNumbers<T>),
    RmsPropMomentum(RmsPropNumbers<T>),
    Centered(RmsPropNumbers<T>),
    CenteredMomentum(RmsPropNumbers<T>),
    Adagrad([T; 3]),
    Lion([T; 4]),
    Lerp(T),
}

impl<T: Real> Numbers<T> {
    /// For an update with so many arrays.
    fn new(update: &Update, kept: usize) -> Numbers<T> {
        match (update, kept) {
            (Update::Sgd(s), 0) => Numbers::Sgd { lr: T::from_f64(s.lr), decay: T::from_f64(s.weight_decay) },
            (Update::Sgd(s), 1) => Numbers::Momentum(SgdNumbers::new(s)),
            (Update::Adam(s), 2 | 3) => match (s.kind, kept) {
                (AdamKind::Plain, 2) => Numbers::Adam(AdamNumbers::new(s)),
                (AdamKind::AmsGrad, 3) => Numbers::AmsGrad(AdamNumbers::new(s)),
                (AdamKind::Nesterov { .. } | AdamKind::Rectified, 2) => {
                    Numbers::Relative(AdamNumbers::new(s))
                }
                _ => unreachable!("{update:?} with {kept} arrays"),
            },
            (Update::RmsProp(s), 1) if !s.centered => Numbers::RmsProp(RmsPropNumbers::new(s)),
            (Update::RmsProp(s), 2) if !s.centered => Numbers::RmsPropMomentum(RmsPropNumbers::new(s)),
            (Update::RmsProp(s), 2) => Numbers::Centered(RmsPropNumbers::new(s)),
            (Update::RmsProp(s), 3) => Numbers::CenteredMomentum(RmsPropNumbers::new(s)),
            (Update::Adagrad(AdagradStep { lr, eps, weight_decay }), 1) => {
                Numbers::Adagrad([*lr, *weight_decay, *eps].map(T::from_f64))
            }
            (Update::Lion(LionStep { lr, beta1, beta2, weight_decay }), 1) => {
                Numbers::Lion([1.0 - lr * weight_decay, *lr, 1.0 - beta1, 1.0 - beta2].map(T::from_f64))
            }
            (Update::Lerp { weight }, 0) => Numbers::Lerp(T::from_f64(*weight)),
            _ => unreachable!("{update:?} with {kept} arrays"),
        }
    }
}

impl<T: Real> Piece<'_, T> {
    fn step(&mut self, isa: Isa) {
        let Piece { numbers, param: p, grad: g, kept: [a, b, c] } = self;
        match **numbers {
            Numbers::Sgd { lr, decay } => sgd(isa, p, g, lr, decay),
            Numbers::Momentum(numbers) => sgd_momentum(isa, p, g, a, numbers),
            Numbers::Adam(numbers) => adam(isa, p, g, a, b, numbers),
            Numbers::AmsGrad(numbers) => amsgrad(isa, p, g, a, b, c, numbers),
            Numbers::Relative(numbers) => relative(isa, p, g, a, b, numbers),
            Numbers::RmsProp(numbers) => rms_prop(isa, p, g, a, numbers),
            Numbers::RmsPropMomentum(numbers) => rms_prop_momentum(isa, p, g, a, b, numbers),
            Numbers::Centered(numbers) => centered(isa, p, g, a, b, numbers),
            Numbers::CenteredMomentum(numbers) => centered_momentum(isa, p, g, a, b, c, numbers),
            Numbers::Adagrad(numbers) => adagrad(isa, p, g, a, numbers),
            Numbers::Lion(numbers) => lion(isa, p, g, a, numbers),
            Numbers::Lerp(weight) => lerp(isa, p, g, weight),
        }
    }
}

multiversion! {
    /// p -= lr (g + weight_decay p): a step without momentum.
    fn sgd[T: Real](param: &mut [T], grad: &[T], lr: T, decay: T) {
        for (p, &g) in param.iter_mut().zip(grad) {
            *p = *p - lr * (g + decay * *p);
        }
    }
}

#[derive(Clone, Copy)]
struct SgdNumbers<T> {
    lr: T,
    decay: T,
    keep: T,
    take: T,
    is_first: bool,
    nesterov: bool,
}

impl<T: Real> SgdNumbers<T> {
    fn new(s: &SgdStep) -> SgdNumbers<T> {
        SgdNumbers {
            lr: T::from_f64(s.lr),
            decay: T::from_f64(s.weight_decay),
            keep: T::from_f64(s.momentum),
            take: T::from_f64(1.0 - s.dampening),
            is_first: s.first,
            nesterov: s.nesterov,
        }
    }
}

multiversion! {
    /// A step with momentum. With d = g + weight_decay p:
    ///
    /// v = momentum v + (1 - dampening) d (the first step sets v = d), then p -= lr v, or with Nesterov's variant
    /// p -= lr (d + momentum v). `is_first` tells whether `velocity` holds nothing yet.
    fn sgd_momentum[T: Real](param: &mut [T], grad: &[T], velocity: &mut [T], c: SgdNumbers<T>) {
        for ((p, v), &g) in param.iter_mut().zip(velocity).zip(grad) {
            let d = g + c.decay * *p;
            *v = if c.is_first { d } else { c.keep * *v + c.take * d };
            let direction = if c.nesterov { d + c.keep * *v } else { *v };
            *p = *p - c.lr * direction;
        }
    }
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
    /// Step number t (from 1) of Adam:
    ///
    /// m = m + (1 - beta1) (g - m), v = beta2 v + (1 - beta2) g^2, p -= mean m / (sqrt v / root + eps), the factors as
    /// `AdamStep` gives them.
    fn adam[T: Real](param: &mut [T], grad: &[T], mean: &mut [T], square: &mut [T], c: AdamNumbers<T>) {
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
    /// NAdam and RAdam: p -= (mean m + grad g) / (sqrt v / root + eps), m and v as in [`adam`].
    fn relative[T: Real](
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
    /// As [`adam`], with the largest v so far in the denominator.
    fn amsgrad[T: Real](
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

multiversion! {
    /// p -= lr d.
    fn rms_prop[T: Real](param: &mut [T], grad: &[T], square: &mut [T], c: RmsPropNumbers<T>) {
        for ((p, v), &g) in param.iter_mut().zip(square).zip(grad) {
            *p = *p - c.lr * c.direction(*p, g, v, None);
        }
    }
}

multiversion! {
    /// b = momentum b + d, p -= lr b.
    fn rms_prop_momentum[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], step: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for (((p, v), b), &g) in param.iter_mut().zip(square).zip(step).zip(grad) {
            *b = c.momentum * *b + c.direction(*p, g, v, None);
            *p = *p - c.lr * *b;
        }
    }
}

multiversion! {
    /// As [`rms_prop`], with the mean gradient.
    fn centered[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], mean: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for (((p, v), a), &g) in param.iter_mut().zip(square).zip(mean).zip(grad) {
            *p = *p - c.lr * c.direction(*p, g, v, Some(a));
        }
    }
}

multiversion! {
    /// As [`rms_prop_momentum`], with the mean gradient.
    fn centered_momentum[T: Real](
        param: &mut [T], grad: &[T], square: &mut [T], step: &mut [T], mean: &mut [T], c: RmsPropNumbers<T>,
    ) {
        for ((((p, v), b), a), &g) in param.iter_mut().zip(square).zip(step).zip(mean).zip(grad) {
            *b = c.momentum * *b + c.direction(*p, g, v, Some(a));
            *p = *p - c.lr * *b;
        }
    }
}

multiversion! {
    /// s += g^2, p -= lr g / (sqrt s + eps).
    fn adagrad[T: Real](param: &mut [T], grad: &[T], sum: &mut [T], c: [T; 3]) {
        let [lr, decay, eps] = c;
        for ((p, s), &g) in param.iter_mut().zip(sum).zip(grad) {
            let g = g + decay * *p;
            *s += g * g;
            *p = *p - lr * (g / (s.sqrt() + eps));
        }
    }
}

multiversion! {
    /// p = (1 - lr weight_decay) p - lr sign(m + (1 - beta1) (g - m)), m = m + (1 - beta2) (g - m).
    fn lion[T: Real](param: &mut [T], grad: &[T], mean: &mut [T], c: [T; 4]) {
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

multiversion! {
    /// p += weight (g - p).
    fn lerp[T: Real](param: &mut [T], new: &[T], weight: T) {
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

    fn step<T: Real>(rule: Update, param: &mut [T], grad: &[T], kept: &mut [Vec<T>]) {
        let kept = kept.iter_mut().map(|k| &mut k[..]).collect();
        update(vec![Slices { update: rule, param, grad, kept }]);
    }

    const PLAIN: SgdStep =
        SgdStep { lr: 0.1, momentum: 0.0, dampening: 0.0, weight_decay: 0.01, nesterov: false, first: false };

    #[test]
    fn sgd_as_pytorch() {
        let got = run(|_, p, g| step(Update::Sgd(PLAIN), p, g, &mut []));
        close(&got, &[0.8179826731614103, -1.099310688176226, 0.46188345569882694]);
    }

    #[test]
    fn momentum_as_pytorch() {
        let settings = SgdStep { momentum: 0.9, dampening: 0.2, ..PLAIN };
        let mut v = [vec![f64::NAN; 3]];
        let got = run(|t, p, g| step(Update::Sgd(SgdStep { first: t == 1, ..settings }), p, g, &mut v));
        close(&got, &[0.6743373834928909, 0.02389161409040909, 0.43566808156843917]);
    }

    #[test]
    fn nesterov_as_pytorch() {
        let settings = SgdStep { momentum: 0.9, nesterov: true, ..PLAIN };
        let mut v = [vec![f64::NAN; 3]];
        let got = run(|t, p, g| step(Update::Sgd(SgdStep { first: t == 1, ..settings }), p, g, &mut v));
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
            let mut kept = [vec![0.0; 3], vec![0.0; 3]];
            run(|t, p, g| step(Update::Adam(AdamStep { decoupled, t, ..ADAM }), p, g, &mut kept))
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

    /// Lengths around a piece's, and none.
    #[test]
    fn all_at_once_is_one_after_another() {
        let lengths = [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17, 5];
        let numbers =
            |n: usize, k: usize| (0..n).map(|i| ((i * k) % 101) as f32 * 0.02 - 1.0).collect::<Vec<_>>();
        let rules = every_update();
        for first in 0..rules.len() {
            // Another rule for each parameter.
            let each = || lengths.iter().zip(rules.iter().cycle().skip(first));
            let mut params: Vec<_> = each().map(|(&n, _)| numbers(n, 7)).collect();
            let grads: Vec<_> = each().map(|(&n, _)| numbers(n, 13)).collect();
            let mut kept: Vec<_> = each().map(|(&n, (_, slots))| vec![vec![0.25f32; n]; *slots]).collect();
            let (mut wanted, mut wanted_kept) = (params.clone(), kept.clone());
            for (i, (_, (rule, _))) in each().enumerate() {
                step(*rule, &mut wanted[i], &grads[i], &mut wanted_kept[i]);
            }
            let steps = params.iter_mut().zip(&grads).zip(&mut kept).zip(each());
            let steps = steps.map(|(((param, grad), kept), (_, (rule, _)))| {
                let kept = kept.iter_mut().map(|k| &mut k[..]).collect();
                Slices { update: *rule, param, grad, kept }
            });
            with_threads(2, || update(steps.collect()));
            assert!(params == wanted && kept == wanted_kept, "from {:?} on", rules[first].0);
        }
    }

    #[test]
    #[should_panic(expected = "update: parameter, gradient and state differ in length")]
    fn lengths_that_differ() {
        step(Update::Sgd(PLAIN), &mut [1.0; 3], &[1.0; 2], &mut []);
    }

    #[test]
    fn threads_do_not_change_bits() {
        let len = PARALLEL_LEN + 1001;
        let start: Vec<f32> = (0..len).map(|i| (i % 101) as f32 * 0.02 - 1.0).collect();
        let grad: Vec<f32> = (0..len).map(|i| (i % 97) as f32 * 0.02 - 0.9).collect();
        for (rule, slots) in every_update() {
            let of = |range: std::ops::Range<usize>| {
                let mut p = start[range.clone()].to_vec();
                let mut kept = vec![vec![0.2; p.len()]; slots];
                step(rule, &mut p, &grad[range], &mut kept);
                (p, kept.concat())
            };
            let whole = with_threads(1, || of(0..len));
            assert!(whole.0.iter().all(|p| p.is_finite()) && whole.0 != start, "{rule:?}");
            assert_eq!(whole, with_threads(3, || of(0..len)), "{rule:?}");
            let one_by_one: Vec<f32> = (0..500).flat_map(|i| of(i..i + 1).0).collect();
            assert_eq!(whole.0[..500], one_by_one, "{rule:?}");
        }
    }
}
