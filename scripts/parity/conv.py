"""Convolutions, transposed ones, and their layers with every mode of padding."""

import torch
import torch.nn.functional as F
from torch import nn

from common import INF, NAN, normal, tensor

# x, weight, options.
CONV2D = [
    ((1, 1, 3, 3), (1, 1, 1, 1), {}),
    ((2, 3, 5, 4), (4, 3, 3, 2), {}),
    ((2, 3, 5, 4), (4, 3, 3, 3), {"padding": 1}),
    ((2, 2, 7, 6), (3, 2, 3, 2), {"stride": 2}),
    ((1, 2, 7, 9), (3, 2, 3, 2), {"stride": [3, 2], "padding": [2, 1]}),
    ((1, 2, 8, 7), (2, 2, 2, 3), {"stride": [1, 3], "padding": [0, 2], "dilation": [3, 2]}),
    ((2, 4, 5, 5), (6, 2, 3, 3), {"groups": 2, "padding": 1}),
    ((1, 4, 6, 5), (4, 1, 3, 3), {"groups": 4, "padding": 1}),
    ((2, 3, 6, 7), (6, 1, 2, 3), {"groups": 3, "stride": 2}),
    ((1, 6, 4, 4), (3, 2, 1, 1), {"groups": 3, "stride": 2}),
    ((2, 5, 3, 4), (7, 5, 1, 1), {}),
    ((2, 2, 5, 6), (3, 2, 3, 5), {"padding": "same"}),
    ((2, 2, 5, 6), (3, 2, 2, 4), {"padding": "same", "dilation": [3, 1]}),
    ((1, 2, 4, 3), (2, 1, 4, 2), {"padding": "same", "dilation": [1, 2], "groups": 2}),
    ((2, 2, 5, 6), (3, 2, 3, 5), {"padding": "valid"}),
    ((1, 2, 1, 1), (3, 2, 3, 3), {"padding": 1}),
    ((1, 1, 2, 2), (2, 1, 5, 5), {"padding": 2}),
    ((1, 1, 1, 2), (1, 1, 2, 2), {"padding": [3, 5], "stride": 4}),
    ((0, 3, 5, 4), (4, 3, 3, 2), {}),
    ((3, 17, 6, 5), (9, 17, 3, 3), {"padding": 1}),
    ((1, 1, 9, 20), (2, 1, 5, 5), {}),
]
CONV1D = [
    ((2, 3, 7), (4, 3, 3), {}),
    ((1, 2, 9), (3, 2, 2), {"stride": 3, "padding": 2}),
    ((2, 4, 8), (4, 1, 3), {"groups": 4, "dilation": 2, "padding": 1}),
    ((1, 2, 8), (3, 2, 4), {"padding": "same", "dilation": 3}),
    ((1, 1, 1), (1, 1, 1), {}),
    ((0, 2, 5), (3, 2, 2), {}),
]
TRANSPOSED2D = [
    ((2, 3, 3, 4), (3, 2, 3, 2), {}),
    ((2, 3, 3, 4), (3, 2, 2, 2), {"stride": 2}),
    ((1, 2, 3, 4), (2, 3, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    ((1, 2, 3, 2), (2, 3, 3, 4), {"stride": [3, 2], "padding": [1, 3], "output_padding": [2, 0], "dilation": [1, 2]}),
    ((1, 2, 3, 2), (2, 3, 1, 2), {"stride": 3}),
    ((1, 4, 3, 3), (4, 2, 3, 2), {"groups": 2, "stride": [1, 2]}),
    ((2, 3, 4, 3), (3, 1, 3, 3), {"groups": 3, "padding": 1}),
    ((1, 2, 4, 4), (2, 1, 2, 2), {"output_padding": [1, 0], "dilation": 2}),
    ((0, 2, 3, 4), (2, 3, 3, 3), {"stride": 2}),
]
TRANSPOSED1D = [
    ((2, 3, 4), (3, 2, 3), {}),
    ((1, 2, 5), (2, 3, 4), {"stride": 3, "padding": 1, "output_padding": 2}),
    ((2, 4, 3), (4, 1, 2), {"groups": 2, "stride": 2}),
]


def cases(case):
    for op, f, all_of_them in [
        ("conv2d", F.conv2d, CONV2D),
        ("conv1d", F.conv1d, CONV1D),
        ("conv_transpose2d", F.conv_transpose2d, TRANSPOSED2D),
        ("conv_transpose1d", F.conv_transpose1d, TRANSPOSED1D),
    ]:
        for x, weight, options in all_of_them:
            outputs = weight[1] * options.get("groups", 1) if "transpose" in op else weight[0]
            case(op, f, normal(*x), normal(*weight), **options)
            case(op, f, normal(*x), normal(*weight), normal(outputs), **options)
    # What is not finite reaches those places that see it, and no others.
    odd = tensor([[[[1.0, NAN, 2.0, 0.0], [0.5, 1.0, -1.0, 3.0], [2.0, 1.0, 1.0, -INF]]]])
    case("conv2d", F.conv2d, odd, normal(2, 1, 2, 2), normal(2))
    case("conv_transpose2d", F.conv_transpose2d, odd, normal(1, 2, 2, 2), normal(2), stride=2)
    layers(case)


def layers(case):
    """Layers with given parameters."""

    def run(layer):
        def call(x, weight, bias, **_):
            return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, x)

        return call

    for mode in ["zeros", "reflect", "replicate", "circular"]:
        for kernel, options in [([3, 3], {"padding": 1}), ([3, 2], {"padding": [2, 1], "stride": [2, 1]}),
                                ([2, 4], {"padding": "same", "dilation": [3, 1]}), ([2, 3], {"padding": "valid"})]:
            layer = nn.Conv2d(2, 3, kernel, padding_mode=mode, **options)
            inputs = [normal(2, 2, 5, 6), normal(3, 2, *kernel), normal(3)]
            case("Conv2d", run(layer), *inputs, padding_mode=mode, **options)
        layer = nn.Conv1d(2, 3, 4, padding=2, stride=2, padding_mode=mode)
        inputs = [normal(2, 2, 7), normal(3, 2, 4), normal(3)]
        case("Conv1d", run(layer), *inputs, padding_mode=mode, padding=2, stride=2)
    layer = nn.ConvTranspose2d(2, 3, 3, stride=2, padding=1, output_padding=1)
    inputs = [normal(2, 2, 3, 4), normal(2, 3, 3, 3), normal(3)]
    case("ConvTranspose2d", run(layer), *inputs, stride=2, padding=1, output_padding=1)
