//! Checkpoints: all that a run needs to go on as if it had never stopped.
//!
//! A checkpoint is a pair of files. `last.safetensors` holds the weights under their PyTorch names, for anyone to
//! load; `last.state.safetensors` holds the optimiser's arrays and others, the progress, and the checksum of the weights
//! that it belongs to. The pair changes as one, whenever the process is killed: both files are written under other names
//! and forced to the disk, then take their names, weights first. [`load_last`] completes the exchange if only one
//! of the two got its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::array::Array;
use crate::error::{Error, Result};
use crate::io::atomic;
use crate::io::safetensors::{self, Encoded, SafeTensorsFile};
use crate::optim::State;

/// A training run between two steps.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Parameters and buffers by name, as [`Module`](crate::nn::Module) names them; where weights are averaged, the mean.
    pub weights: BTreeMap<String, Array>,
    /// What the optimiser remembers: [`Optimizer::state`](crate::optim::Optimizer::state).
    pub optimizer: State,
    /// What averages of weights, schedules and callbacks remember, by `owner.name`.
    pub extra: State,
    /// How far the run has come.
    pub progress: Progress,
}

/// How far a run has come. Random numbers have no state to save: each is a function of the seed, its purpose, and
/// the step, epoch or index.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The run's seed.
    pub seed: u64,
    /// Optimiser steps completed since the run began.
    pub step: u64,
    /// Epochs completed; the index of the current one.
    pub epoch: u32,
    /// Batches completed within the current epoch.
    pub batch: u32,
    /// The best value so far of the metric that picks `best.safetensors`.
    #[serde(with = "bits::option")]
    pub best: Option<f64>,
    /// The current epoch's sums, from which its metrics will be logged.
    pub running: Running,
}

/// Sums over the samples of an epoch so far. They are saved bit for bit (NaN and infinities too), so that a resumed
/// run logs the numbers of one that was never stopped.
///
/// ```
/// use versant::train::checkpoint::Running;
/// let mut running = Running::default();
/// running.add_samples(64);
/// running.add("loss", 0.5 * 64.0);
/// running.add("correct", 48.0);
/// assert_eq!(running.mean("correct"), Some(0.75));
/// ```
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Running {
    /// Samples seen.
    pub samples: u64,
    /// By name, the sum over samples: `loss`, `correct`.
    #[serde(with = "bits::map")]
    pub sums: BTreeMap<String, f64>,
}

impl Running {
    /// Counts the samples of a batch.
    pub fn add_samples(&mut self, samples: usize) {
        self.samples += samples as u64;
    }

    /// Adds a batch's sum (not its mean) of a metric.
    pub fn add(&mut self, name: &str, sum: f64) {
        *self.sums.entry(name.to_string()).or_default() += sum;
    }

    /// The mean over the samples so far; `None` before the first one, or when nothing was added under that name.
    pub fn mean(&self, name: &str) -> Option<f64> {
        let sum = self.sums.get(name)?;
        (self.samples > 0).then(|| sum / self.samples as f64)
    }
}

/// JSON's decimal numbers know no NaN and may lose the last bit on the way back: floats go as hexadecimal bits.
mod bits {
    use serde::de::{Deserialize, Deserializer, Error};

    fn text(value: f64) -> String {
        format!("{:016x}", value.to_bits())
    }

    fn value<E: Error>(text: &str) -> Result<f64, E> {
        let bits = u64::from_str_radix(text, 16);
        bits.map(f64::from_bits).map_err(|_| E::custom(format!("{text:?} is not the bits of a number")))
    }

    pub(super) mod option {
        use super::*;

        pub fn serialize<S: serde::Serializer>(best: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
            serde::Serialize::serialize(&best.map(text), s)
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
            Option::<String>::deserialize(d)?.map(|text| value(&text)).transpose()
        }
    }

    pub(super) mod map {
        use super::*;
        use std::collections::BTreeMap;

        pub fn serialize<S: serde::Serializer>(
            sums: &BTreeMap<String, f64>,
            s: S,
        ) -> Result<S::Ok, S::Error> {
            s.collect_map(sums.iter().map(|(name, &sum)| (name, text(sum))))
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<String, f64>, D::Error> {
            let texts = BTreeMap::<String, String>::deserialize(d)?;
            texts.into_iter().map(|(name, text)| Ok((name, value(&text)?))).collect()
        }
    }
}

/// The metadata of the state file: the progress, and the checksum of the weights.
const PROGRESS: &str = "progress";
const WEIGHTS: &str = "weights_crc32";

/// In the state file, before the names of what is not the optimiser's.
const EXTRA: &str = "extra/";

/// The four names of a pair: as it counts, and as it is being written.
struct Files {
    weights: PathBuf,
    state: PathBuf,
    new_weights: PathBuf,
    new_state: PathBuf,
}

impl Files {
    fn of(folder: &Path) -> Files {
        Files {
            weights: folder.join("last.safetensors"),
            state: folder.join("last.state.safetensors"),
            new_weights: folder.join("last.safetensors.new"),
            new_state: folder.join("last.state.safetensors.new"),
        }
    }
}

/// Replaces the pair `last.safetensors`, `last.state.safetensors` in `folder` as one. The caller is the only one
/// who writes there (see [`RunDir`](crate::train::run::RunDir)). The bytes depend on the checkpoint alone.
///
/// # Errors
/// When a file cannot be written; the old pair stays, or [`load_last`] finds the new one.
pub fn save_last(folder: impl AsRef<Path>, checkpoint: &Checkpoint) -> Result<()> {
    let arrays = arrays_of_state(checkpoint);
    let pair = Pair::new(folder.as_ref(), checkpoint, &arrays)?;
    pair.exchange().into_iter().try_for_each(|operation| operation())
}

/// A checkpoint about to be written.
struct Pair<'a> {
    files: Files,
    weights: Encoded<'a>,
    state: Encoded<'a>,
}

impl Pair<'_> {
    /// `arrays` are the checkpoint's [`arrays_of_state`].
    fn new<'a>(folder: &Path, checkpoint: &'a Checkpoint, arrays: &'a State) -> Result<Pair<'a>> {
        let files = Files::of(folder);
        let weights = Encoded::new(&files.weights, &checkpoint.weights, &about(&checkpoint.progress))?;
        let progress = serde_json::to_string(&checkpoint.progress)
            .map_err(|e| Error::format(&files.state, e.to_string()))?;
        let metadata = BTreeMap::from([
            (PROGRESS.to_string(), progress),
            (WEIGHTS.to_string(), format!("{:08x}", weights.checksum)),
        ]);
        let state = Encoded::new(&files.state, arrays, &metadata)?;
        Ok(Pair { files, weights, state })
    }

    /// The operations on files that put it in the old one's place. A process may die after any of them.
    fn exchange(&self) -> Vec<Box<dyn FnOnce() -> Result<()> + '_>> {
        let Pair { files, weights, state } = self;
        vec![
            Box::new(|| atomic::stage(&files.new_weights, |w| weights.write_to(w))),
            Box::new(|| atomic::stage(&files.new_state, |w| state.write_to(w))),
            // After a power cut one rename may be lost: the staged name must be there to repeat it.
            Box::new(|| atomic::sync_folder(&files.weights)),
            Box::new(|| atomic::rename(&files.new_weights, &files.weights)),
            Box::new(|| atomic::rename(&files.new_state, &files.state)),
            Box::new(|| atomic::sync_folder(&files.weights)),
        ]
    }
}

/// The arrays of the state file.
fn arrays_of_state(checkpoint: &Checkpoint) -> State {
    let extra = checkpoint.extra.iter().map(|(name, array)| (format!("{EXTRA}{name}"), array.clone()));
    checkpoint.optimizer.clone().into_iter().chain(extra).collect()
}

/// What anyone who opens the weights may want to know.
fn about(progress: &Progress) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("seed".to_string(), progress.seed.to_string()),
        ("step".to_string(), progress.step.to_string()),
        ("epoch".to_string(), progress.epoch.to_string()),
    ])
}

/// Reads the last checkpoint of `folder`, `None` if none was completed. An exchange that a crash interrupted between
/// its two renames is completed on disk, so call this only for a run that nobody else is writing; to look at the
/// weights alone, load `last.safetensors`.
///
/// # Errors
/// When a file is missing or damaged, or the two do not belong together and cannot be mended.
pub fn load_last(folder: impl AsRef<Path>) -> Result<Option<Checkpoint>> {
    let files = Files::of(folder.as_ref());
    if !files.weights.exists() && !files.state.exists() {
        return Ok(None);
    }
    mend(&files)?;
    let weights = safetensors::load(&files.weights)?;
    let SafeTensorsFile { tensors, metadata, .. } = safetensors::load(&files.state)?;
    if weights.checksum.is_none() || weights.checksum != belongs_to(&metadata) {
        return Err(unmatched(&files));
    }
    let progress = metadata.get(PROGRESS).map_or("", String::as_str);
    let progress = serde_json::from_str(progress).map_err(|e| {
        Error::format(&files.state, format!("the state of a checkpoint has no progress: {e}"))
    })?;
    let (mut optimizer, mut extra) = (State::new(), State::new());
    for (name, array) in tensors {
        match name.strip_prefix(EXTRA) {
            Some(own) => extra.insert(own.to_string(), array),
            None => optimizer.insert(name, array),
        };
    }
    Ok(Some(Checkpoint { weights: weights.tensors, optimizer, extra, progress }))
}

/// Completes an exchange of which one rename was done. kill -9 leaves the state behind; after a power cut, either.
fn mend(files: &Files) -> Result<()> {
    let weights_of = |state: &Path| safetensors::inspect(state).ok().and_then(|s| belongs_to(&s.metadata));
    let checksum = |weights: &Path| safetensors::inspect(weights).ok().and_then(|w| w.checksum);
    let pair = |weights: &Path, state: &Path| checksum(weights).is_some_and(|c| weights_of(state) == Some(c));
    if pair(&files.weights, &files.state) {
        return Ok(());
    }
    let (from, to) = if pair(&files.weights, &files.new_state) {
        (&files.new_state, &files.state)
    } else if pair(&files.new_weights, &files.state) {
        (&files.new_weights, &files.weights)
    } else {
        // What is damaged tells more than that the two do not match.
        for path in [&files.weights, &files.state] {
            safetensors::inspect(path)?;
        }
        return Err(unmatched(files));
    };
    // Only a whole file may take the place of an old one.
    safetensors::load(from)?;
    atomic::rename(from, to)?;
    atomic::sync_folder(to)
}

fn belongs_to(metadata: &BTreeMap<String, String>) -> Option<u32> {
    metadata.get(WEIGHTS).and_then(|text| u32::from_str_radix(text, 16).ok())
}

fn unmatched(files: &Files) -> Error {
    Error::Checkpoint(format!(
        "{} and {} do not belong to the same step: take both from one copy, or start a new run from the weights",
        files.weights.display(),
        files.state.display()
    ))
}

/// Replaces `best.safetensors` in `folder`, atomically.
///
/// # Errors
/// When the file cannot be written; the old one stays.
pub fn save_best(
    folder: impl AsRef<Path>,
    weights: &BTreeMap<String, Array>,
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let path = folder.as_ref().join("best.safetensors");
    let new = folder.as_ref().join("best.safetensors.new");
    let encoded = Encoded::new(&path, weights, metadata)?;
    atomic::stage(&new, |w| encoded.write_to(w))?;
    atomic::rename(&new, &path)?;
    atomic::sync_folder(&path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checkpoint(step: u64) -> Checkpoint {
        let value = step as f32;
        let mut running = Running::default();
        running.add_samples(3);
        running.add("loss", 0.1 + step as f64 / 3.0);
        running.add("bad", f64::NAN);
        Checkpoint {
            weights: BTreeMap::from([("fc.weight".into(), Array::from_slice(&[value, 0.5], [2]))]),
            optimizer: BTreeMap::from([(
                "momentum.fc.weight".into(),
                Array::from_slice(&[value * 2.0, 1.0], [2]),
            )]),
            extra: BTreeMap::from([("schedule".into(), Array::from_slice(&[f64::INFINITY, 0.1], [2]))]),
            progress: Progress { seed: u64::MAX, step, epoch: 1, batch: 7, best: Some(0.1 + 0.2), running },
        }
    }

    fn assert_same(a: &Checkpoint, b: &Checkpoint) {
        let bytes = |arrays: &BTreeMap<String, Array>| -> Vec<(String, Vec<u8>)> {
            arrays.iter().map(|(name, array)| (name.clone(), array.to_bytes())).collect()
        };
        assert_eq!(bytes(&a.weights), bytes(&b.weights));
        assert_eq!(bytes(&a.optimizer), bytes(&b.optimizer));
        assert_eq!(bytes(&a.extra), bytes(&b.extra));
        assert_eq!(serde_json::to_string(&a.progress).unwrap(), serde_json::to_string(&b.progress).unwrap());
    }

    /// The first `count` operations of saving a checkpoint.
    fn save_partly(folder: &Path, checkpoint: &Checkpoint, count: usize) {
        let arrays = arrays_of_state(checkpoint);
        let pair = Pair::new(folder, checkpoint, &arrays).unwrap();
        for operation in pair.exchange().into_iter().take(count) {
            operation().unwrap();
        }
    }

    #[test]
    fn comes_back_bit_for_bit_and_the_bytes_depend_on_the_content_alone() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(load_last(one.path()).unwrap().is_none());
        let saved = checkpoint(5);
        save_last(one.path(), &saved).unwrap();
        save_last(other.path(), &saved).unwrap();
        let loaded = load_last(one.path()).unwrap().unwrap();
        assert_same(&loaded, &saved);
        assert_eq!(loaded.progress.best, saved.progress.best);
        for name in ["last.safetensors", "last.state.safetensors"] {
            assert_eq!(fs::read(one.path().join(name)).unwrap(), fs::read(other.path().join(name)).unwrap());
        }
        assert_eq!(fs::read_dir(one.path()).unwrap().count(), 2);
        let weights = safetensors::load(one.path().join("last.safetensors")).unwrap();
        assert_eq!((weights.tensors.len(), weights.metadata["step"].as_str()), (1, "5"));
    }

    #[test]
    fn a_crash_after_any_operation_leaves_a_whole_pair() {
        for count in 0..=6 {
            let folder = tempfile::tempdir().unwrap();
            let (old, new) = (checkpoint(1), checkpoint(2));
            save_last(folder.path(), &old).unwrap();
            save_partly(folder.path(), &new, count);
            let expected = if count < 4 { &old } else { &new };
            for _ in 0..2 {
                assert_same(&load_last(folder.path()).unwrap().unwrap(), expected);
            }
            // What the crash left is in no one's way, whatever is saved next and wherever that crashes.
            for again in 0..=6 {
                let next = checkpoint(3 + again as u64);
                let before = load_last(folder.path()).unwrap().unwrap();
                save_partly(folder.path(), &next, again);
                let expected = if again < 4 { &before } else { &next };
                assert_same(&load_last(folder.path()).unwrap().unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_crash_while_a_file_is_written_leaves_the_old_pair() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (checkpoint(1), checkpoint(2));
        save_last(folder.path(), &old).unwrap();
        save_partly(folder.path(), &new, 2);
        let files = Files::of(folder.path());
        for path in [&files.new_state, &files.new_weights] {
            let whole = fs::read(path).unwrap();
            for len in (0..whole.len()).rev().step_by(7) {
                fs::write(path, &whole[..len]).unwrap();
                assert_same(&load_last(folder.path()).unwrap().unwrap(), &old);
            }
        }
    }

    #[test]
    fn the_first_checkpoint_is_none_until_its_weights_have_their_name() {
        for count in 0..=6 {
            let folder = tempfile::tempdir().unwrap();
            save_partly(folder.path(), &checkpoint(1), count);
            let loaded = load_last(folder.path()).unwrap();
            assert_eq!(
                loaded.map(|c| c.progress.step),
                (count >= 4).then_some(1),
                "after {count} operations"
            );
        }
    }

    #[test]
    fn a_power_cut_that_kept_only_the_second_rename_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        save_last(folder.path(), &checkpoint(1)).unwrap();
        let new = checkpoint(2);
        save_partly(folder.path(), &new, 3);
        let files = Files::of(folder.path());
        fs::rename(&files.new_state, &files.state).unwrap();
        assert_same(&load_last(folder.path()).unwrap().unwrap(), &new);
        assert!(!files.new_weights.exists());
    }

    #[test]
    fn what_cannot_be_mended_is_told() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        save_last(folder.path(), &checkpoint(1)).unwrap();
        save_last(other.path(), &checkpoint(2)).unwrap();
        let (files, others) = (Files::of(folder.path()), Files::of(other.path()));
        fs::copy(&others.state, &files.state).unwrap();
        let error = load_last(folder.path()).unwrap_err().to_string();
        assert!(error.contains("do not belong to the same step"), "{error}");

        fs::remove_file(&files.state).unwrap();
        let error = load_last(folder.path()).unwrap_err().to_string();
        assert!(error.contains("last.state.safetensors"), "{error}");

        save_last(folder.path(), &checkpoint(1)).unwrap();
        let mut bytes = fs::read(&files.weights).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&files.weights, bytes).unwrap();
        let error = load_last(folder.path()).unwrap_err().to_string();
        assert!(error.contains("last.safetensors: the file is damaged"), "{error}");
    }

    #[test]
    fn best_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        for step in [1, 2] {
            let metadata = BTreeMap::from([("step".to_string(), step.to_string())]);
            save_best(folder.path(), &checkpoint(step).weights, &metadata).unwrap();
            let best = safetensors::load(folder.path().join("best.safetensors")).unwrap();
            assert_eq!(best.tensors["fc.weight"].to_vec::<f32>(), [step as f32, 0.5]);
            assert_eq!(best.metadata, metadata);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
