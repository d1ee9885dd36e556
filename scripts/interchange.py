#!/usr/bin/env python3
"""Files between PyTorch, numpy and Versant: the same names, layouts and numbers on both sides.

    python scripts/interchange.py write   # what PyTorch and numpy save, for crates/versant/tests/interchange.rs
    python scripts/interchange.py check   # what Versant saves, as PyTorch and numpy read it

Needs torch, numpy and safetensors. Both go through crates/versant/tests/fixtures: the Rust test reads the files of
`write`, and asserts that Versant writes the files of `check` byte for byte. Seeded: `write` gives the same numbers.

PyTorch's own `.pt` files are pickles, which run code when they are read; Versant does not read them. To save weights
for Versant: `safetensors.torch.save_file(model.state_dict(), "model.safetensors")`; to load Versant's:
`model.load_state_dict(safetensors.torch.load_file("model.safetensors"))`.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

FIXTURES = Path(__file__).resolve().parent.parent / "crates/versant/tests/fixtures"


def mlp():
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3, bias=False))


class LeNet(torch.nn.Module):
    """LeNet with few channels; names and layers as in PyTorch's tutorial."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 3, 5)
        self.conv2 = torch.nn.Conv2d(3, 4, 5)
        self.fc1 = torch.nn.Linear(64, 12)
        self.fc2 = torch.nn.Linear(12, 11)
        self.fc3 = torch.nn.Linear(11, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x.flatten(1))))))


def vgg():
    """Pairs of convolutions, the first of each with batch normalisation, and pooling; few channels. Names as in
    torchvision's VGG."""
    layers = []
    for inputs, outputs in ((3, 4), (5, 6), (7, 8)):
        layers += [torch.nn.Conv2d(inputs, outputs, 3, padding=1), torch.nn.BatchNorm2d(outputs), torch.nn.ReLU()]
        layers += [torch.nn.Conv2d(outputs, outputs + 1, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    classifier = [torch.nn.Flatten(), torch.nn.Dropout(0.05), torch.nn.Linear(36, 12), torch.nn.ReLU()]
    classifier += [torch.nn.Linear(12, 11), torch.nn.ReLU(), torch.nn.Dropout(0.05), torch.nn.Linear(11, 10)]
    model = torch.nn.Sequential()
    model.add_module("features", torch.nn.Sequential(*layers))
    model.add_module("classifier", torch.nn.Sequential(*classifier))
    return model


def save_with_prediction(model, x, name):
    """Its weights, an input, and what it answers once it is trained."""
    model.eval()
    save_file(model.state_dict() | {"x": x, "y": model(x).detach()}, FIXTURES / name)


def arrays():
    """One of each: types, byte orders, memory orders, ranks, names."""
    grid = np.arange(6).reshape(2, 3)
    return {
        "f2": grid.astype("<f2") / 4,
        "f4": grid.astype("<f4") / 4,
        "f8_big": grid.astype(">f8") / 4,
        "f4_fortran": np.asfortranarray(grid.astype("<f4")) / 4,
        "i1": (grid - 3).astype("i1"),
        "u2": grid.astype("<u2"),
        "i4": (grid - 3).astype("<i4"),
        "i8": grid.astype("<i8"),
        "u1": grid.astype("u1"),
        "bool": grid % 2 == 0,
        "scalar": np.float32(2.5),
        "empty": np.zeros((2, 0, 3), "<f4"),
        "layer/größe.0": np.array([7], "<i8"),
    }


def write():
    torch.manual_seed(3)
    model = mlp()
    x = torch.randn(6, 5)
    save_file(model.state_dict() | {"x": x, "y": model(x).detach()}, FIXTURES / "torch_mlp.safetensors")
    save_with_prediction(LeNet(), torch.randn(2, 1, 28, 28), "torch_lenet.safetensors")
    model = vgg()
    for _ in range(3):
        model(torch.randn(8, 3, 16, 16) * 2 + 1)  # running statistics that are not those of the beginning
    save_with_prediction(model, torch.randn(2, 3, 16, 16), "torch_vgg.safetensors")
    np.savez(FIXTURES / "numpy.npz", **arrays())
    np.savez_compressed(FIXTURES / "numpy_compressed.npz", **arrays())


def check():
    state = load_file(FIXTURES / "versant_mlp.safetensors")
    x, y = state.pop("x"), state.pop("y")
    model = mlp()
    model.load_state_dict(state)
    torch.testing.assert_close(model(x), y, rtol=0, atol=1e-6)

    vgg().load_state_dict(load_file(FIXTURES / "versant_vgg.safetensors"))

    for name in ("versant.npz", "versant_compressed.npz"):
        saved = np.load(FIXTURES / name)
        wanted = arrays()
        assert set(saved.files) == set(wanted), saved.files
        for key, array in wanted.items():
            assert saved[key].shape == array.shape, key
            assert np.array_equal(saved[key], array), key
    print("PyTorch and numpy read what Versant wrote: same names, same numbers")


if __name__ == "__main__":
    command = {"write": write, "check": check}.get(" ".join(sys.argv[1:]))
    sys.exit(command() if command else __doc__)
