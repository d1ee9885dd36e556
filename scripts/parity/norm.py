"""Normalisation of batches, layers, groups and instances, and running statistics over several steps."""

import torch
import torch.nn.functional as F

from common import INF, Constant, normal, tensor, uniform

# Which of weight and bias there are.
PARTS = ["wb", "w", "b", ""]
BATCHES = [(4, 3), (2, 3, 5), (2, 3, 2, 4), (1, 3, 2, 2), (3, 2, 4, 5), (2, 1), (0, 3), (0, 3, 2, 2), (2, 3, 0)]


def split(inputs, parts):
    """x, weight, bias of what follows x."""
    x, *rest = inputs
    given = dict(zip(parts, rest))
    return x, given.get("w"), given.get("b")


def affine(shape, parts):
    return [uniform(*shape) if part == "w" else normal(*shape) for part in parts]


def cases(case):
    batches(case)
    layers(case)
    groups(case)
    steps(case)


def batches(case):
    def train(*inputs, parts, eps):
        x, weight, bias = split(inputs, parts)
        return F.batch_norm(x, None, None, weight, bias, True, eps=eps)

    def evaluate(x, mean, var, *rest, parts, eps):
        x, weight, bias = split([x, *rest], parts)
        return F.batch_norm(x, mean, var, weight, bias, False, eps=eps)

    def statistics(x):
        channels = x.shape[1]
        mean, var = torch.zeros(channels), torch.zeros(channels)
        F.batch_norm(x, mean, var, None, None, True, momentum=1.0)
        return mean, var

    for shape in BATCHES:
        channels = (shape[1],)
        for parts in PARTS:
            for eps in [1e-5, 0.5]:
                case("batch_norm", train, normal(*shape), *affine(channels, parts), parts=parts, eps=eps)
            given = [Constant(normal(*channels)), Constant(uniform(*channels))]
            case("batch_norm_eval", evaluate, normal(*shape), *given, *affine(channels, parts), parts=parts, eps=1e-5)
        if 0 not in shape:
            case("batch_norm statistics", statistics, Constant(normal(*shape, mean=2.0, std=3.0)))
    # A batch of one sample without positions, in evaluation; far from zero; a channel that does not vary; infinity.
    given = [Constant(normal(3)), Constant(uniform(3))]
    case("batch_norm_eval", evaluate, normal(1, 3), *given, *affine((3,), "wb"), parts="wb", eps=1e-5)
    for shape in [(8, 3), (4, 3, 5, 5)]:
        case("batch_norm", train, normal(*shape, mean=1e4), *affine((3,), "wb"), parts="wb", eps=1e-5)
        case("batch_norm statistics", statistics, Constant(normal(*shape, mean=1e4)))
    case("batch_norm", train, tensor([[1.5, 1.0], [1.5, 2.0]]), *affine((2,), "wb"), parts="wb", eps=1e-5)
    case("batch_norm", train, Constant(tensor([[INF, 1.0], [1.0, 2.0]])), parts="", eps=1e-5)


def layers(case):
    def norm(*inputs, parts, axes, eps):
        x, weight, bias = split(inputs, parts)
        return F.layer_norm(x, x.shape[x.dim() - axes:], weight, bias, eps)

    for shape, axes in [((3, 4), 1), ((2, 3, 4), 1), ((2, 3, 4), 2), ((2, 3, 2, 2), 3), ((5,), 1), ((3, 1), 1),
                        ((0, 4), 1), ((2, 0), 1)]:
        for parts in PARTS:
            for eps in [1e-5, 0.5]:
                given = affine(shape[len(shape) - axes:], parts)
                case("layer_norm", norm, normal(*shape), *given, parts=parts, axes=axes, eps=eps)
    case("layer_norm", norm, normal(3, 8, mean=1e4), *affine((8,), "wb"), parts="wb", axes=1, eps=1e-5)


def groups(case):
    def group(*inputs, parts, groups, eps):
        x, weight, bias = split(inputs, parts)
        return F.group_norm(x, groups, weight, bias, eps)

    def instance(*inputs, parts, eps):
        x, weight, bias = split(inputs, parts)
        return F.instance_norm(x, weight=weight, bias=bias, eps=eps)

    for shape, counts in [((2, 4), [1, 2, 4]), ((2, 4, 3), [1, 2, 4]), ((1, 6, 2, 2), [3]), ((3, 4, 2, 5), [2]),
                          ((0, 4, 2), [2])]:
        for count in counts:
            for parts in PARTS:
                given = affine((shape[1],), parts)
                case("group_norm", group, normal(*shape), *given, parts=parts, groups=count, eps=1e-5)
    for shape in [(2, 3, 4), (1, 3, 2, 2), (2, 1, 3, 5), (0, 3, 2)]:
        # Of nothing PyTorch takes no weight.
        for parts in PARTS if 0 not in shape else [""]:
            for eps in [1e-5, 0.5]:
                case("instance_norm", instance, normal(*shape), *affine((shape[1],), parts), parts=parts, eps=eps)


def steps(case):
    """A layer that sees batches in training, and the last in evaluation: what it gives there, and its statistics."""

    def layer(*inputs, affine, momentum, eps):
        *batches, last = inputs
        kind = torch.nn.BatchNorm2d if last.dim() == 4 else torch.nn.BatchNorm1d
        norm = kind(last.shape[1], eps=eps, momentum=momentum, affine=affine)
        trained = [norm(x).detach() for x in batches]
        norm.eval()
        return [*trained, norm(last).detach(), norm.running_mean, norm.running_var, norm.num_batches_tracked]

    for shapes in [[(4, 3)] * 5 + [(1, 3)], [(2, 3, 4), (3, 3, 2), (1, 3, 7)], [(2, 3, 2, 2), (1, 3, 3, 3)] * 3,
                   [(3, 2), (0, 2), (2, 2), (4, 2)]]:
        for momentum in [0.1, 0.75, None]:
            for affine in [True, False]:
                batches = [Constant(normal(*shape, mean=1.0, std=2.0)) for shape in shapes]
                case("batch_norm layer", layer, *batches, affine=affine, momentum=momentum, eps=1e-3)
