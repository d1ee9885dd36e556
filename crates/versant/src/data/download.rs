//! Fetching files over plain HTTP. What arrives is trusted only by its SHA-256, so no encryption is needed for it to
//! be the right file, and the library builds without a C compiler.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::error::{Error, Result};

/// What a network that does not answer may cost, over all mirrors and files together.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A transfer that has begun is given up when its bytes stop coming for so long.
const STALL: Duration = Duration::from_secs(5);

/// A gzipped file to fetch.
pub struct FileSpec<'a> {
    /// Its name, on the server and on disk.
    pub name: &'a str,
    /// SHA-256 of its unpacked content, in hexadecimal.
    pub sha256: &'a str,
    /// Unpacked, it is no larger than this.
    pub max_bytes: u64,
}

/// Tells a caller how a file comes along: name, bytes so far, bytes in all if known.
pub type Progress<'a> = dyn FnMut(&str, u64, Option<u64>) + 'a;

/// Fetches files from mirrors, waiting for answers no longer than its patience in all.
pub struct Downloader {
    mirrors: Vec<String>,
    patience: Duration,
    waited: Duration,
}

impl Downloader {
    /// From these folders on the web, tried in turn; each ends in `/`.
    pub fn new(mirrors: &[&str], patience: Duration) -> Downloader {
        Downloader {
            mirrors: mirrors.iter().map(|m| m.to_string()).collect(),
            patience,
            waited: Duration::ZERO,
        }
    }

    /// Fetches one file into a folder. A part that an earlier attempt left (`NAME.part`) is gone on with; the file
    /// appears under its name only when it is whole and its checksum right.
    ///
    /// # Errors
    /// When no mirror gives the file; the message tells what each said. When it cannot be written.
    pub fn fetch(&mut self, spec: &FileSpec, folder: &Path, progress: &mut Progress) -> Result<PathBuf> {
        let path = folder.join(spec.name);
        let part = folder.join(format!("{}.part", spec.name));
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let mut said = Vec::new();
        for mirror in self.mirrors.clone() {
            let url = format!("{mirror}{}", spec.name);
            // A connection that breaks is taken up once more where it broke.
            for _ in 0..2 {
                match self.transfer(&url, spec, &part, progress) {
                    Ok(()) => match verify(&part, spec)? {
                        Ok(()) => {
                            fs::rename(&part, &path).map_err(Error::io("create", &path))?;
                            return Ok(path);
                        }
                        Err(reason) => {
                            fs::remove_file(&part).map_err(Error::io("remove", &part))?;
                            said.push(format!("{url}: {reason}"));
                            break;
                        }
                    },
                    Err(Failure::Disk(error)) => return Err(error),
                    Err(Failure::Refused(reason)) => {
                        said.push(format!("{url}: {reason}"));
                        break;
                    }
                    Err(Failure::Broken(reason)) => said.push(format!("{url}: {reason}")),
                }
            }
        }
        Err(Error::Network(format!("{} could not be fetched ({})", spec.name, said.join("; "))))
    }

    /// Brings `part` up to the whole file.
    fn transfer(
        &mut self,
        url: &str,
        spec: &FileSpec,
        part: &Path,
        progress: &mut Progress,
    ) -> std::result::Result<(), Failure> {
        let have = fs::metadata(part).map_or(0, |m| m.len());
        let response = self.ask(url, have)?;
        let status = response.status();
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            // The part is whole already, or not of this file: the checksum will tell.
            return if have > 0 { Ok(()) } else { Err(Failure::Refused(status.to_string())) };
        }
        let goes_on = status == StatusCode::PARTIAL_CONTENT;
        if !goes_on && status != StatusCode::OK {
            return Err(Failure::Refused(status.to_string()));
        }
        let start = if goes_on { have } else { 0 };
        let length =
            response.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let total = length.map(|n| n + start);
        let disk = |e| Failure::Disk(Error::io("write", part)(e));
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(goes_on)
            .truncate(!goes_on)
            .open(part)
            .map_err(disk)?;
        let mut body = response.into_body().into_reader();
        let (mut done, mut buffer) = (start, vec![0; 1 << 16]);
        progress(spec.name, done, total);
        loop {
            let n = body.read(&mut buffer).map_err(|e| Failure::Broken(e.to_string()))?;
            if n == 0 {
                break;
            }
            done += n as u64;
            // A packed file may be a little larger than what is in it, never much.
            if done > spec.max_bytes + (1 << 20) {
                return Err(Failure::Refused(format!(
                    "sends more than the {} bytes expected",
                    spec.max_bytes
                )));
            }
            file.write_all(&buffer[..n]).map_err(disk)?;
            progress(spec.name, done, total);
        }
        if total.is_some_and(|total| done < total) {
            return Err(Failure::Broken(format!("broke off after {done} bytes")));
        }
        file.sync_all().map_err(disk)
    }

    /// Sends the request. The time until the answer is taken from the patience that is left.
    fn ask(&mut self, url: &str, from: u64) -> std::result::Result<Response<ureq::Body>, Failure> {
        let left = self.patience.saturating_sub(self.waited);
        if left.is_zero() {
            return Err(Failure::Refused("no time is left to try it".into()));
        }
        let agent: Agent = Agent::config_builder()
            // The phases follow one another: together they take no more than is left.
            .timeout_resolve(Some(left * 4 / 10))
            .timeout_connect(Some(left * 3 / 10))
            .timeout_recv_response(Some(left * 3 / 10))
            .timeout_per_read(Some(STALL))
            .http_status_as_error(false)
            .max_redirects(3)
            .build()
            .into();
        let start = Instant::now();
        let mut request = agent.get(url);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let answer = request.call();
        if answer.is_err() {
            self.waited += start.elapsed();
        }
        answer.map_err(|e| Failure::Refused(e.to_string()))
    }
}

/// Why a transfer did not come to its end.
enum Failure {
    /// This mirror will not give the file.
    Refused(String),
    /// The connection broke: what came so far stays.
    Broken(String),
    /// Our own disk.
    Disk(Error),
}

/// Whether a fetched file unpacks to the right content; reads no more than it may hold.
fn verify(part: &Path, spec: &FileSpec) -> Result<std::result::Result<(), String>> {
    let file = File::open(part).map_err(Error::io("read", part))?;
    let mut content = MultiGzDecoder::new(std::io::BufReader::new(file)).take(spec.max_bytes + 1);
    let (mut digest, mut buffer, mut size) = (Sha256::new(), vec![0; 1 << 16], 0);
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                digest.update(&buffer[..n]);
                size += n as u64;
            }
            Err(error) => return Ok(Err(format!("cannot be unpacked ({error})"))),
        }
    }
    if size > spec.max_bytes {
        return Ok(Err(format!("unpacks to more than {} bytes", spec.max_bytes)));
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found != spec.sha256 {
        return Ok(Err(format!("has SHA-256 {}..., expected {}...", &found[..12], &spec.sha256[..12])));
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn sha256(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Serves every connection with `answer(request, connection number)` on a port of its own; gives the base URL
    /// and the requests so far.
    fn serve(answer: impl Fn(&str, usize) -> Vec<u8> + Send + 'static) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let request = read_head(&stream);
                seen.lock().unwrap().push(request.clone());
                let _ = (&stream).write_all(&answer(&request, number));
            }
        });
        (url, requests)
    }

    fn read_head(mut stream: &TcpStream) -> String {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            head.push(byte[0]);
        }
        String::from_utf8_lossy(&head).to_lowercase()
    }

    fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    /// Where the request asks to go on.
    fn range(request: &str) -> Option<usize> {
        request.split("range: bytes=").nth(1)?.split('-').next()?.parse().ok()
    }

    struct Case {
        content: Vec<u8>,
        packed: Vec<u8>,
        hash: String,
        folder: tempfile::TempDir,
    }

    impl Case {
        fn new() -> Case {
            let content: Vec<u8> = (0..200_000u32).map(|i| (i * i >> 7) as u8).collect();
            let (packed, hash) = (gz(&content), sha256(&content));
            Case { content, packed, hash, folder: tempfile::tempdir().unwrap() }
        }

        fn fetch(&self, mirrors: &[&str]) -> Result<PathBuf> {
            let spec = FileSpec { name: "file.gz", sha256: &self.hash, max_bytes: self.content.len() as u64 };
            let mut downloader = Downloader::new(mirrors, Duration::from_millis(600));
            downloader.fetch(&spec, self.folder.path(), &mut |_, _, _| {})
        }

        fn part(&self) -> PathBuf {
            self.folder.path().join("file.gz.part")
        }

        #[track_caller]
        fn arrives(&self, mirrors: &[&str]) {
            let path = self.fetch(mirrors).unwrap();
            assert_eq!(fs::read(path).unwrap(), self.packed);
            assert!(!self.part().exists());
        }
    }

    #[test]
    fn a_whole_file_and_its_progress() {
        let case = Case::new();
        let packed = case.packed.clone();
        let (url, _) = serve(move |_, _| response("200 OK", packed.len(), &packed));
        let spec = FileSpec { name: "file.gz", sha256: &case.hash, max_bytes: case.content.len() as u64 };
        let mut last = (0, None);
        let mut downloader = Downloader::new(&[&url], PATIENCE);
        downloader.fetch(&spec, case.folder.path(), &mut |_, done, total| last = (done, total)).unwrap();
        assert_eq!(last, (case.packed.len() as u64, Some(case.packed.len() as u64)));
    }

    #[test]
    fn a_part_is_gone_on_with() {
        let case = Case::new();
        fs::write(case.part(), &case.packed[..70_000]).unwrap();
        let packed = case.packed.clone();
        let (url, requests) = serve(move |request, _| {
            let rest = &packed[range(request).unwrap()..];
            response("206 Partial Content", rest.len(), rest)
        });
        case.arrives(&[&url]);
        assert!(requests.lock().unwrap()[0].contains("range: bytes=70000-"));
    }

    #[test]
    fn a_server_without_ranges_starts_again() {
        let case = Case::new();
        fs::write(case.part(), &case.packed[..70_000]).unwrap();
        let packed = case.packed.clone();
        let (url, _) = serve(move |_, _| response("200 OK", packed.len(), &packed));
        case.arrives(&[&url]);
    }

    #[test]
    fn a_broken_connection_is_taken_up_where_it_broke() {
        let case = Case::new();
        let packed = case.packed.clone();
        let (url, requests) = serve(move |request, number| match number {
            0 => response("200 OK", packed.len(), &packed[..90_000]),
            _ => {
                let rest = &packed[range(request).unwrap()..];
                response("206 Partial Content", rest.len(), rest)
            }
        });
        case.arrives(&[&url]);
        assert!(requests.lock().unwrap()[1].contains("range: bytes=90000-"));
    }

    #[test]
    fn a_wrong_or_absent_file_sends_to_the_next_mirror() {
        let case = Case::new();
        let packed = case.packed.clone();
        let (good, _) = serve(move |_, _| response("200 OK", packed.len(), &packed));
        let wrong = gz(&vec![7; 200_000]);
        let (bad, _) = serve(move |_, _| response("200 OK", wrong.len(), &wrong));
        let (absent, _) = serve(|_, _| response("404 Not Found", 0, &[]));
        case.arrives(&[&absent, &bad, &good]);

        let other = Case::new();
        let error = other.fetch(&[&absent, &bad]).unwrap_err().to_string();
        assert!(error.contains("404") && error.contains("has SHA-256"), "{error}");
        assert!(!other.part().exists());
    }

    #[test]
    fn a_bomb_is_not_unpacked() {
        let case = Case::new();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 30_000_000]).unwrap();
        let bomb = encoder.finish().unwrap();
        let (url, _) = serve(move |_, _| response("200 OK", bomb.len(), &bomb));
        let error = case.fetch(&[&url]).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than 200000 bytes"), "{error}");
    }

    #[test]
    fn silence_is_given_up_within_the_patience() {
        let case = Case::new();
        // Accepted by the system, answered by no one.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", silent.local_addr().unwrap());
        let start = Instant::now();
        assert!(matches!(case.fetch(&[&url, &url, &url]), Err(Error::Network(_))));
        assert!(
            start.elapsed() < Duration::from_secs(3),
            "patience was 0.6 s, it took {:?}",
            start.elapsed()
        );
    }
}
