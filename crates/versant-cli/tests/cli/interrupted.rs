//! Ctrl-C.

use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Place, checkpoints, finish, metrics};

fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn wait_for(what: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !what() && Instant::now() < patience {
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let place = Place::with_digits(2000, 100);
    let train = "train mnist-mlp adam data=mnist epochs=6 batch=8 hidden=[128] --data-dir data";
    place.succeed(train);
    let whole = place.latest();
    let trainer = place.start(train);
    wait_for(|| place.latest() != whole && metrics_len(&place) > 300);
    interrupt(&trainer);
    let done = finish(trainer);
    assert_eq!(done.code, Some(130), "{}", done.stderr);
    let stopped = place.latest();
    assert!(metrics(&stopped).len() < metrics(&whole).len(), "it was over before it was interrupted");
    let advice = done.stderr.lines().last().unwrap();
    let words = advice.strip_prefix("go on with: versant ").unwrap_or_else(|| panic!("{advice}"));
    assert!(words.ends_with(" --data-dir data"), "{words}");
    let resumed = place.succeed(words);
    assert!(resumed.stdout.contains("resumed after"), "{}", resumed.stdout);
    assert_eq!(place.latest(), stopped);
    assert!(checkpoints(&stopped) == checkpoints(&whole));
    assert!(metrics(&stopped) == metrics(&whole));
}

fn metrics_len(place: &Place) -> usize {
    std::fs::read_to_string(place.path("runs/latest/metrics.jsonl")).unwrap_or_default().lines().count()
}

/// Nothing listens, nothing answers: the download waits, and there is nothing yet to save.
#[test]
fn ctrl_c_before_training_ends_at_once() {
    let place = Place::empty();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mirror = format!("http://{}/", silent.local_addr().unwrap());
    let words = "train mnist-mlp data=mnist";
    let trainer = place.command(words).env("VERSANT_MIRROR", mirror).spawn().unwrap();
    let (_connection, _) = silent.accept().unwrap();
    interrupt(&trainer);
    assert_eq!(finish(trainer).code, Some(130));
    assert!(!place.path("runs").exists());
}
