//! Against a server on this computer that misbehaves as told.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::*;
use crate::rng::Rng;

/// A request's first line and where it asks to start.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    path: String,
    from: usize,
}

/// What the server does with a connection after sending bytes.
enum Reply {
    /// Sends these and closes.
    Send(Vec<u8>),
    /// Sends these and falls silent.
    Stall(Vec<u8>),
}

struct Server {
    address: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request with `reply`.
    fn new(mut reply: impl FnMut(&Asked) -> Reply + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let entries = log.clone();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let asked = read_request(&stream);
                entries.lock().unwrap().push(asked.clone());
                match reply(&asked) {
                    Reply::Send(bytes) => stream.write_all(&bytes).unwrap_or_default(),
                    Reply::Stall(bytes) => {
                        stream.write_all(&bytes).unwrap_or_default();
                        silent.push(stream);
                    }
                }
            }
        });
        Server { address, log }
    }

    fn starts(&self) -> Vec<usize> {
        self.log.lock().unwrap().iter().map(|asked| asked.from).collect()
    }
}

fn read_request(stream: &TcpStream) -> Asked {
    let mut asked = Asked { path: String::new(), from: 0 };
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap().to_lowercase();
        if let Some(rest) = line.strip_prefix("get ") {
            asked.path = rest.split(' ').next().unwrap().to_string();
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            asked.from = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    asked
}

fn response(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    [head.as_bytes(), b"\r\n", body].concat()
}

/// 200 with everything.
fn whole(content: &[u8]) -> Reply {
    Reply::Send(response("200 OK", content.len(), content))
}

/// 206 from where it was asked, as far as `to`, though the whole rest is promised.
fn ranged(content: &[u8], asked: &Asked, to: usize) -> Reply {
    let (from, size) = (asked.from, content.len());
    if from == 0 {
        return Reply::Send(response("200 OK", size, &content[..to]));
    }
    let status = format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{size}", size - 1);
    Reply::Send(response(&status, size - from, &content[from..to]))
}

/// 300,000 bytes that gzip cannot shorten, packed, and their checksum.
fn sample() -> (Vec<u8>, String) {
    let mut rng = Rng::new(0);
    let content: Vec<u8> = (0..300_000).map(|_| rng.next_u32() as u8).collect();
    (gz(&content), hex(&Sha256::digest(&content)))
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// A folder to fetch `set.gz` into.
struct Place {
    dir: tempfile::TempDir,
    sha256: String,
}

impl Place {
    fn new(sha256: &str) -> Place {
        Place { dir: tempfile::tempdir().unwrap(), sha256: sha256.into() }
    }

    fn dest(&self) -> PathBuf {
        self.dir.path().join("deep/set.gz")
    }

    fn part(&self) -> PathBuf {
        self.dir.path().join("deep/set.gz.part")
    }

    /// Leaves the part of an earlier run.
    fn begin(&self, content: &[u8]) {
        std::fs::create_dir_all(self.dir.path().join("deep")).unwrap();
        std::fs::write(self.part(), content).unwrap();
    }

    fn fetch(&self, servers: &[&Server]) -> Result<()> {
        let mirrors: Vec<&str> = servers.iter().map(|server| server.address.as_str()).collect();
        self.fetch_with(Downloader::new(&mirrors).with_patience(Duration::from_secs(3)))
    }

    fn fetch_with(&self, mut downloader: Downloader) -> Result<()> {
        let file = FileSpec { name: "set.gz", sha256: &self.sha256, unpacked: true, max_bytes: 310_000 };
        downloader.fetch(&file, &self.dest(), &mut |_| {})
    }

    #[track_caller]
    fn assert_done(&self, content: &[u8]) {
        assert!(std::fs::read(self.dest()).unwrap() == content);
        assert!(!self.part().exists());
    }
}

#[test]
fn whole_file_with_progress() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |_| whole(&content));
    let place = Place::new(&sha256);
    let file = FileSpec { name: "set.gz", sha256: &sha256, unpacked: true, max_bytes: 310_000 };
    let mut last = 0;
    let mut downloader = Downloader::new(&[&format!("{}/a/b/", server.address)]);
    let mut progress = |now: Progress| {
        assert!(now.received > last && now.total == Some(packed.len() as u64) && now.name == "set.gz");
        last = now.received;
    };
    downloader.fetch(&file, &place.dest(), &mut progress).unwrap();
    assert_eq!(last, packed.len() as u64);
    place.assert_done(&packed);
    // A second call asks nobody.
    downloader.fetch(&file, &place.dest(), &mut |_| {}).unwrap();
    assert_eq!(*server.log.lock().unwrap(), [Asked { path: "/a/b/set.gz".into(), from: 0 }]);
}

/// What an archive unpacks to is nobody's business.
#[test]
fn a_packed_file_may_be_known_as_it_stands() {
    let (packed, of_content) = sample();
    let sha256 = hex(&Sha256::digest(&packed));
    let content = packed.clone();
    let server = Server::new(move |_| whole(&content));
    let place = Place::new(&sha256);
    let fetch = |sha256| {
        let file = FileSpec { name: "set.gz", sha256, unpacked: false, max_bytes: packed.len() as u64 };
        Downloader::new(&[&server.address]).fetch(&file, &place.dest(), &mut |_| {})
    };
    assert!(fetch(&of_content).unwrap_err().to_string().contains("wrong content"));
    fetch(&sha256).unwrap();
    place.assert_done(&packed);
}

#[test]
fn an_earlier_part_is_resumed() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |asked| ranged(&content, asked, content.len()));
    let place = Place::new(&sha256);
    place.begin(&packed[..100_000]);
    place.fetch(&[&server]).unwrap();
    place.assert_done(&packed);
    assert_eq!(server.starts(), [100_000]);
}

#[test]
fn a_complete_part_needs_no_network() {
    let (packed, sha256) = sample();
    let place = Place::new(&sha256);
    place.begin(&packed);
    place.fetch(&[]).unwrap();
    place.assert_done(&packed);
}

#[test]
fn a_server_without_ranges_starts_again() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |_| whole(&content));
    let place = Place::new(&sha256);
    place.begin(b"something else entirely");
    place.fetch(&[&server]).unwrap();
    place.assert_done(&packed);
    assert_eq!(server.starts(), [23]);
}

#[test]
fn a_part_longer_than_the_file_starts_again() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |asked| {
        if asked.from > 0 {
            Reply::Send(response("416 Range Not Satisfiable", 0, b""))
        } else {
            whole(&content)
        }
    });
    let place = Place::new(&sha256);
    place.begin(&[7; 305_000]);
    place.fetch(&[&server]).unwrap();
    place.assert_done(&packed);
    assert_eq!(server.starts(), [305_000, 0]);
}

#[test]
fn a_wrong_part_is_not_the_mirrors_fault() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |asked| ranged(&content, asked, content.len()));
    let place = Place::new(&sha256);
    place.begin(&[7; 1000]);
    place.fetch(&[&server]).unwrap();
    place.assert_done(&packed);
    assert_eq!(server.starts(), [1000, 0]);
}

#[test]
fn wrong_content_then_a_good_mirror() {
    let (packed, sha256) = sample();
    let (content, forged) = (packed.clone(), gz(b"forged"));
    let (bad, good) = (Server::new(move |_| whole(&forged)), Server::new(move |_| whole(&content)));
    let place = Place::new(&sha256);
    let refusal = place.fetch(&[&bad]).unwrap_err().to_string();
    assert!(refusal.contains("wrong content: SHA-256") && refusal.contains(&bad.address), "{refusal}");
    assert!(!place.dest().exists() && !place.part().exists());
    place.fetch(&[&bad, &good]).unwrap();
    place.assert_done(&packed);
    assert_eq!((bad.starts(), good.starts()), (vec![0, 0], vec![0]));
}

#[test]
fn a_cut_transfer_is_resumed() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |asked| ranged(&content, asked, (asked.from + 120_000).min(content.len())));
    let place = Place::new(&sha256);
    place.fetch(&[&server]).unwrap();
    place.assert_done(&packed);
    assert_eq!(server.starts(), [0, 120_000, 240_000]);
}

#[test]
fn a_transfer_cut_again_and_again_leaves_its_part() {
    let (packed, sha256) = sample();
    let content = packed.clone();
    let server = Server::new(move |asked| ranged(&content, asked, asked.from + 1000));
    let place = Place::new(&sha256);
    assert!(place.fetch(&[&server]).is_err());
    assert!(std::fs::read(place.part()).unwrap() == packed[..4000]);
}

#[test]
fn refusals_name_every_mirror() {
    let gone = Server::new(|_| Reply::Send(response("404 Not Found", 0, b"")));
    let place = Place::new("00");
    // Nobody listens on a port that was just given back.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mirrors = [&gone.address, &format!("http://{closed}"), "https://example.invalid"];
    let refusal = place.fetch_with(Downloader::new(&mirrors)).unwrap_err().to_string();
    assert!(refusal.starts_with("cannot download set.gz ("), "{refusal}");
    for part in mirrors.into_iter().chain(["HTTP status 404", "efused", "start with http://"]) {
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn silence_ends_in_time() {
    let started = Instant::now();
    let (packed, _) = sample();
    let mute = Server::new(|_| Reply::Stall(vec![]));
    let stalled = Server::new(move |_| Reply::Stall(response("200 OK", packed.len(), &packed[..5000])));
    let place = Place::new("00");
    let downloader =
        Downloader::new(&[&mute.address, &stalled.address]).with_patience(Duration::from_millis(300));
    let refusal = place.fetch_with(downloader).unwrap_err().to_string();
    assert_eq!(refusal.matches("no answer in time").count(), 2, "{refusal}");
    // Patience is for both together; the rest is for a busy computer.
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
    assert_eq!(std::fs::metadata(place.part()).unwrap().len(), 5000);
}

#[test]
fn bombs_and_floods_are_stopped() {
    let packed_bomb = gz(&vec![0; 32 << 20]);
    let bomb = Server::new(move |_| whole(&packed_bomb));
    let liar = Server::new(|_| whole(&[1; 320_000]));
    let endless = Server::new(|_| Reply::Send([&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[1; 400_000]].concat()));
    let place = Place::new("00");
    let refusal = place.fetch(&[&bomb, &liar, &endless]).unwrap_err().to_string();
    assert!(refusal.contains("unpacks to more than the 310000 bytes"), "{refusal}");
    assert_eq!(refusal.matches(": more than the 310000 bytes").count(), 2, "{refusal}");
    assert!(!place.part().exists());
}

#[test]
fn a_working_mirror_is_asked_first_afterwards() {
    let (packed, sha256) = sample();
    let gone = Server::new(|_| Reply::Send(response("404 Not Found", 0, b"")));
    let good = Server::new(move |_| whole(&packed));
    let dir = tempfile::tempdir().unwrap();
    let file = FileSpec { name: "set.gz", sha256: &sha256, unpacked: true, max_bytes: 310_000 };
    let mut downloader = Downloader::new(&[&gone.address, &good.address]);
    for name in ["a", "b"] {
        downloader.fetch(&file, &dir.path().join(name), &mut |_| {}).unwrap();
    }
    assert_eq!((gone.starts().len(), good.starts().len()), (1, 2));
}

#[test]
fn two_downloads_of_one_file_do_not_mix() {
    let place = Place::new("00");
    let _first = Part::open(&place.dest()).unwrap();
    let refusal = place.fetch(&[]).unwrap_err().to_string();
    assert!(refusal.contains("another process is downloading"), "{refusal}");
}
