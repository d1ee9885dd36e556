"""Products, Einstein's sums, matrices' parts, creation."""

import torch
import torch.nn.functional as F

from common import INF, NAN, Constant, mask, normal, tensor

EINSUMS = [
    ("i->i", [(4,)]), ("i->", [(4,)]), ("ij->ji", [(2, 3)]), ("ij->j", [(2, 3)]), ("ij->", [(2, 3)]),
    ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("ii->", [(3, 3)]), ("iij->ij", [(2, 2, 3)]), ("ba", [(2, 3)]),
    ("i,i->", [(4,), (4,)]), ("i,i->i", [(4,), (4,)]), ("i,j->ij", [(2,), (3,)]), ("i,j", [(2,), (3,)]),
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ij,kj->ik", [(2, 3), (4, 3)]),
    ("bij,bjk->bik", [(2, 3, 1), (2, 1, 4)]), ("bij,bjk", [(2, 2, 3), (2, 3, 2)]),
    ("bij,jk->bik", [(2, 2, 3), (3, 2)]), ("bhqd,bhkd->bhqk", [(1, 2, 3, 2), (1, 2, 4, 2)]),
    ("...ij,...jk->...ik", [(2, 2, 3), (3, 2)]), ("...ij->...ji", [(2, 1, 2, 3)]), ("...,...->...", [(2, 3), (3,)]),
    ("...i,...i", [(2, 3), (1, 3)]), ("i...->...", [(2, 3)]), ("ij,ij->", [(2, 3), (2, 3)]),
    ("ij,ji->", [(2, 3), (3, 2)]), ("ij,k->ijk", [(2, 2), (3,)]), ("ii,ij->j", [(2, 2), (2, 3)]),
    ("i,ij,j->", [(2,), (2, 3), (3,)]), ("ij,jk,kl->il", [(2, 3), (3, 1), (1, 2)]), ("a,b,c->abc", [(2,), (1,), (3,)]),
    ("bn,anm,bm->ba", [(2, 3), (4, 3, 2), (2, 2)]), ("ij,j->ij", [(2, 3), (3,)]), ("ij,jk->", [(2, 3), (3, 4)]),
    ("ij,jk->ik", [(2, 0), (0, 3)]), ("ij,jk->ik", [(0, 2), (2, 3)]), (",->", [(), ()]), (",i->i", [(), (3,)]),
    ("ij,kl->", [(2, 2), (2, 3)]), ("ijk,jil->kl", [(2, 3, 2), (3, 2, 2)]), ("A a , a B -> A B", [(2, 3), (3, 2)]),
]


def cases(case):
    products(case)
    einsums(case)
    matrices(case)
    creation(case)


def products(case):
    for a, b in [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 3), (3, 4)), ((2, 5, 3), (3, 4)), ((1, 1), (1, 1)),
                 ((2, 1, 2, 3), (4, 3, 2)), ((3,), (2, 3, 4)), ((1, 70), (70, 3)), ((2, 3, 4), (4,)), ((0, 3), (3, 2)),
                 ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((0, 2, 3), (3, 2)), ((7, 1), (1, 7)), ((1, 2, 3), (4, 3, 1)),
                 ((0,), (0,))]:
        case("matmul", torch.matmul, normal(*a), normal(*b))
    odd = tensor([[1.0, INF, 2.0], [NAN, 1.0, 0.0], [-0.0, 0.0, -INF]])
    case("matmul", torch.matmul, odd, normal(3, 2))
    case("matmul", torch.matmul, normal(2, 3), odd)
    for leading in [(5,), (2, 3), (), (0,), (1,)]:
        case("linear", F.linear, normal(*leading, 3), normal(4, 3), normal(4))
        case("linear", F.linear, normal(*leading, 3), normal(4, 3))
    for n in [0, 1, 5]:
        case("dot", torch.dot, normal(n), normal(n))
        for m in [0, 1, 3]:
            case("outer", torch.outer, normal(n), normal(m))
    case("dot", torch.dot, tensor([NAN, 1.0]), tensor([1.0, INF]))
    for b, n, k, m in [(2, 3, 4, 2), (1, 1, 1, 1), (3, 1, 5, 2), (0, 2, 3, 1), (2, 0, 3, 1), (2, 2, 0, 3)]:
        case("bmm", torch.bmm, normal(b, n, k), normal(b, k, m))


def einsums(case):
    einsum = lambda *xs, equation: torch.einsum(equation, *xs)
    for equation, shapes in EINSUMS:
        case("einsum", einsum, *[normal(*shape) for shape in shapes], equation=equation)


def matrices(case):
    for shape in [(3, 3), (2, 4), (4, 2), (1, 1), (0, 3)]:
        case("trace", torch.trace, normal(*shape))
    for op, f in {"tril": torch.tril, "triu": torch.triu}.items():
        for k in [0, 1, -1, 3, -4]:
            case(op, f, normal(3, 4), diagonal=k)
            case(op, f, normal(2, 3, 2), diagonal=k)
        case(op, f, tensor([[NAN, INF], [-INF, NAN]]), diagonal=0)
        case(op, f, normal(0, 3), diagonal=0)
    for offset in [0, 1, -1, 2, -3]:
        case("diagonal", torch.diagonal, normal(3, 4), offset=offset, dim1=0, dim2=1)
        case("diagonal", torch.diagonal, normal(2, 3, 4), offset=offset, dim1=-2, dim2=-1)
        case("diagonal", torch.diagonal, normal(3, 2, 4), offset=offset, dim1=2, dim2=0)
    case("diagonal", torch.diagonal, normal(3, 4), offset=4, dim1=0, dim2=1)


def creation(case):
    for start, end, step in [(0.0, 5.0, 1.0), (1.0, 2.0, 0.25), (0.0, 1.0, 0.3), (5.0, 0.0, -1.5), (0.5, 0.5, 1.0),
                             (-2.0, 7.0, 3.0)]:
        case("arange_step", torch.arange, start=start, end=end, step=step)
    for n in [0, 1, 5]:
        case("arange", torch.arange, end=n)
    for start, end, n in [(0.0, 1.0, 5), (-3.0, 4.0, 2), (2.0, 9.0, 1), (1.0, 0.0, 7), (0.0, 1.0, 0), (5.0, 5.0, 3),
                          (-1.0, 1.0, 10)]:
        case("linspace", torch.linspace, start=start, end=end, steps=n)
    for n in [0, 1, 4]:
        case("eye", torch.eye, n=n)
    for shape in [(), (3,), (2, 0), (2, 3)]:
        case("zeros_like", torch.zeros_like, Constant(normal(*shape)))
        case("ones_like", torch.ones_like, Constant(normal(*shape)))
        case("full_like", torch.full_like, Constant(normal(*shape)), fill_value=-2.5)
    case("full_like", torch.full_like, mask(3), fill_value=1.0)
    for lengths in [(3,), (2, 3), (2, 1, 3), (0, 2)]:
        grid = lambda *xs: torch.meshgrid(*xs, indexing="ij")
        case("meshgrid", grid, *[normal(n) for n in lengths])
