"""Losses, with every reduction."""

import torch
import torch.nn.functional as F

from common import INF, NAN, Constant, integers, mask, normal, rounded, tensor, uniform

REDUCTIONS = ["none", "mean", "sum"]
SHAPES = [(), (7,), (3, 4), (2, 1, 3)]
# Logits per row: a certain class, no class, not a number, an infinite one.
ODD = tensor([[1.0, -INF, 2.0], [-INF, -INF, -INF], [NAN, 1.0, 2.0], [INF, 1.0, 2.0]])


def cases(case):
    cross_entropies(case)
    binary(case)
    distances(case)
    divergences(case)
    similarities(case)
    margins(case)


def logits_and_labels():
    """Shapes of logits, with their labels: rows, one sample, pixels, a sequence, none."""
    shapes = [((4, 5), (4,)), ((5,), ()), ((2, 3, 2, 2), (2, 2, 2)), ((2, 3, 4), (2, 4)), ((3, 1), (3,))]
    return [(normal(*shape, std=3), integers(0, shape[min(1, len(shape) - 1)], *labels)) for shape, labels in shapes]


def cross_entropies(case):
    loss = lambda x, t, weight=None, **options: F.cross_entropy(x, t, weight, **options)
    nll = lambda x, t, weight=None, **options: F.nll_loss(x, t, weight, **options)
    for x, labels in logits_and_labels():
        weight = Constant(uniform(x.shape[min(1, x.dim() - 1)]))
        case("cross_entropy", loss, x, labels)
        case("nll_loss", nll, x, labels)
        for reduction in REDUCTIONS:
            for extra in [[], [weight]]:
                ignored = int(labels.flatten()[0])
                case("nll_loss_with", nll, x, labels, *extra, reduction=reduction)
                if labels.dim() and len(labels.unique()) > 1:
                    case("nll_loss_with", nll, x, labels, *extra, reduction=reduction, ignore_index=ignored)
                    case("cross_entropy_with", loss, x, labels, *extra, reduction=reduction, ignore_index=ignored,
                         label_smoothing=0.25)
                for smoothing in [0.0, 0.125, 1.0]:
                    case("cross_entropy_with", loss, x, labels, *extra, reduction=reduction, label_smoothing=smoothing)
    for reduction in REDUCTIONS:
        # The default -100; all ignored, of which the mean is 0/0.
        x = normal(4, 3)
        for labels in [torch.tensor([-100, 2, 0, -100]), torch.tensor([-100] * 4)]:
            case("cross_entropy_with", loss, x, labels, reduction=reduction)
            case("nll_loss_with", nll, x, labels, reduction=reduction)
        labels = torch.tensor([2, 0, 1, 1])
        for smoothing in [0.0, 0.125]:
            case("cross_entropy_with", loss, ODD, labels, reduction=reduction, label_smoothing=smoothing)
        case("nll_loss_with", nll, ODD, labels, reduction=reduction)
        for shape in [(4, 5), (5,), (2, 3, 2)]:
            axis = min(1, len(shape) - 1)
            x, soft = normal(*shape, std=3), rounded(F.softmax(normal(*shape), axis))
            for smoothing in [0.0, 0.125, 1.0]:
                case("cross_entropy_with", loss, x, soft, reduction=reduction, label_smoothing=smoothing)
            weight = Constant(uniform(shape[axis]))
            case("cross_entropy_with", loss, x, soft, weight, reduction=reduction)
            case("cross_entropy_with", loss, x, soft, weight, reduction=reduction, label_smoothing=0.25)
        case("cross_entropy_with", loss, normal(0, 3), integers(0, 3, 0), reduction=reduction)


def binary(case):
    plain = lambda x, t, weight=None, **options: F.binary_cross_entropy(x, t, weight, **options)
    logits = lambda x, t, weight=None, pos_weight=None, **options: F.binary_cross_entropy_with_logits(
        x, t, weight, pos_weight=pos_weight, **options)
    positive = lambda x, t, pos_weight, **options: logits(x, t, None, pos_weight, **options)
    chance = lambda *shape: uniform(*shape, low=0.05, high=0.95)
    case("bce", plain, chance(3, 4), chance(3, 4))
    case("bce_with_logits", logits, normal(3, 4), chance(3, 4))
    hard = tensor([0.0, 1.0, 0.0, 1.0, 0.5])
    for reduction in REDUCTIONS:
        for shape in SHAPES:
            case("bce_with", plain, chance(*shape), chance(*shape), reduction=reduction)
            case("bce_with_logits_with", logits, normal(*shape, std=3), chance(*shape), reduction=reduction)
        case("bce_with", plain, chance(3, 4), chance(3, 4), Constant(uniform(4)), reduction=reduction)
        # Sure of the wrong: the logarithm stops at -100.
        case("bce_with", plain, tensor([0.0, 0.0, 1.0, 1.0, 0.0]), Constant(hard), reduction=reduction)
        for x in [tensor([60.0, -60.0, 0.0, INF, -30.0]), tensor([-INF, INF, NAN, -0.0, 30.0])]:
            case("bce_with_logits_with", logits, x, Constant(hard), reduction=reduction)
        weights = [Constant(uniform(4)), Constant(uniform(4))]
        case("bce_with_logits_with", logits, normal(3, 4), chance(3, 4), weights[0], reduction=reduction)
        case("bce_with_logits_with", logits, normal(3, 4), chance(3, 4), *weights, reduction=reduction)
        case("bce_with_logits_with pos_weight", positive, normal(3, 4), chance(3, 4), weights[1], reduction=reduction)


def distances(case):
    at_kinks = tensor([0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 0.25, INF, NAN])
    zeros = torch.zeros(len(at_kinks), dtype=torch.float64)
    functions = {
        "mse_loss": (F.mse_loss, [{}]), "l1_loss": (F.l1_loss, [{}]),
        "huber_loss": (F.huber_loss, [{"delta": 1.0}, {"delta": 0.5}]),
        "smooth_l1_loss": (F.smooth_l1_loss, [{"beta": 1.0}, {"beta": 0.5}, {"beta": 0.0}]),
    }
    for op, (f, settings) in functions.items():
        for args in settings:
            case(op, f, normal(3, 4), normal(3, 4), **args)
            for reduction in REDUCTIONS:
                for shape in SHAPES:
                    case(f"{op}_with", f, normal(*shape), normal(*shape), **args, reduction=reduction)
                # PyTorch gives a NaN the gradient 0 where it takes the sign, which it says is 0; Versant gives NaN.
                n = len(zeros) - 1 if op == "l1_loss" or args.get("beta") == 0 else len(zeros)
                case(f"{op}_with", f, at_kinks[:n], zeros[:n], **args, reduction=reduction)
                case(f"{op}_with", f, normal(0, 3), normal(0, 3), **args, reduction=reduction)


def divergences(case):
    loss = lambda x, t, **options: F.kl_div(x, t, **options)
    batchmean = lambda x, t, **options: loss(x, t, reduction="batchmean", **options)
    with_zeros = tensor([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])
    for log_target in [False, True]:
        targets = lambda *shape: normal(*shape) if log_target else uniform(*shape, low=0.1, high=0.9)
        case("kl_div", loss, normal(3, 4), targets(3, 4), log_target=log_target)
        for reduction in REDUCTIONS:
            for shape in SHAPES:
                case("kl_div_with", loss, normal(*shape), targets(*shape), log_target=log_target, reduction=reduction)
            case("kl_div_with", loss, normal(2, 3), Constant(with_zeros), log_target=log_target, reduction=reduction)
        for shape in SHAPES[1:]:
            case("kl_div_batchmean", batchmean, normal(*shape), targets(*shape), log_target=log_target)


def similarities(case):
    for a, b, axis in [((3, 4), (3, 4), 1), ((3, 4), (3, 4), 0), ((5,), (5,), 0), ((2, 3, 4), (4,), -1),
                       ((3, 1), (1, 1), 1)]:
        case("cosine_similarity", F.cosine_similarity, normal(*a), normal(*b), dim=axis, eps=1e-8)
        case("cosine_similarity", F.cosine_similarity, normal(*a), normal(*b), dim=axis, eps=0.5)
    case("cosine_similarity", F.cosine_similarity, tensor([[0.0, 0.0], [1.0, 2.0]]), normal(2, 2), dim=1, eps=1e-8)
    signs = lambda *shape: mask(*shape).double() * 2 - 1
    for reduction in REDUCTIONS:
        for margin in [0.0, 0.5]:
            y = Constant(tensor([1.0, -1.0, 1.0, -1.0]))
            case("cosine_embedding_loss", F.cosine_embedding_loss, normal(4, 3), normal(4, 3), y, margin=margin,
                 reduction=reduction)
            case("margin_ranking_loss", F.margin_ranking_loss, normal(4, 3), normal(4, 3), Constant(signs(4, 3)),
                 margin=margin, reduction=reduction)
        case("cosine_embedding_loss", F.cosine_embedding_loss, normal(3), normal(3), Constant(tensor(1.0)),
             margin=0.0, reduction=reduction)
        for p, swap in [(2.0, False), (2.0, True), (1.0, False), (3.0, True)]:
            case("triplet_margin_loss", F.triplet_margin_loss, normal(4, 3), normal(4, 3), normal(4, 3), margin=1.0,
                 p=p, eps=1e-6, swap=swap, reduction=reduction)
        case("triplet_margin_loss", F.triplet_margin_loss, normal(3), normal(3), normal(3), margin=0.5, p=2.0, eps=1e-6,
             swap=False, reduction=reduction)


def margins(case):
    for reduction in REDUCTIONS:
        for shape in [(5,), (2, 3)]:
            signs = Constant(mask(*shape).double() * 2 - 1)
            for margin in [1.0, 0.25]:
                case("hinge_embedding_loss", F.hinge_embedding_loss, normal(*shape), signs, margin=margin,
                     reduction=reduction)
            case("soft_margin_loss", F.soft_margin_loss, normal(*shape), signs, reduction=reduction)
        # At the kink, and beyond the finite.
        odd, signs = tensor([1.0, -1.0, 0.0, 1.0, INF, -INF, NAN]), Constant(tensor([1.0, 1, -1, -1, -1, 1, 1]))
        case("hinge_embedding_loss", F.hinge_embedding_loss, odd, signs, margin=1.0, reduction=reduction)
        case("soft_margin_loss", F.soft_margin_loss, odd[:4], Constant(signs.value[:4]), reduction=reduction)
        case("margin_ranking_loss", F.margin_ranking_loss, tensor([1.0, 0.0, 0.5]), tensor([0.5, 0.5, 0.5]),
             Constant(tensor([1.0, -1.0, 1.0])), margin=0.5, reduction=reduction)
        loss = lambda x, t, weight=None, **options: F.multi_margin_loss(x, t, weight=weight, **options)
        for p in [1, 2]:
            for margin in [1.0, 0.5]:
                case("multi_margin_loss", loss, normal(4, 3), integers(0, 3, 4), p=p, margin=margin,
                     reduction=reduction)
            case("multi_margin_loss", loss, normal(4, 3), integers(0, 3, 4), Constant(uniform(3)), p=p, margin=1.0,
                 reduction=reduction)
        case("multi_margin_loss", loss, normal(5), torch.tensor(2), p=1, margin=1.0, reduction=reduction)
