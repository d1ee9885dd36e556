//! Files made to do harm. Every one is refused with an error that names the file and the reason, without a panic,
//! quickly, and in little memory; its good twin loads, so that no refusal is for a trivial reason.

mod archive;
mod cifar;
mod idx;
#[cfg(feature = "images")]
mod images;
mod npy;
mod npz;
mod safetensors;
mod tar;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use versant::Result;

/// What a refusal may take.
const MEMORY: usize = 64_000_000;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator unchanged; counting touches only atomic numbers.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
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

/// A bad file: what is wrong with it, its bytes, and a part of the error's text.
type Bad = (String, Vec<u8>, &'static str);

fn bad(what: impl Into<String>, bytes: Vec<u8>, reason: &'static str) -> Bad {
    (what.into(), bytes, reason)
}

/// The files of one format, and its readers.
struct Family {
    /// The path of its file below a folder.
    file: &'static str,
    load: fn(&Path) -> Result<()>,
    inspect: fn(&Path) -> Result<()>,
    good: Vec<(&'static str, Vec<u8>)>,
    bad: Vec<Bad>,
}

/// Runs `f`; returns also the bytes that it held at most, and the time.
fn measured<R>(f: impl FnOnce() -> R) -> (R, usize, Duration) {
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let start = Instant::now();
    let result = f();
    (result, PEAK.load(Ordering::Relaxed) - before, start.elapsed())
}

/// What is wrong with how a bad file is refused, if anything.
fn complaint(family: &Family, path: &Path, reason: &str, refusal: &mut Refusals) -> Option<String> {
    let (outcome, peak, time) = measured(|| catch_unwind(AssertUnwindSafe(|| (family.load)(path))));
    refusal.count(peak, time);
    let Ok(outcome) = outcome else { return Some("a panic".into()) };
    let Err(error) = outcome else { return Some("it loads".into()) };
    let error = error.to_string();
    if catch_unwind(AssertUnwindSafe(|| (family.inspect)(path).is_ok())).is_err() {
        Some("inspect panics".into())
    } else if !error.contains(&*path.to_string_lossy()) {
        Some(format!("the file is not named: {error}"))
    } else if !error.contains(reason) {
        Some(format!("{error:?} does not say {reason:?}"))
    } else if error.contains(char::is_control) || error.len() > 3000 {
        Some(format!("no line for a terminal: {error:?}"))
    } else {
        (peak >= MEMORY).then(|| format!("it takes {peak} bytes"))
    }
}

#[derive(Default)]
struct Refusals {
    count: usize,
    peak: usize,
    longest: Duration,
    total: Duration,
}

impl Refusals {
    fn count(&mut self, peak: usize, time: Duration) {
        self.count += 1;
        self.peak = self.peak.max(peak);
        self.longest = self.longest.max(time);
        self.total += time;
    }
}

/// One test, because memory is counted for the whole process.
#[test]
fn hostile_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut refusals, mut complaints) = (Refusals::default(), Vec::new());
    let mut families = vec![safetensors::family(), npy::family(), npz::family(), idx::family()];
    families.extend([cifar::family(), tar::family()]);
    #[cfg(feature = "images")]
    families.extend([images::png(), images::jpeg()]);
    for family in families {
        let file = family.file;
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for (what, bytes) in &family.good {
            fs::write(&path, bytes).unwrap();
            if let Err(error) = (family.load)(&path).and_then(|()| (family.inspect)(&path)) {
                complaints.push(format!("{file}, good: {what}: {error}"));
            }
        }
        let mut distinct = BTreeSet::new();
        for (what, bytes, reason) in &family.bad {
            fs::write(&path, bytes).unwrap();
            let found = complaint(&family, &path, reason, &mut refusals);
            let again = (!distinct.insert(bytes)).then(|| "the bytes of another case".to_string());
            complaints.extend(found.or(again).map(|complaint| format!("{file}: {what}: {complaint}")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let Refusals { count, peak, longest, total } = refusals;
    assert!(count >= 100, "{count} hostile files");
    println!("{count} hostile files: {total:.1?}, the slowest {longest:.1?}, at most {peak} bytes");
}
