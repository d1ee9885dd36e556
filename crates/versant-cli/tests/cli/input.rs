//! Wrong words on the command line, wrong settings, wrong folders.

use std::fs;

use crate::common::{Done, Place};

#[test]
fn settings_that_cannot_be_are_refused() {
    let place = Place::empty();
    let cases: [(&str, &[&str]); 17] = [
        ("optim.momentun=0.5", &["unknown key `optim.momentun`; did you mean `optim.momentum`?"]),
        ("optim.lr=nan", &["optim.lr is NaN"]),
        ("optim.lr=inf", &["optim.lr is inf"]),
        ("optim.lr=-1", &["optim.lr is -1"]),
        ("optim.name=sdg", &["sdg"]),
        ("batch=0", &["batch is 0"]),
        ("batch=99999999999999999999", &["batch"]),
        ("epochs=0", &["epochs is 0"]),
        ("epochs=-1", &["epochs"]),
        ("epochs=4294967296", &["epochs"]),
        ("epochs=many", &["epochs = \"many\" is a word"]),
        ("hidden=[0]", &["hidden is [0]"]),
        ("hidden=[99999999]", &["hidden is"]),
        ("hidden=[1.5]", &["hidden"]),
        ("data=nowhere", &["nowhere"]),
        ("momentun", &["no preset `momentun`; did you mean `momentum`?"]),
        ("adam plain", &["two presets"]),
    ];
    for (setting, parts) in cases {
        place.refuse(&format!("train mnist-mlp {setting}"), parts);
    }
    place.refuse("train mnist-mpl", &["no recipe `mnist-mpl`; did you mean `mnist-mlp`?"]);
    place.refuse("recipes mnist-mpl", &["did you mean `mnist-mlp`?"]);
    assert!(!place.path("runs").exists(), "nothing is made for a run that cannot be");
}

#[test]
fn options_that_cannot_be_are_refused() {
    let place = Place::empty();
    place.refuse("train mnist-mlp --threads 0", &["--threads"]);
    place.refuse("train mnist-mlp --threads many", &["--threads"]);
    place.refuse("train mnist-mlp --epochs 3", &["settings are written without dashes: epochs=VALUE"]);
    place.refuse("train mnist-mlp --sed 3", &["--seed"]);
    place.refuse("train mnist-mlp --seed -1", &["-1"]);
    place.refuse("train", &["a recipe such as mnist-mlp", "--resume"]);
    place.refuse("train mnist-mlp --seed 18446744073709551615", &["--seed"]);
    place.refuse("train --resume last epochs=20", &["`epochs=20` cannot be given with --resume"]);
    place.refuse("train --resume last --seed 3", &["--seed"]);
    place.refuse("train --resume last --preset adam", &["--preset"]);
    place.refuse("train --resume", &["there are no runs in runs yet"]);
    place.refuse("eval", &["there are no runs in runs yet"]);
    place.refuse("data get digit", &["did you mean `digits`?"]);
    place.refuse("data info mnits", &["did you mean `mnist`?"]);
    place.refuse("completions tcsh", &["tcsh"]);
    for (name, reason) in [("VERSANT_ISA", "scalar"), ("VERSANT_THREADS", "--threads")] {
        let output = place.command("doctor").env(name, "nonsense").output().unwrap();
        Done::from(output).refused(name, &["nonsense", reason]);
    }
}

#[test]
fn files_of_settings_are_checked() {
    let place = Place::empty();
    let refuse = |text: &str, parts: &[&str]| {
        fs::write(place.path("my.toml"), text).unwrap();
        place.refuse("train my.toml", parts);
    };
    refuse("recipe = 'mnist-mlp'\nepochs = = 3\n", &["my.toml", "line 2"]);
    refuse("epochs = 3\n", &["my.toml: there is no key recipe"]);
    refuse("recipe = 'mnist-cnn'\n", &["my.toml: there is no recipe `mnist-cnn`"]);
    refuse("recipe = 'mnist-mlp'\nepoch = 3\n", &["my.toml: unknown key `epoch`; did you mean `epochs`?"]);
    refuse("recipe = 'mnist-mlp'\noptim.lr = 'much'\n", &["my.toml: optim.lr = \"much\" is a word"]);
    refuse("recipe = 'mnist-mlp'\npreset = 'adm'\n", &["my.toml: ", "did you mean `adam`?"]);
    fs::write(place.path("my.toml"), [0xff, 0xfe, 0x00]).unwrap();
    place.refuse("train my.toml", &["my.toml"]);
    place.refuse("train nowhere.toml", &["cannot read nowhere.toml"]);
}

#[test]
fn a_data_folder_that_was_named_must_be_there() {
    let place = Place::empty();
    for data in ["mnist", "auto", "digits"] {
        let words = format!("train mnist-mlp data={data} --data-dir nowhere");
        place.refuse(&words, &["--data-dir nowhere: there is no such folder"]);
    }
    fs::write(place.path("file"), "").unwrap();
    place.refuse("train mnist-mlp --data-dir file", &["--data-dir file: there is no such folder"]);
    assert!(!place.path("runs").exists());
}

#[test]
fn runs_that_cannot_be_opened_are_refused() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 --data-dir data --quiet");
    place.refuse("train --resume nonsense", &["there is no run \"nonsense\"", "mnist-mlp/"]);
    place.refuse("train --resume data", &["there is no run \"data\""]);
    let config = place.latest().join("config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("epochs", "epoch")).unwrap();
    place.refuse("train --resume --data-dir data", &["config.toml: unknown key `epoch`"]);
    fs::remove_file(&config).unwrap();
    place.refuse("train --resume --data-dir data", &["config.toml: is missing"]);
    place.refuse("eval --data-dir data", &["config.toml"]);
    place.refuse("runs show", &["config.toml"]);
    assert!(place.succeed("runs").stdout.contains("damaged: "), "one bad run does not hide the others");
}

#[test]
fn a_folder_of_runs_that_cannot_be_is_refused() {
    let place = Place::with_digits(200, 50);
    fs::write(place.path("file"), "").unwrap();
    let train = "train mnist-mlp data=mnist epochs=1 --data-dir data --runs-dir";
    place.refuse(&format!("{train} file"), &["cannot create file/mnist-mlp"]);
    place.refuse("runs --runs-dir file", &["cannot read file"]);
    if cfg!(target_os = "linux") {
        // Not even root can make folders there.
        place.refuse(&format!("{train} /proc/runs"), &["cannot create /proc/runs"]);
    }
}

#[test]
fn batches_that_leave_no_step_are_refused() {
    let place = Place::with_digits(200, 50);
    let train = "train mnist-mlp data=mnist epochs=1 --data-dir data";
    place.refuse(&format!("{train} batch=201 drop_last=true"), &["batch is 201", "200 images"]);
    place.succeed(&format!("{train} batch=201 --quiet"));
}
