//! Accuracy at every length, and the same bits for any number of threads and instruction set.

use super::*;
use crate::cpu::isa::Isa;
use crate::cpu::threads::tests::with_threads;
use crate::rng::Rng;

fn normal(len: usize, mean: f64, std: f64) -> Vec<f32> {
    let mut rng = Rng::new(len as u64);
    (0..len).map(|_| (mean + std * rng.normal()) as f32).collect()
}

fn moments_of(norm: &Norm, x: &[f32]) -> [Vec<f64>; 2] {
    let mut found = [vec![0.0; norm.groups], vec![0.0; norm.groups]];
    let [mean, var] = &mut found;
    moments(norm, x, mean, var);
    found
}

fn batch(groups: usize, inner: usize) -> Norm {
    Norm { groups, inner, channels: groups, span: inner, eps: 0.0 }
}

/// Runs of every length, also such as are cut; at 0, far from it, and with a first element that misleads.
#[test]
fn moments_are_accurate_everywhere() {
    for (outer, groups, inner) in [
        (3, 2, 7),
        (5, 3, 64),
        (2, 2, 1025),
        (1, 2, 3 * PIECE + 5),
        (7, 1, 1),
        (40, 3, 16),
        (99, 70, 1),
        (50, 5, 9),
    ] {
        for (mean, std, outlier) in [(0.0, 1.0, 0.0), (1e4, 1.0, 0.0), (-1e6, 0.25, 0.0), (1.0, 1e-3, 1e3)] {
            let mut x = normal(outer * groups * inner, mean, std);
            x[0] += outlier as f32;
            let norm = batch(groups, inner);
            let [means, vars] = moments_of(&norm, &x);
            for group in 0..groups {
                let of_group = (0..x.len()).filter(|e| e / inner % groups == group).map(|e| f64::from(x[e]));
                let n = of_group.clone().count() as f64;
                let mean = of_group.clone().sum::<f64>() / n;
                let var = of_group.map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
                let what = format!("{outer} {groups} {inner}: {mean} {var}");
                assert!((means[group] - mean).abs() <= 1e-7 * var.sqrt(), "{what}, not {}", means[group]);
                assert!((vars[group] - var).abs() <= 1e-6 * var, "{what}, not {}", vars[group]);
            }
        }
    }
}

#[test]
fn equal_numbers_do_not_vary() {
    let x = vec![0.1f32; 3 * PIECE];
    assert_eq!(moments_of(&batch(2, 3 * PIECE / 4), &x), [vec![f64::from(0.1f32); 2], vec![0.0; 2]]);
}

#[test]
fn an_infinite_mean_is_infinite() {
    let inf = f32::INFINITY;
    for x in [[inf, 1.0, 2.0, 3.0], [1.0, inf, 2.0, inf]] {
        let [mean, var] = moments_of(&batch(1, 4), &x);
        assert!(mean[0] == f64::INFINITY && var[0].is_nan(), "{x:?}: {mean:?} {var:?}");
    }
    let [mean, var] = moments_of(&batch(2, 0), &[]);
    assert!(mean.iter().chain(&var).all(|v| v.is_nan()));
}

#[test]
fn threads_and_instruction_sets_give_the_same_bits() {
    let norm = batch(3, PIECE + 77);
    let x = normal(2 * 3 * norm.inner, 3.0, 2.0);
    let [mean, var] = moments_of(&norm, &x);
    let input =
        Input { norm, x: &x, mean: &mean, var: &var, weight: None, bias: None, relu: false, own: true };
    let run = || {
        let (mut y, mut dx) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let mut sums = [[0.0f32; 3]; 2];
        normalize(&input, &mut y);
        let [weight, bias] = &mut sums;
        let grads = Grads { x: Some(&mut dx), weight: Some(weight), bias: Some(bias) };
        normalize_backward(&input, &y, grads);
        (moments_of(&norm, &x), y, dx, sums)
    };
    let one = with_threads(1, run);
    for isa in Isa::supported() {
        crate::cpu::isa::with_isa(isa, || assert!(with_threads(3, run) == one, "{isa}"));
    }
}

/// The results of a norm of batches and its gradients, as two passes with a ReLU in between, or as one.
fn with_relu(norm: Norm, x: &[f32], g: &[f32], fused: bool) -> Vec<Vec<u32>> {
    let [mean, var] = moments_of(&norm, x);
    let [weight, bias] = [1.5, -0.2].map(|at| normal(norm.channels, at, 0.5));
    let affine = (Some(&weight[..]), Some(&bias[..]));
    let mut all = Vec::new();
    for own in [true, false] {
        let (weight, bias) = affine;
        let input = Input { norm, x, mean: &mean, var: &var, weight, bias, relu: fused, own };
        let (mut y, mut g, mut dx) = (vec![9.0; x.len()], g.to_vec(), vec![9.0; x.len()]);
        normalize(&input, &mut y);
        if !fused {
            g.iter_mut().zip(&y).for_each(|(g, &y)| *g = if y <= 0.0 { 0.0 } else { *g });
            y.iter_mut().for_each(|y| *y = if *y > 0.0 || y.is_nan() { *y } else { 0.0 });
        }
        let [mut dw, mut db] = [(); 2].map(|()| vec![9.0; norm.channels]);
        normalize_backward(
            &input,
            &g,
            Grads { x: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) },
        );
        all.extend([y, dx, dw, db].map(|values| values.into_iter().map(f32::to_bits).collect()));
    }
    all
}

/// However elements lie: runs, short ones of several images, columns, rows.
#[test]
fn a_relu_in_the_same_pass_has_the_same_bits() {
    let norms = [
        Norm { groups: 3, inner: 50, channels: 3, span: 50, eps: 1e-3 },
        Norm { groups: 2, inner: PIECE + 3, channels: 2, span: PIECE + 3, eps: 1e-3 },
        Norm { groups: 5, inner: 9, channels: 5, span: 9, eps: 1e-3 },
        Norm { groups: 70, inner: 1, channels: 70, span: 1, eps: 1e-3 },
        Norm { groups: 120, inner: 33, channels: 33, span: 1, eps: 1e-3 },
    ];
    for norm in norms {
        let outer = if norm.span == 1 && norm.inner > 1 { 1 } else { 40 };
        let len = outer * norm.groups * norm.inner;
        let (x, g) = (normal(len, 0.3, 2.0), normal(len, 0.0, 1.0));
        let wanted = with_relu(norm, &x, &g, false);
        for isa in Isa::supported() {
            crate::cpu::isa::with_isa(isa, || {
                for threads in [1, 3] {
                    let found = with_threads(threads, || with_relu(norm, &x, &g, true));
                    assert!(found == wanted, "{norm:?} {isa}");
                }
            });
        }
    }
}
