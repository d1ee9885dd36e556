//! `versant bench`.

use crate::common::Place;

#[test]
fn a_table_for_people_and_an_object_a_line_for_programs() {
    let place = Place::empty();
    let done = place.succeed("bench mlp_mnist dqn_mlp --secs 0 --batch 8 --profile");
    for part in ["mlp_mnist", "dqn_mlp", "samples/s", "matmul", "forward", "backward", "update", "of peak"] {
        assert!(done.stdout.contains(part), "no {part:?} in: {}", done.stdout);
    }
    let done = place.succeed("bench mlp_mnist dqn_mlp --secs 0 --hidden 20 --json --threads 2");
    let objects: Vec<serde_json::Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let models: Vec<&str> = objects.iter().map(|object| object["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["mlp_mnist", "dqn_mlp"]);
    assert_eq!(objects[0]["params"], 784 * 20 + 20 + 20 * 32 + 32 + 32 * 10 + 10);
    for object in &objects {
        for field in ["step_ms", "infer_ms", "infer_one_ms", "samples_s", "gemm_gflops", "memory_gb_s"] {
            assert!(object[field].as_f64().unwrap() > 0.0, "{field} in {object}");
        }
    }
}

#[test]
fn wrong_words_are_refused_and_told_which_there_are() {
    let place = Place::empty();
    place.refuse("bench mlp_mnits", &["mlp_mnits", "mlp_mnist", "unet64"]);
    place.refuse("bench --secs many", &["seconds are a number from 0 to 3600"]);
    place.refuse("bench vgg_cifar --image 3", &["16..=1024"]);
}
