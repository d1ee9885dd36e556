//! Tensor: an [`Array`] and its place in the graph.

use std::fmt;
use std::sync::Arc;

use crate::array::Array;
use crate::autograd::{self, Back, Grad, Node};
use crate::device::Device;
use crate::dtype::{DType, Element};
use crate::rng::Rng;
use crate::shape::Shape;

/// Values that remember how they were computed, so that [`backward`](Tensor::backward) finds gradients.
///
/// Cloning is cheap and shares the values. Values never change; an optimiser gives a parameter new ones.
///
/// ```
/// use versant::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]).requires_grad();
/// let y = x.square().sum();
/// let grads = y.backward();
/// assert_eq!(grads.get(&x).unwrap().to_vec::<f32>(), [2.0, 4.0, 6.0]);
/// ```
#[derive(Clone)]
pub struct Tensor {
    array: Array,
    node: Option<Arc<Node>>,
}

// Constructors.
impl Tensor {
    /// The values in row-major order.
    ///
    /// # Panics
    /// When the shape does not have as many elements as there are values.
    #[track_caller]
    pub fn from_slice<T: Element>(values: &[T], shape: impl Into<Shape>) -> Tensor {
        Array::from_slice(values, shape).into()
    }

    /// A single value, rank 0.
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor::from_slice(&[value], ())
    }

    /// All zeros, f32.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>) -> Tensor {
        Array::zeros(shape, DType::F32).into()
    }

    /// All ones, f32.
    #[track_caller]
    pub fn ones(shape: impl Into<Shape>) -> Tensor {
        Tensor::full(shape, 1.0, DType::F32)
    }

    /// All equal to `value`.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64, dtype: DType) -> Tensor {
        Array::full(shape, value, dtype).into()
    }

    /// A number of this tensor's type and device, rank 0.
    ///
    /// # Panics
    /// When the type cannot hold fractions: they would be cut off without a word.
    #[track_caller]
    pub(crate) fn constant(&self, operation: &str, value: f64) -> Tensor {
        assert!(
            self.dtype().is_float(),
            "{operation}: the tensor is {}, the other side the number {value}; cast the tensor to f32 or f64 first",
            self.dtype()
        );
        Array::full((), value, self.dtype()).to(self.device()).into()
    }

    /// 0, 1, ..., n - 1 as i64.
    pub fn arange(n: usize) -> Tensor {
        Array::arange(n).into()
    }

    /// Uniform in [0, 1), f32.
    #[track_caller]
    pub fn rand(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
        Array::rand(shape, 0.0, 1.0, DType::F32, rng).into()
    }

    /// Standard normal, f32.
    #[track_caller]
    pub fn randn(shape: impl Into<Shape>, rng: &mut Rng) -> Tensor {
        Array::randn(shape, DType::F32, rng).into()
    }
}

// What it is.
impl Tensor {
    /// The values without the graph.
    pub fn array(&self) -> &Array {
        &self.array
    }

    /// The axes.
    pub fn shape(&self) -> Shape {
        self.array.shape()
    }

    /// The shape as a Rust array: `let [n, c] = x.dims();`
    ///
    /// # Panics
    /// When the rank differs.
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        self.array.dims()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.array.rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.array.numel()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.array.dtype()
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        self.array.device()
    }

    /// The values in row-major order; see [`Array::to_vec`].
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.array.to_vec()
    }

    /// The one value of a tensor with one element.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        self.array.item()
    }
}

// Its place in the graph.
impl Tensor {
    /// A leaf with these values whose gradient is wanted.
    ///
    /// # Panics
    /// When the elements are not floating point.
    #[track_caller]
    pub fn requires_grad(&self) -> Tensor {
        assert!(
            self.dtype().is_float(),
            "requires_grad: {} has no gradient; cast to f32 or f64",
            self.dtype()
        );
        Tensor { array: self.array.clone(), node: Some(Node::leaf(self.shape(), self.dtype())) }
    }

    /// Whether operations on it are recorded.
    pub fn tracks_grad(&self) -> bool {
        self.node.is_some()
    }

    /// The same values, cut off from the graph.
    pub fn detach(&self) -> Tensor {
        self.array.clone().into()
    }

    /// The same values on another device. The gradient comes back to this one.
    pub fn to(&self, device: Device) -> Tensor {
        let home = self.device();
        Tensor::from_op("to", self.array.to(device), [self], move |back| {
            [back.want(0, || back.grad().to(home))]
        })
    }

    /// Another element type, as Rust's `as` converts; to bool: not equal to 0. The gradient is converted back;
    /// integers and bool have none.
    pub fn cast(&self, dtype: DType) -> Tensor {
        let from = self.dtype();
        if !dtype.is_float() {
            return self.array.cast(dtype).into();
        }
        Tensor::from_op("cast", self.array.cast(dtype), [self], move |back| {
            [back.want(0, || back.grad().cast(from))]
        })
    }

    /// The result of an operation with `N` parents. The backward returns `N` gradients, one a parent, each made by
    /// [`Back::want`] (or, where there is none by nature, [`Grad::none`]).
    ///
    /// This is also how a user writes an operation of his own:
    ///
    /// ```
    /// use versant::{Array, Tensor};
    /// /// x^3, with the backward 3 g x^2.
    /// fn cube(x: &Tensor) -> Tensor {
    ///     let y = versant::no_grad(|| x * x * x);
    ///     let saved = x.clone();
    ///     Tensor::from_op("cube", y.array().clone(), [x], move |back| {
    ///         [back.want(0, || back.grad() * saved.square() * 3.0)]
    ///     })
    /// }
    /// let x = Tensor::from_slice(&[2.0f64], [1]).requires_grad();
    /// let grads = cube(&x).sum().backward();
    /// assert_eq!(grads.get(&x).unwrap().to_vec::<f64>(), [12.0]);
    /// ```
    pub fn from_op<const N: usize>(
        operation: &'static str,
        value: Array,
        parents: [&Tensor; N],
        backward: impl Fn(&mut Back) -> [Grad; N] + Send + Sync + 'static,
    ) -> Tensor {
        Tensor::record(operation, value, &parents, false, move |back| backward(back).into())
    }

    /// As [`from_op`](Tensor::from_op), for a backward that is expressed by the operation's own result, which it
    /// gets as its second argument. Written with tensor operations, the backward has a gradient in turn:
    ///
    /// ```
    /// use versant::{Tensor, gradcheck, gradgradcheck, no_grad};
    /// /// sqrt(a^2 + b^2) of tensors of one shape; the gradients are g a / y and g b / y.
    /// fn hypot(a: &Tensor, b: &Tensor) -> Tensor {
    ///     let value = no_grad(|| (a.square() + b.square()).sqrt());
    ///     let saved = [a.clone(), b.clone()];
    ///     Tensor::from_op_with_output("hypot", value.array().clone(), [a, b], move |back, y| {
    ///         [0, 1].map(|i| back.want(i, || back.grad() * &saved[i] / y))
    ///     })
    /// }
    /// let inputs = [Tensor::from_slice(&[3.0f64, 1.0], [2]), Tensor::from_slice(&[4.0f64, -2.0], [2])];
    /// assert_eq!(hypot(&inputs[0], &inputs[1]).to_vec::<f64>()[0], 5.0);
    /// assert!(gradcheck(|x| hypot(&x[0], &x[1]), &inputs) < 1e-7);
    /// assert!(gradgradcheck(|x| hypot(&x[0], &x[1]), &inputs) < 1e-7);
    /// ```
    pub fn from_op_with_output<const N: usize>(
        operation: &'static str,
        value: Array,
        parents: [&Tensor; N],
        backward: impl Fn(&mut Back, &Tensor) -> [Grad; N] + Send + Sync + 'static,
    ) -> Tensor {
        Tensor::record(operation, value, &parents, true, move |back| {
            let y = back.take_output();
            backward(back, &y).into()
        })
    }

    /// As [`from_op`](Tensor::from_op) for a number of parents known only at run time.
    pub fn from_op_many(
        operation: &'static str,
        value: Array,
        parents: &[&Tensor],
        backward: impl Fn(&mut Back) -> Vec<Grad> + Send + Sync + 'static,
    ) -> Tensor {
        Tensor::record(operation, value, parents, false, backward)
    }

    /// As [`from_op_many`](Tensor::from_op_many); if the result is saved, the backward can take it.
    pub(crate) fn record(
        operation: &'static str,
        value: Array,
        parents: &[&Tensor],
        save_output: bool,
        backward: impl Fn(&mut Back) -> Vec<Grad> + Send + Sync + 'static,
    ) -> Tensor {
        if !Tensor::is_recorded(parents) {
            return value.into();
        }
        let edges = parents.iter().map(|p| p.node.clone()).collect();
        let output = save_output.then(|| value.clone());
        let node = Node::new(operation, (value.shape(), value.dtype()), edges, output, Arc::new(backward));
        Tensor { array: value, node: Some(node) }
    }

    /// Whether operations on these tensors are recorded now.
    fn is_recorded(parents: &[&Tensor]) -> bool {
        autograd::is_recording() && parents.iter().any(|p| p.node.is_some())
    }

    /// The values, given away, of tensors of which nothing would be recorded.
    pub(crate) fn unrecorded<const N: usize>(tensors: [Tensor; N]) -> Result<[Array; N], [Tensor; N]> {
        match Tensor::is_recorded(&tensors.each_ref()) {
            true => Err(tensors),
            false => Ok(tensors.map(Tensor::into_array)),
        }
    }

    /// The values without the graph, given away.
    pub(crate) fn into_array(self) -> Array {
        self.array
    }

    pub(crate) fn from_parts(array: Array, node: Option<Arc<Node>>) -> Tensor {
        Tensor { array, node }
    }

    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.node.as_ref()
    }

    /// The values to be written in place, for optimisers; the place in the graph stays.
    pub(crate) fn array_mut(&mut self) -> &mut Array {
        &mut self.array
    }
}

impl From<Array> for Tensor {
    fn from(array: Array) -> Tensor {
        Tensor { array, node: None }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.array, f)
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor {} {}", self.dtype(), self.shape())?;
        if let Some(node) = &self.node {
            write!(f, " from {}", node.operation())?;
        }
        write!(f, "\n{}", self.array)
    }
}
