//! What is printed, and where.

use std::process::Stdio;

use crate::common::{Done, Place};

const TRAIN: &str = "train mnist-mlp data=mnist epochs=2 --data-dir data";

#[test]
fn results_go_to_stdout_and_nothing_moves_without_a_terminal() {
    let place = Place::with_digits(640, 100);
    let done = place.succeed(TRAIN);
    for part in ["52,650", "epoch 1/2", "epoch 2/2", "test accuracy", "MNIST-like files", "media/{"] {
        assert!(done.stdout.contains(part), "no {part:?} in: {}", done.stdout);
    }
    assert_eq!(done.stderr, "");
    assert!(!done.stdout.contains(['\r', '\x1b']));
}

#[test]
fn json_is_the_only_thing_on_stdout() {
    let place = Place::with_digits(640, 100);
    let done = place.succeed(&format!("{TRAIN} --json"));
    assert_eq!(done.stdout.lines().count(), 1);
    let value = done.json();
    assert_eq!(value["recipe"], "mnist-mlp");
    assert_eq!(value["parameters"], 52_650);
    assert_eq!(value["epochs"], 2);
    assert!(value["dataset"].as_str().unwrap().starts_with("MNIST-like files in data/MNIST/raw"));
    assert!((0.0..=1.0).contains(&value["test_accuracy"].as_f64().unwrap()));
    assert!(value["seconds"].as_f64().unwrap() > 0.0);
    assert!(place.path(value["run"].as_str().unwrap()).join("meta.json").exists());
    assert!(place.path(value["checkpoint"].as_str().unwrap()).exists());
    assert!(done.stderr.contains("epoch 2/2") && !done.stderr.contains(['\r', '\x1b']));
}

#[test]
fn quiet_is_quiet() {
    let place = Place::with_digits(200, 50);
    let printed = |done: Done| (done.stdout.lines().count(), done.stderr);
    assert_eq!(printed(place.succeed(&format!("{TRAIN} --quiet"))), (0, String::new()));
    let commands =
        ["eval --data-dir data", "runs", "runs show", "recipes", "doctor", "data list", "data info digits"];
    for command in commands {
        assert_eq!(printed(place.succeed(&format!("{command} --quiet"))), (0, String::new()), "{command}");
        let done = place.succeed(&format!("{command} --quiet --json"));
        assert!(done.json().is_object(), "{command}");
        assert_eq!(printed(done), (1, String::new()), "{command}");
    }
    assert_eq!(printed(place.succeed(&format!("{TRAIN} --quiet --json"))), (1, String::new()));
}

/// `versant ... | head -0`
#[test]
fn a_reader_who_goes_away_is_no_error() {
    let place = Place::with_digits(200, 50);
    let unread = |words: &str| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(words).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        Done::from(output)
    };
    for words in
        [TRAIN, "runs", "runs show", "recipes mnist-mlp", "doctor", "completions bash", "train --help"]
    {
        let done = unread(words);
        assert_eq!((done.code, &done.stderr[..]), (Some(0), ""), "{words}");
    }
    assert!(place.latest().join("summary.json").exists(), "the training came to its end");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut noisy = place.command(&format!("{TRAIN} --json"));
    assert!(noisy.stderr(writer).output().unwrap().status.success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_stdout_is_told() {
    let place = Place::empty();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = place.command("recipes").stdout(full).stderr(Stdio::piped()).output().unwrap();
    Done::from(done).refused("recipes > /dev/full", &["cannot write stdout"]);
}

#[test]
fn help_tells_the_ways_in_and_out() {
    let place = Place::empty();
    let help = place.succeed("--help").stdout;
    for part in ["train", "predict", "doctor", "--data-dir", "--json", "Exit codes: 0"] {
        assert!(help.contains(part), "no {part:?} in: {help}");
    }
    let help = place.succeed("train --help").stdout;
    for part in ["versant train mnist-mlp adam epochs=3", "--resume", "--preset", "--seed"] {
        assert!(help.contains(part), "no {part:?} in: {help}");
    }
    assert_eq!(place.run("").code, Some(2));
}
