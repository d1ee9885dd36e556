//! A small pool of threads for steps of some ten microseconds.
//!
//! [`parallel_for`] gives each thread a share of the chunks, and what is left of a share to whoever is free. The caller
//! works too; a worker that arrives late finds the gate closed and nobody waits for it, so a busy machine costs speed
//! but never a stall. Work must be cut into chunks by the size of the problem, never by the number of threads: then
//! results have the same bits for any number of threads.
//!
//! Idle workers look for work for some hundred microseconds before they sleep, because waking a sleeping thread
//! costs about as much as a small layer, and a step of a small model is a row of such layers with short pauses between
//! them. Before each look but the first few they offer their core to whoever has work, which may be the caller itself.
//! With more threads than cores nobody waits awake.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};

/// Rounds of spinning: a microsecond or two, as one round takes 20 to 50 nanoseconds. More would keep a caller on the same
/// core from its work.
const SPINS: u32 = 50;

/// Rounds after those, in which a thread offers its core to any other that wants it: about 150 microseconds, as a call
/// of the system takes some 300 nanoseconds.
const OFFERS: u32 = 500;

/// The gate packs the number of workers inside (low 16 bits), whether it is open, and the job's number.
const INSIDE: u64 = 0xffff;
const OPEN: u64 = 1 << 16;
const JOB: u64 = 1 << 17;

/// The most threads that may be asked for.
const MOST_THREADS: usize = 1024;

static LIMIT: AtomicUsize = AtomicUsize::new(0);
static GATE: AtomicU64 = AtomicU64::new(0);
static CURRENT: AtomicPtr<Job<'static>> = AtomicPtr::new(ptr::null_mut());
/// The workers. Whoever holds the lock is the one caller that may publish a job.
static WORKERS: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

struct Worker {
    thread: Thread,
    asleep: Arc<AtomicBool>,
}

/// One call of [`parallel_for`]; lives on the caller's stack.
struct Job<'a> {
    run: &'a (dyn Fn(usize) + Sync),
    chunks: usize,
    /// The chunks are cut into as many shares as there are threads, at most [`SHARES`].
    shares: usize,
    /// The next chunk of each share.
    next: [Next; SHARES],
    /// Workers with an index below this may help.
    helpers: usize,
    caller: Thread,
    /// The panic of the lowest chunk that panicked.
    panic: Mutex<Option<(usize, Box<dyn Any + Send>)>>,
}

/// A counter with a cache line to itself.
#[repr(align(64))]
struct Next(AtomicUsize);

/// The most shares that chunks are cut into.
const SHARES: usize = 16;

impl Job<'_> {
    /// The first chunk of a share.
    fn first(&self, share: usize) -> usize {
        self.chunks * share / self.shares
    }

    /// Does the thread's own share, then what others have left of theirs: from layer to layer the same thread meets the
    /// same images, and finds them in its cache.
    fn work(&self, thread: usize) {
        (0..self.shares).for_each(|i| self.work_on((thread + i) % self.shares));
    }

    fn work_on(&self, share: usize) {
        let (first, end) = (self.first(share), self.first(share + 1));
        loop {
            let chunk = first + self.next[share].0.fetch_add(1, Ordering::Relaxed);
            if chunk >= end {
                return;
            }
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.run)(chunk))) {
                let mut first = self.panic.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(earlier, _)| chunk < *earlier) {
                    *first = Some((chunk, payload));
                }
            }
        }
    }
}

fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(1, |n| n.get()))
}

/// How many threads [`parallel_for`] uses, the caller included: what [`set_threads`] set, else the environment's
/// `VERSANT_THREADS` if it is a positive number, else the number of cores.
pub fn threads() -> usize {
    match LIMIT.load(Ordering::Relaxed) {
        0 => {
            let wanted = std::env::var("VERSANT_THREADS").ok().and_then(|text| text.trim().parse().ok());
            set_threads(wanted.filter(|&n| n > 0).unwrap_or_else(cores));
            LIMIT.load(Ordering::Relaxed)
        }
        limit => limit,
    }
}

/// Sets how many threads [`parallel_for`] uses, the caller included; more than there are cores is allowed, more
/// than 1024 counts as 1024 and 0 as 1.
pub fn set_threads(n: usize) {
    LIMIT.store(n.clamp(1, MOST_THREADS), Ordering::Relaxed);
}

/// Calls `run` once for every number below `chunks`, on several threads, and returns when all calls have ended.
///
/// Calls from inside a chunk, or while another thread's call is under way, run on the calling thread alone.
///
/// # Panics
/// If a chunk panicked: with the panic of the lowest such chunk.
pub fn parallel_for(chunks: usize, run: &(dyn Fn(usize) + Sync)) {
    let limit = threads();
    if chunks <= 1 || limit == 1 {
        return (0..chunks).for_each(run);
    }
    let Ok(mut workers) = WORKERS.try_lock() else {
        return (0..chunks).for_each(run);
    };
    while workers.len() + 1 < limit {
        match spawn(workers.len()) {
            Some(worker) => workers.push(worker),
            None => break,
        }
    }
    let helpers = workers.len().min(limit - 1).min(chunks - 1);
    let job = Job {
        run,
        chunks,
        shares: (helpers + 1).min(SHARES),
        next: [const { Next(AtomicUsize::new(0)) }; SHARES],
        helpers,
        caller: thread::current(),
        panic: Mutex::new(None),
    };
    CURRENT.store(ptr::from_ref(&job).cast_mut().cast(), Ordering::Relaxed);
    // Nobody is inside and the gate is closed, so adding opens it under the next number.
    GATE.fetch_add(JOB + OPEN, Ordering::SeqCst);
    for worker in &workers[..helpers] {
        if worker.asleep.swap(false, Ordering::SeqCst) {
            worker.thread.unpark();
        }
    }
    job.work(0);
    GATE.fetch_and(!OPEN, Ordering::SeqCst);
    let mut spins = most_spins();
    while GATE.load(Ordering::Acquire) & INSIDE != 0 {
        wait(&mut spins, thread::park);
    }
    drop(workers);
    if let Some((_, payload)) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
}

/// The rounds that a thread may spin now.
fn most_spins() -> u32 {
    if threads() <= cores() { SPINS + OFFERS } else { 0 }
}

/// One round: spins, then spins with offers, then sleeps.
fn wait(spins: &mut u32, sleep: impl FnOnce()) {
    if *spins > OFFERS {
        *spins -= 1;
        spin_loop();
    } else if *spins > 0 {
        *spins -= 1;
        thread::yield_now();
    } else {
        sleep();
    }
}

/// A new worker, or none where threads cannot be made (as in a browser).
fn spawn(index: usize) -> Option<Worker> {
    let asleep = Arc::new(AtomicBool::new(false));
    let flag = asleep.clone();
    let builder = thread::Builder::new().name(format!("versant-{}", index + 1));
    let handle = builder.spawn(move || serve(index, &flag)).ok()?;
    Some(Worker { thread: handle.thread().clone(), asleep })
}

/// A worker's life: wait for an open gate, enter, work, leave.
fn serve(index: usize, asleep: &AtomicBool) {
    let mut done = 0;
    let mut spins = 0;
    loop {
        let gate = GATE.load(Ordering::SeqCst);
        let number = gate / JOB;
        let is_new = gate & OPEN != 0 && number != done;
        if is_new && GATE.compare_exchange(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            done = number;
            if help(index) {
                spins = most_spins();
            }
        } else if !is_new {
            wait(&mut spins, || sleep_unless_changed(gate, asleep));
        }
    }
}

/// Sleeps until a caller wakes this worker. The caller first changes the gate and then looks at `asleep`, the
/// worker does it the other way round: one of them sees the other's store.
fn sleep_unless_changed(gate: u64, asleep: &AtomicBool) {
    asleep.store(true, Ordering::SeqCst);
    if (GATE.load(Ordering::SeqCst) ^ gate) & !INSIDE == 0 {
        while asleep.load(Ordering::SeqCst) {
            thread::park();
        }
    }
    asleep.store(false, Ordering::SeqCst);
}

/// Works on the current job if it wants this worker, then leaves the gate. Returns whether it was wanted.
fn help(index: usize) -> bool {
    // SAFETY: this worker has been counted into the open gate, so the caller keeps the job alive until the count
    // is back to zero; the pointer was stored before the gate opened.
    let job = unsafe { &*CURRENT.load(Ordering::Relaxed) };
    let wanted = index < job.helpers;
    if wanted {
        job.work(index + 1);
    }
    let caller = job.caller.clone();
    // From here on the job may be gone.
    if GATE.fetch_sub(1, Ordering::SeqCst) & (INSIDE | OPEN) == 1 {
        caller.unpark();
    }
    wanted
}

/// A pointer that chunks on several threads may use, each for its own part.
pub(crate) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: the pointer is only a number; whoever dereferences it promises that no two chunks overlap.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(data: &mut [T]) -> Shared<T> {
        Shared(data.as_mut_ptr())
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0
    }
}

/// How many of `total` rows make a piece of work, at most `most`: pieces are of one length, and their number is a power of
/// two. Then a thread gets the same half, or quarter, of a batch from every operation, and finds in its cache what it
/// wrote in the one before.
pub(crate) fn even(total: usize, most: usize) -> usize {
    total.div_ceil(total.div_ceil(most.max(1)).next_power_of_two()).max(1)
}

/// Cuts `data` into pieces of `len` elements (the last may be shorter) and calls `run(piece index, piece)` for
/// each, on several threads.
///
/// # Panics
/// If `len` is 0.
pub fn for_each_piece<T: Send>(data: &mut [T], len: usize, run: impl Fn(usize, &mut [T]) + Sync) {
    for_each_pieces([data], len, |index, [piece]| run(index, piece));
}

/// Like [`for_each_piece`] for several slices of one length, cut at the same places.
///
/// # Panics
/// If `len` is 0 or the slices differ in length.
pub fn for_each_pieces<T: Send, const N: usize>(
    data: [&mut [T]; N],
    len: usize,
    run: impl Fn(usize, [&mut [T]; N]) + Sync,
) {
    assert!(len > 0, "a piece must not be empty");
    let total = data.first().map_or(0, |slice| slice.len());
    assert!(data.iter().all(|slice| slice.len() == total), "the slices differ in length");
    let bases = data.map(|slice| Shared::new(slice));
    parallel_for(total.div_ceil(len), &|index| {
        let start = index * len;
        let len = len.min(total - start);
        let piece = |base: Shared<T>| {
            // SAFETY: pieces do not overlap, lie inside their slice, and the slices, which are different mutable
            // borrows, stay borrowed until all calls have ended.
            unsafe { std::slice::from_raw_parts_mut(base.get().add(start), len) }
        };
        run(index, bases.map(piece));
    });
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Runs `test` with `n` threads. The setting is the process's own, so tests that change it take turns.
    pub(crate) fn with_threads<R>(n: usize, test: impl FnOnce() -> R) -> R {
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let before = threads();
        set_threads(n);
        let result = catch_unwind(AssertUnwindSafe(test));
        set_threads(before);
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn sum_of_squares(chunks: usize) -> usize {
        let sum = AtomicUsize::new(0);
        parallel_for(chunks, &|i| {
            sum.fetch_add(i * i, Ordering::Relaxed);
        });
        sum.into_inner()
    }

    fn expected(chunks: usize) -> usize {
        (0..chunks).map(|i| i * i).sum()
    }

    #[test]
    fn every_chunk_runs_once() {
        for n in [1, 2, 3, 8, 2, 1, 5] {
            with_threads(n, || {
                for chunks in [0, 1, 2, 3, 7, 64, 1000] {
                    let counts: Vec<AtomicUsize> = (0..chunks).map(|_| AtomicUsize::new(0)).collect();
                    parallel_for(chunks, &|i| {
                        counts[i].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }

    #[test]
    fn many_rounds() {
        with_threads(2, || {
            for round in 0..100_000 {
                let chunks = 2 + round % 3;
                assert_eq!(sum_of_squares(chunks), expected(chunks));
            }
        });
        with_threads(7, || {
            for round in 0..2_000 {
                assert_eq!(sum_of_squares(round % 20), expected(round % 20));
            }
        });
    }

    #[test]
    fn workers_wake_after_sleeping() {
        with_threads(2, || {
            for _ in 0..20 {
                thread::sleep(std::time::Duration::from_millis(1));
                assert_eq!(sum_of_squares(10), expected(10));
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_survives() {
        for n in [1, 2, 4] {
            with_threads(n, || {
                let payload =
                    catch_unwind(|| parallel_for(50, &|i| assert!(i < 20, "chunk {i}"))).unwrap_err();
                assert_eq!(payload.downcast_ref::<String>().unwrap(), "chunk 20");
                assert_eq!(sum_of_squares(100), expected(100));
            });
        }
    }

    #[test]
    fn nested_and_concurrent_calls() {
        with_threads(3, || {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..200 {
                            let sum = AtomicUsize::new(0);
                            parallel_for(5, &|_| {
                                sum.fetch_add(sum_of_squares(9), Ordering::Relaxed);
                            });
                            assert_eq!(sum.into_inner(), 5 * expected(9));
                        }
                    });
                }
            });
        });
    }

    #[test]
    fn pieces_cover_everything() {
        for len in [0, 1, 9, 10, 11, 95] {
            let mut data = vec![usize::MAX; len];
            for_each_piece(&mut data, 10, |index, piece| {
                for (i, v) in piece.iter_mut().enumerate() {
                    *v = index * 10 + i;
                }
            });
            assert!(data.iter().enumerate().all(|(i, &v)| v == i));
        }
    }
}
