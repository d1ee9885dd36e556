//! Data sets: damaged, missing, other ones, downloaded.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use flate2::Compression;
use flate2::write::GzEncoder;
use versant::data::{Part, digits};
use versant::io::idx::Idx;

use crate::common::{Done, FILES, Place};

const TRAIN: &str = "train mnist-mlp data=mnist epochs=1 --data-dir data";

/// Zips bytes.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn damaged_files_are_refused_with_name_and_reason() {
    let place = Place::with_digits(200, 50);
    let [images, labels] = [place.raw(FILES[0]), place.raw(FILES[1])];
    let (whole, whole_labels) = (fs::read(&images).unwrap(), fs::read(&labels).unwrap());
    let refuse = |bytes: &[u8], reason: &str| {
        fs::write(&images, bytes).unwrap();
        place.refuse(TRAIN, &[FILES[0], reason]);
        place.refuse(&TRAIN.replace("=mnist", "=auto"), &[FILES[0], reason]);
        place.refuse("data info mnist --data-dir data", &[FILES[0], reason]);
    };
    let zipped = gzip(&whole);
    refuse(&zipped[..zipped.len() / 2], "end too early");
    let mut flipped = zipped.clone();
    flipped[zipped.len() - 6] ^= 1;
    refuse(&flipped, "damaged gzip");
    refuse(&whole[..whole.len() - 1], "header promises 200 x 28 x 28");
    refuse(&[&whole[..], b"x"].concat(), "trailing data");
    refuse(&gzip(&[&whole[..], b"x"].concat()), "trailing data");
    refuse(&[&[1, 2, 3, 4], &whole[4..]].concat(), "not an IDX file");
    refuse(&[&[0, 0, 0x0d, 3], &whole[4..]].concat(), "type code");
    let huge = [&whole[..4], &[0xff; 4], &whole[8..]].concat();
    refuse(&huge, "more than the limit");
    refuse(&gzip(&huge), "more than the limit");
    refuse(&whole_labels, "not images");
    refuse(b"", "empty");
    refuse(&[&whole[..4], &[0; 4], &whole[8..16]].concat(), "200");

    fs::write(&images, &whole).unwrap();
    let mut ten = whole_labels.clone();
    ten[8 + 5] = 10;
    fs::write(&labels, ten).unwrap();
    place.refuse(TRAIN, &[FILES[1], "label 10 at index 5"]);
    Idx { dims: vec![199], data: vec![0; 199] }.write(&labels).unwrap();
    place.refuse(TRAIN, &[FILES[1], "199", "200 images"]);
    fs::remove_file(&labels).unwrap();
    fs::create_dir(&labels).unwrap();
    place.refuse(TRAIN, &[FILES[1], "a folder"]);
}

/// 1 GiB of zeros behind a header that promises 200 images.
#[test]
fn a_gzip_bomb_costs_nothing() {
    let place = Place::with_digits(200, 50);
    let images = place.raw(FILES[0]);
    let mut header = fs::read(&images).unwrap();
    header.truncate(16);
    let mut bomb = GzEncoder::new(File::create(&images).unwrap(), Compression::fast());
    bomb.write_all(&header).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..1024).for_each(|_| bomb.write_all(&zeros).unwrap());
    bomb.finish().unwrap();
    place.refuse(TRAIN, &[FILES[0], "trailing data"]);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with_digits(200, 50);
    let labels = place.raw(FILES[1]);
    fs::set_permissions(&labels, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    if File::open(&labels).is_err() {
        place.refuse(TRAIN, &["cannot read", FILES[1]]);
    }
}

#[test]
fn empty_data_are_refused() {
    let place = Place::with_digits(200, 50);
    Idx { dims: vec![0, 28, 28], data: vec![] }.write(place.raw(FILES[2])).unwrap();
    Idx { dims: vec![0], data: vec![] }.write(place.raw(FILES[3])).unwrap();
    place.refuse(TRAIN, &["no images in its test part"]);
}

#[test]
fn other_data_do_not_resume_a_run() {
    let place = Place::with_digits(200, 50);
    place.succeed(&format!("{TRAIN} --quiet"));
    place.write_digits("other", 210, 50);
    place.refuse(
        "train --resume --data-dir other",
        &["was trained on", "the train part differs", "--data-dir"],
    );
    place.write_digits("other", 200, 60);
    place.refuse("train --resume --data-dir other", &["the test part differs"]);
    let warned = place.succeed("eval --data-dir other").stderr;
    assert!(warned.starts_with("warning: the run ") && warned.contains("the test part differs"), "{warned}");
    place.write_digits("other", 200, 50);
    place.succeed("train --resume --data-dir other");
}

#[test]
fn without_mnist_and_network_the_digits_stand_in_loudly() {
    let place = Place::empty();
    let done = place.succeed("train mnist-mlp epochs=1 hidden=[] --json");
    assert!(done.stderr.contains("warning: MNIST is not here"), "{}", done.stderr);
    assert!(done.stderr.contains("BUILT-IN DIGITS"), "{}", done.stderr);
    assert_eq!(done.json()["dataset"], "built-in digits");
    let meta = fs::read_to_string(place.latest().join("meta.json")).unwrap();
    let meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
    assert_eq!(meta["dataset"]["name"], "built-in digits");
    assert_eq!(meta["dataset"]["train"]["samples"], 60_000);

    // The run keeps to the digits when MNIST is there.
    place.write_digits("data", 200, 50);
    let done = place.succeed("eval --data-dir data --json");
    assert_eq!((&done.json()["dataset"], &done.stderr[..]), (&"built-in digits".into(), ""));
    fs::rename(place.path("data"), place.path("elsewhere")).unwrap();

    place
        .refuse("train mnist-mlp data=mnist", &["Without a network: put the four files into", "data=digits"]);
    place.refuse("data info mnist", &["no MNIST in"]);
}

/// A folder of data that cannot be made is no reason to give up either.
#[cfg(target_os = "linux")]
#[test]
fn where_nothing_can_be_downloaded_to_the_digits_stand_in() {
    let place = Place::empty();
    let mut command = place.command("train mnist-mlp epochs=1 hidden=[] --json");
    let done = Done::from(command.env("XDG_CACHE_HOME", "/proc/nowhere").output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("cannot create /proc/nowhere"), "{}", done.stderr);
    assert_eq!(done.json()["dataset"], "built-in digits");
    let mut command = place.command("train mnist-mlp data=mnist");
    let done = Done::from(command.env("XDG_CACHE_HOME", "/proc/nowhere").output().unwrap());
    done.refused("data=mnist", &["cannot create /proc/nowhere"]);
}

#[test]
fn the_data_sets_are_told() {
    let place = Place::with_digits(200, 50);
    let listed = place.succeed("data list --data-dir data").stdout;
    assert!(listed.contains("(in data)") && listed.contains("built in"), "{listed}");
    assert!(place.succeed("data list --data-dir nowhere").stdout.contains("versant data get mnist"));
    let info = place.succeed("data info mnist --data-dir data --json").json();
    assert_eq!((&info["train"]["samples"], &info["official"]), (&200.into(), &false.into()));
    place.succeed("data get digits --data-dir made");
    let written = place.succeed("data info mnist --data-dir made/digits --json").json();
    let built_in = place.succeed("data info digits --json").json();
    assert_eq!((&written["train"], &written["test"]), (&built_in["train"], &built_in["test"]));
    assert!(place.succeed("figure").stdout.contains("activations"));
    place.succeed("figure activations --out pictures");
    assert!(
        place.path("pictures/activations.svg").exists() && place.path("pictures/activations.png").exists()
    );
    place.refuse("figure activation", &["did you mean `activations`?"]);
    let info = place.succeed("data info digits").stdout;
    assert!(info.contains("60000 images") && info.contains("CRC-32"), "{info}");
    let doctor = place.succeed("doctor --data-dir data").stdout;
    assert!(doctor.contains("MNIST is there") && doctor.contains("kernels"), "{doctor}");
    for shell in ["bash", "zsh", "fish"] {
        let script = place.succeed(&format!("completions {shell}")).stdout;
        assert!(script.contains("versant") && script.contains("resume"), "{shell}");
    }
    let recipes = place.succeed("recipes").stdout;
    assert!(recipes.contains("mnist-mlp") && recipes.contains("adam"), "{recipes}");
    let settings = place.succeed("recipes mnist-mlp").stdout;
    assert!(settings.contains("epochs = 12") && settings.contains("[optim]"), "{settings}");
}

/// Serves four files of digits under MNIST's names, until the test ends.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/mnist", listener.local_addr().unwrap());
    let set = digits(10, Part::Test);
    let header = [&[0, 0, 8, 3][..], &[0, 0, 0, 10, 0, 0, 0, 28, 0, 0, 0, 28]].concat();
    let content = gzip(&[header, set.images].concat());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
            // Who asked may have gone.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&content));
        }
    });
    address
}

#[test]
fn a_download_with_the_wrong_checksum_is_refused() {
    let place = Place::empty();
    let mirror = serve();
    let get = |words: &str| {
        let mut command = place.command(words);
        Done::from(command.env("VERSANT_MIRROR", &mirror).output().unwrap())
    };
    let words = "data get mnist --data-dir new";
    get(words).refused(words, &["train-images-idx3-ubyte.gz", "wrong content: SHA-256", &mirror]);
    assert!(!place.path("new/MNIST/raw/train-images-idx3-ubyte.gz").exists());
    let words = "train mnist-mlp data=mnist --data-dir new";
    get(words).refused(words, &["wrong content: SHA-256"]);
}
