//! `metrics.jsonl`: what a run measured, one JSON object a line, each with the step it belongs to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

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
    /// Opens the log of a run that goes on after `step`: later lines go, since they will be measured again, and so does
    /// a half-written last one. `None` begins an empty log. For neither a repeated nor a lost line, a run writes all
    /// lines of a step before that step's checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read or written, or a line amid good ones is no record.
    pub fn open(path: impl AsRef<Path>, step: Option<u64>) -> Result<MetricsLog> {
        let path = path.as_ref();
        let old = match fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(Error::io("read", path))?,
        };
        let kept = match step {
            Some(step) => up_to(&old, step).map_err(|reason| Error::format(path, reason))?,
            None => Vec::new(),
        };
        if kept != old {
            atomic::write(path, |w| w.write_all(&kept))?;
        }
        let file =
            OpenOptions::new().append(true).create(true).open(path).map_err(Error::io("write", path))?;
        Ok(MetricsLog { file, path: path.to_path_buf(), len: kept.len() as u64 })
    }

    /// Appends one record, with `"step"` among its fields. NaN and infinities become `null`, as JSON has none.
    ///
    /// # Errors
    /// When the disk is full or the file is gone; the log then ends with the line before.
    pub fn append(&mut self, step: u64, fields: Map<String, Value>) -> Result<()> {
        let mut record = Map::from_iter([("step".to_string(), json!(step))]);
        record.extend(fields);
        record.insert("step".to_string(), json!(step));
        let line = format!("{}\n", Value::Object(record));
        if let Err(e) = self.file.write_all(line.as_bytes()) {
            // Half a line must not run into the next one. Opening the log again would mend it too.
            let _ = self.file.set_len(self.len);
            return Err(Error::io("write", &self.path)(e));
        }
        self.len += line.len() as u64;
        Ok(())
    }
}

/// The lines of the records up to a step.
fn up_to(log: &[u8], step: u64) -> std::result::Result<Vec<u8>, String> {
    let mut kept = Vec::new();
    let mut bad = None;
    for (number, line) in log.split_inclusive(|&b| b == b'\n').enumerate() {
        let record = Some(line).filter(|line| line.ends_with(b"\n")).and_then(step_of);
        match (record, bad) {
            (Some(at), None) if at <= step => kept.extend_from_slice(line),
            (Some(at), Some(bad)) if at <= step => {
                return Err(format!("line {bad} is not a record with a step; remove that line to resume"));
            }
            (None, None) => bad = Some(number + 1),
            _ => {}
        }
    }
    Ok(kept)
}

fn step_of(line: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Value>(line).ok()?.get("step")?.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(value: f64) -> Map<String, Value> {
        Map::from_iter([("loss".to_string(), json!(value))])
    }

    fn steps(path: &Path) -> Vec<u64> {
        fs::read(path).unwrap().split_inclusive(|&b| b == b'\n').map(|line| step_of(line).unwrap()).collect()
    }

    #[test]
    fn a_resumed_log_is_the_log_that_was_never_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, resumed) = (folder.path().join("whole"), folder.path().join("resumed"));
        let write = |log: &mut MetricsLog, steps: std::ops::Range<u64>| {
            for step in steps {
                log.append(step, fields(1.0 / step as f64)).unwrap();
            }
        };
        write(&mut MetricsLog::open(&whole, None).unwrap(), 0..10);
        let expected = fs::read(&whole).unwrap();
        // Killed at every length of the file, resumed from a checkpoint of step 4 if that far, else from the start.
        for len in 0..=expected.len() {
            fs::write(&resumed, &expected[..len]).unwrap();
            let reached = expected[..len].iter().filter(|&&b| b == b'\n').count();
            let (from, next) = if reached > 4 { (Some(4), 5) } else { (None, 0) };
            write(&mut MetricsLog::open(&resumed, from).unwrap(), next..10);
            assert_eq!(fs::read(&resumed).unwrap(), expected, "cut at {len}");
        }
    }

    #[test]
    fn every_line_is_on_its_way_at_once_and_has_its_step() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path, None).unwrap();
        log.append(1, fields(0.5)).unwrap();
        log.append(1, Map::from_iter([("step".to_string(), json!("mine"))])).unwrap();
        log.append(2, fields(f64::NAN)).unwrap();
        assert_eq!(steps(&path), [1, 1, 2]);
        assert!(fs::read_to_string(&path).unwrap().contains("\"loss\":null"));
    }

    #[test]
    fn a_damaged_line_amid_good_ones_is_told_and_trailing_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\":1}\n\0\0\0\n{\"step\":9}\n{\"st").unwrap();
        drop(MetricsLog::open(&path, Some(5)).unwrap());
        assert_eq!(steps(&path), [1]);
        fs::write(&path, "{\"step\":1}\nnonsense\n{\"step\":2}\n").unwrap();
        let error = MetricsLog::open(&path, Some(5)).unwrap_err().to_string();
        assert!(error.contains("metrics.jsonl: line 2 is not a record"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut log = MetricsLog { file, path: "metrics.jsonl".into(), len: 0 };
        let error = log.append(1, fields(1.0)).unwrap_err().to_string();
        assert!(error.contains("cannot write metrics.jsonl"), "{error}");
    }
}
