#!/usr/bin/env python3
"""Runs ONNX files that Versant wrote in onnxruntime, and compares with Versant's own outputs.

    python scripts/onnx_check.py [FOLDER]               # *.onnx with samples *.npz; crates/versant/tests/fixtures/onnx
    python scripts/onnx_check.py MODEL.onnx SAMPLE.npz  # of `versant export --onnx MODEL.onnx --sample SAMPLE.npz`

A sample holds `input` and `output`. The Rust test `onnx` holds what Versant writes to the files of that folder; after a
change on purpose it says where the new ones are, to be copied there and run by this script.
Needs onnx, onnxruntime and numpy.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

FIXTURES = Path(__file__).resolve().parent.parent / "crates/versant/tests/fixtures/onnx"


def check(model, sample):
    onnx.checker.check_model(str(model), full_check=True)
    kinds = sorted({node.op_type for node in onnx.load(model).graph.node})
    arrays = np.load(sample)
    x, wanted = arrays["input"], arrays["output"]
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    # The batch is free: all at once, and one after another.
    outputs = [session.run(["output"], {"input": x})[0]]
    outputs.append(np.concatenate([session.run(["output"], {"input": x[i : i + 1]})[0] for i in range(len(x))]))
    assert outputs[0].shape == wanted.shape, (outputs[0].shape, wanted.shape)
    error = max(np.abs(found - wanted).max() for found in outputs)
    scale = np.abs(wanted).max()
    print(f"{model.name}: {error:.1e} of {scale:.2f}; {', '.join(kinds)}")
    assert error <= 1e-5 * scale, f"{model}: onnxruntime differs from Versant by {error}"
    # Outputs that hardly depend on the input would show no mistake.
    assert np.ptp(wanted, axis=0).max() > 1e-3 * scale, f"{model}: the outputs of all samples are alike"


def main(words):
    if len(words) == 2:
        check(*map(Path, words))
        return
    if len(words) > 2:
        sys.exit(__doc__)
    folder = Path(words[0]) if words else FIXTURES
    models = sorted(folder.glob("*.onnx"))
    assert models, f"there are no models in {folder}"
    for model in models:
        check(model, model.with_suffix(".npz"))
    print(f"onnxruntime {onnxruntime.__version__} gives what Versant gives, for {len(models)} models")


if __name__ == "__main__":
    main(sys.argv[1:])
