//! `metrics.jsonl`: what a run measured, one JSON object a line, each with the step it belongs to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::io::atomic;

/// Appends to `metrics.jsonl`. A line is handed to the system at once, so that a killed process loses none.
#[derive(Debug)]
pub struct MetricsLog {
    file: File,
    path: PathBuf,
    /// The length of the whole lines in the file.
    len: u64,
}

impl MetricsLog {
    /// Opens a log and keeps of its records those that `keep` accepts: a run that goes on from a checkpoint drops
    /// what it will measure again. A half-written last line goes too. `None` begins an empty log. For neither a
    /// repeated nor a lost line, a run writes all lines of a step before that step's checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a line amid good ones is no record.
    pub fn open(path: impl AsRef<Path>, keep: Option<&dyn Fn(&Value) -> bool>) -> Result<MetricsLog> {
        let path = path.as_ref();
        let old = match fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Error::io("read", path))?,
        };
        let kept = match keep {
            Some(keep) => accepted(&old, keep).map_err(|reason| Error::format(path, reason))?,
            None => Vec::new(),
        };
        if kept != old {
            atomic::write(path, |w| w.write_all(&kept))?;
        }
        let file =
            OpenOptions::new().append(true).create(true).open(path).map_err(Error::io("write", path))?;
        Ok(MetricsLog { file, path: path.to_path_buf(), len: kept.len() as u64 })
    }

    /// Appends one record. NaN and infinities become `null`, as JSON has none.
    ///
    /// # Errors
    /// When the disk is full or the file is gone; the log then ends with the line before.
    pub fn append(&mut self, record: &impl Serialize) -> Result<()> {
        let written = serde_json::to_vec(record).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.file.write_all(&line).map(|()| line.len() as u64)
        });
        match written {
            Ok(len) => self.len += len,
            Err(e) => {
                // Half a line must not run into the next one. Opening the log again would mend it too.
                let _ = self.file.set_len(self.len);
                return Err(Error::io("write", &self.path)(e));
            }
        }
        Ok(())
    }
}

/// The lines of the records that `keep` accepts.
fn accepted(log: &[u8], keep: &dyn Fn(&Value) -> bool) -> std::result::Result<Vec<u8>, String> {
    let mut kept = Vec::new();
    let mut bad = None;
    for (number, line) in log.split_inclusive(|&b| b == b'\n').enumerate() {
        let whole = Some(line).filter(|line| line.ends_with(b"\n"));
        let record =
            whole.and_then(|line| serde_json::from_slice::<Value>(line).ok()).filter(Value::is_object);
        match (record.map(|r| keep(&r)), bad) {
            (Some(true), None) => kept.extend_from_slice(line),
            (Some(true), Some(bad)) => {
                return Err(format!("line {bad} is not a record; remove that line to resume"));
            }
            (None, None) => bad = Some(number + 1),
            _ => {}
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step_of(record: &Value) -> u64 {
        record["step"].as_u64().unwrap()
    }

    fn steps(path: &Path) -> Vec<u64> {
        let log = fs::read(path).unwrap();
        let lines = log.split_inclusive(|&b| b == b'\n');
        lines.map(|line| step_of(&serde_json::from_slice(line).unwrap())).collect()
    }

    #[test]
    fn a_resumed_log_is_the_log_that_was_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
        let write = |log: &mut MetricsLog, steps: std::ops::Range<u64>| {
            for step in steps {
                log.append(&json!({ "step": step, "loss": 1.0 / step as f64 })).unwrap();
            }
        };
        write(&mut MetricsLog::open(&whole, None).unwrap(), 0..10);
        let expected = fs::read(&whole).unwrap();
        // Killed at every length of the file, resumed from a checkpoint of step 4 if that far, else from the start.
        for len in 0..=expected.len() {
            fs::write(&resumed, &expected[..len]).unwrap();
            let reached = expected[..len].iter().filter(|&&b| b == b'\n').count();
            let next = if reached > 4 { 5 } else { 0 };
            let keep = |record: &Value| step_of(record) < next;
            write(&mut MetricsLog::open(&resumed, Some(&keep)).unwrap(), next..10);
            assert_eq!(fs::read(&resumed).unwrap(), expected, "cut at {len}");
        }
    }

    #[test]
    fn every_line_is_on_its_way_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, None).unwrap();
        log.append(&json!({ "step": 1, "loss": 0.5 })).unwrap();
        log.append(&json!({ "step": 2, "loss": f64::NAN })).unwrap();
        assert_eq!(steps(&path), [1, 2]);
        assert!(fs::read_to_string(&path).unwrap().contains("\"loss\":null"));
    }

    #[test]
    fn a_damaged_line_amid_good_ones_is_told_and_trailing_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let keep = |record: &Value| step_of(record) <= 5;
        fs::write(&path, "{\"step\":1}\n\0\0\0\n{\"step\":9}\n{\"st").unwrap();
        drop(MetricsLog::open(&path, Some(&keep)).unwrap());
        assert_eq!(steps(&path), [1]);
        fs::write(&path, "{\"step\":1}\nnonsense\n{\"step\":2}\n").unwrap();
        let error = MetricsLog::open(&path, Some(&keep)).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl: line 2 is not a record"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut log = MetricsLog { file, path: "metrics.jsonl".into(), len: 0 };
        let error = log.append(&json!({ "step": 1 })).unwrap_err().to_string();
        assert!(error.contains("cannot write metrics.jsonl"), "{error}");
    }
}
