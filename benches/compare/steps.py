"""Training steps and inference of `versant bench`'s models in PyTorch: the same layers, sizes, loss and optimiser.

A step is forward, loss, backward, SGD with momentum 0.9 and a learning rate of 1e-5 on random batches. Prints one JSON
object a model, with the fields of `versant bench --json`.

usage: python steps.py [MODEL...] [--threads 2] [--secs 4] [--channels-last] [--batch N] [--image N] [--hidden N]
"""
import argparse
import json
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Unet(nn.Module):
    """Two levels down and up again, with skip connections."""

    def __init__(self, c, classes):
        super().__init__()

        def block(inputs, outputs):
            return nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
                nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(),
            )

        self.down1, self.down2, self.bottom = block(3, c), block(c, 2 * c), block(2 * c, 4 * c)
        self.up2, self.merge2 = nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), block(4 * c, 2 * c)
        self.up1, self.merge1 = nn.ConvTranspose2d(2 * c, c, 2, 2), block(2 * c, c)
        self.out = nn.Conv2d(c, classes, 1)

    def forward(self, x):
        a = self.down1(x)
        b = self.down2(F.max_pool2d(a, 2))
        c = self.bottom(F.max_pool2d(b, 2))
        b = self.merge2(torch.cat([self.up2(c), b], 1))
        a = self.merge1(torch.cat([self.up1(b), a], 1))
        return self.out(a)


def mlp(*widths):
    layers = [nn.Flatten()]
    for i, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        if i > 0:
            layers.append(nn.ReLU())
        layers.append(nn.Linear(inputs, outputs))
    return nn.Sequential(*layers)


def lenet(side):
    left = ((side - 4) // 2 - 4) // 2
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(16 * left * left, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


def vgg(side):
    layers, channels = [], 3
    for first, second in [(32, 64), (128, 128), (256, 256)]:
        layers += [nn.Conv2d(channels, first, 3, padding=1), nn.BatchNorm2d(first), nn.ReLU()]
        layers += [nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels = second
    left = side // 8
    layers += [nn.Dropout2d(0.05), nn.Flatten(), nn.Linear(256 * left * left, 1024), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(1024, 512), nn.ReLU(), nn.Dropout(0.05), nn.Linear(512, 10))


def autoencoder(side):
    left = side // 4
    inner = 32 * left * left
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(inner, 32), nn.Linear(32, inner), nn.ReLU(), nn.Unflatten(1, (32, left, left)),
        nn.ConvTranspose2d(32, 16, 2, 2), nn.ReLU(), nn.ConvTranspose2d(16, 1, 2, 2), nn.Sigmoid(),
    )


def classifier(model, sample, classes=10, batch=64, target=()):
    def data(n):
        return torch.rand(n, *sample), torch.randint(0, classes, (n, *target))

    return model, data, F.cross_entropy, batch


def workload(name, image, hidden):
    """The model, its random batches, its loss and the size of a batch."""
    if name == "mlp_mnist":
        return classifier(mlp(784, hidden or 64, 32, 10), (1, 28, 28))
    if name == "mlp_cifar":
        return classifier(mlp(3072, hidden or 1024, 256, 64, 10), (3, 32, 32))
    if name == "dqn_mlp":
        return classifier(mlp(4, hidden or 128, hidden or 128, 2), (4,), 2)
    if name == "lenet_cifar":
        return classifier(lenet(image or 32), (3, image or 32, image or 32))
    if name == "vgg_cifar":
        return classifier(vgg(image or 32), (3, image or 32, image or 32))
    if name == "unet64":
        side = image or 64
        return classifier(Unet(16, 3), (3, side, side), 3, 8, (side, side))
    side = image or 28

    def images(n):
        x = torch.rand(n, 1, side, side)
        return x, x

    return autoencoder(side), images, F.mse_loss, 64


MODELS = ["mlp_mnist", "mlp_cifar", "lenet_cifar", "vgg_cifar", "autoencoder", "unet64", "dqn_mlp"]


def times(seconds, run):
    """The median and the least time of a call in milliseconds."""
    start, all = time.perf_counter(), []
    while time.perf_counter() - start < seconds or len(all) < 3:
        begin = time.perf_counter()
        run(len(all))
        all.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(all), min(all)


def measure(name, args):
    model, data, loss_fn, batch = workload(name, args.image, args.hidden)
    batch = args.batch or batch
    batches = [data(batch) for _ in range(8)]
    if args.channels_last:
        model = model.to(memory_format=torch.channels_last)
        last = torch.channels_last
        batches = [(x.contiguous(memory_format=last) if x.dim() == 4 else x, y) for x, y in batches]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5, momentum=0.9)

    def step(i):
        x, y = batches[i % 8]
        optimizer.zero_grad(set_to_none=True)
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()

    for i in range(5):
        step(i)
    step_ms, best_ms = times(args.secs, step)
    model.eval()
    with torch.no_grad():
        infer_ms, _ = times(args.secs / 8, lambda i: model(batches[i % 8][0]))
        ones = [x[:1].clone() for x, _ in batches]
        infer_one_ms, _ = times(args.secs / 8, lambda i: model(ones[i % 8]))
    return dict(
        model=name,
        params=sum(p.numel() for p in model.parameters()),
        step_ms=round(step_ms, 4),
        best_ms=round(best_ms, 4),
        samples_s=round(batch / step_ms * 1e3),
        infer_ms=round(infer_ms, 4),
        infer_one_ms=round(infer_one_ms, 4),
        rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        batch=batch,
        threads=args.threads,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(MODELS)} [default: all]")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--secs", type=float, default=4.0)
    parser.add_argument("--channels-last", action="store_true")
    for size in ["batch", "image", "hidden"]:
        parser.add_argument(f"--{size}", type=int)
    args = parser.parse_args()
    unknown = set(args.models) - set(MODELS)
    if unknown:
        parser.error(f"no model {', '.join(sorted(unknown))}; there are {', '.join(MODELS)}")
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    for name in args.models or MODELS:
        print(json.dumps(measure(name, args)), flush=True)


if __name__ == "__main__":
    main()
