//! The folder of a run: `runs/<experiment>/<YYYYMMDD-HHMMSS>-<slug>/`, with times in UTC.
//!
//! ```text
//! runs/
//!   latest -> mnist/20260102-030405-mlp    the newest run
//!   mnist/20260102-030405-mlp/
//!     config.toml  meta.json  metrics.jsonl  summary.json
//!     checkpoints/  media/
//!     run.lock                             held while a process trains the run
//! ```

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Component, Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checkpoint::Progress;
use super::metrics_log::MetricsLog;
use super::record::{METRICS, Record};
use crate::error::{Error, Result};
use crate::io::atomic;

/// The pointer to the newest run.
const LATEST: &str = "latest";
/// `YYYYMMDD-HHMMSS`.
const STAMP: usize = 15;

/// The folder of a run, held by this process alone: the lock goes with this value, or with the process, however it
/// ends.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

/// A run as [`RunDir::list`] finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunInfo {
    /// Its folder.
    pub path: PathBuf,
    /// The experiment that it belongs to.
    pub experiment: String,
    /// The name of its folder: `20260102-030405-mlp`.
    pub name: String,
    /// Whether it came to its end: `summary.json` is there.
    pub finished: bool,
}

impl RunInfo {
    /// When it began, UTC: `20260102-030405`.
    pub fn started(&self) -> &str {
        &self.name[..STAMP]
    }
}

impl fmt::Display for RunInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.experiment, self.name)
    }
}

impl RunDir {
    /// Makes the folder of a new run and points `runs/latest` at it. Characters of `slug` that do not belong into a
    /// file's name become `-`; a second run of the same second gets `-2` behind its name.
    ///
    /// # Errors
    /// When `experiment` is not a plain folder name, or the folder cannot be made.
    pub fn create(
        runs_dir: impl AsRef<Path>,
        experiment: &str,
        slug: &str,
        now: SystemTime,
    ) -> Result<RunDir> {
        let runs_dir = runs_dir.as_ref();
        let plain =
            matches!(Path::new(experiment).components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
        if !plain || experiment.contains(['/', '\\', '\0']) || experiment == LATEST {
            return Err(Error::Config(format!(
                "experiment {experiment:?} cannot name a folder: use letters, digits and -, and not {LATEST:?}"
            )));
        }
        let folder = runs_dir.join(experiment);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let name = format!("{}-{}", timestamp(now), sanitise(slug));
        let path = create_free(&folder, &name)?;
        for inner in ["checkpoints", "media"] {
            let inner = path.join(inner);
            fs::create_dir(&inner).map_err(Error::io("create", &inner))?;
        }
        let run = RunDir::open(&path)?;
        if let Some(name) = path.file_name() {
            point_latest(runs_dir, &Path::new(experiment).join(name))?;
        }
        Ok(run)
    }

    /// Takes hold of an existing run, to train it on.
    ///
    /// # Errors
    /// When there is no run, or another process trains it.
    pub fn open(path: impl AsRef<Path>) -> Result<RunDir> {
        let path = path.as_ref().to_path_buf();
        if !is_run(&path) {
            return Err(Error::Config(format!(
                "{} is not a run: it has no folder checkpoints",
                path.display()
            )));
        }
        let lock = lock(&path)?;
        Ok(RunDir { path, _lock: lock })
    }

    /// The folder of the run that a user means: `last` (or `latest`), a path, a name, `experiment/name`, or the
    /// beginning of one of these names if it fits no other run. The run is not locked.
    ///
    /// # Errors
    /// When no run fits, or several do; the message lists some.
    pub fn find(runs_dir: impl AsRef<Path>, wanted: &str) -> Result<PathBuf> {
        let runs_dir = runs_dir.as_ref();
        let pointed = if matches!(wanted, "last" | LATEST) { latest(runs_dir) } else { None };
        if let Some(path) = pointed {
            return Ok(path);
        }
        if !wanted.is_empty() && is_run(Path::new(wanted)) {
            return Ok(PathBuf::from(wanted));
        }
        let mut runs = RunDir::list(runs_dir)?;
        let Some(newest) = runs.last() else {
            return Err(Error::Config(format!("there are no runs in {} yet", runs_dir.display())));
        };
        if matches!(wanted, "last" | LATEST) {
            return Ok(newest.path.clone());
        }
        if let Some(run) = runs.iter().find(|run| run.name == wanted || run.to_string() == wanted) {
            return Ok(run.path.clone());
        }
        let begins = |run: &&RunInfo| run.name.starts_with(wanted) || run.to_string().starts_with(wanted);
        let fits: Vec<&RunInfo> = runs.iter().filter(begins).collect();
        match fits[..] {
            [run] => Ok(run.path.clone()),
            [] => {
                runs.reverse();
                Err(Error::Config(format!("there is no run {wanted:?}; the newest are {}", names(&runs))))
            }
            _ => {
                let fits: Vec<RunInfo> = fits.into_iter().rev().cloned().collect();
                Err(Error::Config(format!("{wanted:?} fits {} runs: {}", fits.len(), names(&fits))))
            }
        }
    }

    /// All runs, the oldest first; none when the folder does not exist.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn list(runs_dir: impl AsRef<Path>) -> Result<Vec<RunInfo>> {
        let mut runs = Vec::new();
        for (experiment, folder) in folders(runs_dir.as_ref())? {
            if experiment == LATEST {
                continue;
            }
            for (name, path) in folders(&folder)? {
                if is_stamped(&name) && is_run(&path) {
                    let finished = path.join("summary.json").exists();
                    runs.push(RunInfo { path, experiment: experiment.clone(), name, finished });
                }
            }
        }
        // `mlp`, `mlp-2`, `mlp-10`: in the order in which they were made.
        runs.sort_by(|a, b| {
            let key = |run: &RunInfo| (run.started().to_string(), run.name.len(), run.to_string());
            key(a).cmp(&key(b))
        });
        Ok(runs)
    }

    /// The run's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder for [`checkpoint`](crate::train::checkpoint) files.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// The folder for figures.
    pub fn media(&self) -> PathBuf {
        self.path.join("media")
    }

    /// Writes `config.toml`: the settings as resolved.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_config(&self, toml: &str) -> Result<()> {
        atomic::write(self.path.join("config.toml"), |w| w.write_all(toml.as_bytes()))
    }

    /// Writes `meta.json`: where the run comes from (see
    /// [`environment_meta`](crate::train::environment::environment_meta)).
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_meta(&self, meta: &impl Serialize) -> Result<()> {
        self.write_json("meta.json", meta)
    }

    /// Writes `summary.json`: the results. Its presence tells that the run has finished.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_summary(&self, summary: &impl Serialize) -> Result<()> {
        self.write_json("summary.json", summary)
    }

    /// Opens `metrics.jsonl` to go on from where a run has come; from the start it is emptied.
    ///
    /// # Errors
    /// As [`MetricsLog::open`].
    pub fn metrics(&self, progress: &Progress) -> Result<MetricsLog> {
        let path = self.path.join(METRICS);
        // An epoch's line has the number of its last step, but is behind it.
        let keep = |record: &Value| match Record::deserialize(record) {
            Ok(Record::Step(step)) => step.step <= progress.step,
            Ok(Record::Epoch(epoch)) => epoch.epoch <= progress.epoch,
            Err(_) => false,
        };
        MetricsLog::open(path, (progress.step > 0).then_some(&keep))
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        atomic::write(self.path.join(name), |w| {
            serde_json::to_writer_pretty(&mut *w, value)?;
            w.write_all(b"\n")
        })
    }
}

/// Reads the `meta.json` of a run's folder, which needs no lock.
///
/// # Errors
/// When it is missing or no JSON.
pub fn meta_of(run: impl AsRef<Path>) -> Result<Value> {
    let path = run.as_ref().join("meta.json");
    let text = fs::read(&path).map_err(Error::io("read", &path))?;
    serde_json::from_slice(&text).map_err(|e| Error::format(&path, e.to_string()))
}

/// Takes the run's lock, which the system gives back when the process ends.
fn lock(run: &Path) -> Result<File> {
    let path = run.join("run.lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(Error::io("create", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // Some systems do not let others read a locked file.
            let _ = file.read_to_string(&mut holder);
            let holder = if holder.is_empty() { String::new() } else { format!(" ({})", holder.trim()) };
            return Err(Error::Config(format!(
                "{} is being trained by another process{holder}: wait for it, stop it, or start a new run",
                run.display()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(Error::io("lock", &path)(e)),
    }
    // For the message above; a run can be trained without it.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "process {}", std::process::id()));
    Ok(file)
}

/// Makes `name`, or `name-2`, `name-3`, ... if it is taken.
fn create_free(folder: &Path, name: &str) -> Result<PathBuf> {
    let mut count = 1;
    loop {
        let path = if count == 1 { folder.join(name) } else { folder.join(format!("{name}-{count}")) };
        match fs::create_dir(&path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => count += 1,
            made => return made.map(|()| path.clone()).map_err(Error::io("create", &path)),
        }
    }
}

/// Lets `runs/latest` point at `run`, a path from the runs folder: a symbolic link, or a text file where there are
/// none.
fn point_latest(runs_dir: &Path, run: &Path) -> Result<()> {
    let pointer = runs_dir.join(LATEST);
    if link(run, &pointer).is_ok() {
        return Ok(());
    }
    atomic::write(&pointer, |w| writeln!(w, "{}", run.display()))
}

#[cfg(unix)]
fn link(run: &Path, pointer: &Path) -> io::Result<()> {
    let new = atomic::name_beside(pointer)?;
    std::os::unix::fs::symlink(run, &new)?;
    fs::rename(&new, pointer).inspect_err(|_| {
        let _ = fs::remove_file(&new);
    })
}

#[cfg(not(unix))]
fn link(_run: &Path, _pointer: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// The run that `runs/latest` points at, if it is there.
fn latest(runs_dir: &Path) -> Option<PathBuf> {
    let pointer = runs_dir.join(LATEST);
    let run = fs::read_link(&pointer)
        .or_else(|_| fs::read_to_string(&pointer).map(|text| PathBuf::from(text.trim_end())))
        .ok()?;
    Some(runs_dir.join(run)).filter(|path| is_run(path))
}

fn is_run(path: &Path) -> bool {
    path.join("checkpoints").is_dir()
}

/// The folders in a folder, with their names; none when it does not exist.
fn folders(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::io("read", path))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("read", path))?;
        if let Ok(name) = entry.file_name().into_string()
            && entry.path().is_dir()
        {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

fn is_stamped(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > STAMP
        && bytes[..=STAMP].iter().enumerate().all(|(i, b)| match i {
            8 | STAMP => *b == b'-',
            _ => b.is_ascii_digit(),
        })
}

fn names(runs: &[RunInfo]) -> String {
    runs.iter().take(5).map(RunInfo::to_string).collect::<Vec<_>>().join(", ")
}

fn sanitise(slug: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '=') { c } else { '-' };
    let slug: String = slug.chars().take(80).map(kept).collect();
    let parts: Vec<&str> = slug.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "run".into() } else { parts.join("-") }
}

/// `YYYYMMDD-HHMMSS` in UTC. The date is counted in eras of 400 years that begin on 1 March, as in
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>. Times before 1970 count as its first second.
fn timestamp(now: SystemTime) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

#[cfg(test)]
mod tests;
