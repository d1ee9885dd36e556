"""Writes what PyTorch computes for the engine's operations: values, gradients, initialisers, optimisers.

    pip install -r scripts/parity/requirements.txt
    python scripts/parity       # writes crates/versant/tests/fixtures/parity/*.safetensors

crates/versant/tests/parity/ reads the files. Everything is computed in f64 from inputs that f32 holds, so that one
fixture serves both types. Seeded: the same PyTorch gives the same files.
"""

import os
import warnings

# Before PyTorch starts: the same instructions on every x86 machine.
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"

import torch

import elementwise
import indexing
import linalg
import losses
import norm
import pool
import reductions
import shapes
import training
from common import OUT, Family


def main():
    # The variance of one element, targets that broadcast: PyTorch warns, the fixture wants them.
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    count = 0
    for module in [elementwise, reductions, shapes, indexing, linalg, losses, norm, pool]:
        family = Family(module.__name__)
        module.cases(family.case)
        family.save()
        count += len(family.cases)
    training.write()
    print(f"PyTorch {torch.__version__}: {count} cases")


if __name__ == "__main__":
    main()
