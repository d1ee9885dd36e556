"""Functions of one and of two arguments, activations, comparisons, choice."""

import operator

import torch
import torch.nn.functional as F

from common import INF, NAN, Constant, integers, mask, normal, tensor, uniform

SHAPES = [(), (1,), (7,), (3, 5), (5, 1, 2), (2, 1, 3, 2), (0,), (2, 0, 3)]
PAIRS = [((), ()), ((5,), (5,)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((2, 1, 3), (4, 1)),
         ((2, 1, 3, 1), (2, 1, 2)), ((1,), (0,)), ((2, 0, 3), (3,))]
# Not finite, signed zeros; then where the functions here have kinks and steps, halves (ties of rounding), the very
# small (where 1 + x is 1) and the large.
SPECIAL = [NAN, INF, -INF, 0.0, -0.0]
POINTS = [0.25, 0.5, 1.0, 1.5, 2.5, 3.0, 6.0, 20.0, 30.0, 2.0**-30, 2.0**-60]
POINTS = SPECIAL + POINTS + [-x for x in POINTS]


def hardsigmoid(x):
    """F.hardsigmoid, of which PyTorch's f64 gradient takes 1/6 in f32."""
    return torch.where(x.abs() < 3, x / 6 + 0.5, F.hardsigmoid(x.detach()))


# Points at which PyTorch is not followed. It takes the sign of NaN for 0, and gives NaN where functions have the limit
# 0.
ELSEWHERE = {"sign": [NAN], "silu": [-INF], "gelu": [-INF], "gelu_tanh": [-INF], "hardswish": [-INF]}
# The same for gradients alone. At NaN, PyTorch's vectorised loops differ from the loops over what is left after them:
# what it gives depends on the element's place.
NO_GRADIENT = {"abs": [NAN], "elu": [NAN], "selu": [NAN], "hardswish": [NAN], "hardtanh": [NAN], "gelu_tanh": [INF]}

UNARY = {
    "neg": torch.neg, "abs": torch.abs, "sign": torch.sign, "exp": torch.exp, "expm1": torch.expm1,
    "square": torch.square, "reciprocal": torch.reciprocal, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "atan": torch.atan, "erf": torch.erf, "floor": torch.floor, "ceil": torch.ceil, "round": torch.round,
    "trunc": torch.trunc, "relu": F.relu, "selu": F.selu, "silu": F.silu, "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "mish": F.mish, "hardswish": F.hardswish,
    "hardsigmoid": hardsigmoid, "softplus": F.softplus, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "isnan": torch.isnan, "isinf": torch.isinf, "isfinite": torch.isfinite,
}
POSITIVE = {"log": torch.log, "log1p": torch.log1p, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt}
WITH_NUMBERS = {
    "add_scalar": (lambda x, c: x + c, [{"c": 0.75}]),
    "mul_scalar": (lambda x, c: x * c, [{"c": -1.25}, {"c": 0.0}]),
    "c - x": (lambda x, c: c - x, [{"c": 0.75}]),
    "c / x": (lambda x, c: c / x, [{"c": 0.75}]),
    "x % c": (torch.fmod, [{"other": 0.75}]),
    "clamp": (torch.clamp, [{"min": -1.0, "max": 1.5}, {"min": -INF, "max": 0.5}, {"min": 0.0, "max": INF}]),
    "leaky_relu": (F.leaky_relu, [{"negative_slope": 0.125}, {"negative_slope": 0.0}]),
    "elu": (F.elu, [{"alpha": 1.0}, {"alpha": 1.5}]),
    "hardtanh": (F.hardtanh, [{"min_val": -1.0, "max_val": 1.0}, {"min_val": 0.5, "max_val": 2.5}]),
}
BINARY = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum,
    "minimum": torch.minimum, "remainder": torch.remainder, "fmod": torch.fmod, "atan2": torch.atan2,
}
COMPARE = {"equal": torch.eq, "not_equal": torch.ne, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge}
LOGICAL = {"logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_xor": torch.logical_xor}
# Every special value with every other.
GRID = SPECIAL + [1.0, -2.5, 3.0]
LEFT = tensor([a for a in GRID for _ in GRID])
RIGHT = tensor(GRID * len(GRID))


def at_points(case, op, f, **args):
    """The function at special values, save where it is not followed."""
    values_only = NO_GRADIENT.get(op, [])
    left_out = [str(x) for x in values_only + ELSEWHERE.get(op, [])]
    case(op, f, tensor([x for x in POINTS if str(x) not in left_out]), **args)
    if values_only:
        case(op, f, Constant(tensor(values_only)), **args)


def cases(case):
    unary(case)
    powers(case)
    binary(case)
    choices(case)
    comparisons(case)
    whole_numbers(case)


def unary(case):
    for op, f in UNARY.items():
        for shape in SHAPES:
            case(op, f, normal(*shape, std=2))
        at_points(case, op, f)
    for op, f in POSITIVE.items():
        for shape in SHAPES:
            case(op, f, uniform(*shape))
        at_points(case, op, f)
    for op, (f, settings) in WITH_NUMBERS.items():
        for args in settings:
            for shape in SHAPES[::2]:
                case(op, f, normal(*shape, std=2), **args)
            at_points(case, op, f, **args)


def powers(case):
    power = lambda x, c: x**c
    for c in [3.0, 2.5, 2.0, 1.0, 0.5, 0.0, -1.0, -1.5]:
        case("powf", power, uniform(3, 5), c=c)
        # Powers of the very small are beyond f32. For 0.5 and -0.5 PyTorch takes roots: of minus infinity and of -0 they
        # have another sign than pow, or none.
        points = [x for x in POINTS if x == 0 or not abs(x) < 0.1]
        case("powf", power, tensor([x for x in points if c != 0.5 or str(x) not in ["-inf", "-0.0"]]), c=c)
    for shape in SHAPES:
        case("powf", power, normal(*shape), c=3.0)
    for a, b in PAIRS:
        case("pow", torch.pow, uniform(*a), normal(*b))
    case("pow", torch.pow, LEFT, RIGHT)
    case("pow", torch.pow, LEFT.abs(), RIGHT.abs())


def binary(case):
    for op, f in BINARY.items():
        for a, b in PAIRS:
            case(op, f, normal(*a), normal(*b))
        # Of an infinite rest, PyTorch's quotient is -1; by Versant's formula it is NaN.
        followed = ~f(LEFT, RIGHT).isinf() if op == "remainder" else slice(None)
        case(op, f, LEFT[followed], RIGHT[followed])
        if op in ["maximum", "minimum", "remainder", "fmod"]:
            case(f"{op} c", lambda x, c: f(x, torch.full_like(x, c)), normal(3, 4), c=0.75)
            case(f"{op} c", lambda x, c: f(x, torch.full_like(x, c)), tensor(POINTS), c=-2.5)
    for op, f in {"maximum": torch.maximum, "minimum": torch.minimum}.items():
        case(op, f, tensor([[1.0, 2.0], [0.0, -1.0]]), tensor([1.0, -1.0]))
    for weight in [0.0, 0.25, 0.5, 0.75, 1.0, -2.0]:
        case("lerp c", torch.lerp, normal(3, 4), normal(4), weight=weight)
        case("lerp c", torch.lerp, LEFT, RIGHT, weight=weight)
    for a, b in PAIRS:
        case("lerp", torch.lerp, normal(*a), normal(*b), normal(*b))
    case("lerp", torch.lerp, LEFT, RIGHT, uniform(len(LEFT)))
    case("lerp", torch.lerp, LEFT, RIGHT.flip(0), RIGHT)


def choices(case):
    for a, b in PAIRS:
        case("where_cond", torch.where, mask(*torch.broadcast_shapes(a, b)), normal(*a), normal(*b))
    case("where_cond", torch.where, mask(3, 1), normal(4), normal(2, 1, 1))
    case("where_cond", torch.where, mask(len(LEFT)), LEFT, RIGHT)
    case("where_cond", torch.where, mask(7), integers(-9, 9, 7), integers(-9, 9, 7))
    case("where_cond", torch.where, mask(7), mask(7), mask(7))
    for c in [0.0, -1.5, INF, NAN]:
        for x, m in [(normal(3, 4), mask(4)), (tensor(POINTS), mask(len(POINTS)))]:
            case("where_cond c", lambda m, x, c: torch.where(m, x, c), m, x, c=c)
            case("c where_cond", lambda m, x, c: torch.where(m, c, x), m, x, c=c)
        case("masked_fill", lambda x, m, c: x.masked_fill(m, c), normal(3, 4), mask(3, 4), c=c)
        case("masked_fill", lambda x, m, c: x.masked_fill(m, c), tensor(POINTS), mask(len(POINTS)), c=c)
    for shape in SHAPES:
        case("masked_fill", lambda x, m, c: x.masked_fill(m, c), normal(*shape), mask(*shape[-1:]), c=2.0)


def comparisons(case):
    for op, f in COMPARE.items():
        for a, b in PAIRS:
            case(op, f, normal(*a).round(), normal(*b).round())
        case(op, f, LEFT, RIGHT)
        case(op, f, integers(-3, 3, 3, 4), integers(-3, 3, 4))
        case(op, f, integers(0, 4, 7).byte(), integers(0, 4, 7).byte())
        case(op, f, mask(3, 3), mask(3))
        case(f"{op} c", f, tensor(POINTS), other=0.0)
        case(f"{op} c", f, normal(3, 4).round(), other=1.0)
    for op, f in LOGICAL.items():
        for a, b in PAIRS:
            case(op, f, mask(*a), mask(*b))
    for shape in SHAPES:
        case("logical_not", torch.logical_not, mask(*shape))


def whole_numbers(case):
    functions = {
        "add": operator.add, "sub": operator.sub, "mul": operator.mul, "maximum": torch.maximum,
        "minimum": torch.minimum, "remainder": torch.remainder, "fmod": torch.fmod,
        "div": lambda a, b: torch.div(a, b, rounding_mode="trunc"),
    }
    divisors = torch.tensor([-7, -3, -2, -1, 1, 2, 3, 7])
    for op, f in functions.items():
        case(op, f, torch.arange(-9, 10).unsqueeze(1), divisors)
        case(op, f, integers(-99, 99, 2, 1, 3), divisors[:3])
        case(op, f, torch.empty(0, dtype=torch.int64), divisors[:1])
        case(op, f, integers(100, 110, 3, 4).byte(), integers(1, 9, 4).byte())
