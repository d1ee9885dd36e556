//! Trained models: evaluated, asked, looked into, compared, damaged.

use std::fs;
use std::path::Path;

use image::{GrayImage, Luma};
use versant::data::digit;
use versant::rng::Purpose;

use crate::common::{Place, checkpoints, metrics};

/// A model that knows the digits.
fn trained() -> Place {
    let place = Place::with_digits(4000, 200);
    place.succeed("train mnist-mlp adam data=mnist epochs=3 --data-dir data --quiet");
    place
}

#[test]
fn eval_gives_the_accuracies_of_the_training() {
    let place = trained();
    let run = place.latest();
    let log = metrics(&run);
    let accuracies = log.iter().filter_map(|record| record["test_accuracy"].as_f64());
    let best = accuracies.fold(0.0, f64::max);
    let last = &log.last().unwrap()["test_accuracy"];
    let found = place.succeed("eval --data-dir data --json").json();
    assert_eq!(&found["test_accuracy"], last);
    assert_eq!((&found["samples"], &found["recipe"]), (&200.into(), &"mnist-mlp".into()));
    let found = place.succeed("eval --best --data-dir data --json").json();
    assert_eq!(found["test_accuracy"], best);
    let file = run.join("checkpoints/last.safetensors");
    let found =
        place.succeed(&format!("eval last --weights {} --data-dir data --json", file.display())).json();
    assert_eq!(&found["test_accuracy"], last);
    let shown = place.succeed("eval --data-dir data").stdout;
    assert!(shown.contains("precision") && shown.contains("test accuracy"), "{shown}");
}

/// A digit as someone would draw it: larger than MNIST's.
fn picture(pixels: &[u8], dark_on_light: bool, path: &Path) {
    let scale = 4;
    let shade = |x: u32, y: u32| {
        let ink = pixels[(y / scale * 28 + x / scale) as usize];
        Luma([if dark_on_light { 255 - ink } else { ink }])
    };
    GrayImage::from_fn(28 * scale, 28 * scale, shade).save(path).unwrap();
}

#[test]
fn pictures_are_recognised_dark_on_light_and_light_on_dark() {
    let place = trained();
    let mut right = 0;
    for index in 0..20 {
        let (pixels, label) = digit(0, Purpose::DigitsTest, 1000 + index);
        picture(&pixels, true, &place.path("dark.png"));
        picture(&pixels, false, &place.path("light.png"));
        let value = place.succeed("predict dark.png light.png --json").json();
        let [dark, light] = [&value["predictions"][0], &value["predictions"][1]];
        assert_eq!(dark["classes"], light["classes"], "digit {index}");
        right += u32::from(dark["prediction"].as_str() == Some(&label.to_string()));
    }
    assert!(right >= 15, "{right} of 20");
    let shown = place.succeed("predict --best light.png").stdout;
    assert!(shown.starts_with("light.png: ") && shown.contains(" %, "), "{shown}");
}

#[test]
fn pictures_that_are_none_are_refused() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[] --data-dir data --quiet");
    fs::write(place.path("empty.png"), "").unwrap();
    place.refuse("predict empty.png", &["empty.png: "]);
    fs::write(place.path("text.png"), "This is no picture.").unwrap();
    place.refuse("predict text.png", &["text.png: this is neither a PNG nor a JPEG"]);
    picture(&digit(0, Purpose::DigitsTest, 0).0, true, &place.path("whole.png"));
    let whole = fs::read(place.path("whole.png")).unwrap();
    fs::write(place.path("half.png"), &whole[..whole.len() / 2]).unwrap();
    place.refuse("predict half.png", &["half.png: the image is damaged"]);
    place.refuse("predict nowhere.png", &["cannot read nowhere.png"]);
    place.refuse("predict .", &[".: this is a folder"]);
}

#[test]
fn runs_are_listed_shown_and_compared() {
    let place = Place::with_digits(200, 50);
    assert!(place.succeed("runs").stdout.starts_with("no runs in runs yet"));
    place.refuse("runs show", &["there are no runs in runs yet"]);
    for preset in ["plain", "adam"] {
        place.succeed(&format!("train mnist-mlp {preset} data=mnist epochs=2 --data-dir data --quiet"));
    }
    let listed = place.succeed("runs list").stdout;
    assert_eq!(listed.lines().filter(|line| line.ends_with("finished")).count(), 2, "{listed}");
    let all = place.succeed("runs --json").json();
    assert_eq!(all["runs"].as_array().unwrap().len(), 2);
    let shown = place.succeed("runs show last").stdout;
    assert!(shown.contains("preset = \"adam\"") && shown.contains("test acc"), "{shown}");
    assert_eq!(place.succeed("runs show --json").json()["history"].as_array().unwrap().len(), 2);
    // Within one second runs stand in the order of their presets.
    let run_of = |preset: &str| {
        let runs = all["runs"].as_array().unwrap();
        runs.iter().find(|run| run["preset"] == preset).unwrap()["run"].as_str().unwrap().to_string()
    };
    let [plain, adam] = ["plain", "adam"].map(run_of);
    let compared = place.succeed(&format!("runs compare {plain} {adam} --out pictures")).stdout;
    assert!(compared.contains("optim.lr") && compared.contains("0.01  |  0.001"), "{compared}");
    assert!(place.path("pictures/compare.svg").exists() && place.path("pictures/compare.png").exists());
    place.refuse("runs show nonsense", &["there is no run \"nonsense\"; the newest are mnist-mlp/"]);
}

#[test]
fn files_are_looked_into() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[16] --data-dir data --quiet");
    let run = place.latest();
    let shown = place.succeed(&format!("inspect {}/checkpoints/last.safetensors", run.display())).stdout;
    assert!(shown.contains("fc1.weight") && shown.contains("[16, 784]"), "{shown}");
    place.succeed(&format!("inspect {}/checkpoints/last.state.safetensors", run.display()));
    assert_eq!(
        place.succeed("inspect data/MNIST/raw/t10k-images-idx3-ubyte").stdout,
        "IDX  u8  [50, 28, 28]\n"
    );
    let array = versant::Array::from_slice(&[1.0f32, 2.0], [2]);
    versant::io::npy::save(place.path("a.npy"), &array).unwrap();
    assert_eq!(place.succeed("inspect a.npy --json").json()["shape"][0], 2);
    versant::io::npz::save_compressed(place.path("a.npz"), &[("w".to_string(), array)].into()).unwrap();
    assert_eq!(place.succeed("inspect a.npz --json").json()["arrays"][0]["name"], "w");
    let shown = place.succeed("inspect a.npz").stdout;
    assert!(shown.starts_with("npz\n  w  <f4   [2]\n1 arrays, "), "{shown}");
    fs::write(place.path("text"), "This is no array.").unwrap();
    place.refuse("inspect text", &["text: is none of the kinds known"]);
    fs::write(place.path("a.npy"), b"\x93NUMPY\x01\x00\xff\xff{").unwrap();
    place.refuse("inspect a.npy", &["a.npy: "]);
    fs::write(place.path("a.npz"), b"PK\x03\x04 and nothing more").unwrap();
    place.refuse("inspect a.npz", &["a.npz: not a whole zip archive"]);
    fs::write(place.path("a.safetensors"), [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, b'{']).unwrap();
    place.refuse("inspect a.safetensors", &["a.safetensors: "]);
    let header = br#"{"a\u001b[2J":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#;
    fs::write(place.path("a.safetensors"), [&(header.len() as u64).to_le_bytes()[..], header].concat())
        .unwrap();
    let shown = place.succeed("inspect a.safetensors").stdout;
    assert!(shown.contains("a\u{fffd}[2J"), "what a terminal obeys is not shown: {shown:?}");
    place.refuse("inspect .", &[".: is not a regular file"]);
}

#[test]
fn damaged_checkpoints_are_refused() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[16] --data-dir data --quiet");
    picture(&digit(0, Purpose::DigitsTest, 0).0, true, &place.path("digit.png"));
    let file = place.latest().join("checkpoints/last.safetensors");
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() - 100] ^= 4;
    let mut long_header = whole.clone();
    long_header[7] = 0x7f;
    let damages = [
        whole[..whole.len() - 1].to_vec(),
        whole[..100].to_vec(),
        whole[..3].to_vec(),
        flipped,
        long_header,
        vec![],
    ];
    for (i, damaged) in damages.iter().enumerate() {
        fs::write(&file, damaged).unwrap();
        for command in ["eval --data-dir data", "predict digit.png", "train --resume --data-dir data"] {
            place.run(command).refused(&format!("{command}, damage {i}"), &["last.safetensors: "]);
        }
    }
    fs::write(&file, &whole).unwrap();
    let state = file.with_file_name("last.state.safetensors");
    let bytes = fs::read(&state).unwrap();
    fs::write(&state, &bytes[..bytes.len() / 2]).unwrap();
    place.refuse("train --resume --data-dir data", &["last.state.safetensors: "]);
    fs::remove_file(&state).unwrap();
    place.refuse("train --resume --data-dir data", &["last.state.safetensors"]);
    place.succeed("eval --data-dir data");
    fs::remove_file(&file).unwrap();
    place.refuse("eval --data-dir data", &["last.safetensors"]);
}

#[test]
fn a_checkpoint_of_another_model_is_refused() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[16] --data-dir data --quiet");
    let small = place.latest();
    place.succeed("train mnist-mlp data=mnist epochs=1 --data-dir data --quiet");
    let other = small.join("checkpoints/last.safetensors");
    let words = format!("eval last --weights {} --data-dir data", other.display());
    place.refuse(&words, &["last.safetensors: ", "fc1.weight"]);
    for name in ["last.safetensors", "last.state.safetensors"] {
        fs::copy(small.join("checkpoints").join(name), place.latest().join("checkpoints").join(name))
            .unwrap();
    }
    place.refuse("train --resume --data-dir data", &["fc1.weight"]);
}

#[test]
fn a_training_that_diverges_says_where_and_keeps_the_last_good_checkpoint() {
    let place = Place::with_digits(640, 100);
    let train = "train mnist-mlp data=mnist hidden=[128,128,128] batch=16 --data-dir data";
    place.refuse(&format!("{train} optim.lr=900"), &["error: step ", "not finite is "]);
    place.refuse("eval --data-dir data", &["last.safetensors"]);
    // After a good epoch others that cannot go well.
    place.succeed(&format!("{train} epochs=1 --quiet"));
    let run = place.latest();
    let good = checkpoints(&run);
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    let wild = config.replace("epochs = 1", "epochs = 5").replace("lr = 0.01", "lr = 900.0");
    fs::write(run.join("config.toml"), wild).unwrap();
    place.refuse("train --resume --data-dir data", &["step ", "not finite is ", "is kept"]);
    assert!(checkpoints(&run) == good);
    place.succeed("eval --data-dir data");
}
