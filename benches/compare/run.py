"""Versant and PyTorch side by side, in turns: A B A B. Each measurement is a process of its own.

PyTorch stands for the better of its two memory formats, contiguous and channels-last. Prints a table of medians over the
rounds; a ratio is the median of the rounds' ratios, PyTorch / Versant, so that what disturbs the machine for a while
disturbs both sides. Rows where Versant is slower are marked.

usage: python run.py [MODEL...] [--versant PATH] [--rounds 3] [--threads 2] [--secs 2] [--batch N] [--image N] [--hidden N]
"""
import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys

from steps import MODELS

HERE = pathlib.Path(__file__).parent
WITHOUT_IMAGES = {"mlp_mnist", "mlp_cifar", "dqn_mlp"}
FIELDS = ["step_ms", "infer_ms", "infer_one_ms", "rss_mb"]


def one(command):
    """The object that a measurement prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(map(str, command))} failed with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def round_of(model, args):
    """One measurement of each side."""
    sizes = [f"--{size}={value}" for size in ["batch", "image", "hidden"] if (value := getattr(args, size))]
    common = [model, f"--threads={args.threads}", f"--secs={args.secs}", *sizes]
    ours = one([args.versant, "bench", *common, "--json", "--quiet"])
    formats = [[]] if model in WITHOUT_IMAGES else [[], ["--channels-last"]]
    theirs = [one([sys.executable, HERE / "steps.py", *common, *format]) for format in formats]
    if any(t["params"] != ours["params"] for t in theirs):
        sys.exit(f"error: {model}: the two sides have not the same number of parameters")
    return ours, {field: min(t[field] for t in theirs) for field in FIELDS}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--versant", default=HERE.parent.parent / "target/release/versant", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--secs", type=float, default=2.0)
    for size in ["batch", "image", "hidden"]:
        parser.add_argument(f"--{size}", type=int)
    args = parser.parse_args()
    if not args.versant.exists():
        sys.exit(f"error: {args.versant} is not there; `cargo build --release` makes it")
    if unknown := set(args.models) - set(MODELS):
        sys.exit(f"error: no model {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    print("| model | step, Versant | step, PyTorch | ratio | inference | of one sample | peak memory, MiB |")
    print("|---|---|---|---|---|---|---|")
    ratios = []
    for model in args.models or MODELS:
        rounds = [round_of(model, args) for _ in range(args.rounds)]
        ours = {f: statistics.median(o[f] for o, _ in rounds) for f in FIELDS}
        theirs = {f: statistics.median(t[f] for _, t in rounds) for f in FIELDS}
        ratio = {f: statistics.median(t[f] / o[f] for o, t in rounds) for f in FIELDS}
        ratios.append(ratio["step_ms"])
        mark = "" if ratio["step_ms"] >= 1 else " (slower)"

        def cell(field):
            return f"{ours[field]:.3g} / {theirs[field]:.3g} ms: {ratio[field]:.2f}"

        print(
            f"| {model} | {ours['step_ms']:.3f} ms | {theirs['step_ms']:.3f} ms | **{ratio['step_ms']:.2f}**{mark} "
            f"| {cell('infer_ms')} | {cell('infer_one_ms')} | {ours['rss_mb']:.0f} / {theirs['rss_mb']:.0f} |",
            flush=True,
        )
    print(f"\n{args.threads} thread(s); geometric mean of the steps' ratios {math.prod(ratios) ** (1 / len(ratios)):.2f}")


if __name__ == "__main__":
    main()
