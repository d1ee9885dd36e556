#!/usr/bin/env python3
"""Writes what PyTorch computes for the engine's operations: values, gradients, losses, initialisers, optimisers.

    python scripts/parity.py        # needs torch; writes crates/versant/tests/fixtures/parity.json

crates/versant/tests/parity.rs reads the file. Everything is computed in f64 from inputs that f32 can hold, so that
one fixture serves both types. Seeded: the same PyTorch gives the same file.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

OUT = Path(__file__).resolve().parent.parent / "crates/versant/tests/fixtures/parity.json"
NAN, INF = math.nan, math.inf

generator = torch.Generator().manual_seed(20240611)
cases = []


def number(v):
    """JSON has no NaN and no infinity."""
    return v if math.isfinite(v) else str(v)


def pack(t):
    return {"shape": list(t.shape), "values": [number(v) for v in t.detach().double().flatten().tolist()]}


def normal(*shape):
    return torch.randn(shape, generator=generator).double()


def positive(*shape):
    return (torch.rand(shape, generator=generator) * 2 + 0.25).double()


def case(name, function, inputs, params=(), labels=None):
    """One call: inputs, the result, an upstream gradient, and the gradient of each input."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    seed = normal(*y.shape)
    y.backward(seed)
    entry = {
        "name": name,
        "params": list(params),
        "inputs": [pack(x) for x in inputs],
        "output": pack(y),
        "seed": pack(seed),
        "grads": [pack(x.grad) for x in leaves],
    }
    if labels is not None:
        entry["labels"] = labels.tolist()
    cases.append(entry)


def elementwise():
    kinks = [0.0, -0.0, NAN, INF, -INF]
    any_sign = torch.cat([normal(12) * 2, torch.tensor([20.0, -20.0, 60.0, -60.0]).double()])
    functions = {
        "neg": (torch.neg, kinks), "abs": (torch.abs, [0.0, -0.0, INF, -INF]), "exp": (torch.exp, kinks),
        "square": (torch.square, kinks), "reciprocal": (torch.reciprocal, kinks), "tanh": (torch.tanh, kinks),
        "sigmoid": (torch.sigmoid, kinks), "relu": (torch.relu, kinks), "erf": (torch.erf, kinks),
        "sign": (torch.sign, [0.0, -0.0, INF, -INF]), "softplus": (F.softplus, kinks),
        # Versant gives the limit 0 at minus infinity, PyTorch NaN.
        "silu": (F.silu, [0.0, -0.0, NAN, INF]), "gelu": (F.gelu, [0.0, -0.0, NAN, INF]),
    }
    for name, (f, special) in functions.items():
        case(name, f, [torch.cat([any_sign, torch.tensor(special).double()])])
    with_kinks = torch.cat([any_sign, torch.tensor(kinks).double()])
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.125), [with_kinks], [0.125])
    case("elu", lambda x: F.elu(x, 1.5), [with_kinks], [1.5])
    case("add_scalar", lambda x: x + 0.75, [with_kinks], [0.75])
    case("mul_scalar", lambda x: x * -1.25, [with_kinks], [-1.25])
    not_negative = torch.cat([positive(8), torch.tensor([0.0, NAN, INF]).double()])
    case("log", torch.log, [not_negative])
    case("sqrt", torch.sqrt, [not_negative])
    for c in [2.5, 2.0, 1.0, 0.5, 0.0, -1.5]:
        case("powf", lambda x: x**c, [not_negative], [c])
    for name, f in {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
                    "maximum": torch.maximum, "minimum": torch.minimum}.items():
        for a, b in [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (4, 1))]:
            case(name, f, [normal(*a), normal(*b)])
        tied = [torch.tensor([1.0, 2.0, 0.0, -0.0, INF, -INF, NAN, 1.0, INF]).double(),
                torch.tensor([1.0, 3.0, -0.0, 2.0, INF, INF, 1.0, NAN, 2.0]).double()]
        case(name, f, tied)
    case("pow", torch.pow, [positive(3, 4), normal(4)])
    # Where PyTorch's own formula gives 0 times log 0 or NaN, so does Versant's.
    bases = torch.tensor([0.0, 0.0, 0.0, -2.0, -2.0, INF, 0.0, 2.0]).double()
    exponents = torch.tensor([0.0, 2.0, -1.0, 2.0, 3.0, 0.0, 1.0, INF]).double()
    case("pow", torch.pow, [bases, exponents])
    mask = lambda a, b: torch.where(a > b, a, b * 2)
    case("select", mask, [normal(3, 4), normal(4)])


def reductions():
    x = normal(2, 3, 4)
    tied = torch.tensor([[1.0, 3.0, 3.0], [INF, 2.0, INF], [-0.0, 0.0, -1.0], [NAN, 1.0, 2.0]]).double()
    for name, f in {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}.items():
        for axes in [(0, 1, 2), (0,), (1,), (2,), (0, 2)]:
            case(name, lambda x: f(x, axes), [x], axes)
        case(name, lambda x: f(x, (1,)), [tied], (1,))


def products():
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 3), (3, 4)), ((2, 5, 3), (3, 4)),
                 ((2, 1, 5, 3), (4, 3, 2)), ((3,), (2, 3, 4)), ((1, 70), (70, 9))]:
        case("matmul", torch.matmul, [normal(*a), normal(*b)])
    for leading in [(5,), (2, 3), ()]:
        case("linear", F.linear, [normal(*leading, 3), normal(4, 3), normal(4)])


def softmax_and_losses():
    x = normal(4, 5) * 3
    odd = torch.tensor([[1.0, -INF, 2.0], [-INF, -INF, -INF], [NAN, 1.0, 2.0], [INF, 1.0, 2.0]]).double()
    for axis in [0, 1]:
        case("softmax", lambda x: F.softmax(x, axis), [x], [axis])
        case("log_softmax", lambda x: F.log_softmax(x, axis), [x], [axis])
    case("softmax", lambda x: F.softmax(x, 1), [odd], [1])
    case("log_softmax", lambda x: F.log_softmax(x, 1), [odd], [1])
    labels, soft = torch.tensor([4, 0, 2, 2]), F.softmax(normal(4, 5), 1)
    soft = soft.float().double()
    targets = torch.rand(4, 5, generator=generator).double()
    for i, reduction in enumerate(["none", "mean", "sum"]):
        for s in [0.0, 0.125, 1.0]:
            f = lambda x: F.cross_entropy(x, labels, reduction=reduction, label_smoothing=s)
            case("cross_entropy", f, [x], [i, s], labels)
            f = lambda x, y: F.cross_entropy(x, y, reduction=reduction, label_smoothing=s)
            case("cross_entropy_soft", f, [x, soft], [i, s])
        case("mse_loss", lambda x, y: F.mse_loss(x, y, reduction=reduction), [x, targets], [i])
        f = lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction=reduction)
        case("bce_with_logits", f, [x * 3, targets], [i])
    odd_labels = torch.tensor([2, 0, 1, 1])
    case("cross_entropy", lambda x: F.cross_entropy(x, odd_labels, reduction="none"), [odd], [0, 0.0], odd_labels)


def shapes():
    x = normal(2, 3, 4)
    case("slice", lambda x: x[:, :, 1:4:2], [x])
    case("transpose_reshape", lambda x: x.transpose(0, 2).reshape(6, 4), [x])
    case("permute", lambda x: x.permute(2, 0, 1), [x])
    case("broadcast_to", lambda x: x.broadcast_to(2, 2, 3, 4), [x])
    case("cat", lambda a, b: torch.cat([a, b, a], 1), [normal(2, 3), normal(2, 1)])
    case("stack", lambda a, b: torch.stack([a, b], 1), [normal(2, 3), normal(2, 3)])


def initialisers():
    """The spread that PyTorch's functions give: the largest magnitude of many draws, and the standard deviation."""
    found = []
    for name in ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]:
        for shape in [(300, 200), (64, 32, 3, 3)]:
            w = torch.empty(shape)
            options = {"nonlinearity": "relu"} if "kaiming" in name else {}
            getattr(torch.nn.init, name + "_")(w, generator=generator, **options)
            found.append({"name": name, "shape": list(shape), "largest": w.abs().max().item(), "std": w.std().item()})
    torch.manual_seed(1)
    layer = torch.nn.Linear(200, 3000)
    for name in ["weight", "bias"]:
        w = getattr(layer, name).detach()
        found.append({"name": "linear_" + name, "shape": list(w.shape),
                      "largest": w.abs().max().item(), "std": w.std().item()})
    return found


def trajectories():
    """Twenty steps of a small multi-layer perceptron: the losses on the way and the parameters at the end."""
    x, labels = normal(6, 5), torch.tensor([0, 2, 1, 1, 0, 2])
    start = [normal(8, 5) * 0.5, normal(8) * 0.1, normal(3, 8) * 0.5, normal(3) * 0.1]
    optimizers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.3),
        "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.3, weight_decay=0.05),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.01),
        "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        "adam": lambda p: torch.optim.Adam(p, lr=0.02),
        "adam_decay": lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.02),
        "adamw_decay": lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.2),
    }
    runs = []
    for name, make in optimizers.items():
        p = [t.clone().requires_grad_() for t in start]
        optimizer, losses = make(p), []
        for _ in range(20):
            optimizer.zero_grad()
            hidden = torch.tanh(F.linear(x, p[0], p[1]))
            loss = F.cross_entropy(F.linear(hidden, p[2], p[3]), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        runs.append({"name": name, "losses": losses, "end": [pack(t) for t in p]})
    return {"x": pack(x), "labels": labels.tolist(), "start": [pack(t) for t in start], "runs": runs}


def main():
    elementwise()
    reductions()
    products()
    softmax_and_losses()
    shapes()
    fixture = {"torch": torch.__version__, "cases": cases, "init": initialisers(), "training": trajectories()}
    OUT.write_text(json.dumps(fixture, separators=(",", ":"), allow_nan=False) + "\n")
    print(f"PyTorch {torch.__version__}: {len(cases)} cases, {OUT.stat().st_size} bytes in {OUT}")


if __name__ == "__main__":
    main()
