//! Tensors made of numbers: ranges, grids, chance. None has a gradient.

use crate::array::Array;
use crate::dtype::DType;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// What numbers alone give is f32 on the processor. Random numbers are a function of the generator's state.
impl Tensor {
    /// Zeros of this tensor's shape, type and device.
    pub fn zeros_like(&self) -> Tensor {
        self.filled(0.0)
    }

    /// Ones of this tensor's shape, type and device.
    pub fn ones_like(&self) -> Tensor {
        self.filled(1.0)
    }

    /// This tensor's shape, type and device, all equal to `value`, which is converted as [`cast`](Tensor::cast) does.
    pub fn full_like(&self, value: f64) -> Tensor {
        self.filled(value)
    }

    /// In the memory of one element.
    fn filled(&self, value: f64) -> Tensor {
        Array::full(self.shape(), value, self.dtype()).to(self.device()).into()
    }

    /// start, start + step, ... before `end`: ceil((end - start) / step) numbers, computed in f64. PyTorch's `arange`
    /// of floats.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::arange_step(1.0, 2.0, 0.25).to_vec::<f32>(), [1.0, 1.25, 1.5, 1.75]);
    /// ```
    ///
    /// # Panics
    /// When the step does not lead from start to end, or a number is not finite.
    #[track_caller]
    pub fn arange_step(start: f64, end: f64, step: f64) -> Tensor {
        let steps = (end - start) / step;
        assert!(
            steps.is_finite() && steps >= 0.0,
            "arange_step: steps of {step} do not lead from {start} to {end}"
        );
        let n = steps.ceil();
        assert!(
            n < 1e15,
            "arange_step: {n:e} numbers from {start:e} to {end:e} are more than memory can hold"
        );
        let values: Vec<f32> = (0..n as usize).map(|i| (start + i as f64 * step) as f32).collect();
        Tensor::from_slice(&values, [values.len()])
    }

    /// n numbers from `start` to `end`, both included, at equal distances, computed in f64.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::linspace(0.0, 1.0, 5).to_vec::<f32>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When memory cannot hold them.
    #[track_caller]
    pub fn linspace(start: f64, end: f64, n: usize) -> Tensor {
        assert!(Shape::checked(&[n]).is_some(), "linspace: {n} numbers are more than memory can hold");
        let step = (end - start) / n.saturating_sub(1).max(1) as f64;
        // From both ends, so that the last number is exact.
        let value = |i: usize| {
            if i < n.div_ceil(2) { start + i as f64 * step } else { end - (n - 1 - i) as f64 * step }
        };
        let values: Vec<f32> = (0..n).map(|i| value(i) as f32).collect();
        Tensor::from_slice(&values, [n])
    }

    /// The n x n identity matrix.
    ///
    /// # Panics
    /// When memory cannot hold it.
    #[track_caller]
    pub fn eye(n: usize) -> Tensor {
        let fits = Shape::checked(&[n, n]).is_some();
        assert!(fits, "eye: [{n}, {n}] has more elements than memory can hold");
        Tensor::arange(n).one_hot(n).cast(DType::F32)
    }

    /// Whole numbers (i64), uniform in low..high.
    ///
    /// # Panics
    /// When the range is empty.
    #[track_caller]
    pub fn randint(low: i64, high: i64, shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
        assert!(low < high, "randint: the range {low}..{high} is empty");
        let (shape, span) = (shape.into(), high.wrapping_sub(low) as u64);
        let values: Vec<i64> = (0..shape.numel()).map(|_| low.wrapping_add(rng.below(span) as i64)).collect();
        Tensor::from_slice(&values, shape)
    }

    /// 0 to n - 1 (i64) in random order, each order as likely as another.
    ///
    /// # Panics
    /// When memory cannot hold them.
    #[track_caller]
    pub fn randperm(n: usize, rng: &mut Rng) -> Tensor {
        assert!(Shape::checked(&[n]).is_some(), "randperm: {n} numbers are more than memory can hold");
        let order: Vec<i64> = rng.permutation(n).into_iter().map(|i| i as i64).collect();
        Tensor::from_slice(&order, [n])
    }

    /// For each probability p in this tensor 1 with that probability, else 0, of its type.
    ///
    /// # Panics
    /// When the elements are not floating point between 0 and 1.
    #[track_caller]
    pub fn bernoulli(&self, rng: &mut Rng) -> Tensor {
        let chances = self.numbers("bernoulli", |p| (0.0..=1.0).contains(&p), "between 0 and 1");
        let values: Vec<f64> = chances.into_iter().map(|p| (rng.uniform() < p) as u8 as f64).collect();
        Tensor::from(Array::from_slice(&values, self.shape()).cast(self.dtype()).to(self.device()))
    }

    /// n indices (i64) drawn by weights `[k]`, or from each row of weights [rows, k] for itself: `[n]` or [rows, n].
    /// Weights need not add up to 1. Without replacement no index comes twice, and they come in the order in which they
    /// were drawn.
    ///
    /// ```
    /// use versant::{Tensor, rng::Rng};
    /// let weights = Tensor::from_slice(&[0.0f32, 3.0, 1.0], [3]);
    /// let mut drawn = weights.multinomial(2, false, &mut Rng::new(1)).to_vec::<i64>();
    /// drawn.sort();
    /// assert_eq!(drawn, [1, 2]);
    /// ```
    ///
    /// # Panics
    /// When these are no weights (finite, not below 0, of a floating type), or a row has not enough that are above 0.
    #[track_caller]
    pub fn multinomial(&self, n: usize, replacement: bool, rng: &mut Rng) -> Tensor {
        let shape = self.shape();
        assert!((1..=2).contains(&shape.rank()), "multinomial: weights are [k] or [rows, k], not {shape}");
        let weights = self.numbers("multinomial", |w| w >= 0.0 && w.is_finite(), "finite and not below 0");
        let columns = shape[shape.rank() - 1];
        let result = [&shape[..shape.rank() - 1], &[n]].concat();
        let fits = Shape::checked(&result).is_some();
        assert!(fits, "multinomial: {result:?} has more elements than memory can hold");
        let mut drawn = Vec::new();
        for row in 0..result.iter().rev().skip(1).product() {
            let weights = &weights[row * columns..][..columns];
            let possible = weights.iter().filter(|&&w| w > 0.0).count();
            let needed = if replacement { n.min(1) } else { n };
            assert!(
                possible >= needed,
                "multinomial: row {row} of {shape} has {possible} weights above 0, {n} are to be drawn"
            );
            match replacement {
                true => draw_again(weights, n, rng, &mut drawn),
                false => draw_once(weights, n, rng, &mut drawn),
            }
        }
        Tensor::from_slice(&drawn, result).to(self.device())
    }

    /// The elements as f64.
    #[track_caller]
    fn numbers(&self, operation: &str, is_right: impl Fn(f64) -> bool, rule: &str) -> Vec<f64> {
        assert!(
            self.dtype().is_float(),
            "{operation}: needs f32 or f64, not {} {}; cast it first",
            self.dtype(),
            self.shape()
        );
        let values = self.array().cast(DType::F64).to_vec::<f64>();
        if let Some(i) = values.iter().position(|&v| !is_right(v)) {
            panic!("{operation}: element {i} of {} is {}, not {rule}", self.shape(), values[i]);
        }
        values
    }
}

/// By the running sum of the weights, each a share of the largest so that it does not overflow.
fn draw_again(weights: &[f64], n: usize, rng: &mut Rng, drawn: &mut Vec<i64>) {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    let sums: Vec<f64> = weights
        .iter()
        .scan(0.0, |sum, w| {
            *sum += w / largest;
            Some(*sum)
        })
        .collect();
    let total = sums.last().copied().unwrap_or(0.0);
    // Rounding could lead behind the last: then the last weight above 0 it is.
    let last = weights.iter().rposition(|&w| w > 0.0).unwrap_or(0);
    for _ in 0..n {
        let at = rng.uniform() * total;
        drawn.push(sums.partition_point(|&sum| sum <= at).min(last) as i64);
    }
}

/// A race: index i arrives after a time that is exponential with rate w_i, and the first n are taken. Times are
/// compared by their logarithms, which no weight lets overflow. (Efraimidis and Spirakis 2006)
fn draw_once(weights: &[f64], n: usize, rng: &mut Rng, drawn: &mut Vec<i64>) {
    let mut arrivals: Vec<(f64, i64)> = (0..)
        .zip(weights)
        .filter(|&(_, &w)| w > 0.0)
        // 1 - u is in (0, 1]: the time is not NaN.
        .map(|(i, w)| ((-(1.0 - rng.uniform()).ln()).ln() - w.ln(), i))
        .collect();
    arrivals.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    drawn.extend(arrivals.iter().take(n).map(|&(_, i)| i));
}

/// Coordinates of a grid whose axes are given by vectors: tensor i has the shape of all lengths, and its values change
/// along axis i alone; views. PyTorch's `meshgrid` with `indexing="ij"`.
///
/// ```
/// use versant::{Tensor, meshgrid};
/// let grid = meshgrid(&[&Tensor::arange(2), &Tensor::arange(3)]);
/// assert_eq!(grid[0].to_vec::<i64>(), [0, 0, 0, 1, 1, 1]);
/// assert_eq!(grid[1].to_vec::<i64>(), [0, 1, 2, 0, 1, 2]);
/// ```
///
/// # Panics
/// When a tensor is neither a vector nor a number, or the grid has more elements than memory can hold.
#[track_caller]
pub fn meshgrid(axes: &[&Tensor]) -> Vec<Tensor> {
    for (i, x) in axes.iter().enumerate() {
        assert!(x.rank() <= 1, "meshgrid: tensor {i} is {}, not a vector", x.shape());
    }
    let lengths: Vec<usize> = axes.iter().map(|x| x.numel()).collect();
    let Some(shape) = Shape::checked(&lengths) else {
        panic!("meshgrid: a grid of {lengths:?} has more axes or elements than can be")
    };
    let along = |(i, x): (usize, &&Tensor)| {
        let mut ones = vec![1; axes.len()];
        ones[i] = lengths[i];
        x.reshape(ones).broadcast_to(shape)
    };
    axes.iter().enumerate().map(along).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_their_weights() {
        let weights = Tensor::from_slice(&[1.0f64, 0.0, 3.0], [3]);
        let mut rng = Rng::new(4);
        let drawn = weights.multinomial(40_000, true, &mut rng).to_vec::<i64>();
        let count = |k: i64| drawn.iter().filter(|&&i| i == k).count();
        assert_eq!(count(1), 0);
        // Five standard errors of 87 each.
        assert!((count(2) as f64 - 30_000.0).abs() < 435.0, "{}", count(2));
        let first = (0..10_000).filter(|_| weights.multinomial(2, false, &mut rng).to_vec::<i64>()[0] == 2);
        assert!((first.count() as f64 - 7_500.0).abs() < 220.0);
    }

    #[test]
    fn weights_of_any_size() {
        let mut rng = Rng::new(6);
        let tiny = Tensor::from_slice(&[0.0f64, 1e-320], [2]);
        let huge = Tensor::from_slice(&[0.0f64, 1e308, 0.0, 1e308, 0.0], [5]);
        for replacement in [true, false] {
            assert_eq!(tiny.multinomial(1, replacement, &mut rng).to_vec::<i64>(), [1]);
            let firsts: Vec<i64> =
                (0..100).map(|_| huge.multinomial(2, replacement, &mut rng).to_vec::<i64>()[0]).collect();
            let ones = firsts.iter().filter(|&&i| i == 1).count();
            assert!(firsts.iter().all(|i| [1, 3].contains(i)) && (25..75).contains(&ones), "{firsts:?}");
        }
        assert_eq!(Tensor::zeros([0, 3]).multinomial(2, false, &mut rng).shape(), [0, 2].into());
        assert_eq!(Tensor::zeros([2, 0]).multinomial(0, true, &mut rng).shape(), [2, 0].into());
    }

    #[test]
    #[should_panic(expected = "multinomial: row 0 of [2, 0] has 0 weights above 0, 1 are to be drawn")]
    fn nothing_to_draw_from() {
        Tensor::zeros([2, 0]).multinomial(1, true, &mut Rng::new(1));
    }

    #[test]
    fn chances_and_ranges() {
        let mut rng = Rng::new(5);
        let x = Tensor::full([2, 10_000], 0.25, DType::F64).bernoulli(&mut rng);
        assert!((x.mean().item::<f64>() - 0.25).abs() < 0.016);
        let dice = Tensor::randint(-1, 2, [3000], &mut rng);
        assert_eq!(dice.unique().to_vec::<i64>(), [-1, 0, 1]);
        let all = Tensor::randint(i64::MIN, i64::MAX, [100], &mut rng);
        assert!(all.lt(0.0).any().item::<bool>() && all.gt(0.0).any().item::<bool>());
        assert_eq!(
            Tensor::randperm(50, &mut rng).sort(0, false).0.to_vec::<i64>(),
            (0..50).collect::<Vec<_>>()
        );
    }

    #[test]
    #[should_panic(expected = "multinomial: row 1 of [2, 2] has 1 weights above 0, 2 are to be drawn")]
    fn more_than_there_are() {
        let weights = Tensor::from_slice(&[1.0f32, 1.0, 0.0, 1.0], [2, 2]);
        weights.multinomial(2, false, &mut Rng::new(1));
    }

    #[test]
    #[should_panic(expected = "bernoulli: element 1 of [2] is 1.5, not between 0 and 1")]
    fn no_probability() {
        Tensor::from_slice(&[0.5f32, 1.5], [2]).bernoulli(&mut Rng::new(1));
    }
}
