"""Pooling, pixels and channels, images at another size."""

import torch
import torch.nn.functional as F

from common import INF, NAN, integers, normal, tensor

IMAGES = [(1, 1, 4, 5), (2, 2, 5, 7)]
# Side by side, overlapping, apart, beyond the edge, padded.
WINDOWS = [
    {"kernel_size": (2, 2)},
    {"kernel_size": (2, 2), "ceil_mode": True},
    {"kernel_size": (3, 2), "stride": (1, 1)},
    {"kernel_size": (1, 2), "stride": (2, 3)},
    {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1)},
    {"kernel_size": (3, 3), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True},
    {"kernel_size": (2, 3), "stride": (3, 2), "padding": (1, 0), "ceil_mode": True},
    {"kernel_size": (4, 5)},
]
SIZES = [(1, 1), (2, 3), (4, 5), (7, 9), (3, 1)]


def cases(case):
    largest(case)
    not_finite(case)
    means(case)
    sequences(case)
    adaptive(case)
    unpooled(case)
    pixels(case)
    sizes(case)


def indexed(x, **window):
    return F.max_pool2d(x, **window, return_indices=True)


def largest(case):
    dilated = [
        {"kernel_size": (2, 2), "stride": (1, 1), "dilation": (2, 3)},
        {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 1), "dilation": (1, 3), "ceil_mode": True},
        {"kernel_size": (2, 2), "stride": (1, 2), "padding": (1, 1), "dilation": (3, 2)},
    ]
    for window in WINDOWS + dilated:
        for shape in [*IMAGES, (0, 2, 4, 5)]:
            case("max_pool2d", F.max_pool2d, normal(*shape), **window)
            # Many ties.
            case("max_pool2d_with_indices", indexed, integers(0, 3, *shape).double(), **window)


def not_finite(case):
    rows = [[NAN, 1, 2, 3, NAN, 5, 7, 8], [NAN, 2, NAN, 1, 0, NAN, INF, INF],
            [-INF, -INF, 1, -INF, INF, NAN, 0.0, -0.0], [-INF, -INF, -INF, 2, NAN, INF, -0.0, 0.0]]
    for window in [WINDOWS[0], WINDOWS[2], WINDOWS[4], {"kernel_size": (4, 8)}]:
        case("max_pool2d_with_indices", indexed, tensor([[rows]]), **window)
    case("adaptive_max_pool2d", F.adaptive_max_pool2d, tensor([[rows]]), output_size=(2, 3))
    case("max_pool1d", F.max_pool1d, tensor([rows]), kernel_size=3, stride=2)
    case("avg_pool2d", F.avg_pool2d, tensor([[rows]]), kernel_size=(2, 2))
    case("avg_pool1d", F.avg_pool1d, tensor([rows]), kernel_size=3, padding=1)
    case("interpolate", F.interpolate, tensor([[rows]]), size=(6, 5), mode="nearest")


def means(case):
    for window in WINDOWS:
        for shape in [*IMAGES, (0, 2, 4, 5)]:
            for count in [True, False]:
                case("avg_pool2d", F.avg_pool2d, normal(*shape), **window, count_include_pad=count)


def sequences(case):
    for window in [{"kernel_size": 2}, {"kernel_size": 3, "stride": 1, "padding": 1}, {"kernel_size": 2, "stride": 3},
                   {"kernel_size": 4, "stride": 3, "padding": 2, "ceil_mode": True}, {"kernel_size": 7}]:
        for shape in [(1, 1, 7), (2, 3, 8), (0, 2, 7)]:
            case("max_pool1d", F.max_pool1d, normal(*shape), **window)
            case("avg_pool1d", F.avg_pool1d, normal(*shape), **window)
    case("max_pool1d", F.max_pool1d, normal(2, 1, 9), kernel_size=3, stride=2, dilation=2, padding=1)
    for size in [1, 2, 3, 7, 9]:
        case("adaptive_avg_pool1d", F.adaptive_avg_pool1d, normal(2, 3, 7), output_size=size)


def adaptive(case):
    for size in SIZES:
        for shape in [*IMAGES, (0, 2, 4, 5)]:
            case("adaptive_avg_pool2d", F.adaptive_avg_pool2d, normal(*shape), output_size=size)
            case("adaptive_max_pool2d", F.adaptive_max_pool2d, normal(*shape), output_size=size)
            case("adaptive_max_pool2d", F.adaptive_max_pool2d, integers(0, 3, *shape).double(), output_size=size)


def unpooled(case):
    unpool = lambda x, places, output_size: torch.ops.aten.max_unpool2d(x, places, output_size)
    for h, w in [(4, 5), (5, 7)]:
        y, places = indexed(normal(2, 3, h, w), kernel_size=2)
        case("max_unpool2d", unpool, y, places, output_size=(h, w))
        case("max_unpool2d", unpool, y, places, output_size=(h + 1, w))


def pixels(case):
    for n, c, h, w, r in [(1, 1, 4, 6, 2), (2, 3, 3, 6, 3), (2, 2, 3, 5, 1)]:
        case("pixel_unshuffle", F.pixel_unshuffle, normal(n, c, h, w), downscale_factor=r)
        case("pixel_shuffle", F.pixel_shuffle, normal(n, c * r * r, h, w), upscale_factor=r)
    case("pixel_shuffle", F.pixel_shuffle, integers(-9, 9, 1, 4, 2, 3), upscale_factor=2)
    # PyTorch's own has no gradient.
    shuffle = lambda x, groups: x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
    for groups in [1, 2, 3, 6]:
        x = normal(2, 6, 3, 2)
        assert shuffle(x, groups).equal(F.channel_shuffle(x, groups))
        case("channel_shuffle", shuffle, x, groups=groups)


def sizes(case):
    modes = [{"mode": "nearest"}, {"mode": "bilinear"}, {"mode": "bilinear", "align_corners": True}]
    for mode in modes:
        for shape in IMAGES:
            for size in [*SIZES, (8, 10), (5, 7)]:
                case("interpolate", F.interpolate, normal(*shape), size=size, **mode)
            for factor in [(2.0, 2.0), (1.5, 3.0), (0.6, 0.5), (1.3, 2.7), (1.0, 0.9)]:
                case("interpolate_by", F.interpolate, normal(*shape), scale_factor=factor, **mode)
        case("interpolate", F.interpolate, normal(2, 1, 1, 1), size=(3, 2), **mode)
