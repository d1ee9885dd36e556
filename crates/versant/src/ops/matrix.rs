//! Vectors and matrices: products by name, triangles, diagonals.

use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// g is the gradient of the result.
impl Tensor {
    /// The inner product of two vectors of one length. Gradients: g y, g x.
    ///
    /// # Panics
    /// When these are not vectors of one length, type and device.
    #[track_caller]
    pub fn dot(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.shape(), other.shape());
        assert!(a.rank() == 1 && a == b, "dot: {a} and {b}; both are vectors of one length");
        self.same_kind("dot", "other", other);
        self.matmul(other)
    }

    /// x_i y_j for vectors x `[n]` and y `[m]`: [n, m]. Gradients: g y, g^T x.
    ///
    /// # Panics
    /// When these are not vectors of one type on one device.
    #[track_caller]
    pub fn outer(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.shape(), other.shape());
        assert!(a.rank() == 1 && b.rank() == 1, "outer: {a} and {b}; both are vectors");
        assert!(
            Shape::checked(&[a[0], b[0]]).is_some(),
            "outer: the product of {a} and {b} has more elements than memory can hold"
        );
        self.same_kind("outer", "other", other);
        self.unsqueeze(1) * other.unsqueeze(0)
    }

    /// The product of each pair of matrices, [b, n, k] and [b, k, m], without broadcasting: [b, n, m].
    ///
    /// # Panics
    /// When these are not as many matrices that fit, of one type on one device.
    #[track_caller]
    pub fn bmm(&self, other: &Tensor) -> Tensor {
        let (a, b) = (self.shape(), other.shape());
        assert!(
            a.rank() == 3 && b.rank() == 3 && a[0] == b[0] && a[2] == b[1],
            "bmm: {a} and {b}; [b, n, k] and [b, k, m] are expected"
        );
        self.same_kind("bmm", "other", other);
        self.matmul(other)
    }

    /// The sum of a matrix's main diagonal. Gradient: g on the diagonal.
    ///
    /// # Panics
    /// When this is not a matrix.
    #[track_caller]
    pub fn trace(&self) -> Tensor {
        assert!(self.rank() == 2, "trace: {} is not a matrix", self.shape());
        self.diagonal(0, 0, 1).sum()
    }

    /// The elements on the diagonal of two axes, which vanish, as a new last axis: a view. `offset` counts diagonals
    /// upwards from the main one. Gradient: g on the diagonal, 0 elsewhere.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::arange(6).reshape([2, 3]);
    /// assert_eq!(x.diagonal(1, 0, 1).to_vec::<i64>(), [1, 5]);
    /// ```
    ///
    /// # Panics
    /// When there are no two such axes.
    #[track_caller]
    pub fn diagonal(&self, offset: isize, axis1: isize, axis2: isize) -> Tensor {
        let shape = self.shape();
        let (a, b) = (shape.axis("diagonal", axis1), shape.axis("diagonal", axis2));
        assert!(a != b, "diagonal: axes {axis1} and {axis2} of {shape} are one");
        self.seen_through("diagonal", move |layout| diagonal(&layout, offset, a, b))
    }

    /// The lower triangle of the last two axes, 0 above the diagonal `k`, counted upwards from the main one. Gradient:
    /// g there.
    ///
    /// ```
    /// use versant::Tensor;
    /// assert_eq!(Tensor::ones([2, 2]).tril(0).to_vec::<f32>(), [1.0, 0.0, 1.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn tril(&self, k: isize) -> Tensor {
        self.triangle("tril", |row, column| column <= row.saturating_add(k as i64))
    }

    /// The upper triangle of the last two axes, 0 below the diagonal `k`, counted upwards from the main one. Gradient:
    /// g there.
    ///
    /// # Panics
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn triu(&self, k: isize) -> Tensor {
        self.triangle("triu", |row, column| column >= row.saturating_add(k as i64))
    }

    #[track_caller]
    fn triangle(&self, operation: &str, is_kept: impl Fn(i64, i64) -> bool) -> Tensor {
        let shape = self.shape();
        assert!(shape.rank() >= 2, "{operation}: {shape} has fewer than two axes");
        let (rows, columns) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
        let is_kept = &is_kept;
        let kept = (0..rows as i64).flat_map(|i| (0..columns as i64).map(move |j| is_kept(i, j)));
        let mask = Tensor::from_slice(&kept.collect::<Vec<bool>>(), [rows, columns]).to(self.device());
        mask.where_cond(self, 0.0)
    }
}

/// The view of a diagonal: one step goes along both axes.
fn diagonal(layout: &Layout, offset: isize, a: usize, b: usize) -> Layout {
    let shape = layout.shape;
    let (down, right) = (offset.min(0).unsigned_abs(), offset.max(0) as usize);
    let len = shape[a].saturating_sub(down).min(shape[b].saturating_sub(right));
    let rest: Vec<usize> = (0..shape.rank()).filter(|&i| i != a && i != b).collect();
    let mut seen = layout.permute(&[&rest[..], &[a]].concat());
    seen.shape = seen.shape.with_axis(rest.len(), len);
    seen.strides.0[rest.len()] = layout.strides[a] + layout.strides[b];
    // What has no elements starts nowhere.
    if seen.shape.numel() > 0 {
        seen.offset += down * layout.strides[a] + right * layout.strides[b];
    }
    seen
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    #[test]
    fn diagonals_and_their_places() {
        let x = Tensor::from_slice(&(0..12).map(f64::from).collect::<Vec<_>>(), [3, 4]).requires_grad();
        assert_eq!(x.diagonal(-1, 0, 1).to_vec::<f64>(), [4.0, 9.0]);
        assert_eq!(x.diagonal(9, 0, 1).numel(), 0);
        assert_eq!(x.trace().item::<f64>(), 15.0);
        let g = x.diagonal(2, 0, 1).sum().backward();
        assert_eq!(g.get(&x).map(|g| g.nonzero().to_vec::<i64>()), Some(vec![0, 2, 1, 3]));
        assert_eq!(x.detach().tril(-3).sum().item::<f64>(), 0.0);
        assert_eq!(x.detach().triu(isize::MIN).sum().item::<f64>(), 66.0);
    }
}
