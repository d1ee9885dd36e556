//! Convolutional networks: trained, looked into, exported, compared.

use std::fs;

use image::RgbImage;
use versant::data::{Part, shapes};

use crate::common::{Place, metrics};

/// A small training of LeNet.
const LENET: &str = "train cifar10-lenet data=cifar10 epochs=1 batch=20 --data-dir data --quiet";

#[test]
fn a_run_has_its_pictures_and_tensorboards_file() {
    let place = Place::with_shapes(100, 40);
    let shown = place.succeed(&LENET.replace(" --quiet", "")).stdout;
    assert!(shown.contains("conv1") && shown.contains("Conv2d 5x5") && shown.contains("62,006"), "{shown}");
    let run = place.latest();
    for name in ["curves", "confusion", "predictions", "network", "filters", "features"] {
        assert!(run.join(format!("media/{name}.png")).exists(), "{name}");
    }
    let names: Vec<String> = fs::read_dir(&run)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("events.out.tfevents."))
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(fs::metadata(run.join(&names[0])).unwrap().len() > 1000);
}

#[test]
fn the_image_itself_is_what_a_channel_finds_most_alike() {
    let place = Place::with_shapes(100, 40);
    place.succeed(LENET);
    let explain = "explain channel last --data-dir data --out pictures --layer conv2 --image 12";
    let found = place.succeed(&format!("{explain} --channel 3 --json")).json();
    let nearest = found["channels"][0]["nearest"].as_array().unwrap();
    assert_eq!(
        (nearest.len(), &nearest[0]["image"], nearest[0]["similarity"].as_f64()),
        (8, &12.into(), Some(1.0))
    );
    let scores: Vec<f64> = nearest.iter().map(|n| n["similarity"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores[7] > -1.0, "{scores:?}");
    assert!(place.path("pictures/channel-conv2-3-image-12.png").exists());
    let page = place.succeed(&format!("{explain} --channel 1,5,7 --top 5")).stdout;
    assert!(page.contains("conv2, channel 5") && page.contains("image    12  1.000"), "{page}");
    assert!(place.path("pictures/channels-conv2-image-12.svg").exists());
    place.succeed("explain features last --data-dir data --image 39");
    assert!(place.latest().join("media/features-image-39.png").exists());
    place.refuse("explain channel --data-dir data --layer conv3", &["no layer `conv3`; did you mean `conv"]);
    place.refuse(
        "explain channel --data-dir data --layer conv2 --channel 16",
        &["no channel 16; it has 0 to 15"],
    );
    place.refuse("explain features --data-dir data --image 40", &["no image 40", "0 to 39"]);
}

#[test]
fn colour_pictures_are_recognised_from_a_file_and_a_folder_trains() {
    let place = Place::empty();
    for (part, folder, count) in [(Part::Train, "train", 60), (Part::Test, "test", 20)] {
        let set = shapes(count, part);
        for i in 0..count {
            let class = place.path("photos").join(folder).join(&set.class_names[set.labels[i] as usize]);
            fs::create_dir_all(&class).unwrap();
            let pixel = |x: u32, y: u32| [0, 1, 2].map(|c| set.image(i)[c * 1024 + (y * 32 + x) as usize]);
            RgbImage::from_fn(32, 32, |x, y| image::Rgb(pixel(x, y)))
                .save(class.join(format!("{i}.png")))
                .unwrap();
        }
    }
    let train = "train cifar10-lenet epochs=1 batch=20 --quiet data=";
    place.succeed(&format!("{train}photos"));
    let class = fs::read_dir(place.path("photos/test")).unwrap().next().unwrap().unwrap().path();
    let picture = fs::read_dir(&class).unwrap().next().unwrap().unwrap().path();
    let found = place.succeed(&format!("predict {} --json", picture.display())).json();
    let classes = found["predictions"][0]["classes"].as_array().unwrap();
    let total: f64 = classes.iter().map(|c| c["probability"].as_f64().unwrap()).sum();
    assert!(classes.len() == 10 && (total - 1.0).abs() < 1e-5, "{classes:?}");
    assert!(place.path("photos/train").join(classes[0]["class"].as_str().unwrap()).is_dir());
    fs::remove_dir_all(place.path("photos/train/ring")).unwrap();
    place.refuse(&format!("{train}photos"), &["ring"]);
    place.refuse(
        &format!("{train}nowhere"),
        &["data is nowhere; it must be auto, cifar10, shapes, or a folder"],
    );
}

/// What counts is not left to a clock: every member is cut short by its settings.
#[test]
fn the_three_models_are_compared_and_a_comparison_goes_on() {
    let place = Place::with_shapes(40, 20);
    let train = "train cifar10-compare data=cifar10 epochs=1 batch=20 --data-dir data";
    let shown = place.succeed(train).stdout;
    for words in ["cifar10-mlp", "3426250", "62006", "5852170", "compare.{svg,png}"] {
        assert!(shown.contains(words), "no {words} in: {shown}");
    }
    let suite = place.latest();
    assert!(suite.join("media/compare.png").exists());
    let members = || {
        let list = |name: &str| fs::read_dir(suite.join("runs").join(name)).unwrap().count();
        ["cifar10-mlp", "cifar10-lenet", "cifar10-vgg"].map(list)
    };
    let lenet = fs::read_dir(suite.join("runs/cifar10-lenet")).unwrap().next().unwrap().unwrap().path();
    let before = metrics(&lenet);
    // As if it had been stopped in the second member.
    fs::remove_file(suite.join("summary.json")).unwrap();
    fs::remove_file(lenet.join("summary.json")).unwrap();
    let numbers = place.succeed("train --resume last --data-dir data --json").json();
    assert_eq!(numbers["members"].as_array().unwrap().len(), 3);
    assert_eq!((members(), metrics(&lenet)), ([1, 1, 1], before));
    let shown = place.succeed("runs show last").stdout;
    assert!(shown.contains("cifar10-vgg/") && shown.matches("finished").count() == 3, "{shown}");
    place.refuse("eval last --data-dir data", &["compares several models; give the folder of one, below "]);
    place.refuse("train cifar10-compare hidden=[3]", &["unknown key `hidden`"]);
    place.refuse("train cifar10-compare best", &["cifar10-mlp has no preset `best`"]);
}

#[test]
fn a_learning_rate_is_found() {
    let place = Place::with_shapes(100, 20);
    let words = "find-lr cifar10-lenet data=cifar10 batch=10 --data-dir data --out pictures --json";
    let found = place.succeed(words).json();
    let lr = found["steepest"].as_f64().unwrap();
    assert!((1e-5..1.0).contains(&lr), "{lr}");
    assert!(place.path("pictures/lr-finder.png").exists());
    place.refuse("find-lr cifar10-lenet optim.lr=-1", &["optim.lr is -1"]);
}
