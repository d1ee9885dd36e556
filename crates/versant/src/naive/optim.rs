//! One step of an optimiser.

use super::number::{read, write};
use crate::array::Array;
use crate::device::{AdamStep, SgdStep};

pub(super) fn sgd(step: &SgdStep, param: &mut Array, grad: &Array, momentum: Option<&mut Array>) {
    let (p, mut g) = (read(param), read(grad));
    for (g, p) in g.iter_mut().zip(&p) {
        *g += step.weight_decay * p;
    }
    if let Some(buffer) = momentum {
        let velocity: Vec<f64> = match step.first {
            true => g.clone(),
            false => {
                let update = |(v, g): (f64, &f64)| step.momentum * v + (1.0 - step.dampening) * g;
                read(buffer).into_iter().zip(&g).map(update).collect()
            }
        };
        for (g, v) in g.iter_mut().zip(&velocity) {
            *g = if step.nesterov { *g + step.momentum * v } else { *v };
        }
        write(buffer, velocity);
    }
    write(param, p.iter().zip(&g).map(|(p, g)| p - step.lr * g));
}

pub(super) fn adam(step: &AdamStep, param: &mut Array, grad: &Array, m: &mut Array, v: &mut Array) {
    let (mut p, mut vm, mut vv) = (read(param), read(m), read(v));
    for (i, mut g) in read(grad).into_iter().enumerate() {
        if step.decoupled {
            p[i] -= step.lr * step.weight_decay * p[i];
        } else {
            g += step.weight_decay * p[i];
        }
        vm[i] = step.beta1 * vm[i] + (1.0 - step.beta1) * g;
        vv[i] = step.beta2 * vv[i] + (1.0 - step.beta2) * g * g;
        let corrected = (vv[i] / (1.0 - step.beta2.powi(step.t))).sqrt();
        p[i] -= step.lr / (1.0 - step.beta1.powi(step.t)) * vm[i] / (corrected + step.eps);
    }
    write(param, p);
    write(m, vm);
    write(v, vv);
}
