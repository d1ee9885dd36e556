//! From a data set to batches: order, batching, and threads that prepare the next ones.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use super::Mix;
use crate::rng::{Purpose, Rng};
use crate::tensor::Tensor;

/// Samples by index.
pub trait Dataset: Send + Sync {
    /// How many samples there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The samples with these indices as one batch. What it gives is a function of the indices and of the epoch, by which
    /// augmentation may change samples; most data sets are the same in every epoch.
    fn batch(&self, indices: &[usize], epoch: u32) -> Batch;
}

/// Some samples, stacked along the first axis.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The inputs, [n, ...].
    pub x: Tensor,
    /// The targets, [n, ...]; labels are i64, class probabilities [n, classes] f32.
    pub y: Tensor,
}

/// Cuts a data set into batches, epoch after epoch.
///
/// The order of an epoch is a function of the seed and the epoch alone, so a run that resumes sees the batches it
/// would have seen.
///
/// ```
/// use versant::data::{Batch, Dataset, Loader};
/// use versant::Tensor;
/// struct Numbers;
/// impl Dataset for Numbers {
///     fn len(&self) -> usize {
///         10
///     }
///     fn batch(&self, indices: &[usize], _epoch: u32) -> Batch {
///         let values: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
///         let x = Tensor::from_slice(&values, [values.len()]);
///         Batch { y: x.clone(), x }
///     }
/// }
/// let loader = Loader::new(Numbers, 4);
/// let batches: Vec<Vec<i64>> = loader.epoch(0).map(|b| b.x.to_vec()).collect();
/// assert_eq!(batches, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
/// assert_eq!(loader.drop_last(true).batches(), 2);
/// ```
pub struct Loader {
    dataset: Arc<dyn Dataset>,
    batch_size: usize,
    shuffle: Option<u64>,
    drop_last: bool,
    prefetch: usize,
    workers: usize,
    mix: Option<Mix>,
}

impl Loader {
    /// Batches in the data set's own order, the last one possibly smaller, eight prepared ahead.
    ///
    /// # Panics
    /// When the batch size is 0.
    #[track_caller]
    pub fn new(dataset: impl Dataset + 'static, batch_size: usize) -> Loader {
        Loader::shared(Arc::new(dataset), batch_size)
    }

    /// The same over a data set that others use too.
    #[track_caller]
    pub fn shared(dataset: Arc<dyn Dataset>, batch_size: usize) -> Loader {
        assert!(batch_size > 0, "Loader: the batch size is 0; it must be at least 1");
        Loader { dataset, batch_size, shuffle: None, drop_last: false, prefetch: 8, workers: 1, mix: None }
    }

    /// Another random order each epoch.
    pub fn shuffle(mut self, seed: u64) -> Loader {
        self.shuffle = Some(seed);
        self
    }

    /// Leaves out a last batch that is not full: 60,000 samples in batches of 64 are 937 instead of 938.
    /// [course: A12]
    pub fn drop_last(mut self, on: bool) -> Loader {
        self.drop_last = on;
        self
    }

    /// How many threads prepare batches: 1 unless changed; 0 prepares each when it is asked for, as does a machine of one
    /// core. Batches come in the same order and with the same bits for any number. More than one pays when a batch takes
    /// longer to prepare than to train on.
    pub fn workers(mut self, threads: usize) -> Loader {
        self.workers = threads;
        self
    }

    /// Mixes the samples of each batch; targets become class probabilities.
    pub fn mix(mut self, mix: Mix) -> Loader {
        self.mix = Some(mix);
        self
    }

    /// How many batches a thread prepares at a time, 8 unless changed; up to three times as many a thread are in memory.
    /// 0 prepares each when it is asked for.
    pub fn prefetch(mut self, batches: usize) -> Loader {
        self.prefetch = batches;
        self
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        match self.drop_last {
            true => self.dataset.len() / self.batch_size,
            false => self.dataset.len().div_ceil(self.batch_size),
        }
    }

    /// Samples seen in an epoch.
    pub fn samples(&self) -> usize {
        self.dataset.len().min(self.batches() * self.batch_size)
    }

    /// The batches of an epoch.
    pub fn epoch(&self, epoch: u32) -> Epoch {
        self.epoch_from(epoch, 0)
    }

    /// The batches of an epoch from number `first` on, as a run needs that stopped before it.
    pub fn epoch_from(&self, epoch: u32, first: usize) -> Epoch {
        let order = match self.shuffle {
            None => (0..self.dataset.len()).collect(),
            Some(seed) => Rng::keyed(seed, Purpose::Shuffle, epoch, 0).permutation(self.dataset.len()),
        };
        let plan = Plan {
            dataset: self.dataset.clone(),
            order,
            batch_size: self.batch_size,
            end: self.batches(),
            epoch,
            mix: self.mix.clone(),
        };
        let left = plan.end.saturating_sub(first);
        let one_core = thread::available_parallelism().map_or(1, |n| n.get()) == 1;
        if self.prefetch == 0 || self.workers == 0 || one_core || left <= 1 {
            return Epoch { source: Source::Here { plan, next: first }, left };
        }
        // No more threads than there are turns.
        let workers = self.workers.min(left.div_ceil(self.prefetch));
        Epoch { source: Source::Elsewhere(Ahead::start(plan, first, workers, self.prefetch)), left }
    }
}

/// An epoch's batches by number.
struct Plan {
    dataset: Arc<dyn Dataset>,
    order: Vec<usize>,
    batch_size: usize,
    end: usize,
    epoch: u32,
    mix: Option<Mix>,
}

impl Plan {
    fn batch(&self, number: usize) -> Option<Batch> {
        if number >= self.end {
            return None;
        }
        let start = number * self.batch_size;
        let end = (start + self.batch_size).min(self.order.len());
        let batch = self.dataset.batch(&self.order[start..end], self.epoch);
        Some(match &self.mix {
            Some(mix) => mix.apply(&batch, self.epoch, number as u32),
            None => batch,
        })
    }
}

/// The batches of one epoch; an iterator. Dropping it early stops its threads.
pub struct Epoch {
    source: Source,
    left: usize,
}

enum Source {
    Here { plan: Plan, next: usize },
    Elsewhere(Ahead),
}

impl Iterator for Epoch {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        let batch = match &mut self.source {
            Source::Here { plan, next } => {
                *next += 1;
                plan.batch(*next - 1)
            }
            Source::Elsewhere(ahead) => ahead.next(),
        };
        self.left = self.left.saturating_sub(batch.is_some() as usize);
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Epoch {}

/// Threads that prepare batches in turn: the first takes the first few, the second the next few, and so on. They are
/// handed over several at a time: a hand-over wakes a thread, which costs as much as a small model's step.
struct Ahead {
    ready: std::vec::IntoIter<Batch>,
    workers: Vec<Worker>,
    /// Whose turn it is.
    turn: usize,
}

struct Worker {
    coming: Receiver<Vec<Batch>>,
    thread: JoinHandle<()>,
}

impl Ahead {
    fn start(plan: Plan, first: usize, workers: usize, at_a_time: usize) -> Ahead {
        let plan = Arc::new(plan);
        let start = |index: usize| {
            let (send, coming) = sync_channel(1);
            let plan = plan.clone();
            let work = move || {
                for turn in (first + index * at_a_time..plan.end).step_by(workers * at_a_time) {
                    let batches = (turn..turn + at_a_time).map_while(|number| plan.batch(number)).collect();
                    if send.send(batches).is_err() {
                        return;
                    }
                }
            };
            Worker { coming, thread: thread::spawn(work) }
        };
        Ahead { ready: Vec::new().into_iter(), workers: (0..workers).map(start).collect(), turn: 0 }
    }

    fn next(&mut self) -> Option<Batch> {
        if let Some(batch) = self.ready.next() {
            return Some(batch);
        }
        match self.workers.get(self.turn)?.coming.recv() {
            Ok(batches) => self.ready = batches.into_iter(),
            Err(_) => {
                // The thread has ended; if it panicked (a data set's own mistake), so do we. Turns being in order, no
                // other thread has more to give.
                let ended = self.workers.swap_remove(self.turn);
                self.stop();
                if let Err(panic) = ended.thread.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
        self.turn = (self.turn + 1) % self.workers.len().max(1);
        self.ready.next()
    }

    fn stop(&mut self) {
        for Worker { coming, thread } in self.workers.drain(..) {
            // Without a receiver the thread's next send fails, and it ends.
            drop(coming);
            let _ = thread.join();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(usize);

    impl Dataset for Numbers {
        fn len(&self) -> usize {
            self.0
        }
        fn batch(&self, indices: &[usize], _epoch: u32) -> Batch {
            let values: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
            let x = Tensor::from_slice(&values, [values.len()]);
            Batch { y: x.clone(), x }
        }
    }

    fn all(epoch: Epoch) -> Vec<i64> {
        epoch.flat_map(|b| b.x.to_vec::<i64>()).collect()
    }

    #[test]
    fn mnist_has_937_or_938_batches() {
        let loader = Loader::new(Numbers(60_000), 64);
        assert_eq!((loader.batches(), loader.samples()), (938, 60_000));
        let loader = loader.drop_last(true);
        assert_eq!((loader.batches(), loader.samples()), (937, 59_968));
        assert_eq!(loader.epoch(0).count(), 937);
    }

    #[test]
    fn every_sample_once_in_another_order_each_epoch_with_or_without_a_thread() {
        let loader = || Loader::new(Numbers(100), 7).shuffle(1);
        let first = all(loader().epoch(0));
        assert_eq!(first, all(loader().prefetch(0).epoch(0)));
        assert_ne!(first, all(loader().epoch(1)));
        assert_ne!(first, all(Loader::new(Numbers(100), 7).shuffle(2).epoch(0)));
        let mut sorted = first.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
        assert_eq!(first[21..], all(loader().epoch_from(0, 3)));
        for (workers, prefetch) in [(0, 8), (2, 1), (2, 4), (3, 2), (4, 8), (100, 1)] {
            assert_eq!(
                first,
                all(loader().workers(workers).prefetch(prefetch).epoch(0)),
                "{workers} {prefetch}"
            );
            assert_eq!(first[35..], all(loader().workers(workers).prefetch(prefetch).epoch_from(0, 5)));
        }
    }

    #[test]
    fn an_epoch_may_be_dropped_early_or_be_empty() {
        let loader = Loader::new(Numbers(1000), 1);
        drop(loader.epoch(0));
        assert_eq!(loader.epoch(0).take(3).count(), 3);
        let loader = loader.workers(4);
        drop(loader.epoch(0));
        assert_eq!(loader.epoch(0).take(3).count(), 3);
        assert_eq!(loader.epoch_from(0, 5000).count(), 0);
        assert_eq!(Loader::new(Numbers(0), 4).epoch(0).count(), 0);
    }

    #[test]
    #[should_panic(expected = "sample 3 is broken")]
    fn a_panic_in_a_data_set_reaches_the_caller() {
        struct Broken;
        impl Dataset for Broken {
            fn len(&self) -> usize {
                10
            }
            fn batch(&self, indices: &[usize], epoch: u32) -> Batch {
                assert!(!indices.contains(&3), "sample 3 is broken");
                Numbers(10).batch(indices, epoch)
            }
        }
        // Those before it come first, from whichever thread.
        let mut epoch = Loader::new(Broken, 1).workers(3).prefetch(1).epoch(0);
        assert_eq!(epoch.by_ref().take(3).flat_map(|b| b.x.to_vec::<i64>()).collect::<Vec<_>>(), [0, 1, 2]);
        epoch.next();
    }
}
