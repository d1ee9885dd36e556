use proptest::prelude::*;

use super::*;
use crate::cpu::isa::with_isa;
use crate::cpu::threads::tests::with_threads;
use crate::rng::Rng;

fn random<T: Real>(rng: &mut Rng, len: usize) -> Vec<T> {
    (0..len).map(|_| T::from_f64(rng.uniform() * 2.0 - 1.0)).collect()
}

/// The value and the sum of absolute values of each element of relu(A B + C + bias).
fn plain<T: Real>(a: MatRef<T>, b: MatRef<T>, c: &[T], c_stride: usize, e: Epilogue<T>) -> Vec<(f64, f64)> {
    let mut out = Vec::new();
    for i in 0..a.rows {
        for j in 0..b.cols {
            let mut terms: Vec<f64> = (0..a.cols)
                .map(|p| {
                    a.data[i * a.row_stride + p * a.col_stride].to_f64()
                        * b.data[p * b.row_stride + j * b.col_stride].to_f64()
                })
                .collect();
            terms.extend(e.accumulate.then(|| c[i * c_stride + j].to_f64()));
            terms.extend(e.bias.map(|bias| bias[j].to_f64()));
            let sum: f64 = terms.iter().sum();
            let value = if e.relu && sum < 0.0 { 0.0 } else { sum };
            out.push((value, terms.iter().map(|t| t.abs()).sum()));
        }
    }
    out
}

/// A matrix's strides by layout: row-major, transposed, padded, repeated row, repeated column, all padded.
fn strides(layout: usize, rows: usize, cols: usize) -> [usize; 2] {
    [[cols, 1], [1, rows], [cols + 5, 1], [0, 1], [1, 0], [2 * cols + 3, 2]][layout]
}

fn operand<T: Real>(rng: &mut Rng, layout: usize, rows: usize, cols: usize) -> (Vec<T>, [usize; 2]) {
    let [row, col] = strides(layout, rows, cols);
    let len = rows.saturating_sub(1) * row + cols.saturating_sub(1) * col + 1;
    (random(rng, len), [row, col])
}

fn check<T: Real>(eps: f64, [m, k, n]: [usize; 3], layouts: [usize; 2], options: [bool; 3], seed: u64) {
    let mut rng = Rng::new(seed);
    let (a, a_strides) = operand::<T>(&mut rng, layouts[0], m, k);
    let (b, b_strides) = operand::<T>(&mut rng, layouts[1], k, n);
    let (a, b) = (MatRef::new(&a, [m, k], a_strides), MatRef::new(&b, [k, n], b_strides));
    let c_stride = n + 3;
    let c: Vec<T> = random(&mut rng, m * c_stride);
    let bias: Vec<T> = random(&mut rng, n);
    let [accumulate, with_bias, relu] = options;
    let epilogue = Epilogue { accumulate, bias: with_bias.then_some(&bias[..]), relu };
    let truth = plain(a, b, &c, c_stride, epilogue);
    for isa in Isa::supported() {
        let mut got = c.clone();
        gemm_with(isa, a, b, &mut got, c_stride, epilogue);
        for i in 0..m {
            for j in 0..c_stride {
                let value = got[i * c_stride + j];
                if j >= n {
                    assert_eq!(value, c[i * c_stride + j], "{isa} wrote beside C at {i}, {j}");
                    continue;
                }
                let (wanted, size) = truth[i * n + j];
                let bound = 8.0 * ((k + 2) as f64).sqrt() * eps * size;
                let error = (value.to_f64() - wanted).abs();
                assert!(error <= bound, "{isa} {m}x{k}x{n} at {i}, {j}: {value} for {wanted}");
            }
        }
    }
}

fn dimension() -> impl Strategy<Value = usize> {
    let near = [0usize, 1, 8, 16, 32, 64, 128];
    (0..near.len(), 0..3usize).prop_map(move |(i, d)| (near[i] + d).saturating_sub(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn agrees_with_plain_loops(
        dims in [dimension(), dimension(), dimension()],
        layouts in [0..6usize, 0..6usize],
        options in any::<[bool; 3]>(),
        seed in any::<u64>(),
    ) {
        check::<f32>(f32::EPSILON as f64, dims, layouts, options, seed);
        check::<f64>(f64::EPSILON, dims, layouts, options, seed);
    }
}

#[test]
fn blocks_of_k_and_wide_areas() {
    for (seed, dims) in [[5, 255, 9], [5, 256, 9], [5, 257, 9], [3, 700, 40], [300, 20, 300], [9, 5000, 27]]
        .into_iter()
        .enumerate()
    {
        for layout in 0..2 {
            check::<f32>(f32::EPSILON as f64, dims, [layout, 1 - layout], [true; 3], seed as u64);
            check::<f64>(f64::EPSILON, dims, [layout, layout], [false, true, false], seed as u64);
        }
    }
}

/// Whole panels of eight rows and others, one block of k and more.
#[test]
fn rows_side_by_side_whose_terms_lie_far_apart_are_copied() {
    for (seed, dims) in [[1024, 37, 33], [1029, 300, 9], [1027, 1, 17]].into_iter().enumerate() {
        check::<f32>(f32::EPSILON as f64, dims, [1, 0], [true; 3], seed as u64);
        check::<f64>(f64::EPSILON, dims, [1, 1], [false; 3], seed as u64);
    }
}

#[test]
fn few_rows_are_read_in_place() {
    for (seed, dims) in
        [[1, 32, 1], [1, 784, 64], [2, 33, 5], [3, 47, 6], [5, 64, 7], [7, 95, 13], [8, 95, 13]]
            .into_iter()
            .enumerate()
    {
        // Row-major or padded rows, by the transpose of either.
        for options in [[true; 3], [false, true, false], [false; 3]] {
            check::<f32>(f32::EPSILON as f64, dims, [0, 1], options, seed as u64);
            check::<f64>(f64::EPSILON, dims, [2, 1], options, seed as u64);
            check::<f32>(f32::EPSILON as f64, dims, [3, 3], options, seed as u64);
        }
    }
}

#[test]
fn threads_do_not_change_bits() {
    for [m, k, n] in
        [[1, 3072, 1000], [5, 784, 300], [64, 784, 64], [64, 64, 784], [129, 300, 257], [32, 65536, 27]]
    {
        let mut rng = Rng::new(1);
        let (a, b) = (random::<f32>(&mut rng, m * k), random::<f32>(&mut rng, k * n));
        for isa in Isa::supported() {
            let (a, b) = (MatRef::row_major(&a, m, k), MatRef::row_major(&b, n, k).t());
            let mut one = vec![0.0f32; m * n];
            with_threads(1, || gemm_with(isa, a, b, &mut one, n, Epilogue::default()));
            for threads in [2, 3, 4, 8] {
                // The instruction set chosen for this thread goes along to those that help.
                let mut c = vec![0.0f32; m * n];
                let product = || with_isa(isa, || gemm(a, b, &mut c, n, Epilogue::default()));
                with_threads(threads, product);
                assert_eq!(one, c, "{isa}, {threads} threads");
            }
        }
    }
}

#[test]
fn not_a_number_and_infinity_propagate() {
    let (m, k, n) = (9, 20, 35);
    for isa in Isa::supported() {
        let mut a = vec![0.0f32; m * k];
        let mut b = vec![0.0f32; k * n];
        a[3 * k + 7] = f32::INFINITY;
        b[5 * n + 34] = f32::NAN;
        let mut c = vec![f32::NAN; m * n];
        let epilogue = Epilogue { relu: true, ..Epilogue::default() };
        gemm_with(isa, MatRef::row_major(&a, m, k), MatRef::row_major(&b, k, n), &mut c, n, epilogue);
        for i in 0..m {
            for j in 0..n {
                // Infinity times 0 in row 3; NaN in the last column; what C held before must not matter.
                assert_eq!(c[i * n + j].is_nan(), i == 3 || j == 34, "{isa} at {i}, {j}");
            }
        }
    }
}

#[test]
fn an_empty_sum_is_the_epilogue() {
    for isa in Isa::supported() {
        let mut c = [f32::NAN; 6];
        let (a, b) = (MatRef::row_major(&[], 2, 0), MatRef::row_major(&[], 0, 3));
        gemm_with(
            isa,
            a,
            b,
            &mut c,
            3,
            Epilogue { bias: Some(&[1.0, -2.0, 3.0]), relu: true, accumulate: false },
        );
        assert_eq!(c, [1.0, 0.0, 3.0, 1.0, 0.0, 3.0]);
    }
}

#[test]
#[should_panic(expected = "the inner lengths differ")]
fn lengths_are_checked() {
    let data = [0.0f32; 6];
    gemm(
        MatRef::row_major(&data, 2, 3),
        MatRef::row_major(&data, 2, 3),
        &mut [0.0; 6],
        3,
        Epilogue::default(),
    );
}

#[test]
#[should_panic(expected = "does not fit in 6 elements")]
fn views_are_checked() {
    MatRef::new(&[0.0f32; 6], [2, 3], [4, 1]);
}
