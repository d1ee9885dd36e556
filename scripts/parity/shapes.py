"""Views, rearrangement, padding, windows, joining."""

import torch
import torch.nn.functional as F

from common import INF, NAN, integers, mask, normal, tensor

SHAPES = [(7,), (3, 5), (2, 3, 4), (2, 1, 3, 2)]
EVERY = [(), *SHAPES, (2, 0, 3)]


def cases(case):
    reshapes(case)
    parts(case)
    rearranged(case)
    padding(case)
    windows(case)
    joined(case)


def reshapes(case):
    for op, f in {"view": torch.Tensor.view, "reshape": torch.reshape}.items():
        for old, new in [((), (1,)), ((), ()), ((12,), (3, 4)), ((2, 3, 4), (6, 4)), ((2, 3, 4), (2, 2, 3, 2)),
                         ((1,), ()), ((2, 0, 3), (0,)), ((4, 1), (1, 2, 2))]:
            case(op, lambda x, shape: f(x, shape), normal(*old), shape=new)
    for old, new in [((12,), (3, -1)), ((2, 3, 4), (-1, 4)), ((2, 3, 4), (-1,)), ((), (-1,)), ((0, 3), (-1, 3))]:
        case("view", lambda x, shape: x.view(shape), normal(*old), shape=new)
    for old, new in [((3, 1), (3, 4)), ((3, 1), (-1, 4)), ((3,), (2, 3)), ((), (2, 2)), ((1, 4), (2, 3, -1)),
                     ((2, 1), (2, 0))]:
        case("expand", lambda x, shape: x.expand(shape), normal(*old), shape=new)
    for old, new in [((3, 1), (3, 4)), ((), (2, 2)), ((3,), (2, 2, 3)), ((1,), (0,)), ((2, 1, 3), (2, 4, 3))]:
        case("broadcast_to", lambda x, shape: x.broadcast_to(shape), normal(*old), shape=new)
        case("sum_to", lambda x, shape: x.sum_to_size(shape), normal(*new), shape=old)
    for old, axis, new in [((12,), 0, (3, 4)), ((2, 6), 1, (3, 2)), ((2, 6), -1, (1, 6)), ((4, 3), 0, (2, 1, 2)),
                           ((0, 2), 0, (0, 3)), ((2, 3, 4), 1, (3, 1))]:
        case("unflatten", lambda x, dim, sizes: x.unflatten(dim, sizes), normal(*old), dim=axis, sizes=new)
    for start in [0, 1, 2, -1, -2]:
        case("flatten", torch.flatten, normal(2, 3, 4), start_dim=start)
    for shape in EVERY:
        case("flatten", torch.flatten, normal(*shape), start_dim=0)
    for start, end in [(0, 1), (1, 2), (0, 2), (-2, -1), (1, 1), (0, -1)]:
        case("flatten_axes", torch.flatten, normal(2, 3, 4), start_dim=start, end_dim=end)
        case("flatten_axes", torch.flatten, normal(2, 0, 3, 1), start_dim=start, end_dim=end)
    for shape, axis in [((1,), 0), ((3, 1), 1), ((1, 3), 0), ((2, 1, 3), -2), ((1, 0), 0), ((1, 1, 1), 1)]:
        case("squeeze", torch.squeeze, normal(*shape), dim=axis)
    for shape in EVERY:
        for axis in [0, len(shape), -1, -1 - len(shape)]:
            case("unsqueeze", torch.unsqueeze, normal(*shape), dim=axis)


def parts(case):
    select = lambda x, dim, index: x.select(dim, index)
    for shape in SHAPES:
        for axis in range(-1, len(shape)):
            case("select", select, normal(*shape), dim=axis, index=shape[axis] - 1)
            case("narrow", torch.narrow, normal(*shape), dim=axis, start=0, length=shape[axis] // 2)
    case("select", select, normal(0, 2), dim=1, index=1)
    case("select", select, integers(-9, 9, 3, 4), dim=1, index=2)
    every = lambda x, dim, start, end, step: x.index_select(dim, torch.arange(start, end, step))
    for axis, start, end, step in [(0, 0, 5, 1), (0, 1, 5, 2), (1, 0, 7, 3), (1, 6, 7, 1), (-1, 2, 2, 1), (1, 1, 6, 9)]:
        case("slice", every, normal(5, 7), dim=axis, start=start, end=end, step=step)
    for size in [1, 2, 3, 7, 9]:
        case("split", torch.split, normal(7), split_size_or_sections=size, dim=0)
        case("split", torch.split, normal(2, 7), split_size_or_sections=size, dim=-1)
        case("chunk", torch.chunk, normal(7), chunks=size, dim=0)
        case("chunk", torch.chunk, normal(7, 2), chunks=size, dim=0)
    for sizes in [[7], [1, 6], [0, 3, 4], [2, 2, 2, 1]]:
        case("split_sizes", torch.split, normal(7, 2), split_size_or_sections=sizes, dim=0)
        case("split_sizes", torch.split, normal(2, 7), split_size_or_sections=sizes, dim=-1)
    case("chunk", torch.chunk, normal(0, 3), chunks=2, dim=0)
    case("split", torch.split, integers(-9, 9, 5), split_size_or_sections=2, dim=0)


def rearranged(case):
    for a, b in [(0, 1), (0, 2), (-1, 1), (1, 1)]:
        case("transpose", torch.transpose, normal(2, 3, 4), dim0=a, dim1=b)
    case("transpose", torch.transpose, mask(2, 3), dim0=0, dim1=1)
    for order in [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)]:
        case("permute", torch.permute, normal(2, 3, 4), dims=order)
        case("permute", torch.permute, normal(2, 0, 4), dims=order)
    case("permute", torch.permute, normal(), dims=())
    for axes in [(0,), (1,), (-1,), (0, 2), (2, 1, 0), ()]:
        case("flip", torch.flip, normal(2, 3, 4), dims=axes)
        case("flip", torch.flip, normal(2, 0, 4), dims=axes)
    case("flip", torch.flip, integers(-9, 9, 7), dims=(0,))
    case("flip", torch.flip, mask(2, 3), dims=(1,))
    for shift in [0, 1, -1, 5, -9, 14]:
        case("roll", torch.roll, normal(7), shifts=shift, dims=0)
        case("roll", torch.roll, normal(2, 5, 1), shifts=shift, dims=-2)
    case("roll", torch.roll, normal(0, 2), shifts=1, dims=0)
    for shape, counts in [((3,), (2,)), ((3,), (2, 2)), ((2, 3), (2, 1)), ((), (3,)), ((2, 3), (0, 2)),
                          ((2, 1, 2), (1, 3, 2)), ((0, 2), (2, 2))]:
        case("repeat", lambda x, counts: x.repeat(counts), normal(*shape), counts=counts)
        case("tile", torch.tile, normal(*shape), dims=counts)
    case("tile", torch.tile, normal(2, 1, 3), dims=(2,))
    case("tile", torch.tile, normal(2, 3), dims=(1, 1, 2))
    for n in [0, 1, 3]:
        case("repeat_interleave", torch.repeat_interleave, normal(5), repeats=n, dim=0)
        case("repeat_interleave", torch.repeat_interleave, normal(2, 3, 2), repeats=n, dim=1)
        case("repeat_interleave", torch.repeat_interleave, normal(2, 3), repeats=n, dim=-1)
    case("repeat_interleave", torch.repeat_interleave, integers(-9, 9, 4), repeats=2, dim=0)


def padding(case):
    def pad(x, pairs, mode, value=0.0):
        flat = [n for pair in reversed(pairs) for n in pair]
        return F.pad(x, flat, mode, value) if mode == "constant" else F.pad(x, flat, mode)

    for shape, pairs in [((5,), [(1, 2)]), ((3, 4), [(0, 2)]), ((3, 4), [(1, 0), (2, 1)]),
                         ((2, 1, 3), [(1, 1), (0, 0), (2, 0)]), ((0, 2), [(1, 1), (0, 1)]), ((2, 2), [(0, 0), (0, 0)])]:
        for value in [0.0, -1.5, INF, NAN]:
            case("pad", pad, normal(*shape), pairs=pairs, mode="constant", value=value)
    case("pad", pad, integers(-9, 9, 2, 3), pairs=[(1, 1)], mode="constant", value=7.0)
    for mode in ["reflect", "replicate", "circular"]:
        for shape, pairs in [((2, 5), [(1, 2)]), ((2, 5), [(4, 4)]), ((1, 2, 5), [(0, 3)]),
                             ((2, 3, 4), [(1, 2), (3, 0)]), ((1, 2, 3, 2), [(2, 0), (1, 1)]),
                             ((2, 3, 2, 4), [(2, 1), (1, 0), (0, 3)]), ((2, 1, 3), [(0, 0), (0, 0)])]:
            case("pad", pad, normal(*shape), pairs=pairs, mode=mode)
    case("pad", pad, normal(2, 1), pairs=[(3, 2)], mode="replicate")
    case("pad", pad, normal(1, 3), pairs=[(3, 3)], mode="circular")


def windows(case):
    unfold = lambda x, dim, size, step: x.unfold(dim, size, step)
    # The gradient of Tensor.unfold, which PyTorch does not export under a name.
    fold = lambda x, dim, length, step: torch.ops.aten.unfold_backward(
        x, [*x.shape[:dim], length, *x.shape[dim + 1 : -1]], dim, x.shape[-1], step)
    for shape, axis in [((7,), 0), ((2, 7), 1), ((7, 2), 0), ((2, 7, 3), 1)]:
        for size, step in [(1, 1), (2, 1), (3, 2), (2, 3), (7, 1), (4, 4)]:
            case("unfold", unfold, normal(*shape), dim=axis, size=size, step=step)
            windows = unfold(normal(*shape), axis, size, step)
            case("fold", fold, windows, dim=axis, length=7, step=step)
    case("unfold", unfold, normal(3, 4), dim=-1, size=2, step=1)
    one = dict(kernel_size=(2, 2), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    for change in [{}, {"kernel_size": (3, 1)}, {"stride": (2, 1)}, {"padding": (1, 0)}, {"dilation": (2, 1)},
                   {"kernel_size": (1, 1), "stride": (2, 2)}, {"padding": (1, 1), "stride": (2, 3), "dilation": (1, 2)},
                   {"kernel_size": (4, 3)}]:
        for n, c, h, w in [(1, 1, 4, 3), (2, 3, 4, 5)]:
            window = {**one, **change}
            case("unfold2d", F.unfold, normal(n, c, h, w), **window)
            columns = F.unfold(normal(n, c, h, w), **window)
            case("fold2d", F.fold, columns, output_size=(h, w), **window)


def joined(case):
    cat = lambda *xs, dim: torch.cat(xs, dim)
    stack = lambda *xs, dim: torch.stack(xs, dim)
    for lengths in [(2, 1), (3,), (0, 2), (1, 1, 4)]:
        case("cat", cat, *[normal(n) for n in lengths], dim=0)
        case("cat", cat, *[normal(n, 2) for n in lengths], dim=0)
        case("cat", cat, *[normal(2, n, 3) for n in lengths], dim=-2)
    case("cat", cat, integers(-9, 9, 2, 3), integers(-9, 9, 2, 1), dim=1)
    case("cat", cat, mask(2), mask(3), dim=0)
    for shape in EVERY:
        for axis in [0, len(shape), -1]:
            case("stack", stack, normal(*shape), normal(*shape), dim=axis)
    case("stack", stack, integers(-9, 9, 3), integers(-9, 9, 3), integers(-9, 9, 3), dim=1)
    case("stack", stack, tensor([1.0, NAN]), tensor([INF, -0.0]), dim=0)
