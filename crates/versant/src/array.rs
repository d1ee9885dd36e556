//! Array: values with a shape, and no gradient. Kernels work on these.

use std::fmt;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::device::Device;
use crate::dtype::{DType, Element, with_element};
use crate::layout::Layout;
use crate::rng::Rng;
use crate::shape::Shape;

/// An n-dimensional array: a shared buffer and a layout. Cloning and viewing share the buffer; the values never
/// change while shared.
///
/// ```
/// use versant::Array;
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
/// assert_eq!(a.transpose(0, 1).to_vec::<f32>(), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
/// ```
#[derive(Clone)]
pub struct Array {
    buffer: Arc<Buffer>,
    layout: Layout,
    device: Device,
}

// Constructors.
impl Array {
    /// An array to be overwritten whole: its contents are arbitrary.
    pub(crate) fn recycled(shape: Shape, dtype: DType, device: Device) -> Array {
        Array {
            buffer: Arc::new(Buffer::recycled(dtype, shape.numel())),
            layout: Layout::contiguous(shape),
            device,
        }
    }

    /// All zeros.
    #[track_caller]
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Array {
        Array::zeros_on(shape.into(), dtype, Device::Cpu)
    }

    pub(crate) fn zeros_on(shape: Shape, dtype: DType, device: Device) -> Array {
        Array {
            buffer: Arc::new(Buffer::zeros(dtype, shape.numel())),
            layout: Layout::contiguous(shape),
            device,
        }
    }

    /// All equal to `value`, converted to `dtype`. Takes the memory of one element.
    #[track_caller]
    pub fn full(shape: impl Into<Shape>, value: f64, dtype: DType) -> Array {
        let one = Array::from_slice(&[value], ()).cast(dtype);
        one.broadcast_to(shape)
    }

    /// The values in row-major order.
    ///
    /// # Panics
    /// When the shape does not have as many elements as there are values.
    #[track_caller]
    pub fn from_slice<T: Element>(values: &[T], shape: impl Into<Shape>) -> Array {
        let shape = shape.into();
        assert!(
            values.len() == shape.numel(),
            "from_slice: {} values do not fill shape {shape}, which has {} elements",
            values.len(),
            shape.numel()
        );
        let mut buffer = Buffer::recycled(T::DTYPE, values.len());
        for (to, from) in buffer.as_mut_slice::<T>().iter_mut().zip(values) {
            *to = from.to_repr();
        }
        Array { buffer: Arc::new(buffer), layout: Layout::contiguous(shape), device: Device::Cpu }
    }

    /// 0, 1, ..., n - 1 as i64.
    pub fn arange(n: usize) -> Array {
        let values: Vec<i64> = (0..n as i64).collect();
        Array::from_slice(&values, [n])
    }

    /// Uniform in [low, high).
    ///
    /// # Panics
    /// When `dtype` is not floating point.
    #[track_caller]
    pub fn rand(shape: impl Into<Shape>, low: f64, high: f64, dtype: DType, rng: &mut Rng) -> Array {
        Array::generate("rand", shape.into(), dtype, || rng.uniform_in(low, high))
    }

    /// Normal with mean 0 and standard deviation 1.
    ///
    /// # Panics
    /// When `dtype` is not floating point.
    #[track_caller]
    pub fn randn(shape: impl Into<Shape>, dtype: DType, rng: &mut Rng) -> Array {
        Array::generate("randn", shape.into(), dtype, || rng.normal())
    }

    #[track_caller]
    fn generate(operation: &str, shape: Shape, dtype: DType, mut value: impl FnMut() -> f64) -> Array {
        assert!(dtype.is_float(), "{operation}: random numbers are f32 or f64, not {dtype}");
        let mut out = Array::recycled(shape, dtype, Device::Cpu);
        match dtype {
            DType::F32 => out.as_mut_slice::<f32>().fill_with(|| value() as f32),
            _ => out.as_mut_slice::<f64>().fill_with(value),
        }
        out
    }

    /// From raw bytes in the machine's byte order, as files hold them; bool bytes other than 0 become 1.
    ///
    /// # Panics
    /// When the number of bytes does not fit the shape.
    #[track_caller]
    pub fn from_bytes(bytes: &[u8], shape: impl Into<Shape>, dtype: DType) -> Array {
        let shape = shape.into();
        let needed = shape.numel() * dtype.size();
        assert!(
            bytes.len() == needed,
            "from_bytes: {} bytes do not fill shape {shape} of {dtype}, which takes {needed}",
            bytes.len()
        );
        let mut buffer = Buffer::recycled(dtype, shape.numel());
        buffer.bytes_mut().copy_from_slice(bytes);
        if dtype == DType::Bool {
            buffer.bytes_mut().iter_mut().for_each(|b| *b = (*b != 0) as u8);
        }
        Array { buffer: Arc::new(buffer), layout: Layout::contiguous(shape), device: Device::Cpu }
    }
}

// What it is.
impl Array {
    /// The axes.
    pub fn shape(&self) -> Shape {
        self.layout.shape
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.layout.shape.rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.layout.shape.numel()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.buffer.dtype()
    }

    /// Where it lives.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Shape, strides, offset.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether elements follow one another in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous()
    }

    /// The shape as a Rust array: `let [n, c] = x.dims();`
    ///
    /// # Panics
    /// When the rank differs.
    #[track_caller]
    pub fn dims<const N: usize>(&self) -> [usize; N] {
        let shape = self.shape();
        let Ok(dims) = (*shape).try_into() else {
            panic!("dims: shape {shape} has {} axes, {N} were asked for", shape.rank())
        };
        dims
    }
}

// Values out.
impl Array {
    /// The values in row-major order.
    ///
    /// # Panics
    /// When `T` is not the element type; [`cast`](Array::cast) first.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.expect_type::<T>("to_vec");
        match self.contiguous_slice::<T>() {
            Some(values) => values.iter().map(|&v| T::from_repr(v)).collect(),
            None => {
                let all = self.buffer.as_slice::<T>();
                self.layout.positions().map(|p| T::from_repr(all[p])).collect()
            }
        }
    }

    #[track_caller]
    fn expect_type<T: Element>(&self, operation: &str) {
        assert!(
            T::DTYPE == self.dtype(),
            "{operation}: the array holds {}, {} was asked for; cast it first",
            self.dtype(),
            T::DTYPE
        );
    }

    /// The one value of an array with one element.
    ///
    /// # Panics
    /// When there are more or fewer elements, or `T` is not the element type.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        assert!(self.numel() == 1, "item: shape {} has {} elements, not one", self.shape(), self.numel());
        self.expect_type::<T>("item");
        self.to_vec::<T>()[0]
    }

    /// The elements as a slice when they are contiguous.
    #[track_caller]
    pub fn contiguous_slice<T: Element>(&self) -> Option<&[T::Repr]> {
        let start = self.layout.offset;
        self.is_contiguous().then(|| &self.buffer.as_slice::<T>()[start..start + self.numel()])
    }

    /// The whole buffer, to be read through the layout.
    #[track_caller]
    pub(crate) fn storage<T: Element>(&self) -> &[T::Repr] {
        self.buffer.as_slice::<T>()
    }

    /// The elements of a contiguous array, to be written; copied first if anyone else holds the buffer.
    #[track_caller]
    pub(crate) fn as_mut_slice<T: Element>(&mut self) -> &mut [T::Repr] {
        if Arc::get_mut(&mut self.buffer).is_none() || !self.is_contiguous() {
            let mut own = Array::recycled(self.shape(), self.dtype(), self.device);
            own.device.backend().copy(self, &mut own, &Layout::contiguous(self.shape()));
            *self = own;
        }
        let range = self.layout.offset..self.layout.offset + self.numel();
        match Arc::get_mut(&mut self.buffer) {
            Some(buffer) => &mut buffer.as_mut_slice::<T>()[range],
            None => unreachable!("the buffer was made ours above"),
        }
    }

    /// Whether a result of this shape may be written in place: it would disturb nobody, and keep no more memory than it
    /// needs.
    pub(crate) fn is_sole_owner(&self) -> bool {
        let is_whole = self.buffer.bytes().len() == self.numel() * self.dtype().size();
        Arc::strong_count(&self.buffer) == 1 && is_whole && self.is_contiguous()
    }

    /// Tells one buffer from another while both live.
    pub(crate) fn storage_address(&self) -> *const u8 {
        self.buffer.bytes().as_ptr()
    }

    /// The place in row-major order and the value of the first whole number (i64) that is wanted. Takes no memory.
    pub(crate) fn find_i64(&self, wanted: impl Fn(i64) -> bool) -> Option<(usize, i64)> {
        let wanted = |&(_, value): &(usize, i64)| wanted(value);
        if let Some(values) = self.contiguous_slice::<i64>() {
            return values.iter().copied().enumerate().find(wanted);
        }
        let all = self.storage::<i64>();
        self.layout.positions().map(|p| all[p]).enumerate().find(wanted)
    }

    /// The values as bytes in the machine's order, row-major.
    pub fn to_bytes(&self) -> Vec<u8> {
        let own = self.contiguous();
        let size = self.dtype().size();
        own.buffer.bytes()[own.layout.offset * size..][..own.numel() * size].to_vec()
    }
}

// Views and copies.
impl Array {
    pub(crate) fn with_layout(&self, layout: Layout) -> Array {
        Array { buffer: self.buffer.clone(), layout, device: self.device }
    }

    /// The same values, row-major without gaps; shared when they lie so already.
    pub fn contiguous(&self) -> Array {
        if self.is_contiguous() {
            return self.clone();
        }
        let mut out = Array::recycled(self.shape(), self.dtype(), self.device);
        self.device.backend().copy(self, &mut out, &Layout::contiguous(self.shape()));
        out
    }

    /// Converted to another element type, as Rust's `as` does; to bool: not equal to 0.
    pub fn cast(&self, dtype: DType) -> Array {
        if dtype == self.dtype() {
            return self.clone();
        }
        let mut out = Array::recycled(self.shape(), dtype, self.device);
        self.device.backend().copy(self, &mut out, &Layout::contiguous(self.shape()));
        out
    }

    /// On another device.
    pub fn to(&self, device: Device) -> Array {
        Array { buffer: self.buffer.clone(), layout: self.layout, device }
    }

    /// Axes in another order: axis `i` of the result is axis `order[i]` of this. Shares the buffer.
    #[track_caller]
    pub fn permute(&self, order: &[usize]) -> Array {
        let mut seen = [false; crate::shape::MAX_RANK];
        let valid = order.len() == self.rank()
            && order.iter().all(|&a| a < self.rank() && !std::mem::replace(&mut seen[a], true));
        assert!(valid, "permute: {order:?} does not name each axis of {} once", self.shape());
        self.with_layout(self.layout.permute(order))
    }

    /// Two axes exchanged; negative axes count from the end. Shares the buffer.
    #[track_caller]
    pub fn transpose(&self, a: isize, b: isize) -> Array {
        let (a, b) = (self.shape().axis("transpose", a), self.shape().axis("transpose", b));
        let mut order: Vec<usize> = (0..self.rank()).collect();
        order.swap(a, b);
        self.with_layout(self.layout.permute(&order))
    }

    /// The same elements in row-major order under another shape; copies only when strides demand it.
    #[track_caller]
    pub fn reshape(&self, shape: impl Into<Shape>) -> Array {
        let shape = shape.into();
        assert!(
            shape.numel() == self.numel(),
            "reshape: {} has {} elements, {shape} has {}",
            self.shape(),
            self.numel(),
            shape.numel()
        );
        match self.layout.reshape(shape) {
            Some(layout) => self.with_layout(layout),
            None => self.contiguous().reshape(shape),
        }
    }

    /// Stretched along axes of 1 and new leading axes. Shares the buffer.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl Into<Shape>) -> Array {
        let shape = shape.into();
        match self.layout.broadcast_to(shape) {
            Some(layout) => self.with_layout(layout),
            None => panic!(
                "broadcast_to: {} cannot become {shape}; axes match from the last, and only an axis of 1 stretches",
                self.shape()
            ),
        }
    }

    /// Elements start, start + step, ... before `end` of an axis. Shares the buffer.
    #[track_caller]
    pub fn slice(&self, axis: isize, start: usize, end: usize, step: usize) -> Array {
        let axis = self.shape().axis("slice", axis);
        let len = self.shape()[axis];
        assert!(
            start <= end && end <= len && step > 0,
            "slice: {start}..{end} by {step} does not fit axis {axis} of {}, which has {len} elements",
            self.shape()
        );
        self.with_layout(self.layout.slice(axis, start, (end - start).div_ceil(step), step))
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Array {} {}", self.dtype(), self.shape())?;
        fmt::Display::fmt(self, f)
    }
}

/// Nested brackets; the middle of long axes is left out.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        with_element!(self.dtype(), T => show::<T>(self, f, 0))
    }
}

const EDGE: usize = 3;

fn show<T: Element>(a: &Array, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
    if a.rank() == 0 {
        let v: T = a.item();
        return match f.precision().or((a.dtype().is_float()).then_some(4)) {
            Some(p) if a.dtype().is_float() => write!(f, "{v:.p$?}"),
            _ => write!(f, "{v:?}"),
        };
    }
    let n = a.shape()[0];
    let rest = Shape::new(&a.shape()[1..]);
    write!(f, "[")?;
    for i in 0..n {
        let hidden = n > 2 * EDGE + 2 && (EDGE..n - EDGE).contains(&i);
        if hidden && i > EDGE {
            continue;
        }
        if i > 0 {
            match rest.rank() {
                0 => write!(f, ", ")?,
                inner => write!(f, ",{}{}", "\n".repeat(inner), " ".repeat(depth + 1))?,
            }
        }
        if hidden {
            write!(f, "...")?;
        } else {
            show::<T>(&a.slice(0, i, i + 1, 1).reshape(rest), f, depth + 1)?;
        }
    }
    write!(f, "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_share_and_read_through_their_strides() {
        let a = Array::from_slice(&(0..24).collect::<Vec<i64>>(), [2, 3, 4]);
        let t = a.permute(&[2, 0, 1]);
        assert_eq!(t.shape(), Shape::from([4, 2, 3]));
        assert_eq!(t.to_vec::<i64>()[..6], [0, 4, 8, 12, 16, 20]);
        let s = a.slice(2, 1, 4, 2).slice(1, 1, 3, 1);
        assert_eq!(s.to_vec::<i64>(), [5, 7, 9, 11, 17, 19, 21, 23]);
        assert_eq!(s.reshape([4, 2]).to_vec::<i64>(), s.to_vec::<i64>());
        assert_eq!(t.reshape([4, 1, 2, 1, 3]).to_vec::<i64>(), t.to_vec::<i64>());
        assert_eq!(a.slice(0, 2, 2, 1).numel(), 0);
    }

    #[test]
    fn writing_never_disturbs_a_sharer() {
        let mut a = Array::zeros([3], DType::F32);
        let b = a.clone();
        a.as_mut_slice::<f32>()[1] = 5.0;
        assert_eq!(a.to_vec::<f32>(), [0.0, 5.0, 0.0]);
        assert_eq!(b.to_vec::<f32>(), [0.0; 3]);
    }

    #[test]
    fn full_is_a_broadcast_scalar() {
        let a = Array::full([2, 2], 1.5, DType::F64);
        assert_eq!(a.to_vec::<f64>(), [1.5; 4]);
        assert_eq!(a.layout().strides[0], 0);
    }

    #[test]
    fn display() {
        let a = Array::from_slice(&[1.0f32, -2.5, 3.25, f32::NAN], [2, 2]);
        assert_eq!(a.to_string(), "[[1.0000, -2.5000],\n [3.2500, NaN]]");
        assert_eq!(Array::arange(20).to_string(), "[0, 1, 2, ..., 17, 18, 19]");
        assert_eq!(Array::zeros([2, 0], DType::Bool).to_string(), "[[],\n []]");
    }

    #[test]
    #[should_panic(expected = "reshape: [2, 3] has 6 elements, [4] has 4")]
    fn reshape_to_another_size() {
        Array::zeros([2, 3], DType::F32).reshape([4]);
    }
}
