//! Memory: training does not grow, graphs of any depth fall apart without recursion, and what is dropped or fails
//! leaves nothing behind. Counts every byte that the process holds, so all checks are one test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering};

use versant::cpu::threads::set_threads;
use versant::prelude::*;

static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator unchanged; counting touches only an atomic number.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract, which is the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block came from `alloc` above, that is from the system allocator, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// After a first run, which fills the pool of buffers and the threads' lists, `f` leaves as much as it found.
#[track_caller]
fn leaves_nothing(name: &str, f: impl Fn()) {
    f();
    f();
    let before = live();
    for _ in 0..3 {
        f();
        assert_eq!(live(), before, "{name}: bytes alive after and before");
    }
}

fn mlp() -> Sequential {
    let mut rng = Rng::new(1);
    Sequential::new()
        .push(Linear::new(40, 64, &mut rng))
        .push(nn::Relu)
        .push(Dropout(0.1))
        .push(Linear::new(64, 10, &mut rng))
}

fn batch() -> (Tensor, Tensor) {
    let x = Tensor::randn([32, 40], &mut Rng::new(2));
    (x, Tensor::from_slice(&(0..32).map(|i| i % 10).collect::<Vec<i64>>(), [32]))
}

fn training_does_not_grow() {
    for mut optimizer in
        [Box::new(Adam::new(1e-3)) as Box<dyn Optimizer>, Box::new(Sgd::new(0.1).momentum(0.9))]
    {
        let (mut model, (x, labels)) = (mlp(), batch());
        let mut at_100 = 0;
        for step in 1..=3000 {
            let loss = model.forward(&x, &mut Context::train(1, step)).cross_entropy(&labels);
            let grads = loss.backward();
            optimizer.step(&mut model, &grads);
            drop((loss, grads));
            if step == 100 {
                at_100 = live();
            }
        }
        assert_eq!(live(), at_100, "bytes alive after steps 3000 and 100");
    }
}

/// The stack of a thread that a recursion over a million nodes would overflow at once.
fn with_little_stack(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(f).expect("a thread");
    thread.join().expect("no overflow");
}

fn chain(x: &Tensor, nodes: usize) -> Tensor {
    (0..nodes).fold(x.clone(), |y, _| y + 1.0)
}

fn deep_graphs_fall_apart_without_recursion() {
    let before = live();
    with_little_stack(|| {
        let x = Tensor::scalar(0.0f32).requires_grad();
        drop(chain(&x, 1_000_000));
        let grads = chain(&x, 1_000_000).backward();
        assert_eq!(grads.get(&x).map(Tensor::item::<f32>), Some(1.0));
        // Here the backward's closure holds the tensors too, and the graph is walked without being freed.
        let y = (0..100_000).fold(x.clone(), |y, _| &y * &y + &x);
        assert_eq!(versant::autograd::grad_with_graph(&y, &[&x]).len(), 1);
    });
    assert_eq!(live(), before, "bytes alive after deep graphs");
}

fn a_dropped_graph_frees_everything() {
    let (model, (x, labels)) = (mlp(), batch());
    let loss = || model.forward(&x, &mut Context::train(1, 1)).cross_entropy(&labels);
    leaves_nothing("a graph that is never walked", || drop(loss()));
    leaves_nothing("a graph that is walked", || drop(loss().backward()));
    leaves_nothing("a graph whose end outlives the walk", || {
        let loss = loss();
        drop(loss.backward());
        drop(loss);
    });
    leaves_nothing("a gradient of a gradient", || {
        let x = x.requires_grad();
        let y = x.tanh().matmul(&x.sigmoid().transpose(0, 1)).softmax(1).square().sum();
        let slope = versant::autograd::grad_with_graph(&y, &[&x]).remove(0);
        drop(slope.square().sum().backward());
    });
}

fn a_failed_step_leaves_nothing_behind() {
    let (model, (x, labels)) = (mlp(), batch());
    let fails = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    leaves_nothing("a label that is no class", || {
        fails(&|| drop(model.forward(&x, &mut Context::train(1, 1)).narrow(1, 0, 5).cross_entropy(&labels)));
    });
    leaves_nothing("a backward that panics", || {
        fails(&|| {
            let y = model.forward(&x, &mut Context::train(1, 1));
            let bad = Tensor::from_op("bad", y.array().clone(), [&y], |_| panic!("a mistake"));
            bad.sum().backward();
        });
        assert!(versant::autograd::is_recording());
    });
    leaves_nothing("a backward that panics while the graph is kept", || {
        let x = x.requires_grad();
        let y = x.tanh();
        let bad = Tensor::from_op("bad", y.array().clone(), [&y], |_| panic!("a mistake"));
        fails(&|| drop(versant::autograd::grad_with_graph(&bad.sum(), &[&x])));
        // The part before the mistake is as it was.
        assert!(y.sum().backward().get(&x).is_some());
    });
    leaves_nothing("a mistake in dropping what a backward holds", || {
        struct Mistake;
        impl Drop for Mistake {
            fn drop(&mut self) {
                panic!("a mistake");
            }
        }
        fails(&|| {
            let mistake = Mistake;
            drop(Tensor::from_op("bad", x.array().clone(), [&x.requires_grad()], move |back| {
                let _held = &mistake;
                [back.want(0, || back.grad().clone())]
            }));
        });
    });
    set_hook(hook);
}

#[test]
fn memory() {
    // With more threads, one that first gets work late allocates its working memory late.
    set_threads(1);
    training_does_not_grow();
    deep_graphs_fall_apart_without_recursion();
    a_dropped_graph_frees_everything();
    a_failed_step_leaves_nothing_behind();
}
