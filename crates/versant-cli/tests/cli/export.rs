//! A trained model for other programs.

use std::fs;

use versant::io::{npz, safetensors};

use crate::common::Place;

#[test]
fn a_trained_model_is_exported() {
    let place = Place::with_digits(200, 50);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[16] --data-dir data --quiet");
    let written = place.succeed("export --onnx a.onnx --safetensors a.safetensors --sample a.npz");
    assert_eq!(written.stdout, "wrote a.onnx\nwrote a.safetensors\nwrote a.npz\n");
    let onnx = fs::read(place.path("a.onnx")).unwrap();
    for name in ["fc1.weight", "fc2.bias", "versant", "batch"] {
        assert!(onnx.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "{name}");
    }
    let sample = npz::load(place.path("a.npz")).unwrap();
    assert_eq!((sample["input"].shape(), sample["output"].shape()), ([5, 1, 28, 28].into(), [5, 10].into()));
    let weights = safetensors::load(place.path("a.safetensors")).unwrap().tensors;
    let trained = safetensors::load(place.latest().join("checkpoints/last.safetensors")).unwrap().tensors;
    assert!(
        weights
            .iter()
            .map(|(name, w)| (name, w.to_bytes()))
            .eq(trained.iter().map(|(n, w)| (n, w.to_bytes())))
    );
    place.succeed("eval last --weights a.safetensors --data-dir data");
    assert_eq!(place.succeed("export last --best --onnx b.onnx --json").json()["onnx"], "b.onnx");
}

#[test]
fn what_cannot_be_exported_is_told() {
    let place = Place::with_digits(200, 50);
    let done = place.run("export last");
    assert!(done.code == Some(2) && done.stderr.contains("--onnx"), "{}", done.stderr);
    place.refuse("export last --onnx a.onnx", &["there are no runs in runs yet"]);
    place.succeed("train mnist-mlp data=mnist epochs=1 hidden=[] --data-dir data --quiet");
    place.refuse("export last --onnx nowhere/a.onnx", &["cannot write nowhere/a.onnx"]);
}
