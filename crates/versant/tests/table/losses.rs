//! Softmax and losses.

use versant::{CrossEntropy, Reduction, Tensor};

use super::{Case, any, case, unit};

fn labels(x: &Tensor) -> Tensor {
    let [n, classes] = x.dims();
    let labels: Vec<i64> = (0..n).map(|i| (i * 7 % classes) as i64).collect();
    Tensor::from_slice(&labels, [n]).to(x.device())
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let x = || any([4, 5]).large([700, 110]);
    for axis in [0, 1] {
        all.push(case(format!("softmax {axis}"), [x()], move |x| x[0].softmax(axis)));
        all.push(case(format!("log_softmax {axis}"), [x()], move |x| x[0].log_softmax(axis)));
    }
    for reduction in [Reduction::None, Reduction::Mean, Reduction::Sum] {
        for label_smoothing in [0.0, 0.2] {
            let options = CrossEntropy { label_smoothing, reduction };
            let name = format!("{reduction:?}, smoothing {label_smoothing}");
            all.push(case(format!("cross_entropy, {name}"), [x()], move |x| {
                x[0].cross_entropy_with(&labels(&x[0]), &options)
            }));
            let target = unit([4, 5]).large([700, 110]);
            all.push(case(format!("cross_entropy of soft targets, {name}"), [x(), target], move |x| {
                x[0].cross_entropy_with(&x[1], &options)
            }));
        }
        let pair = || [x(), x()];
        all.push(case(format!("mse_loss, {reduction:?}"), pair(), move |x| {
            x[0].mse_loss_with(&x[1], reduction)
        }));
        all.push(case(format!("bce_with_logits, {reduction:?}"), pair(), move |x| {
            x[0].bce_with_logits_with(&x[1], reduction)
        }));
    }
    all
}
