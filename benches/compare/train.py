"""Whole trainings of the course's recipes in PyTorch: the same model, loop, evaluation and settings as `versant train`.

The data lies in memory as normalised tensors and batches are taken by index, which is the fastest that PyTorch offers here
(a DataLoader over a Dataset is several times slower); crop and flip are done for a whole batch at once. Prints one JSON
object.

usage: python train.py RECIPE DATA_DIR [--epochs N] [--seed 1] [--threads 2] [--channels-last]
RECIPE: mnist-mlp (preset plain), cifar10-lenet (plain), cifar10-vgg (plain); DATA_DIR as for `versant --data-dir`
"""
import argparse
import gzip
import json
import pathlib
import resource
import time

import numpy
import torch
from torch.nn import functional as F

from steps import lenet, mlp, vgg

RECIPES = {
    "mnist-mlp": (lambda: mlp(784, 64, 32, 10), lambda p: torch.optim.SGD(p, lr=0.01), 12),
    "cifar10-lenet": (lambda: lenet(32), lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), 8),
    "cifar10-vgg": (lambda: vgg(32), lambda p: torch.optim.Adam(p, lr=0.001), 5),
}


def idx(path, skip):
    packed = path.with_name(path.name + ".gz")
    content = gzip.open(packed).read() if packed.exists() else path.read_bytes()
    return torch.from_numpy(numpy.frombuffer(content, numpy.uint8)[skip:].copy())


def mnist(folder):
    def part(prefix):
        images = idx(folder / "MNIST/raw" / f"{prefix}-images-idx3-ubyte", 16).view(-1, 1, 28, 28).float()
        labels = idx(folder / "MNIST/raw" / f"{prefix}-labels-idx1-ubyte", 8).long()
        return (images / 255 - 0.1307) / 0.3081, labels

    return part("train"), part("t10k")


def cifar10(folder):
    mean = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
    std = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)

    def part(*names):
        files = [folder / "cifar-10-batches-bin" / f"{name}.bin" for name in names]
        rows = torch.from_numpy(numpy.concatenate([numpy.fromfile(f, numpy.uint8) for f in files])).view(-1, 3073)
        images = rows[:, 1:].view(-1, 3, 32, 32).float()
        return (images / 255 - mean) / std, rows[:, 0].long()

    return part(*(f"data_batch_{i}" for i in range(1, 6))), part("test_batch")


def crop_and_flip(x):
    """Each image moved by up to 4 places, and every second one turned over."""
    n, _, h, w = x.shape
    padded = F.pad(x, (4, 4, 4, 4))
    top, left = torch.randint(0, 9, (2, n, 1))
    rows, columns = top + torch.arange(h), left + torch.arange(w)
    columns = torch.where(torch.rand(n, 1) < 0.5, columns.flip(1), columns)
    return padded[torch.arange(n)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("data_dir", type=pathlib.Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    build, optim, epochs = RECIPES[args.recipe]
    (x, y), (x_test, y_test) = (mnist if args.recipe.startswith("mnist") else cifar10)(args.data_dir)
    memory_format = torch.channels_last if args.channels_last else torch.contiguous_format
    model = build().to(memory_format=memory_format)
    optimizer = optim(model.parameters())
    start = time.perf_counter()
    for _ in range(args.epochs or epochs):
        model.train()
        total, right = 0.0, 0
        for batch in torch.randperm(len(x)).split(64):
            xb, yb = x[batch], y[batch]
            if args.recipe == "cifar10-vgg":
                xb = crop_and_flip(xb)
            optimizer.zero_grad(set_to_none=True)
            output = model(xb.contiguous(memory_format=memory_format))
            loss = F.cross_entropy(output, yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            right += (output.argmax(1) == yb).sum().item()
        model.eval()
        with torch.no_grad():
            outputs = torch.cat([model(part.contiguous(memory_format=memory_format)) for part in x_test.split(1000)])
            test_loss = F.cross_entropy(outputs, y_test).item()
            accuracy = (outputs.argmax(1) == y_test).float().mean().item()
    seconds = time.perf_counter() - start
    print(json.dumps(dict(
        recipe=args.recipe,
        seed=args.seed,
        epochs=args.epochs or epochs,
        test_accuracy=round(accuracy, 4),
        test_loss=round(test_loss, 4),
        seconds=round(seconds, 3),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        torch=torch.__version__,
    )))


if __name__ == "__main__":
    main()
