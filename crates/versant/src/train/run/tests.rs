use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::array::Array;
use crate::train::checkpoint::{Checkpoint, load_last, save_last};
use crate::train::record::{StepRecord, epochs_of};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn times_are_told_in_utc() {
    let cases = [
        (0, "19700101-000000"),
        (951_782_399, "20000228-235959"),
        (951_782_400, "20000229-000000"),
        (1_709_251_199, "20240229-235959"),
        (1_735_689_599, "20241231-235959"),
        (1_767_323_045, "20260102-030405"),
        (4_107_542_400, "21000301-000000"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(timestamp(at(seconds)), expected);
    }
    assert_eq!(timestamp(UNIX_EPOCH - Duration::from_secs(5)), "19700101-000000");
}

#[test]
fn a_run_has_its_files_and_a_name_of_its_own() {
    let runs = tempfile::tempdir().unwrap();
    let make = || RunDir::create(runs.path(), "mnist", "MLP, lr=0.1/é", at(1_767_323_045)).unwrap();
    let (first, second, third) = (make(), make(), make());
    assert!(first.path().ends_with("mnist/20260102-030405-MLP-lr=0.1"), "{}", first.path().display());
    assert!(second.path().ends_with("mnist/20260102-030405-MLP-lr=0.1-2"));
    assert!(first.checkpoints().is_dir() && first.media().is_dir());
    first.write_config("lr = 0.1\n").unwrap();
    assert_eq!(fs::read_to_string(first.path().join("config.toml")).unwrap(), "lr = 0.1\n");
    first.write_meta(&json!({ "seed": 1 })).unwrap();
    assert_eq!(fs::read_to_string(first.path().join("meta.json")).unwrap(), "{\n  \"seed\": 1\n}\n");
    third.write_summary(&json!({ "accuracy": 0.5 })).unwrap();
    first.metrics(&Progress::default()).unwrap().append(&step(1)).unwrap();
    assert_eq!(fs::read_to_string(first.path().join("metrics.jsonl")).unwrap(), line(1));

    let listed = RunDir::list(runs.path()).unwrap();
    let paths: Vec<&Path> = listed.iter().map(|run| run.path.as_path()).collect();
    assert_eq!(paths, [first.path(), second.path(), third.path()]);
    assert_eq!(listed.iter().map(|run| run.finished).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!((listed[0].started(), listed[0].experiment.as_str()), ("20260102-030405", "mnist"));
}

fn step(step: u64) -> Record {
    Record::Step(StepRecord { step, epoch: 1, lr: 0.1, loss: 0.5 })
}

fn line(step: u64) -> String {
    format!("{{\"kind\":\"step\",\"step\":{step},\"epoch\":1,\"lr\":0.1,\"loss\":0.5}}\n")
}

/// An epoch's line belongs to its last step's number, but is behind that step.
#[test]
fn a_log_is_cut_where_the_run_has_come() {
    let runs = tempfile::tempdir().unwrap();
    let run = RunDir::create(runs.path(), "mnist", "mlp", at(0)).unwrap();
    let epoch = |epoch, step| {
        let losses = json!({ "kind": "epoch", "epoch": epoch, "step": step, "lr": 0.1, "train_loss": 0.5, "test_loss": 0.5, "seconds": 1.0 });
        serde_json::from_value::<Record>(losses).unwrap()
    };
    let lines_after = |progress: Progress| {
        let mut log = run.metrics(&Progress::default()).unwrap();
        for record in [step(1), step(2), epoch(1, 2), step(3), step(4), epoch(2, 4)] {
            log.append(&record).unwrap();
        }
        drop(run.metrics(&progress).unwrap());
        fs::read_to_string(run.path().join("metrics.jsonl")).unwrap().lines().count()
    };
    assert_eq!(lines_after(Progress { step: 2, epoch: 1, ..Progress::default() }), 3);
    assert_eq!(lines_after(Progress { step: 2, epoch: 0, batch: 2, ..Progress::default() }), 2);
    assert_eq!(lines_after(Progress { step: 3, epoch: 1, batch: 1, ..Progress::default() }), 4);
    assert_eq!(lines_after(Progress { step: 4, epoch: 2, ..Progress::default() }), 6);
    assert_eq!(epochs_of(run.path()).unwrap().len(), 2);
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let runs = tempfile::tempdir().unwrap();
    for experiment in ["", ".", "..", "a/b", "/a", "a/", "a\\b", "latest", "a\0b"] {
        let error = RunDir::create(runs.path(), experiment, "x", at(0)).unwrap_err().to_string();
        assert!(error.contains("cannot name a folder"), "{experiment:?}: {error}");
    }
    assert_eq!(sanitise("../../etc"), "..-..-etc");
    assert_eq!(sanitise(" //"), "run");
}

#[test]
fn runs_are_found_by_what_users_type() {
    let runs = tempfile::tempdir().unwrap();
    let error = RunDir::find(runs.path(), "last").unwrap_err().to_string();
    assert!(error.contains("no runs in"), "{error}");
    let make = |experiment: &str, slug: &str, day: u64| {
        let run = RunDir::create(runs.path(), experiment, slug, at(day * 86_400)).unwrap();
        run.path().to_path_buf()
    };
    let (conv, mlp, vae) =
        (make("mnist", "conv", 20_000), make("mnist", "mlp", 20_001), make("vae", "mlp", 19_999));
    let find = |wanted: &str| RunDir::find(runs.path(), wanted);
    // The newest made, not the newest named.
    assert_eq!(find("last").unwrap(), vae);
    assert_eq!(find("latest").unwrap(), vae);
    assert_eq!(find(mlp.to_str().unwrap()).unwrap(), mlp);
    assert_eq!(find("20241005-000000-mlp").unwrap(), mlp);
    assert_eq!(find("mnist/20241004").unwrap(), conv);
    assert_eq!(find("vae").unwrap(), vae);
    assert_eq!(find("20241003").unwrap(), vae);
    let error = find("mnist").unwrap_err().to_string();
    assert!(error.ends_with("fits 2 runs: mnist/20241005-000000-mlp, mnist/20241004-000000-conv"), "{error}");
    let error = find("cnv").unwrap_err().to_string();
    assert!(error.contains("no run \"cnv\"; the newest are mnist/20241005-000000-mlp"), "{error}");
    for wanted in ["", "..", "/", "é\0", "latest/"] {
        let _ = find(wanted).map_err(|e| e.to_string());
    }
    // A pointer to nothing, or none at all: the newest by time.
    fs::remove_dir_all(&vae).unwrap();
    assert_eq!(find("last").unwrap(), mlp);
    fs::remove_file(runs.path().join("latest")).unwrap();
    assert_eq!(find("last").unwrap(), mlp);
    // Where there are no links, a text file.
    fs::write(runs.path().join("latest"), "mnist/20241004-000000-conv\n").unwrap();
    assert_eq!(find("last").unwrap(), conv);
    assert_eq!(RunDir::list(runs.path()).unwrap().len(), 2);
}

#[test]
fn two_trainers_never_share_a_run() {
    let runs = tempfile::tempdir().unwrap();
    let first = RunDir::create(runs.path(), "mnist", "mlp", at(0)).unwrap();
    let error = RunDir::open(first.path()).unwrap_err().to_string();
    let holder = format!("another process (process {})", std::process::id());
    assert!(error.contains("19700101-000000-mlp is being trained by") && error.contains(&holder), "{error}");
    let path = first.path().to_path_buf();
    drop(first);
    RunDir::open(&path).unwrap();
    let error = RunDir::open(runs.path()).unwrap_err().to_string();
    assert!(error.contains("is not a run"), "{error}");
}

const KILLED_RUN: &str = "VERSANT_TEST_KILLED_RUN";

/// Trains until killed when the test below starts it; on its own it has nothing to do.
#[test]
fn a_process_to_be_killed() {
    let Ok(path) = std::env::var(KILLED_RUN) else { return };
    let run = RunDir::open(path).unwrap();
    let resumed = load_last(run.checkpoints()).unwrap().map_or(Progress::default(), |c| c.progress);
    let mut metrics = run.metrics(&resumed).unwrap();
    let end = Instant::now() + Duration::from_secs(10);
    for number in resumed.step + 1.. {
        metrics.append(&step(number)).unwrap();
        let array = Array::full([500], number as f64, crate::DType::F32);
        let arrays = BTreeMap::from([("w".to_string(), array)]);
        let progress = Progress { step: number, ..Progress::default() };
        save_last(
            run.checkpoints(),
            &Checkpoint { weights: arrays.clone(), optimizer: arrays, extra: BTreeMap::new(), progress },
        )
        .unwrap();
        if Instant::now() > end {
            break;
        }
    }
}

#[test]
fn a_killed_run_resumes_and_loses_nothing() {
    let runs = tempfile::tempdir().unwrap();
    let path = RunDir::create(runs.path(), "mnist", "mlp", at(0)).unwrap().path().to_path_buf();
    let mut last = 0;
    for kill in 0..8u64 {
        let mut trainer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "train::run::tests::a_process_to_be_killed"])
            .env(KILLED_RUN, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let state = path.join("checkpoints/last.state.safetensors");
        let end = Instant::now() + Duration::from_secs(10);
        while !state.exists() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(10_000 + kill * 1_700));
        trainer.kill().unwrap();
        trainer.wait().unwrap();
        let run = RunDir::open(&path).expect("the lock went with the process");
        let Some(checkpoint) = load_last(run.checkpoints()).unwrap() else { continue };
        let found = checkpoint.progress.step;
        assert!(last <= found, "{last} was saved, {found} was found");
        last = found;
        for arrays in [&checkpoint.weights, &checkpoint.optimizer] {
            assert_eq!(arrays["w"].to_vec::<f32>(), [found as f32; 500]);
        }
        drop(run.metrics(&checkpoint.progress).unwrap());
        let lines = fs::read_to_string(path.join("metrics.jsonl")).unwrap();
        let expected: String = (1..=found).map(line).collect();
        assert_eq!(lines, expected);
    }
    assert!(last > 0, "no trainer came as far as one checkpoint");
}
