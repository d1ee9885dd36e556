//! Fetching data sets: from mirrors in turn, resumed where it was cut, checked by SHA-256.
//!
//! Plain HTTP without TLS, whose crates need a C compiler: what a mirror or a stranger on the way may change is
//! found by the checksum, and no secret travels. `$VERSANT_MIRROR`, the address of a folder of files such as
//! `http://192.168.1.5:8000/`, is tried before the public mirrors: one computer can serve a classroom.
//!
//! A [`Downloader`] has patience for five seconds in all, over files and mirrors: so much waiting for the network,
//! from looking up a name to a transfer that has stalled, may pass without at least 64 KiB or a whole file to show
//! for it.

mod part;
#[cfg(test)]
mod tests;
mod transfer;

use std::path::Path;
use std::time::{Duration, Instant};

use self::part::Part;
use self::transfer::{Event, Transfer};
use crate::{Error, Result};

/// How long a dead network is waited for, in all.
const PATIENCE: Duration = Duration::from_secs(5);
/// Received bytes that renew the patience.
const RENEWED_BY: u64 = 64 << 10;
/// Requests to one mirror for one file: the first, and resumptions after a cut.
const REQUESTS: usize = 4;

/// A file to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSpec<'a> {
    /// Its name at the mirrors.
    pub name: &'a str,
    /// SHA-256 of its content in lower-case hexadecimal.
    pub sha256: &'a str,
    /// Whether that is of what a gzipped file unpacks to, instead of the file as it stands.
    pub unpacked: bool,
    /// The most bytes that are received, and unpacked.
    pub max_bytes: u64,
}

/// How far the transfer of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// [`FileSpec::name`].
    pub name: &'a str,
    /// Bytes on disk.
    pub received: u64,
    /// Bytes of the whole file, if the mirror told.
    pub total: Option<u64>,
}

/// Fetches files from mirrors.
pub struct Downloader {
    mirrors: Vec<String>,
    patience: Duration,
    left: Duration,
}

/// Why a mirror did not do.
enum Failure {
    /// Another mirror may do.
    Mirror(String),
    /// No mirror will: the fault is on this computer.
    Local(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Local(error)
    }
}

impl Downloader {
    /// Mirrors in the order to try them: base addresses, to which a file's name is added.
    pub fn new(mirrors: &[&str]) -> Downloader {
        let mirrors = mirrors.iter().map(|mirror| mirror.trim_end_matches('/').to_string()).collect();
        Downloader { mirrors, patience: PATIENCE, left: PATIENCE }
    }

    /// [`new`](Downloader::new) with `$VERSANT_MIRROR` before the others, if it is set.
    pub fn from_env(mirrors: &[&str]) -> Downloader {
        let own = std::env::var("VERSANT_MIRROR").unwrap_or_default();
        let all: Vec<&str> = Some(own.as_str())
            .filter(|own| !own.is_empty())
            .into_iter()
            .chain(mirrors.iter().copied())
            .collect();
        Downloader::new(&all)
    }

    /// Waits for the network for this long instead of five seconds.
    pub fn with_patience(self, patience: Duration) -> Downloader {
        Downloader { patience, left: patience, ..self }
    }

    /// Fetches a file to `dest`, whose folder is made if need be; nothing happens if `dest` exists.
    ///
    /// The transfer is collected in `dest` with `.part` added, and renamed when its content is right. After a
    /// failure a `.part` stays for the next call to resume, unless its content was wrong.
    ///
    /// # Errors
    /// [`Error::Network`] with each mirror's reason; [`Error::Io`] if the file cannot be written.
    pub fn fetch(&mut self, file: &FileSpec, dest: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
        if dest.exists() {
            return Ok(());
        }
        let mut part = Part::open(dest)?;
        // Another process may have finished between the question and the lock.
        if dest.exists() {
            part.discard();
            return Ok(());
        }
        if part.len() > 0 && part.check(file)?.is_ok() {
            return part.finish(dest);
        }
        let mut reasons = Vec::new();
        for turn in 0..self.mirrors.len() {
            match self.fetch_from(turn, file, &mut part, progress) {
                Ok(()) => {
                    self.left = self.patience;
                    // The next file is best asked for where this one was.
                    self.mirrors[..=turn].rotate_right(1);
                    return part.finish(dest);
                }
                Err(Failure::Mirror(reason)) => reasons.push(format!("{}: {reason}", self.mirrors[turn])),
                Err(Failure::Local(error)) => return Err(error),
            }
        }
        if part.len() == 0 {
            part.discard();
        }
        Err(Error::Network(format!("cannot download {} ({})", file.name, reasons.join("; "))))
    }

    /// Completes the part from one mirror, with the right content.
    fn fetch_from(
        &mut self,
        turn: usize,
        file: &FileSpec,
        part: &mut Part,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(), Failure> {
        let mut own = part.len() == 0;
        let mut reason = String::new();
        for _ in 0..REQUESTS {
            let before = part.len();
            match self.transfer(turn, file, part, progress) {
                Ok(()) => {
                    let Err(wrong) = part.check(file)? else { return Ok(()) };
                    part.clear()?;
                    // A part begun elsewhere may be what was wrong: once again, all from here.
                    if own {
                        return Err(Failure::Mirror(wrong));
                    }
                    (own, reason) = (true, wrong);
                }
                Err(Failure::Mirror(cut)) if part.len() != before => reason = cut,
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Mirror(reason))
    }

    /// One request: appends to the part what it lacks.
    fn transfer(
        &mut self,
        turn: usize,
        file: &FileSpec,
        part: &mut Part,
        progress: &mut dyn FnMut(Progress),
    ) -> std::result::Result<(), Failure> {
        let url = format!("{}/{}", self.mirrors[turn], file.name);
        let transfer = Transfer::start(url, part.len(), self.patience);
        // The mirrors after this one get their share of the patience.
        let sharers = (self.mirrors.len() - turn) as u32;
        let mut share = self.left / sharers;
        let (mut total, mut unrewarded) = (None, 0);
        loop {
            let asked = Instant::now();
            let event = transfer.next(share);
            let waited = asked.elapsed();
            share = share.saturating_sub(waited);
            self.left = self.left.saturating_sub(waited);
            match event.map_err(Failure::Mirror)? {
                Event::Start { resumed, length } => {
                    if !resumed {
                        part.clear()?;
                    }
                    total = length.map(|length| part.len().saturating_add(length));
                    if total.is_some_and(|total| total > file.max_bytes) {
                        return Err(too_large(file));
                    }
                }
                Event::Bytes(bytes) => {
                    if part.len() + bytes.len() as u64 > file.max_bytes {
                        part.clear()?;
                        return Err(too_large(file));
                    }
                    part.append(&bytes)?;
                    progress(Progress { name: file.name, received: part.len(), total });
                    unrewarded += bytes.len() as u64;
                    if unrewarded >= RENEWED_BY {
                        (self.left, unrewarded) = (self.patience, 0);
                        share = self.left / sharers;
                    }
                }
                Event::BeyondEnd => {
                    part.clear()?;
                    return Err(Failure::Mirror("it has less of the file than is here already".into()));
                }
                Event::End => return Ok(()),
            }
        }
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn too_large(file: &FileSpec) -> Failure {
    Failure::Mirror(format!("more than the {} bytes that the file may have", file.max_bytes))
}
