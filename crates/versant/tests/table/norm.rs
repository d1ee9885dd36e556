//! Normalisation of batches, layers, groups and instances.

use versant::rng::Rng;
use versant::{Shape, Tensor};

use super::{Case, Input, any, case, positive};

const EPS: f64 = 1e-2;

/// Inputs of ranks 2 to 4, as small ones and cut into pieces: short planes, odd ones, long ones, a batch of one.
fn inputs() -> [Input; 5] {
    [
        any([4, 3]).large([700, 90]),
        any([2, 3, 5]).large([60, 30, 35]),
        any([3, 2, 1, 4]).large([40, 20, 3, 5]),
        any([1, 2, 2, 3]).large([1, 3, 160, 161]),
        any([2, 1, 9, 2]).large([50, 6, 9, 17]),
    ]
}

fn channels(input: &Input, small: bool) -> Shape {
    [if small { input.small_shape()[1] } else { input.large_shape()[1] }].into()
}

/// One input for each channel.
fn of_channels(x: &Input, make: fn(Shape) -> Input) -> Input {
    make(channels(x, true)).large(channels(x, false))
}

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for x in inputs() {
        batches(&x, &mut all);
        if x.small_shape().rank() > 2 {
            instances(&x, &mut all);
        }
    }
    all.extend(layers());
    all.extend(groups());
    all.push(case("feature_dropout", [any([4, 3, 2]).large([50, 60, 41])], |x| {
        x[0].feature_dropout(0.3, &mut Rng::new(1))
    }));
    all
}

fn batches(x: &Input, all: &mut Vec<Case>) {
    let affine = || of_channels(x, any);
    let rank = x.small_shape().rank();
    let mut of = |name: &str, inputs: Vec<Input>, f: fn(&[Tensor]) -> Tensor| {
        all.push(case(format!("{name}, rank {rank}"), inputs, f));
    };
    of("batch_norm", vec![x.clone(), affine(), affine()], |x| {
        x[0].batch_norm(Some(&x[1]), Some(&x[2]), EPS).0
    });
    of("batch_norm without affine", vec![x.clone()], |x| x[0].batch_norm(None, None, EPS).0);
    of("batch_norm of a weight alone", vec![x.clone(), affine()], |x| {
        x[0].batch_norm(Some(&x[1]), None, EPS).0
    });
    of("batch_norm of a bias alone", vec![x.clone(), affine()], |x| {
        x[0].batch_norm(None, Some(&x[1]), EPS).0
    });
    // No gradient reaches the running statistics.
    let given = || vec![x.clone(), affine(), affine()];
    of("batch_norm_eval", given(), |x| {
        let [mean, var] = statistics(&x[0]);
        x[0].batch_norm_eval(&mean, &var, Some(&x[1]), Some(&x[2]), EPS)
    });
    of("batch_norm_eval without affine", vec![x.clone()], |x| {
        let [mean, var] = statistics(&x[0]);
        x[0].batch_norm_eval(&mean, &var, None, None, EPS)
    });
}

/// Some mean and variance for each channel.
fn statistics(x: &Tensor) -> [Tensor; 2] {
    let channels = x.shape()[1];
    [0.1, 1.1].map(|first| {
        let values: Vec<f64> = (0..channels).map(|i| first + 0.25 * (i % 5) as f64).collect();
        Tensor::from_slice(&values, [channels]).cast(x.dtype()).to(x.device())
    })
}

fn instances(x: &Input, all: &mut Vec<Case>) {
    let (rank, affine) = (x.small_shape().rank(), || of_channels(x, any));
    all.push(case(format!("instance_norm, rank {rank}"), [x.clone(), affine(), affine()], |x| {
        x[0].instance_norm(Some(&x[1]), Some(&x[2]), EPS)
    }));
    all.push(case(format!("instance_norm without affine, rank {rank}"), [x.clone()], |x| {
        x[0].instance_norm(None, None, EPS)
    }));
}

fn layers() -> Vec<Case> {
    let last = || any([5]).large([310]);
    let x = || any([3, 5]).large([250, 310]);
    let plane = || any([3, 4]).large([30, 40]);
    vec![
        case("layer_norm", [x(), last(), last()], |x| {
            x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), EPS)
        }),
        case("layer_norm without affine", [x()], |x| x[0].layer_norm([x[0].shape()[1]], None, None, EPS)),
        case("layer_norm of a weight alone", [x(), last()], |x| {
            x[0].layer_norm(x[1].shape(), Some(&x[1]), None, EPS)
        }),
        case("layer_norm of a bias alone", [x(), positive([5]).large([310])], |x| {
            x[0].layer_norm(x[1].shape(), None, Some(&x[1]), EPS)
        }),
        case("layer_norm over two axes", [any([2, 3, 4]).large([70, 30, 40]), plane(), plane()], |x| {
            x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), EPS)
        }),
        case("layer_norm over all axes", [plane(), plane(), plane()], |x| {
            x[0].layer_norm(x[1].shape(), Some(&x[1]), Some(&x[2]), EPS)
        }),
    ]
}

fn groups() -> Vec<Case> {
    let mut all = Vec::new();
    for x in [
        any([3, 4]).large([400, 120]),
        any([2, 4, 3]).large([30, 12, 77]),
        any([1, 4, 2, 2]).large([3, 8, 40, 50]),
    ] {
        let (rank, affine) = (x.small_shape().rank(), || of_channels(&x, any));
        for groups in [1, 2, 4].into_iter().filter(|&groups| rank > 2 || groups < 4) {
            all.push(case(
                format!("group_norm, rank {rank}, {groups} groups"),
                [x.clone(), affine(), affine()],
                move |x| x[0].group_norm(groups, Some(&x[1]), Some(&x[2]), EPS),
            ));
        }
        all.push(case(format!("group_norm without affine, rank {rank}"), [x.clone()], |x| {
            x[0].group_norm(2, None, None, EPS)
        }));
        all.push(case(format!("group_norm of a bias alone, rank {rank}"), [x.clone(), affine()], |x| {
            x[0].group_norm(2, None, Some(&x[1]), EPS)
        }));
    }
    all
}
