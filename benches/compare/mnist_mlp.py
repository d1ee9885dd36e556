"""The recipe mnist-mlp in PyTorch: the same model, loop and evaluation, for a comparison side by side.

The data lies in memory as normalised tensors and batches are taken by index, which is the fastest that PyTorch offers
here (a DataLoader over a Dataset is several times slower). Prints one JSON object.

usage: python mnist_mlp.py DATA_DIR [--preset plain|momentum|adam] [--seed 1] [--epochs 12] [--threads 2]
"""
import argparse
import gzip
import json
import os
import resource
import time

import numpy
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("data_dir")
parser.add_argument("--preset", default="plain")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)


def read(name, skip):
    path = os.path.join(args.data_dir, "MNIST", "raw", name)
    content = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return torch.from_numpy(numpy.frombuffer(content, numpy.uint8)[skip:].copy())


def part(prefix):
    images = read(f"{prefix}-images-idx3-ubyte", 16).view(-1, 784).float()
    return (images / 255 - 0.1307) / 0.3081, read(f"{prefix}-labels-idx1-ubyte", 8).long()


(x, y), (x_test, y_test) = part("train"), part("t10k")
model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
optimizer = {
    "plain": lambda p: torch.optim.SGD(p, lr=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.5),
    "adam": lambda p: torch.optim.Adam(p, lr=0.001),
}[args.preset](model.parameters())
loss_fn = nn.CrossEntropyLoss()

start = time.perf_counter()
for epoch in range(args.epochs):
    model.train()
    order = torch.randperm(len(x))
    total, right = 0.0, 0
    for batch in order.split(64):
        xb, yb = x[batch], y[batch]
        optimizer.zero_grad(set_to_none=True)
        output = model(xb)
        loss = loss_fn(output, yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch)
        right += (output.argmax(1) == yb).sum().item()
    model.eval()
    with torch.no_grad():
        outputs = torch.cat([model(part) for part in x_test.split(1000)])
        test_loss = loss_fn(outputs, y_test).item()
        accuracy = (outputs.argmax(1) == y_test).float().mean().item()
seconds = time.perf_counter() - start
print(json.dumps(dict(
    preset=args.preset,
    seed=args.seed,
    test_accuracy=round(accuracy, 4),
    test_loss=round(test_loss, 4),
    seconds=round(seconds, 3),
    peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    torch=torch.__version__,
)))
