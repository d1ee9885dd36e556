//! A run may be killed at any moment, and loses nothing.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Done, Place, checkpoints, finish, metrics};

const TRAIN: &str = "train mnist-mlp adam data=mnist epochs=12 --data-dir data --quiet";
const RESUME: &str = "train --resume last --data-dir data --quiet";
const KILLS: u32 = 20;

/// Goes on with what was killed, or starts anew if it was killed before there was a run.
fn go_on(place: &Place) -> Done {
    let done = place.run(RESUME);
    let too_early = ["there are no runs", "the run ended before it began"];
    if done.code == Some(2) && too_early.iter().any(|reason| done.stderr.contains(reason)) {
        return place.succeed(TRAIN);
    }
    done
}

#[test]
fn twenty_kills_all_over_a_run_give_the_run_that_was_never_killed() {
    let place = Place::with_digits(2000, 100);
    let start = Instant::now();
    place.succeed(TRAIN);
    let whole = start.elapsed();
    let expected = (checkpoints(&place.latest()), metrics(&place.latest()));
    let mut killed = 0;
    for kill in 0..KILLS {
        std::fs::remove_dir_all(place.path("runs")).unwrap();
        let mut trainer = place.start(TRAIN);
        // Denser where it trains; the last part of a run draws pictures.
        sleep(whole.mul_f64(((f64::from(kill) + 0.5) / f64::from(KILLS)).powi(2)));
        trainer.kill().unwrap();
        killed += u32::from(finish(trainer).code.is_none());
        let done = go_on(&place);
        assert_eq!(done.code, Some(0), "kill {kill}: {}", done.stderr);
        let run = place.latest();
        assert!(metrics(&run) == expected.1, "kill {kill}: another log");
        assert!(checkpoints(&run) == expected.0, "kill {kill}: other bits");
    }
    assert!(killed > 0, "all {KILLS} had ended before they were killed");
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_again() {
    let place = Place::with_digits(2000, 100);
    let train = "train mnist-mlp data=mnist epochs=1 batch=1 hidden=[256] --data-dir data --quiet";
    let mut trainer = place.start(train);
    let log = || std::fs::read_to_string(place.path("runs/latest/metrics.jsonl")).unwrap_or_default();
    let patience = Instant::now() + Duration::from_secs(20);
    while log().lines().count() < 10 && Instant::now() < patience {
        sleep(Duration::from_millis(1));
    }
    trainer.kill().unwrap();
    finish(trainer);
    let run = place.latest();
    assert!(!run.join("checkpoints/last.safetensors").exists());
    place.succeed(RESUME);
    let resumed = (checkpoints(&run), metrics(&run));
    place.succeed(train);
    assert_ne!(place.latest(), run);
    assert!((checkpoints(&place.latest()), metrics(&place.latest())) == resumed);
}

#[test]
fn a_second_trainer_is_refused() {
    let place = Place::with_digits(2000, 100);
    let mut trainer = place.start("train mnist-mlp data=mnist epochs=1000 --data-dir data --quiet");
    let patience = Instant::now() + Duration::from_secs(20);
    while !place.path("runs/latest/config.toml").exists() && Instant::now() < patience {
        sleep(Duration::from_millis(1));
    }
    let id = format!("process {}", trainer.id());
    let second = place.run(RESUME);
    trainer.kill().unwrap();
    finish(trainer);
    second.refused("a second trainer", &["is being trained by another process", &id]);
}

#[test]
fn a_finished_run_stays_as_it_is() {
    let place = Place::with_digits(200, 50);
    let trained = place.succeed("train mnist-mlp data=mnist epochs=2 --data-dir data --json --quiet").json();
    let run = place.latest();
    let before = (checkpoints(&run), metrics(&run));
    let again = place.succeed("train --resume last --data-dir data --json --quiet").json();
    assert_eq!(again["test_accuracy"], trained["test_accuracy"]);
    assert_eq!(again["epochs"], 2);
    assert!((checkpoints(&run), metrics(&run)) == before);
}
