"""Initialisers; optimisers and schedules over fifty steps."""

import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save

from common import OUT, normal, seed

class Lion(torch.optim.Optimizer):
    """PyTorch has none: algorithm 2 of Chen et al. 2023, line by line."""

    def __init__(self, params, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * p.grad
                p -= group["lr"] * (torch.sign(c) + group["weight_decay"] * p)
                self.state[p]["m"] = beta2 * m + (1 - beta2) * p.grad


def groups(p):
    """Weights and biases apart, and the last layer half as fast."""
    return [
        {"params": [p[0]]},
        {"params": [p[1]], "weight_decay": 0.0},
        {"params": [p[2]], "lr": 0.01},
        {"params": [p[3]], "weight_decay": 0.0},
    ]


optim = torch.optim
OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.3),
    "sgd_decay": lambda p: optim.SGD(p, lr=0.3, weight_decay=0.05),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.25, weight_decay=0.01),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.02),
    "adam_decay": lambda p: optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.05),
    "amsgrad": lambda p: optim.Adam(p, lr=0.05, betas=(0.8, 0.7), amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.02),
    "adamw_decay": lambda p: optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.2),
    "adamw_groups": lambda p: optim.AdamW(groups(p), lr=0.02, weight_decay=0.2),
    "nadam": lambda p: optim.NAdam(p, lr=0.02),
    "nadam_decay": lambda p: optim.NAdam(p, lr=0.02, betas=(0.8, 0.95), momentum_decay=0.1, weight_decay=0.05),
    "nadamw": lambda p: optim.NAdam(p, lr=0.02, weight_decay=0.2, decoupled_weight_decay=True),
    "radam": lambda p: optim.RAdam(p, lr=0.05),
    "radam_decay": lambda p: optim.RAdam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "rmsprop_momentum": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-6, momentum=0.5, weight_decay=0.05),
    "rmsprop_centered": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, centered=True),
    "rmsprop_both": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, momentum=0.8, centered=True),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.2),
    "adagrad_decay": lambda p: optim.Adagrad(p, lr=0.2, lr_decay=0.05, weight_decay=0.05, eps=1e-6),
    "lion": lambda p: Lion(p, lr=0.01),
    "lion_decay": lambda p: Lion(p, lr=0.01, betas=(0.8, 0.95), weight_decay=0.5),
}

STEPS = 50
lr = torch.optim.lr_scheduler

# Of an optimiser with learning rate 0.3 and momentum 0.9, and of fifty steps.
SCHEDULES = {
    "constant": lambda o: lr.ConstantLR(o, factor=0.2, total_iters=7),
    "step": lambda o: lr.StepLR(o, step_size=8, gamma=0.5),
    "multi_step": lambda o: lr.MultiStepLR(o, milestones=[3, 17, 18, 40], gamma=0.3),
    "exponential": lambda o: lr.ExponentialLR(o, gamma=0.93),
    "linear": lambda o: lr.LinearLR(o, start_factor=0.1, end_factor=0.8, total_iters=20),
    "polynomial": lambda o: lr.PolynomialLR(o, total_iters=STEPS, power=1.0),
    "polynomial_power": lambda o: lr.PolynomialLR(o, total_iters=30, power=0.9),
    "cosine": lambda o: lr.CosineAnnealingLR(o, T_max=STEPS),
    "cosine_min": lambda o: lr.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.02),
    "restarts": lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=12, eta_min=0.01),
    "restarts_longer": lambda o: lr.CosineAnnealingWarmRestarts(o, T_0=6, T_mult=2),
    "one_cycle": lambda o: lr.OneCycleLR(o, 0.8, total_steps=STEPS),
    "one_cycle_linear": lambda o: lr.OneCycleLR(
        o, 0.8, total_steps=STEPS, pct_start=0.4, anneal_strategy="linear", div_factor=10, final_div_factor=100
    ),
    "one_cycle_three": lambda o: lr.OneCycleLR(
        o, 0.8, total_steps=STEPS, three_phase=True, base_momentum=0.8, max_momentum=0.97
    ),
    "warmup_cosine": lambda o: lr.SequentialLR(
        o, [lr.LinearLR(o, 1 / 6, 1.0, 5), lr.CosineAnnealingLR(o, STEPS - 5)], milestones=[5]
    ),
    "then": lambda o: lr.SequentialLR(o, [lr.ConstantLR(o, 0.1, 100), lr.StepLR(o, 7, 0.5)], milestones=[20]),
    "product": lambda o: lr.ChainedScheduler([lr.ConstantLR(o, 0.1, 20), lr.ExponentialLR(o, 0.9)]),
}

# Of the same optimiser, by a metric a step.
PLATEAUS = {
    "plateau": lambda o: lr.ReduceLROnPlateau(o, factor=0.1, patience=2),
    "plateau_cooldown": lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=1, cooldown=2, min_lr=0.02),
    "plateau_absolute": lambda o: lr.ReduceLROnPlateau(
        o, factor=0.8, patience=0, threshold=0.05, threshold_mode="abs", mode="max"
    ),
}


def write():
    seed("training")
    path = OUT / "training.safetensors"
    initial = json.dumps(initialisers(), separators=(",", ":"))
    tensors = {"initialisers": np.frombuffer(initial.encode(), np.uint8), **trajectories(), **schedules(), **clipped()}
    path.write_bytes(save(tensors, metadata={"torch": torch.__version__}))
    print(f"training: {path.stat().st_size} bytes")


def initialisers():
    """The spread that PyTorch's functions give: the largest magnitude of many draws, and the standard deviation."""
    torch.set_default_dtype(torch.float32)
    torch.manual_seed(1)
    init, found = torch.nn.init, []
    for shape in [(300, 200), (64, 32, 3, 3)]:
        for name in ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]:
            w = torch.empty(shape)
            options = {"nonlinearity": "relu"} if "kaiming" in name else {}
            getattr(init, name + "_")(w, **options)
            found.append(spread(name, w))
        for name, fill in {
            "xavier_uniform_tanh": lambda w: init.xavier_uniform_(w, init.calculate_gain("tanh")),
            "xavier_normal_gain": lambda w: init.xavier_normal_(w, 0.5),
            "kaiming_uniform_leaky": lambda w: init.kaiming_uniform_(w, a=0.3),
            "kaiming_normal_fan_out": lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
            "kaiming_uniform_linear": lambda w: init.kaiming_uniform_(w, nonlinearity="linear"),
            "trunc_normal": lambda w: init.trunc_normal_(w, 0.0, 0.02),
            "trunc_normal_narrow": lambda w: init.trunc_normal_(w, 0.5, 1.0, 0.4, 1.5),
            "trunc_normal_one_side": lambda w: init.trunc_normal_(w, 0.0, 1.0, 0.0, 4.0),
            "orthogonal": lambda w: init.orthogonal_(w, 2.0),
        }.items():
            w = torch.empty(shape)
            fill(w)
            found.append(spread(name, w))
    layer = torch.nn.Linear(200, 3000)
    return [*found, spread("linear_weight", layer.weight), spread("linear_bias", layer.bias)]


def spread(name, w):
    w = w.detach()
    return {"name": name, "shape": list(w.shape), "largest": w.abs().max().item(), "std": w.square().mean().sqrt().item()}


def trajectories():
    """A small multi-layer perceptron: the data, the start, the losses on the way and the parameters at the end."""
    # NAdam's running product has the default type.
    torch.set_default_dtype(torch.float64)
    x, labels = normal(6, 5), torch.tensor([0, 2, 1, 1, 0, 2])
    start = [normal(8, 5, std=0.5), normal(8, std=0.1), normal(3, 8, std=0.5), normal(3, std=0.1)]
    tensors = {"x": x, "labels": labels, **{f"start.{i}": p for i, p in enumerate(start)}}
    for name, make in OPTIMIZERS.items():
        p = [t.clone().requires_grad_() for t in start]
        optimizer, losses = make(p), []
        for _ in range(STEPS):
            optimizer.zero_grad()
            hidden = torch.tanh(F.linear(x, p[0], p[1]))
            loss = F.cross_entropy(F.linear(hidden, p[2], p[3]), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        tensors[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        tensors.update({f"{name}.end.{i}": t.detach() for i, t in enumerate(p)})
    return {name: t.numpy() for name, t in tensors.items()}


def schedules():
    """The learning rate of each step, and the momentum where it changes."""
    tensors = {}
    metric = np.round(1 / (1 + 0.2 * np.arange(STEPS)) + 0.05 * np.sin(np.arange(STEPS)), 3)
    tensors["metric"] = torch.tensor(metric)
    for name, make in {**SCHEDULES, **PLATEAUS}.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3, momentum=0.9)
        schedule, rates, momenta = make(optimizer), [], []
        for value in metric:
            rates.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            schedule.step(*[float(value)] if name in PLATEAUS else [])
        tensors[f"schedule.{name}"] = torch.tensor(rates, dtype=torch.float64)
        if len(set(momenta)) > 1:
            tensors[f"momentum.{name}"] = torch.tensor(momenta, dtype=torch.float64)
    return {name: t.numpy() for name, t in tensors.items()}


def clipped():
    """Gradients before and after: by norm 0.7, by norm 100 (which changes nothing), by value 0.3."""
    grads = [normal(8, 5), normal(8), normal(3, 8), normal(1)]
    tensors = {f"grad.{i}": g for i, g in enumerate(grads)}
    ways = {
        "norm": lambda p: torch.nn.utils.clip_grad_norm_(p, 0.7),
        "norm_large": lambda p: torch.nn.utils.clip_grad_norm_(p, 100.0),
        "value": lambda p: torch.nn.utils.clip_grad_value_(p, 0.3),
    }
    for name, clip in ways.items():
        p = [torch.zeros_like(g).requires_grad_() for g in grads]
        for parameter, grad in zip(p, grads):
            parameter.grad = grad.clone()
        total = clip(p)
        if total is not None:
            tensors[f"clip_{name}"] = total
        tensors.update({f"clip_{name}.{i}": parameter.grad for i, parameter in enumerate(p)})
    return {name: t.numpy() for name, t in tensors.items()}
