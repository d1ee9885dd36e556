//! Where the time of a computation goes: each call of a kernel, with its time, arithmetic and traffic.
//!
//! ```
//! use versant::{Tensor, profile, rng::Rng};
//! let x = Tensor::rand([64, 64], &mut Rng::new(0));
//! let (_, calls) = profile::record(|| x.matmul(&x).relu());
//! let names: Vec<&str> = calls.iter().map(|call| call.kernel).collect();
//! assert_eq!(names, ["matmul", "unary"]);
//! assert_eq!(calls[0].flops, 2 * 64 * 64 * 64);
//! assert_eq!(calls[0].bytes, 3 * 64 * 64 * 4);
//! ```

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use crate::array::Array;
use crate::cpu::Cpu;
use crate::device::{Backend, ConvShape, Epilogue, Norm, NormGrads, NormInput};
use crate::layout::Layout;
use crate::ops::{Bands, Binary, Compare, Reduce, Spans, Unary};
use crate::optim::Step;
use crate::shape::Shape;

/// One call of a kernel.
#[derive(Clone, Debug)]
pub struct Call {
    /// The kernel's name, a method of [`Backend`].
    pub kernel: &'static str,
    /// What it did, where one kernel does several things: the operation, "ReLU" say.
    pub detail: String,
    /// The shape of its first array.
    pub shape: Shape,
    /// How long it took, without the kernels that it called.
    pub time: Duration,
    /// Its multiplications and additions, of products and convolutions (as if computed by their definition); others count
    /// as 0.
    pub flops: u64,
    /// Bytes of the arrays it reads and writes, each once.
    pub bytes: u64,
}

thread_local! {
    static IS_ON: Cell<bool> = const { Cell::new(false) };
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
    /// The time spent in calls that have ended inside the present one.
    static INNER: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Whether this thread records.
pub(crate) fn is_on() -> bool {
    IS_ON.get()
}

/// Runs `f` and gives, with its result, the calls of kernels of [`Device::Cpu`](crate::Device::Cpu) that this thread made,
/// in the order in which they ended. A recording inside `f` takes its calls away from this one.
pub fn record<R>(f: impl FnOnce() -> R) -> (R, Vec<Call>) {
    struct Restore(bool, Vec<Call>);
    impl Drop for Restore {
        fn drop(&mut self) {
            IS_ON.set(self.0);
            CALLS.set(std::mem::take(&mut self.1));
        }
    }
    let restore = Restore(IS_ON.replace(true), CALLS.take());
    let result = f();
    let calls = CALLS.take();
    drop(restore);
    (result, calls)
}

/// Runs one kernel and takes it down.
fn timed(
    kernel: &'static str,
    detail: impl FnOnce() -> String,
    arrays: &[Option<Shape>],
    (flops, bytes): (u64, u64),
    run: impl FnOnce(),
) {
    let before = INNER.replace(Duration::ZERO);
    let start = Instant::now();
    run();
    let whole = start.elapsed();
    let time = whole.saturating_sub(INNER.get());
    INNER.set(before + whole);
    let shape = arrays.iter().flatten().next().copied().unwrap_or(().into());
    let call = Call { kernel, detail: detail(), shape, time, flops, bytes };
    CALLS.with_borrow_mut(|calls| calls.push(call));
}

/// What an argument of a kernel moves.
trait Argument {
    fn bytes(&self) -> u64 {
        0
    }
    fn shape(&self) -> Option<Shape> {
        None
    }
}

impl Argument for Array {
    /// An axis of stride 0 is read once.
    fn bytes(&self) -> u64 {
        let axes = (0..self.rank()).filter(|&axis| self.layout().strides[axis] != 0);
        axes.map(|axis| self.shape()[axis] as u64).product::<u64>() * self.dtype().size() as u64
    }
    fn shape(&self) -> Option<Shape> {
        Some(Array::shape(self))
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }
    fn shape(&self) -> Option<Shape> {
        (**self).shape()
    }
}

impl<T: Argument + ?Sized> Argument for &mut T {
    fn bytes(&self) -> u64 {
        (**self).bytes()
    }
    fn shape(&self) -> Option<Shape> {
        (**self).shape()
    }
}

impl<T: Argument> Argument for Option<T> {
    fn bytes(&self) -> u64 {
        self.as_ref().map_or(0, Argument::bytes)
    }
}

impl Argument for NormInput<'_> {
    fn bytes(&self) -> u64 {
        self.x.bytes()
    }
    fn shape(&self) -> Option<Shape> {
        Argument::shape(self.x)
    }
}

impl Argument for NormGrads<'_> {
    fn bytes(&self) -> u64 {
        self.x.bytes()
    }
}

impl Argument for [Step<'_>] {
    fn bytes(&self) -> u64 {
        let bytes = |s: &Step| (2 + s.kept.len() as u64) * s.param.bytes();
        self.iter().map(bytes).sum()
    }
    /// All parameters end to end.
    fn shape(&self) -> Option<Shape> {
        Some([self.iter().map(|s| s.param.numel()).sum::<usize>()].into())
    }
}

/// Settings move nothing.
macro_rules! settings {
    ($($setting:ty),*) => {
        $(impl Argument for $setting {})*
    };
}

settings!(
    bool,
    f64,
    usize,
    Unary,
    Binary,
    Compare,
    Reduce,
    Layout,
    Epilogue<'_>,
    ConvShape,
    Norm,
    Bands,
    Spans
);

/// The kernels of the CPU, with a watch.
pub(crate) struct Profiled;

/// Methods that hand their arguments on; after the name what tells apart what one kernel does, and its arithmetic.
macro_rules! kernels {
    ($($name:ident($($arg:ident: $type:ty),*) $(as $detail:expr)?, $flops:expr;)*) => {
        impl Backend for Profiled {
            $(fn $name(&self, $($arg: $type),*) {
                let bytes = 0 $(+ Argument::bytes(&$arg))*;
                let shapes = [$(Argument::shape(&$arg)),*];
                let detail = || { #[allow(unused_mut, unused_assignments)] let mut text = String::new(); $(text = $detail;)? text };
                timed(stringify!($name), detail, &shapes, ($flops, bytes), || Cpu.$name($($arg),*));
            })*
        }
    };
}

fn product(a: &Array, out: &Array) -> u64 {
    2 * out.numel() as u64 * a.shape().last().copied().unwrap_or(1) as u64
}

fn convolution(s: &ConvShape) -> u64 {
    2 * (s.y().numel() * s.weight().numel() / s.outputs.max(1)) as u64
}

kernels! {
    copy(x: &Array, out: &mut Array, to: &Layout), 0;
    unary(op: Unary, x: &Array, out: &mut Array) as format!("{op:?}"), 0;
    binary(op: Binary, a: &Array, b: &Array, out: &mut Array) as format!("{op:?}"), 0;
    add_into(x: &Array, out: &mut Array, to: &Layout), 0;
    unary_assign(op: Unary, x: &mut Array) as format!("{op:?}"), 0;
    binary_assign(op: Binary, a: &mut Array, b: &Array) as format!("{op:?}"), 0;
    compare(op: Compare, a: &Array, b: &Array, out: &mut Array) as format!("{op:?}"), 0;
    select(mask: &Array, a: &Array, b: &Array, out: &mut Array), 0;
    relu_backward(y: &Array, g: &mut Array, sums: &mut Array), 0;
    reduce(op: Reduce, x: &Array, kept: usize, out: &mut Array) as format!("{op:?}"), 0;
    arg_extreme(op: Reduce, x: &Array, out: &mut Array) as format!("{op:?}"), 0;
    scan(a: Option<&Array>, b: &Array, reverse: bool, out: &mut Array), 0;
    gather(x: &Array, index: &Array, out: &mut Array), 0;
    scatter(src: &Array, index: &Array, out: &mut Array), 0;
    scatter_add(src: &Array, index: &Array, out: &mut Array), 0;
    index_select(x: &Array, index: &Array, out: &mut Array), 0;
    index_add(src: &Array, index: &Array, out: &mut Array), 0;
    argsort(descending: bool, x: &Array, out: &mut Array), 0;
    matmul(a: &Array, b: &Array, epilogue: Epilogue, out: &mut Array), product(a, out);
    conv2d(s: &ConvShape, x: &Array, weight: &Array, epilogue: Epilogue, y: &mut Array), convolution(s);
    conv2d_input(s: &ConvShape, y: &Array, weight: &Array, epilogue: Epilogue, x: &mut Array), convolution(s);
    conv2d_weight(s: &ConvShape, x: &Array, y: &Array, weight: &mut Array), convolution(s);
    softmax(log: bool, x: &Array, out: &mut Array), 0;
    softmax_backward(log: bool, y: &Array, g: &Array, out: &mut Array), 0;
    cross_entropy(logits: &Array, labels: &Array, smoothing: f64, out: &mut Array), 0;
    cross_entropy_backward(logits: &Array, labels: &Array, smoothing: f64, g: &Array, out: &mut Array), 0;
    moments(norm: &Norm, x: &Array, mean: &mut Array, var: &mut Array), 0;
    normalize(input: &NormInput, out: &mut Array), 0;
    normalize_backward(input: &NormInput, g: &Array, grads: NormGrads), 0;
    max_pool(rows: &Spans, columns: &Spans, x: &Array, out: &mut Array, places: &mut Array), 0;
    max_pool_backward(g: &Array, places: &Array, out: &mut Array), 0;
    resample(rows: &Bands, columns: &Bands, x: &Array, out: &mut Array), 0;
    update(steps: &mut [Step]), 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;
    use crate::rng::Rng;

    #[test]
    fn kernels_inside_kernels_are_not_counted_twice() {
        let x = Tensor::rand([300, 200], &mut Rng::new(0));
        let start = Instant::now();
        let ((), calls) = record(|| drop(x.transpose(0, 1).relu()));
        let whole = start.elapsed();
        let names: Vec<&str> = calls.iter().map(|call| call.kernel).collect();
        assert_eq!(names, ["copy", "unary"], "a kernel that wants its input in order has it copied");
        assert_eq!(calls[1].detail, "Relu");
        assert!(calls.iter().map(|call| call.time).sum::<Duration>() <= whole);
    }

    #[test]
    fn nothing_is_kept_outside_of_a_recording_nor_of_another_thread() {
        let x = Tensor::rand([8], &mut Rng::new(0));
        let ((), calls) = record(|| {
            std::thread::scope(|scope| _ = scope.spawn(|| x.relu()));
            let (_, inner) = record(|| x.exp());
            assert_eq!(inner.len(), 1);
        });
        assert!(calls.is_empty() && !is_on());
        drop(x.relu());
        assert!(record(|| ()).1.is_empty());
    }
}
