//! Same seed, same bits.

use crate::common::{Place, checkpoints, metrics};

#[test]
fn a_seed_gives_the_same_bits_for_any_number_of_threads() {
    let place = Place::with_digits(640, 100);
    let train = |options: &str| {
        let words = format!("train mnist-mlp adam data=mnist epochs=2 --data-dir data {options}");
        place.succeed(&words);
        let run = place.latest();
        (checkpoints(&run), metrics(&run))
    };
    let first = train("--threads 1 --seed 7");
    assert_eq!(first.1.len(), 22, "10 steps and an epoch's line, twice");
    for threads in [1, 2, 4] {
        assert!(train(&format!("--threads {threads} --seed 7")) == first, "{threads} threads");
    }
    let other = train("--threads 1 --seed 8");
    for (one, other) in first.0.iter().zip(&other.0) {
        assert!(one != other, "another seed, the same bits");
    }
}

#[test]
fn a_runs_own_configuration_trains_the_same_again() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp momentum data=mnist epochs=1 hidden=[16] --data-dir data");
    let first = place.latest();
    let config = first.join("config.toml");
    place.succeed(&format!("train {} --data-dir data", config.display()));
    assert_ne!(place.latest(), first);
    assert!(checkpoints(&place.latest()) == checkpoints(&first));
}
