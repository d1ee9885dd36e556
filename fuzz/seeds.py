#!/usr/bin/env python3
"""Writes the seeds that the fuzzers start from, fuzz/corpus: small files, good and bad. Needs numpy.

    python fuzz/seeds.py
"""

import gzip
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

CORPUS = Path(__file__).resolve().parent / "corpus"


def seed(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def npz(save, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def idx(*sizes, data=b""):
    return struct.pack(f">HBB{len(sizes)}I", 0, 8, len(sizes), *sizes) + data


def tensor(dtype, shape, start, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


grid = np.arange(6).reshape(2, 3)

seed("npy", "f4", npy(grid.astype("<f4")))
seed("npy", "fortran_i2", npy(np.asfortranarray(grid.astype(">i2"))))
seed("npy", "scalar", npy(np.float16(1)))
seed("npy", "objects", npy(np.array([None], dtype=object)))
seed("npy", "huge", npy(np.zeros(1, "u1")).replace(b"(1,)  ", b"(1 << "))

seed("npz", "stored", npz(np.savez, a=grid.astype("<f4"), b=np.ones(1, "u1")))
seed("npz", "deflated", npz(np.savez_compressed, a=grid, b=np.zeros(500, "<f4")))
seed("npz", "empty", npz(np.savez))
with zipfile.ZipFile(CORPUS / "npz/text", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(zipfile.ZipInfo("../a.txt"), "This is no array.")

two = {"a": tensor("F32", [1], 0, 4), "b": tensor("BF16", [2, 1], 4, 8)}
seed("safetensors", "two", safetensors(two | {"__metadata__": {"format": "pt"}}, bytes(8)))
seed("safetensors", "overlap", safetensors({"a": two["a"], "b": tensor("U8", [4], 2, 6)}, bytes(6)))
seed("safetensors", "huge", safetensors({"a": tensor("F64", [1 << 61, 8], 0, 1 << 63)}))
envelope = json.dumps({"crc32": "00000000", "metadata": {"k": "v"}}, separators=(",", ":"))
seed("safetensors", "checksum", safetensors({"__metadata__": {"versant": envelope}}))

labels = idx(3, data=b"\7\2\1")
seed("idx", "labels", labels)
seed("idx", "images", idx(2, 2, 2, data=bytes(8)))
seed("idx", "gzipped", gzip.compress(labels, mtime=0))
seed("idx", "huge", gzip.compress(idx(2**32 - 1, 2**32 - 1), mtime=0))
# Twice gzipped, by pieces, with a wrong checksum.
pieces = gzip.compress(labels[:5], mtime=0) + gzip.compress(labels[5:], mtime=0)
seed("idx", "pieces", pieces[:-8] + struct.pack("<II", zlib.crc32(b""), 3))
