//! A folder for a test with small MNIST-like files, and the command run in it.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use versant::data::{ImageSet, Part, digits, shapes};
use versant::io::idx::Idx;

/// The names of the four files: images and labels to train, images and labels to test.
pub const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// A folder of its own: `data/MNIST/raw`, `runs`.
pub struct Place {
    folder: TempDir,
}

/// How a command ended.
pub struct Done {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Place {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    /// With digits in MNIST's files.
    pub fn with_digits(train: usize, test: usize) -> Place {
        let place = Place::empty();
        place.write_digits("data", train, test);
        place
    }

    /// Writes digits as MNIST's files into a data folder.
    pub fn write_digits(&self, data_dir: &str, train: usize, test: usize) {
        let raw = self.path(data_dir).join("MNIST/raw");
        fs::create_dir_all(&raw).unwrap();
        for (names, part, count) in [(&FILES[..2], Part::Train, train), (&FILES[2..], Part::Test, test)] {
            let set = digits(count, part);
            Idx { dims: vec![count, 28, 28], data: set.images }.write(raw.join(names[0])).unwrap();
            Idx { dims: vec![count], data: set.labels }.write(raw.join(names[1])).unwrap();
        }
    }

    /// With textured shapes in CIFAR-10's files, in `data`.
    pub fn with_shapes(train: usize, test: usize) -> Place {
        let place = Place::empty();
        let folder = place.path("data/cifar-10-batches-bin");
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, set: &ImageSet, images: Range<usize>| {
            let record = |i: usize| [&[set.labels[i]], set.image(i)].concat();
            fs::write(folder.join(name), images.flat_map(record).collect::<Vec<u8>>()).unwrap();
        };
        let set = shapes(train, Part::Train);
        let each = train / 5;
        for i in 0..5 {
            write(&format!("data_batch_{}.bin", i + 1), &set, i * each..(i + 1) * each);
        }
        write("test_batch.bin", &shapes(test, Part::Test), 0..test);
        place
    }

    /// A path in the folder.
    pub fn path(&self, inner: &str) -> PathBuf {
        self.folder.path().join(inner)
    }

    /// One of MNIST's files.
    pub fn raw(&self, name: &str) -> PathBuf {
        self.path("data/MNIST/raw").join(name)
    }

    /// The command with these words, split at spaces, run in the folder. It hears nothing of this computer's settings,
    /// and finds no network.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_versant"));
        command.args(words.split_whitespace()).current_dir(self.folder.path()).stdin(Stdio::null());
        for name in ["VERSANT_DATA", "VERSANT_RUNS", "VERSANT_ISA", "VERSANT_THREADS"] {
            command.env_remove(name);
        }
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.env("VERSANT_MIRROR", "http://127.0.0.1:9/").env("XDG_CACHE_HOME", self.path("cache"));
        command
    }

    /// Runs the command to its end.
    pub fn run(&self, words: &str) -> Done {
        Done::from(self.command(words).output().unwrap())
    }

    /// Runs the command, which must succeed.
    pub fn succeed(&self, words: &str) -> Done {
        let done = self.run(words);
        assert_eq!(done.code, Some(0), "{words}: {}", done.stderr);
        done
    }

    /// Runs the command, which must refuse its input with one line that holds all of `parts`.
    pub fn refuse(&self, words: &str, parts: &[&str]) {
        self.run(words).refused(words, parts);
    }

    /// Starts the command, with its output kept for [`finish`].
    pub fn start(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The newest run's folder.
    pub fn latest(&self) -> PathBuf {
        fs::canonicalize(self.path("runs/latest")).unwrap()
    }
}

/// Waits for the end of a command that was started.
pub fn finish(child: Child) -> Done {
    Done::from(child.wait_with_output().unwrap())
}

impl From<Output> for Done {
    fn from(output: Output) -> Done {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Done {
    /// The last line of stdout as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout.lines().last().unwrap_or_default()).unwrap()
    }

    /// Checks that the input was refused: exit code 2, and one line on stderr that holds all of `parts`.
    pub fn refused(&self, what: &str, parts: &[&str]) {
        let stderr = &self.stderr;
        assert_eq!(self.code, Some(2), "{what}: {stderr}");
        let errors = stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "{what}: {stderr}");
        for part in parts {
            assert!(stderr.contains(part), "{what}: no {part:?} in: {stderr}");
        }
        for bad in ["panicked", "RUST_BACKTRACE", "unwrap"] {
            assert!(!stderr.contains(bad), "{what}: {stderr}");
        }
    }
}

/// The checkpoint files of a run.
pub fn checkpoints(run: &Path) -> Vec<Vec<u8>> {
    let names = ["last.safetensors", "last.state.safetensors", "best.safetensors"];
    names.iter().map(|name| fs::read(run.join("checkpoints").join(name)).unwrap()).collect()
}

/// The log of a run without its times.
pub fn metrics(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let without_time = |line: &str| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        record.as_object_mut().unwrap().remove("seconds");
        record
    };
    text.lines().map(without_time).collect()
}
