//! Elements by their indices. Indices are i64 and count from 0; negative ones are a mistake.

use crate::array::Array;
use crate::dtype::DType;
use crate::layout::Layout;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Panics unless every index is one of `len`; the message says where.
#[track_caller]
fn check_range(operation: &str, index: &Array, len: usize) {
    if let Some((at, bad)) = index.find_i64(|i| !(0..len as i64).contains(&i)) {
        panic!(
            "{operation}: index {bad} (element {at} of {}) is none of {len}, counted from 0",
            index.shape()
        );
    }
}

/// Panics unless `index` is i64 and lies on the device of `x`.
#[track_caller]
fn check_index(operation: &str, x: &Tensor, index: &Tensor) {
    assert!(
        index.dtype() == DType::I64,
        "{operation}: indices are i64, not {} {}; cast them first",
        index.dtype(),
        index.shape()
    );
    assert!(
        x.device() == index.device(),
        "{operation}: the tensor is on {}, the indices are on {}; move one with .to(device)",
        x.device(),
        index.device()
    );
}

/// Panics unless `src` has the type and the device of `x`.
#[track_caller]
fn check_source(operation: &str, x: &Tensor, src: &Tensor) {
    assert!(
        x.dtype() == src.dtype() && x.device() == src.device(),
        "{operation}: the tensor is {} on {}, the source {} on {}; they must be one",
        x.dtype(),
        x.device(),
        src.dtype(),
        src.device()
    );
}

/// The rules of PyTorch's gather and scatter: as many axes, and no longer than `x` but along the axis.
#[track_caller]
fn check_along(operation: &str, x: &Tensor, axis: isize, index: &Tensor) -> usize {
    check_index(operation, x, index);
    let axis = x.shape().axis(operation, axis);
    let (sx, si) = (x.shape(), index.shape());
    let fits = sx.rank() == si.rank() && (0..sx.rank()).all(|i| i == axis || si[i] <= sx[i]);
    assert!(fits, "{operation}: indices {si} do not fit {sx}: as many axes, none but axis {axis} longer");
    check_range(operation, index.array(), sx[axis]);
    axis
}

/// The first elements of x along all axes but one, as many as the shape has there: what gather and scatter work on.
fn cut_to(x: &Tensor, axis: Option<usize>, shape: Shape) -> Tensor {
    (0..shape.rank())
        .filter(|&i| Some(i) != axis && shape[i] < x.shape()[i])
        .fold(x.clone(), |x, i| x.narrow(i as isize, 0, shape[i]))
}

/// The kernels work along the last axis of contiguous arrays.
impl Array {
    fn gather_last(&self, index: &Array) -> Array {
        let mut out = Array::recycled(index.shape(), self.dtype(), self.device());
        self.device().backend().gather(&self.contiguous(), &index.contiguous(), &mut out);
        out
    }

    fn index_select_middle(&self, index: &Array) -> Array {
        let [outer, _, inner] = self.dims();
        let mut out = Array::recycled([outer, index.numel(), inner].into(), self.dtype(), self.device());
        self.device().backend().index_select(&self.contiguous(), &index.contiguous(), &mut out);
        out
    }

    /// A copy that is nobody else's, row-major.
    fn own_copy(&self) -> Array {
        let mut out = Array::recycled(self.shape(), self.dtype(), self.device());
        let to = Layout::contiguous(self.shape());
        self.device().backend().copy(self, &mut out, &to);
        out
    }
}

/// g is the gradient of the result.
impl Tensor {
    /// The slices along an axis that a list of indices (i64, `[m]`) names, in its order. Gradient: each slice of g is
    /// added to the one that it came from.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]);
    /// let rows = x.index_select(0, &Tensor::from_slice(&[1i64, 0, 1], [3]));
    /// assert_eq!(rows.to_vec::<f32>(), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// When the indices are not a list of i64 on this device, or one is out of range.
    #[track_caller]
    pub fn index_select(&self, axis: isize, index: &Tensor) -> Tensor {
        self.selected("index_select", axis, index)
    }

    #[track_caller]
    fn selected(&self, operation: &'static str, axis: isize, index: &Tensor) -> Tensor {
        check_index(operation, self, index);
        let shape = self.shape();
        let axis = shape.axis(operation, axis);
        assert!(index.rank() == 1, "{operation}: indices are a list, [m], not {}", index.shape());
        let result = shape.with_axis(axis, index.numel());
        check_range(operation, index.array(), shape[axis]);
        let index = index.detach();
        let value = self.array().reshape(in_blocks(shape, axis)).index_select_middle(index.array());
        Tensor::from_op("index_select", value.reshape(result), [self], move |back| {
            [back.want(0, || back.grad().zeros_of(shape).index_add(axis as isize, &index, back.grad()))]
        })
    }

    /// Zeros of another shape, of this type and on this device.
    fn zeros_of(&self, shape: Shape) -> Tensor {
        Array::full(shape, 0.0, self.dtype()).to(self.device()).into()
    }

    /// This tensor with slices of `src` added where the list of indices (i64, `[m]`) says: what goes to one place is
    /// added in the order of the list. Gradients: g; the slices of g that the list names.
    ///
    /// # Panics
    /// When the indices are not a list of i64, one is out of range, or `src` has not one slice for each.
    #[track_caller]
    pub fn index_add(&self, axis: isize, index: &Tensor, src: &Tensor) -> Tensor {
        check_index("index_add", self, index);
        check_source("index_add", self, src);
        let shape = self.shape();
        let axis = shape.axis("index_add", axis);
        let fits = index.rank() == 1
            && src.rank() == shape.rank()
            && src.shape() == shape.with_axis(axis, index.numel());
        assert!(
            fits,
            "index_add: indices {} and source {} do not fit {shape} along axis {axis}; one slice for each index",
            index.shape(),
            src.shape()
        );
        assert!(self.dtype() != DType::Bool, "index_add: bool has no arithmetic; cast it first");
        check_range("index_add", index.array(), shape[axis]);
        let index = index.detach();
        let mut out = self.array().own_copy().reshape(in_blocks(shape, axis));
        let blocks = src.array().contiguous().reshape(in_blocks(src.shape(), axis));
        self.device().backend().index_add(&blocks, &index.array().contiguous(), &mut out);
        Tensor::from_op("index_add", out.reshape(shape), [self, src], move |back| {
            let g = back.grad();
            [back.want(0, || g.clone()), back.want(1, || g.index_select(axis as isize, &index))]
        })
    }

    /// Element i of the result along the axis is element index_i of this, everything else alike: `out[a][i][b] =
    /// x[a][index[a][i][b]][b]` for axis 1. The index has the result's shape and may be shorter than this tensor along
    /// other axes. Gradient: g, added to the places that the elements came from.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]);
    /// let index = Tensor::from_slice(&[1i64, 0], [2, 1]);
    /// assert_eq!(x.gather(1, &index).to_vec::<f32>(), [2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// When the index is not i64, has another number of axes, is longer than this tensor along another axis, or is out
    /// of range.
    #[track_caller]
    pub fn gather(&self, axis: isize, index: &Tensor) -> Tensor {
        let axis = check_along("gather", self, axis, index);
        let index = index.detach();
        let x = cut_to(self, Some(axis), index.shape()).transpose(axis as isize, -1);
        x.gather_along_last(&index.transpose(axis as isize, -1)).transpose(axis as isize, -1)
    }

    fn gather_along_last(&self, index: &Tensor) -> Tensor {
        let (shape, index) = (self.shape(), index.clone());
        Tensor::from_op("gather", self.array().gather_last(index.array()), [self], move |back| {
            [back.want(0, || back.grad().zeros_of(shape).scatter_add_along_last(&index, back.grad()))]
        })
    }

    fn scatter_add_along_last(&self, index: &Tensor, src: &Tensor) -> Tensor {
        let index = index.clone();
        let mut out = self.array().own_copy();
        let (src_values, places) = (src.array().contiguous(), index.array().contiguous());
        self.device().backend().scatter_add(&src_values, &places, &mut out);
        Tensor::from_op("scatter_add", out, [self, src], move |back| {
            let g = back.grad();
            [back.want(0, || g.clone()), back.want(1, || g.gather_along_last(&index))]
        })
    }

    /// This tensor with `src` added at the places that [`gather`](Tensor::gather) with the same index would read: what
    /// goes to one place is added in the order of `src`, of which the part within the index's shape counts. Gradients:
    /// g; g gathered.
    ///
    /// # Panics
    /// As [`gather`](Tensor::gather), when `src` does not reach as far as the index or has another type, and on bool.
    #[track_caller]
    pub fn scatter_add(&self, axis: isize, index: &Tensor, src: &Tensor) -> Tensor {
        let axis = self.check_scatter("scatter_add", axis, index, src);
        let (last, src) = (axis as isize, cut_to(src, None, index.shape()));
        assert!(self.dtype() != DType::Bool, "scatter_add: bool has no arithmetic; cast it first");
        self.on_part(axis, index.shape(), |part| {
            part.transpose(last, -1)
                .scatter_add_along_last(&index.detach().transpose(last, -1), &src.transpose(last, -1))
                .transpose(last, -1)
        })
    }

    /// This tensor with the elements of `src` put at the places that [`gather`](Tensor::gather) with the same index
    /// would read; where several go to one place the last in `src` stays. Of `src` the part within the index's shape
    /// counts. Gradients: g, 0 at those places; g gathered, 0 for what did not stay (to which PyTorch gives g too).
    ///
    /// # Panics
    /// As [`scatter_add`](Tensor::scatter_add), but not on bool.
    #[track_caller]
    pub fn scatter(&self, axis: isize, index: &Tensor, src: &Tensor) -> Tensor {
        let axis = self.check_scatter("scatter", axis, index, src);
        let (last, src) = (axis as isize, cut_to(src, None, index.shape()));
        self.on_part(axis, index.shape(), |part| {
            part.transpose(last, -1)
                .scatter_along_last(&index.detach().transpose(last, -1), &src.transpose(last, -1))
                .transpose(last, -1)
        })
    }

    fn scatter_along_last(&self, index: &Tensor, src: &Tensor) -> Tensor {
        let (index, zeros) = (index.clone(), src.zeros_of(src.shape()));
        let mut out = self.array().own_copy();
        let (src_values, places) = (src.array().contiguous(), index.array().contiguous());
        self.device().backend().scatter(&src_values, &places, &mut out);
        Tensor::from_op("scatter", out, [self, src], move |back| {
            let g = back.grad();
            [
                back.want(0, || g.scatter_along_last(&index, &zeros)),
                back.want(1, || last_writes(&index, g.shape()).where_cond(&g.gather_along_last(&index), 0.0)),
            ]
        })
    }

    #[track_caller]
    fn check_scatter(&self, operation: &str, axis: isize, index: &Tensor, src: &Tensor) -> usize {
        check_source(operation, self, src);
        let (from, to) = (src.shape(), index.shape());
        let fits = from.rank() == to.rank() && (0..to.rank()).all(|i| to[i] <= from[i]);
        assert!(fits, "{operation}: indices {to} do not fit source {from}: as many axes, none longer");
        check_along(operation, self, axis, index)
    }

    /// `f` on the part that an index of this shape reaches, which lies at the start of every axis, the rest as it is.
    fn on_part(&self, axis: usize, shape: Shape, f: impl Fn(&Tensor) -> Tensor) -> Tensor {
        let longer = (0..shape.rank()).find(|&i| i != axis && shape[i] < self.shape()[i]);
        let Some(i) = longer else { return f(self) };
        let part = self.narrow(i as isize, 0, shape[i]).on_part(axis, shape, f);
        self.slice_scatter(i as isize, 0, shape[i], 1, &part)
    }

    /// This tensor with `src` in place of its elements start, start + step, ... before `end` of an axis: assignment to
    /// a slice, as a new tensor. Gradients: g, 0 at those places; g at those places.
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::zeros([4]).slice_scatter(0, 1, 4, 2, &Tensor::ones([2]));
    /// assert_eq!(x.to_vec::<f32>(), [0.0, 1.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// When the slice does not lie in the axis, or `src` has not its shape.
    #[track_caller]
    pub fn slice_scatter(&self, axis: isize, start: usize, end: usize, step: usize, src: &Tensor) -> Tensor {
        check_source("slice_scatter", self, src);
        let at = self.shape().axis("slice_scatter", axis);
        let len = self.shape()[at];
        assert!(
            start <= end && end <= len && step > 0,
            "slice_scatter: {start}..{end} by {step} does not fit axis {at} of {}, which has {len} elements",
            self.shape()
        );
        let part = self.shape().with_axis(at, (end - start).div_ceil(step));
        assert!(src.shape() == part, "slice_scatter: the slice is {part}, the source {}", src.shape());
        let mut out = self.array().own_copy();
        let place = Layout::contiguous(self.shape()).slice(at, start, part[at], step);
        self.device().backend().copy(src.array(), &mut out, &place);
        Tensor::from_op("slice_scatter", out, [self, src], move |back| {
            let g = back.grad();
            [
                back.want(0, || g.slice_scatter(axis, start, end, step, &g.zeros_of(part))),
                back.want(1, || g.slice(axis, start, end, step)),
            ]
        })
    }

    /// This tensor with `src` in place of what [`select`](Tensor::select) gives for that index of an axis.
    ///
    /// # Panics
    /// When there is no such index, or `src` has not the shape without the axis.
    #[track_caller]
    pub fn select_scatter(&self, axis: isize, index: usize, src: &Tensor) -> Tensor {
        let at = self.shape().axis("select_scatter", axis);
        let len = self.shape()[at];
        assert!(
            index < len,
            "select_scatter: index {index} of axis {at} of {}, which has {len} elements",
            self.shape()
        );
        let one = self.shape().with_axis(at, 1);
        let fits = src.rank() + 1 == self.rank() && src.unsqueeze(at as isize).shape() == one;
        assert!(
            fits,
            "select_scatter: source {} does not fit {} without axis {at}",
            src.shape(),
            self.shape()
        );
        self.slice_scatter(axis, index, index + 1, 1, &src.unsqueeze(at as isize))
    }

    /// [`gather`](Tensor::gather) with index and tensor broadcast against one another along all other axes: numpy's
    /// `take_along_axis`, PyTorch's `take_along_dim`.
    ///
    /// # Panics
    /// As [`gather`](Tensor::gather), and when the other axes do not broadcast.
    #[track_caller]
    pub fn take_along(&self, index: &Tensor, axis: isize) -> Tensor {
        check_index("take_along", self, index);
        let (sx, si) = (self.shape(), index.shape());
        let axis = sx.axis("take_along", axis);
        let common = (sx.rank() == si.rank())
            .then(|| sx.with_axis(axis, 1).broadcast(&si.with_axis(axis, 1)))
            .flatten();
        let Some(common) = common else {
            panic!("take_along: indices {si} and {sx} do not broadcast along the axes other than {axis}")
        };
        check_range("take_along", index.array(), sx[axis]);
        let index = index.broadcast_to(common.with_axis(axis, si[axis]));
        self.broadcast_to(common.with_axis(axis, sx[axis])).gather(axis as isize, &index)
    }

    /// The rows of this table [v, d] that indices of any shape name: [.., d]. Gradient: each row of g is added to its
    /// row of the table. PyTorch's `embedding`.
    ///
    /// ```
    /// use versant::Tensor;
    /// let words = Tensor::from_slice(&[0.0f32, 0.1, 1.0, 1.1], [2, 2]);
    /// let text = Tensor::from_slice(&[1i64, 0, 1], [1, 3]);
    /// assert_eq!(words.embedding(&text).shape(), [1, 3, 2].into());
    /// ```
    ///
    /// # Panics
    /// When this is not [v, d], or an index is not i64 or no row.
    #[track_caller]
    pub fn embedding(&self, indices: &Tensor) -> Tensor {
        assert!(self.rank() == 2, "embedding: the table is [v, d], not {}", self.shape());
        check_index("embedding", self, indices);
        let Some(shape) = Shape::checked(&[&indices.shape()[..], &[self.shape()[1]]].concat()) else {
            panic!("embedding: rows of {} for indices {} are more than can be", self.shape(), indices.shape())
        };
        self.selected("embedding", 0, &indices.reshape([indices.numel()])).reshape(shape)
    }

    /// A bool tensor with one more axis of `classes`, true where the label (i64) is that class; cast it to
    /// compute with it. [course: A18]
    ///
    /// # Panics
    /// When the labels are not i64 or one of them is not a class.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Tensor {
        assert!(self.dtype() == DType::I64, "one_hot: labels are i64, not {}; cast them first", self.dtype());
        let Some(shape) = Shape::checked(&[&self.shape()[..], &[classes]].concat()) else {
            panic!("one_hot: labels {} in {classes} classes are more than memory can hold", self.shape())
        };
        if let Some((_, label)) = self.array().find_i64(|label| !(0..classes as i64).contains(&label)) {
            panic!("one_hot: label {label} is not one of the {classes} classes, counted from 0");
        }
        self.unsqueeze(-1).equal(&Tensor::arange(classes).to(self.device())).reshape(shape)
    }
}

/// Which elements of a source stay where they were put along the last axis of a shape: each puts its number, and the
/// last one finds it again.
fn last_writes(index: &Tensor, shape: Shape) -> Tensor {
    let numbers = Tensor::arange(index.numel()).reshape(index.shape()).to(index.device());
    index.zeros_of(shape).scatter_along_last(index, &numbers).gather_along_last(index).equal(&numbers)
}

/// [outer, axis, inner].
fn in_blocks(shape: Shape, axis: usize) -> Shape {
    [shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product()].into()
}

#[cfg(test)]
mod tests {
    use crate::{DType, Device, Tensor};

    fn list(indices: &[i64]) -> Tensor {
        Tensor::from_slice(indices, [indices.len()])
    }

    #[test]
    fn the_last_of_several_stays() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::zeros([3]).to(device).requires_grad();
            let src = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]).to(device).requires_grad();
            let y = x.scatter(0, &list(&[1, 0, 1]).to(device), &src);
            assert_eq!(y.to_vec::<f32>(), [2.0, 3.0, 0.0]);
            let grads = y.sum().backward();
            assert_eq!(grads.get(&x).map(Tensor::to_vec), Some(vec![0.0f32, 0.0, 1.0]));
            assert_eq!(grads.get(&src).map(Tensor::to_vec), Some(vec![0.0f32, 1.0, 1.0]));
        }
    }

    #[test]
    fn a_short_index_reaches_a_part() {
        let x = Tensor::zeros([2, 3, 2]);
        let index = Tensor::from_slice(&[2i64, 0], [1, 2, 1]);
        let y = x.scatter_add(1, &index, &Tensor::from_slice(&[5.0f32, 7.0], [1, 2, 1]));
        assert_eq!(y.to_vec::<f32>(), [7.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(y.gather(1, &index).to_vec::<f32>(), [5.0, 7.0]);
    }

    #[test]
    fn a_source_may_be_longer_than_its_index() {
        for device in [Device::Cpu, Device::Naive] {
            let x = Tensor::zeros([2]).to(device);
            let src = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]).to(device).requires_grad();
            let index = list(&[1, 1]).to(device);
            let (put, added) = (x.scatter(0, &index, &src), x.scatter_add(0, &index, &src));
            assert_eq!((put.to_vec::<f32>(), added.to_vec::<f32>()), (vec![0.0, 2.0], vec![0.0, 3.0]));
            let slope = |y: &Tensor| y.sum().backward().remove(&src).map(|g| g.to_vec::<f32>());
            assert_eq!(slope(&put), Some(vec![0.0, 1.0, 0.0]));
            assert_eq!(slope(&added), Some(vec![1.0, 1.0, 0.0]));
        }
    }

    #[test]
    #[should_panic(expected = "scatter: indices [2, 2] do not fit source [2, 1]: as many axes, none longer")]
    fn a_source_that_is_too_short() {
        let index = Tensor::full([2, 2], 0.0, DType::I64);
        Tensor::zeros([2, 2]).scatter(1, &index, &Tensor::zeros([2, 1]));
    }

    #[test]
    fn whole_numbers_and_nothing() {
        let x = Tensor::from_slice(&[10u8, 20, 30], [3]);
        assert_eq!(x.index_select(0, &list(&[2, 2])).to_vec::<u8>(), [30, 30]);
        assert_eq!(x.index_add(0, &list(&[0, 0]), &x.narrow(0, 0, 2)).to_vec::<u8>(), [40, 20, 30]);
        assert_eq!(x.index_select(0, &list(&[])).numel(), 0);
        assert_eq!(Tensor::zeros([0, 2]).embedding(&list(&[])).shape(), [0, 2].into());
    }

    #[test]
    fn one_hot_rows() {
        let labels = Tensor::from_slice(&[2i64, 0], [2]);
        assert_eq!(labels.one_hot(3).cast(DType::U8).to_vec::<u8>(), [0, 0, 1, 1, 0, 0]);
    }

    #[test]
    #[should_panic(expected = "one_hot: label -1 is not one of the 3 classes")]
    fn a_label_below_zero() {
        Tensor::from_slice(&[-1i64], [1]).one_hot(3);
    }

    #[test]
    #[should_panic(expected = "embedding: index 7 (element 1 of [2]) is none of 3, counted from 0")]
    fn a_word_that_is_not_in_the_table() {
        Tensor::zeros([3, 2]).embedding(&list(&[0, 7]));
    }
}
