"""A case, and how cases are packed into a file that Rust reads.

A family of operations is one safetensors file:

- `cases` (u8): JSON, a list of {"op", "args", "inputs", "outputs", "error", "grad_errors"};
- `f32`: inputs and upstream gradients, all of which f32 holds exactly;
- `f64`: what PyTorch computes of them in f64: results and gradients of inputs;
- `i64`: inputs and results of type i64, u8 and bool.

A case's tensors follow each other in these streams in the order inputs, outputs, upstream gradients, gradients. In
`inputs` and `outputs` a tensor is its kind and its lengths: ["f", 3, 4] in floating point, ["c"] the same but held
constant, ["i"] i64, ["u"] u8, ["b"] bool. The errors are how far PyTorch's own f32 is from its f64, at most.
"""

import json
import math
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save

OUT = Path(__file__).resolve().parents[2] / "crates/versant/tests/fixtures/parity"
NAN, INF = math.nan, math.inf
KINDS = {torch.int64: "i", torch.uint8: "u", torch.bool: "b"}

# NumPy's numbers are the same on every machine; the last bits of PyTorch's depend on the processor.
generator = np.random.default_rng()


def seed(text):
    """Each file has its own numbers: a new case in one leaves the others as they are."""
    global generator
    generator = np.random.default_rng(zlib.crc32(text.encode()))


def normal(*shape, mean=0.0, std=1.0):
    return rounded(generator.standard_normal(shape) * std + mean)


def uniform(*shape, low=0.25, high=2.25):
    return rounded(generator.uniform(low, high, shape))


def rounded(values):
    """As f32 holds them."""
    return torch.tensor(np.asarray(values, np.float32).astype(np.float64))


def integers(low, high, *shape):
    return torch.tensor(generator.integers(low, high, shape))


def mask(*shape):
    return torch.tensor(generator.random(shape) < 0.5)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@dataclass
class Constant:
    """An input in floating point of which PyTorch wants no gradient."""

    value: torch.Tensor


class Family:
    """The cases of one file."""

    def __init__(self, name):
        self.name, self.cases = name, []
        self.f32, self.f64, self.i64 = [], [], []
        seed(name)

    def case(self, op, function, *inputs, **args):
        """One call: function(*inputs, **args). Of what is differentiable, the gradients too."""
        kinds = ["c" if isinstance(x, Constant) else KINDS.get(x.dtype, "f") for x in inputs]
        inputs = [x.value if isinstance(x, Constant) else x for x in inputs]
        outputs, grads, seeds = evaluate(torch.float64, function, kinds, inputs, args, None)
        rough_outputs, rough_grads, _ = evaluate(torch.float32, function, kinds, inputs, args, seeds)
        what = f"{op} {args} of {[list(x.shape) for x in inputs]}"
        entry = {
            "op": op,
            "args": {name: plain(value) for name, value in args.items()},
            "inputs": [[kind, *x.shape] for kind, x in zip(kinds, inputs)],
            "outputs": [[KINDS.get(y.dtype, "f"), *y.shape] for y in outputs],
            "error": max([error(what, *pair) for pair in zip(outputs, rough_outputs)]),
        }
        if seeds:
            entry["grad_errors"] = [error(what + ", a gradient", *pair) for pair in zip(grads, rough_grads)]
        self.cases.append(entry)
        for x in [*inputs, *seeds]:
            self.put(x, self.f32)
        for y in [*outputs, *grads]:
            self.put(y, self.f64)

    def put(self, t, floats):
        values = t.detach().flatten().numpy()
        if not t.dtype.is_floating_point:
            self.i64.append(values.astype(np.int64))
            return
        floats.append(values.astype(np.float64))

    def save(self):
        text = json.dumps(self.cases, separators=(",", ":"), allow_nan=False)
        inputs = np.concatenate(self.f32)
        f32 = inputs.astype(np.float32)
        assert np.array_equal(f32.astype(np.float64), inputs, equal_nan=True), "an input that f32 cannot hold"
        path = OUT / f"{self.name}.safetensors"
        tensors = {
            "cases": np.frombuffer(text.encode(), np.uint8),
            "f32": f32,
            "f64": np.concatenate(self.f64),
            "i64": np.concatenate([np.empty(0, np.int64), *self.i64]),
        }
        path.write_bytes(save(tensors, metadata={"torch": torch.__version__}))
        print(f"{self.name}: {len(self.cases)} cases, {path.stat().st_size} bytes")


def evaluate(dtype, function, kinds, inputs, args, seeds):
    """Results, gradients of the inputs that have one, and the upstream gradients (drawn if not given)."""
    torch.set_default_dtype(dtype)
    inputs = [x.to(dtype) if kind in "fc" else x for kind, x in zip(kinds, inputs)]
    leaves = [x.clone().requires_grad_(kind == "f") for kind, x in zip(kinds, inputs)]
    outputs = function(*leaves, **args)
    outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
    ends = [y for y in outputs if y.requires_grad]
    if seeds is None:
        seeds = [normal(*y.shape) for y in ends]
    torch.autograd.backward(ends, [seed.to(dtype) for seed in seeds])
    grads = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves if x.requires_grad] if ends else []
    return outputs, grads, seeds


def error(what, exact, rough):
    """The largest difference, rounded up to two digits. What is not finite must agree."""
    if not exact.dtype.is_floating_point:
        assert exact.equal(rough), f"{what}: f32 gives other integers than f64"
        return 0.0
    exact, rough = exact.detach().double(), rough.detach().double()
    finite = exact.isfinite()
    same = exact[~finite].nan_to_num(0.5).equal(rough[~finite].nan_to_num(0.5)) and rough[finite].isfinite().all()
    assert same, f"{what}: f32 is not finite where f64 is, or the other way round:\n{exact}\n{rough}"
    difference = (exact - rough)[finite].abs()
    return float(f"{1.06 * difference.max().item():.1e}") if difference.numel() else 0.0


def plain(value):
    """JSON has no infinities."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
