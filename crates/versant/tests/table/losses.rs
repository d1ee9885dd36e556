//! Softmax and losses.

use versant::{
    Bce, BceWithLogits, CrossEntropy, DType, Device, MultiMargin, Nll, Reduction, Tensor, TripletMargin,
};

use super::{Case, Input, any, case, distinct, positive, unit};

const REDUCTIONS: [Reduction; 3] = [Reduction::None, Reduction::Mean, Reduction::Sum];

/// Every class below `classes` in turn.
fn labels(shape: impl Into<versant::Shape>, classes: usize, device: Device) -> Tensor {
    let shape = shape.into();
    let labels: Vec<i64> = (0..shape.numel()).map(|i| (i * 7 % classes) as i64).collect();
    Tensor::from_slice(&labels, shape).to(device)
}

/// 1 and -1 in turn.
fn signs(like: &Tensor, shape: impl Into<versant::Shape>) -> Tensor {
    let shape = shape.into();
    let values: Vec<f64> = (0..shape.numel()).map(|i| if i % 3 == 0 { 1.0 } else { -1.0 }).collect();
    Tensor::from_slice(&values, shape).cast(like.dtype()).to(like.device())
}

/// 0.5, 1, 1.5, ...
fn weights(like: &Tensor, n: usize) -> Tensor {
    (Tensor::arange(n).cast(DType::F64) * 0.5 + 0.5).cast(like.dtype()).to(like.device())
}

fn x() -> Input {
    any([4, 5]).large([700, 110])
}

pub fn cases() -> Vec<Case> {
    let mut all = classes();
    for axis in [0, 1] {
        all.push(case(format!("softmax {axis}"), [x()], move |x| x[0].softmax(axis)));
        all.push(case(format!("log_softmax {axis}"), [x()], move |x| x[0].log_softmax(axis)));
    }
    for reduction in REDUCTIONS {
        all.extend(distances(reduction));
        all.extend(margins(reduction));
    }
    all
}

fn classes() -> Vec<Case> {
    let mut all = Vec::new();
    for reduction in REDUCTIONS {
        for (smoothing, weighted) in [(0.0, false), (0.2, false), (0.0, true), (0.2, true)] {
            let name = format!("{reduction:?}, smoothing {smoothing}, weighted {weighted}");
            let options = move |like: &Tensor, classes: usize| CrossEntropy {
                weight: weighted.then(|| weights(like, classes)),
                ignore_index: Some(1),
                label_smoothing: smoothing,
                reduction,
            };
            all.push(case(format!("cross_entropy, {name}"), [x()], move |x| {
                let [n, classes] = x[0].dims();
                let labels = labels([n], classes, x[0].device());
                x[0].cross_entropy_with(&labels, &options(&x[0], classes))
            }));
            let target = unit([4, 5]).large([700, 110]);
            all.push(case(format!("cross_entropy of soft targets, {name}"), [x(), target], move |x| {
                x[0].cross_entropy_with(&x[1], &options(&x[0], x[0].shape()[1]))
            }));
        }
        all.push(case(format!("nll_loss, {reduction:?}"), [x()], move |x| {
            let [n, classes] = x[0].dims();
            let weight = Some(weights(&x[0], classes));
            let options = Nll { weight, reduction, ..Nll::default() };
            x[0].nll_loss_with(&labels([n], classes, x[0].device()), &options).square()
        }));
    }
    all.push(case("cross_entropy", [x()], |x| {
        let [n, classes] = x[0].dims();
        x[0].cross_entropy(&labels([n], classes, x[0].device()))
    }));
    all.push(case("cross_entropy of pixels", [any([2, 3, 2]).large([20, 10, 400])], |x| {
        let [n, classes, d] = x[0].dims();
        x[0].cross_entropy(&labels([n, d], classes, x[0].device()))
    }));
    all
}

fn distances(reduction: Reduction) -> Vec<Case> {
    let mut all = Vec::new();
    let mut of_two = |name: &str, inputs: [Input; 2], f: fn(&Tensor, &Tensor, Reduction) -> Tensor| {
        all.push(case(format!("{name}, {reduction:?}"), inputs, move |x| f(&x[0], &x[1], reduction)));
    };
    // No two elements of the pair are equal, or differ by the width of a kink.
    let pair = || [distinct([4, 5]).large([700, 110]), unit([4, 5]).large([700, 110])];
    let chances = || [unit([4, 5]).large([700, 110]), unit([4, 5]).large([700, 110])];
    of_two("mse_loss", [x(), x()], |x, y, r| x.mse_loss_with(y, r));
    of_two("l1_loss", pair(), |x, y, r| x.l1_loss_with(&(y * 0.01), r).square());
    of_two("huber_loss", pair(), |x, y, r| x.huber_loss_with(&(y * 0.01), 0.5, r));
    of_two("smooth_l1_loss", pair(), |x, y, r| x.smooth_l1_loss_with(&(y * 0.01), 0.5, r));
    of_two("bce", chances(), |x, y, reduction| {
        let weight = Some(weights(x, x.shape()[1]));
        x.bce_with(y, &Bce { weight, reduction })
    });
    of_two("bce_with_logits", [x(), x()], |x, y, reduction| {
        x.bce_with_logits_with(y, &BceWithLogits { reduction, ..BceWithLogits::default() })
    });
    of_two("bce_with_logits, weighted", [x(), x()], |x, y, reduction| {
        let weight = Some(weights(x, x.shape()[1]));
        x.bce_with_logits_with(y, &BceWithLogits { pos_weight: weight.clone(), weight, reduction })
    });
    of_two("kl_div", chances(), |x, y, r| x.kl_div_with(y, false, r));
    of_two("kl_div of logarithms", [x(), x()], |x, y, r| x.kl_div_with(y, true, r));
    of_two("kl_div_batchmean", chances(), |x, y, _| x.kl_div_batchmean(y, false));
    all
}

fn margins(reduction: Reduction) -> Vec<Case> {
    let name = |name: &str| format!("{name}, {reduction:?}");
    let p = || positive([4, 5]).large([700, 110]);
    vec![
        case(name("cosine_similarity"), [x(), x()], |x| x[0].cosine_similarity(&x[1], 1, 1e-8)),
        case(name("cosine_embedding_loss"), [p(), p()], move |x| {
            let y = signs(&x[0], [x[0].shape()[0]]);
            x[0].cosine_embedding_loss(&x[1], &y, 0.1, reduction)
        }),
        case(name("triplet_margin_loss"), [x(), x(), x()], move |x| {
            let options = TripletMargin { swap: true, reduction, ..TripletMargin::default() };
            x[0].triplet_margin_loss(&x[1], &x[2], &options)
        }),
        case(name("hinge_embedding_loss"), [x()], move |x| {
            x[0].hinge_embedding_loss(&signs(&x[0], x[0].shape()), 5.0, reduction).square()
        }),
        case(name("margin_ranking_loss"), [x(), x()], move |x| {
            x[0].margin_ranking_loss(&x[1], &signs(&x[0], x[0].shape()), 5.0, reduction).square()
        }),
        case(name("soft_margin_loss"), [x()], move |x| {
            x[0].soft_margin_loss(&signs(&x[0], x[0].shape()), reduction)
        }),
        case(name("multi_margin_loss"), [x()], move |x| {
            let [n, classes] = x[0].dims();
            let weight = Some(weights(&x[0], classes));
            let options = MultiMargin { p: 2, margin: 5.0, weight, reduction };
            x[0].multi_margin_loss(&labels([n], classes, x[0].device()), &options)
        }),
    ]
}
