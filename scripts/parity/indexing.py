"""Selecting by index and by mask, writing by index."""

import torch
import torch.nn.functional as F

from common import INF, NAN, integers, mask, normal, tensor

# Shapes and an axis of each.
PLACES = [((7,), 0), ((3, 5), 0), ((3, 5), 1), ((2, 3, 4), 1), ((2, 3, 4), -1), ((2, 1, 3, 2), 2)]


def with_length(shape, axis, length):
    return [length if i == axis % len(shape) else n for i, n in enumerate(shape)]


def distinct(shape, axis, length):
    """Indices along an axis of which no two in a row are equal."""
    order = torch.argsort(normal(*shape), axis)
    return order.narrow(axis, 0, length)


def index_select(x, index, dim):
    return torch.index_select(x, dim, index)


def gather(x, index, dim):
    return torch.gather(x, dim, index)


def take_along(x, index, dim):
    return torch.take_along_dim(x, index, dim)


def scatter(x, index, src, dim):
    return x.scatter(dim, index, src)


def scatter_add(x, index, src, dim):
    return x.scatter_add(dim, index, src)


def index_add(x, index, src, dim):
    return x.index_add(dim, index, src)


def cases(case):
    selections(case)
    additions(case)
    lookups(case)
    masks(case)
    assignments(case)


def selections(case):
    for shape, axis in PLACES:
        for length in [0, 1, 4]:
            case("index_select", index_select, normal(*shape), integers(0, shape[axis], length), dim=axis)
            index = integers(0, shape[axis], *with_length(shape, axis, length))
            case("gather", gather, normal(*shape), index, dim=axis)
            case("take_along", take_along, normal(*shape), index, dim=axis)
    case("index_select", index_select, integers(-9, 9, 3, 4), torch.tensor([2, 0, 2]), dim=0)
    case("index_select", index_select, mask(3, 4), torch.tensor([3, 3, 1]), dim=1)
    case("index_select", index_select, tensor([NAN, INF, -0.0]), torch.tensor([2, 0, 1, 1]), dim=0)
    # An index shorter than x along the other axes.
    case("gather", gather, normal(3, 4), integers(0, 3, 2, 3), dim=0)
    case("gather", gather, integers(-9, 9, 3, 4), integers(0, 4, 3, 2), dim=1)
    case("take_along", take_along, normal(3, 4), integers(0, 3, 2, 1), dim=0)
    case("take_along", take_along, normal(3, 1), integers(0, 3, 2, 4), dim=0)
    case("take_along", take_along, normal(1, 2, 5), integers(0, 5, 3, 1, 2), dim=2)


def additions(case):
    for shape, axis in PLACES:
        for length in [0, 1, shape[axis]]:
            part = with_length(shape, axis, length)
            case("scatter", scatter, normal(*shape), distinct(shape, axis, length), normal(*part), dim=axis)
            index = integers(0, shape[axis], *part)
            case("scatter_add", scatter_add, normal(*shape), index, normal(*part), dim=axis)
            index = integers(0, shape[axis], length)
            case("index_add", index_add, normal(*shape), index, normal(*part), dim=axis)
    case("scatter", scatter, integers(-9, 9, 3, 4), distinct((3, 4), 1, 2), integers(-9, 9, 3, 2), dim=1)
    case("scatter_add", scatter_add, normal(3, 4), integers(0, 4, 2, 3), normal(2, 3), dim=1)


def lookups(case):
    embedding = lambda weight, index: F.embedding(index, weight)
    one_hot = lambda index, num_classes: F.one_hot(index, num_classes).bool()
    for shape in [(), (1,), (5,), (2, 3), (2, 1, 2), (0,), (2, 0)]:
        case("embedding", embedding, normal(4, 3), integers(0, 4, *shape))
        case("embedding", embedding, normal(3, 1), integers(0, 3, *shape))
        if 0 not in shape:
            case("one_hot", one_hot, integers(0, 3, *shape), num_classes=3)
            case("one_hot", one_hot, integers(0, 3, *shape), num_classes=5)


def masks(case):
    for shape in [(), (1,), (7,), (3, 5), (2, 3, 4), (0,), (2, 0)]:
        case("masked_select", torch.masked_select, normal(*shape), mask(*shape))
        case("nonzero", torch.nonzero, mask(*shape))
        case("nonzero", torch.nonzero, normal(*shape).round())
    for a, b in [((3, 4), (4,)), ((4,), (3, 1)), ((), (3,)), ((2, 1, 3), (2, 1))]:
        case("masked_select", torch.masked_select, normal(*a), mask(*b))
    case("masked_select", torch.masked_select, integers(-9, 9, 7), mask(7))
    case("masked_select", torch.masked_select, normal(5), torch.zeros(5, dtype=torch.bool))
    case("nonzero", torch.nonzero, tensor([0.0, -0.0, NAN, INF, 1.0]))
    case("nonzero", torch.nonzero, integers(-1, 2, 3, 4))


def assignments(case):
    write = lambda x, src, dim, start, end, step: torch.slice_scatter(x, src, dim, start, end, step)
    put = lambda x, src, dim, index: torch.select_scatter(x, src, dim, index)
    for shape, axis in PLACES:
        for start, end, step in [(0, shape[axis], 1), (1, shape[axis], 1), (0, shape[axis], 2), (0, 0, 1)]:
            part = with_length(shape, axis, len(range(start, end, step)))
            case("slice_scatter", write, normal(*shape), normal(*part), dim=axis, start=start, end=end, step=step)
        part = [n for i, n in enumerate(shape) if i != axis % len(shape)]
        for index in sorted({0, shape[axis] - 1}):
            case("select_scatter", put, normal(*shape), normal(*part), dim=axis, index=index)
