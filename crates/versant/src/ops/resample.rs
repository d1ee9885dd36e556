//! Linear maps of images that act on rows and columns apart: means of windows, nearest neighbours, interpolation. All
//! are one operation, and the gradient of each is the same operation with both matrices transposed.

use std::sync::Arc;

use crate::array::Array;
use crate::tensor::Tensor;

/// A matrix of which each row has few numbers that are not zero, one beside the other: a linear map along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Bands {
    /// How many columns it has: the length of the axis before.
    inputs: usize,
    /// The column of each row's first number.
    starts: Vec<usize>,
    /// Where each row's numbers begin in `weights`, and where the last row's end.
    offsets: Vec<usize>,
    weights: Vec<f64>,
}

impl Bands {
    /// From the rows: the column of the first number, and the numbers.
    pub(super) fn new<W>(inputs: usize, rows: impl Iterator<Item = (usize, W)>) -> Bands
    where
        W: IntoIterator<Item = f64>,
    {
        let mut bands = Bands { inputs, starts: Vec::new(), offsets: vec![0], weights: Vec::new() };
        for (start, weights) in rows {
            bands.starts.push(start);
            bands.weights.extend(weights);
            bands.offsets.push(bands.weights.len());
        }
        bands
    }

    /// The length of the axis before.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The length of the axis after.
    pub fn outputs(&self) -> usize {
        self.starts.len()
    }

    /// The column of each row's first number.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Row i: the column of its first number, and its numbers.
    pub fn row(&self, i: usize) -> (usize, &[f64]) {
        (self.starts[i], &self.weights[self.offsets[i]..self.offsets[i + 1]])
    }

    /// All rows.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &[f64])> {
        (0..self.outputs()).map(|i| self.row(i))
    }

    /// The numbers of all rows.
    pub fn numbers(&self) -> usize {
        self.weights.len()
    }

    fn transposed(&self) -> Bands {
        let mut columns: Vec<(usize, Vec<f64>)> = vec![(0, Vec::new()); self.inputs];
        for (output, (start, weights)) in self.rows().enumerate() {
            for (&weight, (first, column)) in weights.iter().zip(&mut columns[start..]) {
                if column.is_empty() {
                    *first = output;
                }
                column.resize(output - *first, 0.0);
                column.push(weight);
            }
        }
        Bands::new(self.outputs(), columns.into_iter())
    }
}

impl Tensor {
    /// Images [n, c, h, w] whose columns are multiplied by one matrix and whose rows by another. Gradient: g by the
    /// transposed matrices.
    pub(super) fn resampled(&self, name: &'static str, rows: Bands, columns: Bands) -> Tensor {
        self.resampled_by(name, Arc::new([rows, columns]))
    }

    fn resampled_by(&self, name: &'static str, maps: Arc<[Bands; 2]>) -> Tensor {
        let ([n, c, ..], [rows, columns]) = (self.dims::<4>(), &*maps);
        let shape = [n, c, rows.outputs(), columns.outputs()].into();
        let mut out = Array::recycled(shape, self.dtype(), self.device());
        self.device().backend().resample(rows, columns, &self.array().contiguous(), &mut out);
        Tensor::from_op(name, out, [self], move |back| {
            let adjoint = || Arc::new([maps[0].transposed(), maps[1].transposed()]);
            [back.want(0, || back.grad().resampled_by(name, adjoint()))]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        let rows = [(0, vec![1.0, 2.0]), (1, vec![3.0, 4.0, 5.0]), (3, vec![6.0])];
        let bands = Bands::new(5, rows.into_iter());
        let transposed = bands.transposed();
        let columns: Vec<_> = transposed.rows().map(|(first, column)| (first, column.to_vec())).collect();
        let wanted = [(0, vec![1.0]), (0, vec![2.0, 3.0]), (1, vec![4.0]), (1, vec![5.0, 6.0]), (0, vec![])];
        assert_eq!(columns, wanted);
        assert_eq!(transposed.transposed(), bands);
    }
}
