//! One step of an optimiser, element by element, as the formulas stand in the papers.

use super::number::{read, write};
use crate::optim::{AdamKind, AdamStep, RmsPropStep, SgdStep, Step, Update, power, rectification};

/// An element: its value, its gradient, and what is kept for it.
struct Element<'a> {
    p: &'a mut f64,
    g: f64,
    kept: &'a mut [f64],
}

pub(super) fn step(step: &mut Step) {
    let Step { update, param, grad, kept } = step;
    let (mut values, grads) = (read(param), read(grad));
    let mut all: Vec<Vec<f64>> = kept.iter().map(read).collect();
    for (i, p) in values.iter_mut().enumerate() {
        let mut of_one: Vec<f64> = all.iter().map(|slot| slot[i]).collect();
        element(update, Element { p, g: grads[i], kept: &mut of_one });
        for (slot, value) in all.iter_mut().zip(of_one) {
            slot[i] = value;
        }
    }
    write(param, values);
    for (array, values) in kept.iter_mut().zip(all) {
        write(array, values);
    }
}

fn element(update: &Update, e: Element) {
    let Element { p, g, kept } = e;
    match update {
        Update::Sgd(s) => sgd(s, Element { p, g, kept }),
        Update::Adam(s) => adam(s, Element { p, g, kept }),
        Update::RmsProp(s) => rms_prop(s, Element { p, g, kept }),
        Update::Adagrad(s) => {
            let g = g + s.weight_decay * *p;
            kept[0] += g * g;
            *p -= s.lr * g / (kept[0].sqrt() + s.eps);
        }
        Update::Lion(s) => {
            let direction = s.beta1 * kept[0] + (1.0 - s.beta1) * g;
            let sign = if direction == 0.0 { 0.0 } else { direction.signum() };
            *p -= s.lr * (sign + s.weight_decay * *p);
            kept[0] = s.beta2 * kept[0] + (1.0 - s.beta2) * g;
        }
        Update::Lerp { weight } => *p += weight * (g - *p),
    }
}

fn sgd(s: &SgdStep, Element { p, g, kept }: Element) {
    let g = g + s.weight_decay * *p;
    let Some(velocity) = kept.first_mut() else {
        *p -= s.lr * g;
        return;
    };
    *velocity = if s.first { g } else { s.momentum * *velocity + (1.0 - s.dampening) * g };
    *p -= s.lr * if s.nesterov { g + s.momentum * *velocity } else { *velocity };
}

fn adam(s: &AdamStep, Element { p, mut g, kept }: Element) {
    if s.decoupled {
        *p -= s.lr * s.weight_decay * *p;
    } else {
        g += s.weight_decay * *p;
    }
    kept[0] = s.beta1 * kept[0] + (1.0 - s.beta1) * g;
    kept[1] = s.beta2 * kept[1] + (1.0 - s.beta2) * g * g;
    let (left1, left2) = (1.0 - power(s.beta1, s.t), 1.0 - power(s.beta2, s.t));
    let (mean, mut square) = (kept[0], kept[1]);
    if s.kind == AdamKind::AmsGrad {
        // As in PyTorch, the largest is taken before the correction.
        kept[2] = kept[2].max(square);
        square = kept[2];
    }
    let denominator = (square / left2).sqrt() + s.eps;
    *p -= s.lr
        * match s.kind {
            AdamKind::Plain | AdamKind::AmsGrad => mean / left1 / denominator,
            AdamKind::Nesterov { momentum_decay } => {
                let mu = |t: i64| s.beta1 * (1.0 - 0.5 * 0.96f64.powf(t as f64 * momentum_decay));
                let product: f64 = (1..=s.t).map(mu).product();
                let (now, next) = (mu(s.t), mu(s.t + 1));
                ((1.0 - now) / (1.0 - product) * g + next / (1.0 - product * next) * mean) / denominator
            }
            AdamKind::Rectified => match rectification(s.beta2, s.t) {
                Some(r) => mean / left1 * r * left2.sqrt() / (square.sqrt() + s.eps),
                None => mean / left1,
            },
        };
}

fn rms_prop(s: &RmsPropStep, Element { p, g, kept }: Element) {
    let g = g + s.weight_decay * *p;
    kept[0] = s.alpha * kept[0] + (1.0 - s.alpha) * g * g;
    let mut variance = kept[0];
    // What is kept: the square, the momentum's buffer if there is one, the mean if it is centred.
    let (mean, has_momentum) = (kept.len() - 1, kept.len() == if s.centered { 3 } else { 2 });
    if s.centered {
        kept[mean] = s.alpha * kept[mean] + (1.0 - s.alpha) * g;
        variance -= kept[mean] * kept[mean];
    }
    let mut direction = g / (variance.sqrt() + s.eps);
    if has_momentum {
        kept[1] = s.momentum * kept[1] + direction;
        direction = kept[1];
    }
    *p -= s.lr * direction;
}
