//! Memory: training does not grow, graphs of any depth fall apart without recursion, and what is dropped or fails
//! leaves nothing behind. Counts every byte that the process holds, so all checks are one test.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use versant::autograd;
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

/// Takes steps of training and compares what is alive after the hundredth and the last.
#[track_caller]
fn stays_flat(name: &str, steps: u64, mut step: impl FnMut(u64)) {
    (1..=100).for_each(&mut step);
    let at_100 = live();
    (101..=steps).for_each(&mut step);
    assert_eq!(live(), at_100, "{name}: bytes alive after steps {steps} and 100");
}

fn training_does_not_grow() {
    let optimizers: [(&str, Box<dyn Optimizer>); 2] =
        [("Adam", Box::new(Adam::new(1e-3))), ("momentum", Box::new(Sgd::new(0.1).momentum(0.9)))];
    for (name, mut optimizer) in optimizers {
        let rng = &mut Rng::new(1);
        let mut model = Sequential::new()
            .push(Linear::new(5, 8, rng))
            .push(nn::Relu)
            .push(Dropout(0.1))
            .push(Linear::new(8, 3, rng));
        let (x, labels) = (Tensor::randn([4, 5], rng), Tensor::from_slice(&[0i64, 1, 2, 1], [4]));
        stays_flat(name, 10_000, |step| {
            let loss = model.forward(&x, &mut Context::train(1, step)).cross_entropy(&labels);
            optimizer.step(&mut model, &loss.backward());
        });
    }
}

/// Running statistics are replaced at every step.
fn training_with_running_statistics_does_not_grow() {
    let rng = &mut Rng::new(1);
    let mut model = Sequential::new()
        .push(Linear::new(40, 64, rng))
        .push(nn::BatchNorm1d::new(64))
        .push(nn::Checkpoint(nn::BatchNorm1d::new(64).momentum(None)))
        .push(nn::LayerNorm::new([64]))
        .push(nn::GroupNorm::new(4, 64))
        .push(Linear::new(64, 10, rng));
    let (mut adam, (x, labels)) = (Adam::new(1e-3), batch());
    stays_flat("normalisation", 500, |step| {
        let loss = model.forward(&x, &mut Context::train(1, step)).cross_entropy(&labels);
        adam.step(&mut model, &loss.backward());
    });
}

/// Of two sizes of batches in turn, as at the end of an epoch.
fn convolutions_do_not_grow() {
    let rng = &mut Rng::new(1);
    let mut model = Sequential::new()
        .push(Conv2d::new(3, 8, 3, rng).padding(1))
        .push(nn::Relu)
        .push(Conv2d::grouped(8, 8, 3, 8, rng).stride(2))
        .push(nn::ConvTranspose2d::new(8, 4, 2, rng).stride(2).without_bias())
        .push(nn::Flatten);
    let (large, small) = (Tensor::randn([4, 3, 9, 9], rng), Tensor::randn([3, 3, 9, 9], rng));
    let mut sgd = Sgd::new(1e-3);
    stays_flat("convolutions", 400, |step| {
        let x = if step % 5 == 0 { &small } else { &large };
        let loss = model.forward(x, &mut Context::train(1, step)).square().mean();
        sgd.step(&mut model, &loss.backward());
    });
}

/// Of results as large as this two are alive at most: y and its product with a factor, then y and its gradient. The
/// gradient before the ReLU takes no third.
fn a_relus_gradient_is_written_over_the_one_that_comes_in() {
    let rng = &mut Rng::new(1);
    let model =
        Sequential::new().push(Conv2d::new(3, 16, 3, rng).padding(1)).push(nn::Relu).push(nn::Flatten);
    let step = |x: &Tensor, factor: &Tensor| {
        let loss = (model.forward(x, &mut Context::train(1, 0)) * factor).sum();
        loss.backward();
    };
    let mut random =
        |batch: usize| (Tensor::randn([batch, 3, 44, 44], rng), Tensor::randn([batch, 16 * 44 * 44], rng));
    let (x, factor) = random(1);
    step(&x, &factor);
    let (x, factor) = random(8);
    let before = live();
    step(&x, &factor);
    let of_result = 4 * 8 * 16 * 44 * 44;
    let taken = (live() - before) as f64 / of_result as f64;
    assert!(taken < 2.5, "a step takes the memory of {taken:.2} results");
}

fn unusual_training_does_not_grow() {
    let rng = &mut Rng::new(1);
    let mut model = Sequential::new()
        .push(nn::Checkpoint(Linear::new(40, 64, rng)))
        .push(nn::Checkpoint(nn::Tanh))
        .push(nn::Checkpoint(Dropout(0.1)))
        .push(Linear::new(64, 10, rng));
    let (mut adam, (x, labels)) = (Adam::new(1e-3), batch());
    stays_flat("checkpoints", 500, |step| {
        let loss = model.forward(&x, &mut Context::train(1, step)).cross_entropy(&labels);
        adam.step(&mut model, &loss.backward());
    });
    let mut last = None;
    stays_flat("watched gradients and a graph walked twice", 500, |step| {
        let seen = Arc::new(Mutex::new(None));
        let slot = seen.clone();
        let look = move |g: &Tensor| *slot.lock().expect("not poisoned") = Some(g.clone());
        let features = model.forward(&x, &mut Context::train(1, step)).on_grad(look);
        let mut grads = features.square().mean().backward_retain_graph();
        grads.accumulate(features.cross_entropy(&labels).backward());
        adam.step(&mut model, &grads);
        last = seen.lock().expect("not poisoned").take();
    });
    // The slope of the output in the input, held near 1: the penalty of WGAN-GP.
    stays_flat("a penalty on gradients", 500, |step| {
        let x = x.requires_grad();
        let score = model.forward(&x, &mut Context::train(1, step)).sum();
        let slope = autograd::grad_with_graph(&score, &[&x]).remove(0);
        let penalty = (slope.square().sum_axes(1).sqrt() - 1.0).square().mean();
        adam.step(&mut model, &(score.square() + penalty).backward());
    });
}

/// Sentences differ in length; the pool must not grow with the number of lengths.
fn varying_shapes_stay_below_the_pools_limit() {
    let before = live();
    for step in 0..100 {
        let rows = 1000 + step * 7919 % 3000;
        let x = Tensor::full([rows, 500], 1.0, DType::F32);
        drop((&x * 2.0).exp());
        assert!(live() - before < (256 << 20) + (16 << 20), "step {step}: {} bytes alive", live() - before);
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
        assert_eq!(autograd::grad_with_graph(&y, &[&x]).len(), 1);
        // To a target in the middle, and from a checkpoint to what it used.
        let middle = chain(&x, 500_000);
        assert_eq!(autograd::grad(&chain(&middle, 500_000), &[&middle]).remove(0).item::<f32>(), 1.0);
        let start = middle.clone();
        let y = autograd::checkpoint(move || chain(&start, 50_000));
        assert_eq!(y.backward().get(&x).map(Tensor::item::<f32>), Some(1.0));
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
    leaves_nothing("a checkpoint that is never walked, and one that is", || {
        let (a, b) = (x.requires_grad(), x.requires_grad());
        let (c, d) = (a.clone(), b.clone());
        let y = autograd::checkpoint(move || (&c * &d).tanh().exp());
        drop((y.square(), y.sum().backward()));
    });
    leaves_nothing("a walk to a target, beside which the graph stays", || {
        let (a, b) = (x.requires_grad(), x.requires_grad());
        let (h, beside) = (a.exp(), b.exp());
        drop(autograd::grad(&(&h * &beside).sum(), &[&h]));
        assert!(beside.sum().backward().get(&b).is_some());
    });
    leaves_nothing("a graph that is kept", || {
        let x = x.requires_grad();
        let y = x.tanh().sum();
        drop((y.backward_retain_graph(), y.backward_retain_graph()));
    });
    leaves_nothing("a gradient of a gradient", || {
        let x = x.requires_grad();
        let y = x.tanh().matmul(&x.sigmoid().transpose(0, 1)).softmax(1).square().sum();
        let slope = autograd::grad_with_graph(&y, &[&x]).remove(0);
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
        assert!(autograd::is_recording());
    });
    leaves_nothing("a backward that panics while the graph is kept", || {
        let x = x.requires_grad();
        let y = x.tanh();
        let bad = Tensor::from_op("bad", y.array().clone(), [&y], |_| panic!("a mistake"));
        fails(&|| drop(autograd::grad_with_graph(&bad.sum(), &[&x])));
        // The part before the mistake is as it was.
        assert!(y.sum().backward().get(&x).is_some());
    });
    leaves_nothing("a checkpoint that fails the second time", || {
        let x = x.requires_grad();
        let (inner, calls) = (x.clone(), AtomicUsize::new(0));
        let y = autograd::checkpoint(move || {
            let y = inner.exp();
            assert!(calls.fetch_add(1, Ordering::Relaxed) == 0, "a mistake");
            y.tanh()
        });
        fails(&|| drop(y.sum().backward()));
        assert!(autograd::is_recording());
    });
    leaves_nothing("a closure that fails as it looks at a gradient", || {
        let x = x.requires_grad();
        fails(&|| drop(x.exp().on_grad(|_| panic!("a mistake")).sum().backward()));
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
    training_with_running_statistics_does_not_grow();
    convolutions_do_not_grow();
    a_relus_gradient_is_written_over_the_one_that_comes_in();
    unusual_training_does_not_grow();
    deep_graphs_fall_apart_without_recursion();
    a_dropped_graph_frees_everything();
    a_failed_step_leaves_nothing_behind();
    varying_shapes_stay_below_the_pools_limit();
}
