"""Initialisers, and optimisers over twenty steps."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save

from common import OUT, normal, seed

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.3),
    "sgd_decay": lambda p: torch.optim.SGD(p, lr=0.3, weight_decay=0.05),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.01),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: torch.optim.Adam(p, lr=0.02),
    "adam_decay": lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.02),
    "adamw_decay": lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.2),
}


def write():
    seed("training")
    path = OUT / "training.safetensors"
    initial = json.dumps(initialisers(), separators=(",", ":"))
    tensors = {"initialisers": np.frombuffer(initial.encode(), np.uint8), **trajectories()}
    path.write_bytes(save(tensors, metadata={"torch": torch.__version__}))
    print(f"training: {path.stat().st_size} bytes")


def initialisers():
    """The spread that PyTorch's functions give: the largest magnitude of many draws, and the standard deviation."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(1)
    found = []
    for name in ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]:
        for shape in [(300, 200), (64, 32, 3, 3)]:
            w = torch.empty(shape)
            options = {"nonlinearity": "relu"} if "kaiming" in name else {}
            getattr(torch.nn.init, name + "_")(w, **options)
            found.append(spread(name, w))
    layer = torch.nn.Linear(200, 3000)
    return [*found, spread("linear_weight", layer.weight), spread("linear_bias", layer.bias)]


def spread(name, w):
    w = w.detach()
    return {"name": name, "shape": list(w.shape), "largest": w.abs().max().item(), "std": w.std().item()}


def trajectories():
    """A small multi-layer perceptron: the data, the start, the losses on the way and the parameters at the end."""
    x, labels = normal(6, 5), torch.tensor([0, 2, 1, 1, 0, 2])
    start = [normal(8, 5, std=0.5), normal(8, std=0.1), normal(3, 8, std=0.5), normal(3, std=0.1)]
    tensors = {"x": x, "labels": labels, **{f"start.{i}": p for i, p in enumerate(start)}}
    for name, make in OPTIMIZERS.items():
        p = [t.clone().requires_grad_() for t in start]
        optimizer, losses = make(p), []
        for _ in range(20):
            optimizer.zero_grad()
            hidden = torch.tanh(F.linear(x, p[0], p[1]))
            loss = F.cross_entropy(F.linear(hidden, p[2], p[3]), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        tensors[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        tensors.update({f"{name}.end.{i}": t.detach() for i, t in enumerate(p)})
    return {name: t.numpy() for name, t in tensors.items()}
