"""Reductions, moments, norms, running sums, orders, softmax."""

import torch
import torch.nn.functional as F

from common import INF, NAN, integers, mask, normal, tensor, uniform

SHAPES = [(), (1,), (7,), (3, 5), (2, 1, 3), (2, 3, 1, 2)]
ALONG = [(0,), (1,), (2,), (-1,), (0, 2), (2, 1), (0, 1, 2)]
# Along the last axis: ties, infinities, signed zeros, NaN, nothing finite.
ODD = tensor([[1.0, 3.0, 3.0, -2.0], [INF, 2.0, INF, 1.0], [-0.0, 0.0, -1.0, 0.0], [NAN, 1.0, 2.0, NAN],
              [-INF, INF, 1.0, 0.0], [-INF, -INF, -INF, -INF], [2.0, 2.0, 2.0, 2.0], [0.0, 5.0, 0.0, 2.0],
              [3.0, NAN, INF, -INF], [0.0, 0.0, 0.0, 0.0], [0.0, -7.0, 1.0, 0.5]])
# The same without NaN.
NUMBERS = ODD[~ODD.isnan().any(1)]
REDUCTIONS = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin}


def prod(x, dim, keepdim=False):
    """torch.prod takes one axis."""
    for axis in sorted([axis % x.dim() for axis in dim], reverse=True):
        x = x.prod(axis, keepdim=keepdim)
    return x


def cases(case):
    sums(case)
    truths(case)
    extremes(case)
    moments(case)
    norms(case)
    running(case)
    orders(case)
    softmax(case)


def sums(case):
    for op, f in REDUCTIONS.items():
        for shape in SHAPES:
            case(op, f, normal(*shape))
    for shape in SHAPES:
        case("prod", torch.prod, normal(*shape))
    case("prod", torch.prod, tensor([2.0, 0.0, 3.0]))
    case("prod", torch.prod, tensor([2.0, 0.0, 0.0, 3.0]))
    for op, f in {**REDUCTIONS, "prod": prod}.items():
        for along in ALONG:
            case(f"{op}_axes", f, normal(2, 3, 4), dim=along)
            case(f"{op}_axes", f, normal(2, 3, 4), dim=along, keepdim=True)
        case(f"{op}_axes", f, ODD, dim=(1,))
        case(f"{op}_axes", f, ODD, dim=(0,))
        case(f"{op}_axes", f, normal(3, 0, 2), dim=(0,))
        case(f"{op}_axes", f, normal(2, 1, 3, 2), dim=(1, -1))
    for op, f in {"sum": torch.sum, "mean": torch.mean, "prod": prod}.items():
        case(f"{op}_axes", f, normal(3, 0, 2), dim=(1,))
    for op in ["sum", "mean"]:
        case(op, REDUCTIONS[op], normal(0))
    case("prod", torch.prod, normal(0))
    # Of whole numbers.
    for x in [integers(-9, 9, 3, 4), integers(0, 255, 3, 4).byte()]:
        case("sum", torch.sum, x)
        for op in ["sum", "max", "min"]:
            case(f"{op}_axes", REDUCTIONS[op], x, dim=(1,))
        case("max", torch.amax, x)


def truths(case):
    for op, f in {"any": torch.any, "all": torch.all}.items():
        for shape in [*SHAPES, (0,)]:
            case(op, f, mask(*shape))
        for along in ALONG:
            case(f"{op}_axes", f, mask(2, 2, 3), dim=along, keepdim=False)
        case(f"{op}_axes", f, mask(2, 0, 3), dim=(1,), keepdim=False)
        case(f"{op}_axes", f, mask(2, 3), dim=(1,), keepdim=True)


def extremes(case):
    for op, f in {"argmax": torch.argmax, "argmin": torch.argmin}.items():
        for axis in [0, 1, 2, -1]:
            case(op, f, normal(2, 3, 4), dim=axis)
            case(op, f, normal(2, 3, 4).round(), dim=axis)
        for axis in [0, 1]:
            case(op, f, ODD, dim=axis)
        case(op, f, normal(7), dim=0)
        case(op, f, normal(3, 0), dim=0)
        case(op, f, integers(-3, 3, 3, 5), dim=1)


def moments(case):
    for op, f in {"var": torch.var, "std": torch.std}.items():
        for correction in [0, 1, 2]:
            case(op, f, normal(3, 5), correction=correction)
            case(f"{op}_axes", f, ODD, dim=(1,), correction=correction)
            for along in ALONG[::2]:
                case(f"{op}_axes", f, normal(2, 3, 4), dim=along, correction=correction, keepdim=False)
            case(f"{op}_axes", f, normal(2, 3, 4), dim=(0, -1), correction=correction, keepdim=True)
        for shape in SHAPES:
            case(op, f, normal(*shape), correction=0)
        # Nothing left after the correction; numbers far from 0, where the mean of squares would lose them.
        case(op, f, normal(1), correction=1)
        case(op, f, normal(0), correction=1)
        case(op, f, normal(7, mean=1024), correction=1)
        case(f"{op}_axes", f, normal(3, 0), dim=(0,), correction=1, keepdim=False)


def norms(case):
    norm = torch.linalg.vector_norm
    for p in [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, INF, -INF]:
        case("norm", norm, normal(3, 5), ord=p)
        case("norm", norm, tensor([0.0, 0.0, 0.0]), ord=p)
        case("norm", norm, normal(), ord=p)
        case("norm_axes", norm, normal(2, 3, 4), ord=p, dim=(1,), keepdim=False)
        case("norm_axes", norm, normal(2, 3, 4), ord=p, dim=(0, -1), keepdim=True)
        # PyTorch gives a NaN the gradient 0 where it takes the sign, which it says is 0; Versant gives NaN.
        case("norm_axes", norm, NUMBERS if p in [1.0, INF, -INF] else ODD, ord=p, dim=(1,), keepdim=False)
    case("norm", norm, normal(0), ord=2.0)
    for along in ALONG:
        case("logsumexp_axes", torch.logsumexp, normal(2, 3, 4, std=3), dim=along, keepdim=False)
        case("logsumexp_axes", torch.logsumexp, normal(2, 3, 4, std=30), dim=along, keepdim=True)
    case("logsumexp_axes", torch.logsumexp, ODD, dim=(1,), keepdim=False)
    case("logsumexp_axes", torch.logsumexp, ODD, dim=(0,), keepdim=False)
    case("logsumexp_axes", torch.logsumexp, normal(2, 0), dim=(1,), keepdim=False)


def running(case):
    for op, f in {"cumsum": torch.cumsum, "cumprod": torch.cumprod}.items():
        for axis in [0, 1, 2, -1]:
            case(op, f, normal(2, 3, 4), dim=axis)
        # Behind a zero PyTorch's gradient of cumprod leaves out what is not finite: only the values are compared.
        odd = (lambda x, dim: f(x.detach(), dim)) if op == "cumprod" else f
        for axis in [0, 1]:
            case(op, odd, ODD, dim=axis)
            case(op, f, normal(3, 0), dim=axis)
        case(op, f, normal(7), dim=0)
        case(op, f, normal(1, 1), dim=1)
        case(op, f, integers(-5, 5, 3, 4), dim=1)
    for row in [[0.0, 2.0, 3.0], [2.0, 0.0, 3.0, 0.0, 5.0], [2.0, 3.0, 0.0], [0.0, 0.0, 1.0]]:
        case("cumprod", torch.cumprod, tensor(row), dim=0)


def orders(case):
    sort = lambda x, dim, descending: torch.sort(x, dim=dim, descending=descending, stable=True)
    argsort = lambda x, dim, descending: torch.argsort(x, dim=dim, descending=descending, stable=True)
    # The first k of a stable order; torch.topk itself leaves the order of ties open.
    topk = lambda x, k, dim, largest: [t.narrow(dim, 0, k) for t in sort(x, dim, largest)]
    for op, f in {"sort": sort, "argsort": argsort}.items():
        for descending in [False, True]:
            for axis in [0, 1, -1]:
                case(op, f, normal(2, 3, 4), dim=axis, descending=descending)
                case(op, f, normal(2, 3, 4).round(), dim=axis, descending=descending)
            case(op, f, ODD, dim=1, descending=descending)
            case(op, f, ODD, dim=0, descending=descending)
            case(op, f, normal(3, 0), dim=1, descending=descending)
            case(op, f, normal(7), dim=0, descending=descending)
            case(op, f, integers(-3, 3, 3, 5), dim=1, descending=descending)
    for largest in [False, True]:
        for k in [0, 1, 2, 4]:
            case("topk", torch.topk, normal(2, 3, 4), k=k, dim=-1, largest=largest)
        case("topk", torch.topk, normal(5, 3), k=3, dim=0, largest=largest)
        case("topk", torch.topk, normal(7), k=7, dim=0, largest=largest)
        case("topk", topk, ODD, k=2, dim=1, largest=largest)
        case("topk", topk, ODD, k=4, dim=1, largest=largest)
        case("topk", topk, ODD, k=3, dim=0, largest=largest)
        case("topk", topk, integers(-3, 3, 3, 5), k=2, dim=1, largest=largest)
    unique = lambda x: torch.unique(x.detach())
    counted = lambda x: torch.unique(x.detach(), return_inverse=True, return_counts=True)
    for x in [normal(3, 5).round(), normal(7), ODD, normal(), normal(0), integers(-3, 3, 3, 5),
              integers(0, 4, 9).byte(), mask(2, 3), torch.tensor([2**62, -(2**62), 0, 2**62])]:
        case("unique", unique, x)
        # The order of several NaN is left to chance.
        case("unique_with_counts", counted, NUMBERS if x is ODD else x)


def softmax(case):
    for op, f in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
        for axis in [0, 1, 2, -1]:
            case(op, f, normal(2, 3, 4, std=3), dim=axis)
        for axis in [0, 1]:
            case(op, f, ODD, dim=axis)
        case(op, f, normal(7, std=30), dim=0)
        case(op, f, normal(3, 1), dim=1)
        case(op, f, normal(3, 0), dim=0)
        case(op, f, normal(3, 0), dim=1)
        case(op, f, normal(2, 1, 3, 2), dim=-2)
