//! Wrong calls, and what the library says to them: one line a call in the file of its family.
//!
//! Each must panic at the caller's line, before it allocates, with a message that begins with the name of the operation
//! and shows the shape or value that is wrong. The inputs are large by broadcasting only, so that any copy would show.
//! All messages together are kept in `snapshots/`; after a change on purpose, `INSTA_UPDATE=always cargo test --test
//! errors` writes them anew.

mod autograd;
mod create;
mod elementwise;
mod indexing;
mod layers;
mod linalg;
mod losses;
mod norm;
mod pool;
mod reductions;
mod shapes;
mod training;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::Once;

use versant::{DType, Device, Shape, Tensor};

/// What a call may allocate before it is refused: messages, lists of axes, small inputs.
const ALLOWED: usize = 64 << 10;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Counting;

// SAFETY: every call is handed to the system's allocator unchanged; counting touches only a thread's own number, which
// needs neither memory nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: the caller keeps `alloc`'s contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block came from `alloc` above, that is from the system allocator, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A call that must be refused.
struct Wrong {
    operation: &'static str,
    shows: &'static str,
    text: &'static str,
    call: fn(),
}

/// A line a call: `operation, what the message must show => the call;`.
macro_rules! wrong {
    ($($operation:literal, $shows:literal => $call:expr;)*) => {
        &[$($crate::Wrong {
            operation: $operation,
            shows: $shows,
            text: stringify!($call),
            call: || {
                std::hint::black_box($call);
            },
        }),*]
    };
}
use wrong;

/// A length whose elements would show if they were copied: 4 MB of f32.
const BIG: usize = 1 << 20;

/// More elements of f32 than any machine holds, yet not more than can be counted.
const VAST: usize = 1 << 40;

/// All ones, in the memory of one.
fn of(dtype: DType, shape: impl Into<Shape>) -> Tensor {
    Tensor::full(shape, 1.0, dtype)
}

fn f32s(shape: impl Into<Shape>) -> Tensor {
    of(DType::F32, shape)
}

fn f64s(shape: impl Into<Shape>) -> Tensor {
    of(DType::F64, shape)
}

fn ints(shape: impl Into<Shape>) -> Tensor {
    of(DType::I64, shape)
}

fn bools(shape: impl Into<Shape>) -> Tensor {
    of(DType::Bool, shape)
}

/// As [`f32s`], on the other device.
fn naive(shape: impl Into<Shape>) -> Tensor {
    f32s(shape).to(Device::Naive)
}

/// Makes the call; what is wrong with its refusal goes to `complaints`.
fn message_of(wrong: &Wrong, family: &str, complaints: &mut Vec<String>) -> String {
    let before = ALLOCATED.get();
    let answer = catch_unwind(wrong.call);
    let allocated = ALLOCATED.get() - before;
    let mut complain = |what: String| complaints.push(format!("{}\n    {what}", wrong.text));
    let Err(payload) = answer else {
        complain("is not refused".to_string());
        return String::new();
    };
    let message = payload.downcast_ref::<String>().cloned();
    let message = message.or(payload.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or_default();
    let file = PLACE.take();
    if !message.strip_prefix(wrong.operation).is_some_and(|rest| rest.starts_with([':', ' '])) {
        complain(format!("the message does not begin with {}: {message}", wrong.operation));
    }
    if !message.contains(wrong.shows) {
        complain(format!("the message does not show {}: {message}", wrong.shows));
    }
    // Behind `dyn Layer` the caller's place is lost, and the layer's own is told.
    let in_layer = family == "layers" && file.contains("src/nn/");
    if !in_layer && !file.ends_with(&format!("tests/errors/{family}.rs")) {
        complain(format!("panics in {file} instead of at the call: {message}"));
    }
    if allocated > ALLOWED {
        complain(format!("{allocated} bytes were allocated before: {message}"));
    }
    message
}

#[track_caller]
fn check(family: &str, calls: &[Wrong]) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            let file = info.location().map_or("", |place| place.file());
            PLACE.set(file.to_string());
            // Failures of the tests themselves are told as usual.
            if file.ends_with("tests/errors/main.rs") {
                usual(info);
            }
        }));
    });
    let mut complaints = Vec::new();
    let messages: Vec<String> = calls.iter().map(|call| message_of(call, family, &mut complaints)).collect();
    assert!(
        complaints.is_empty(),
        "{} of {} calls:\n{}",
        complaints.len(),
        calls.len(),
        complaints.join("\n")
    );
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(family, messages.join("\n")));
}

#[test]
fn autograd() {
    check("autograd", autograd::CALLS);
}

#[test]
fn create() {
    check("create", create::CALLS);
}

#[test]
fn elementwise() {
    check("elementwise", elementwise::CALLS);
}

#[test]
fn indexing() {
    check("indexing", indexing::CALLS);
}

#[test]
fn layers() {
    check("layers", layers::CALLS);
}

#[test]
fn linalg() {
    check("linalg", linalg::CALLS);
}

#[test]
fn losses() {
    check("losses", losses::CALLS);
}

#[test]
fn norm() {
    check("norm", norm::CALLS);
}

#[test]
fn pool() {
    check("pool", pool::CALLS);
}

#[test]
fn reductions() {
    check("reductions", reductions::CALLS);
}

#[test]
fn shapes() {
    check("shapes", shapes::CALLS);
}

#[test]
fn training() {
    check("training", training::CALLS);
}
