#!/usr/bin/env python3
"""Reads the event files of a run as TensorBoard does, and holds them to the run's metrics and weights.

    python scripts/tensorboard_check.py RUN [--every 10] [--server]

RUN is a run's folder that came to its end, resumed or not. --every is the distance of the steps that were noted. With
--server the scalars are also asked from a TensorBoard that is started for it, with both of its readers of files.
Needs tensorboard, safetensors, numpy and pillow.
"""

import argparse
import io
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

EVERYTHING = {kind: 0 for kind in ("scalars", "images", "histograms", "tensors")}


def wanted_scalars(run, every):
    """What metrics.jsonl has, as {tag: {step: value}}."""
    wanted = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["kind"] == "step":
            values = {"loss/step": record["loss"], "lr": record["lr"]} if record["step"] % every == 0 else {}
        else:
            names = {f"{kind}/{part}": f"{part}_{kind}" for kind in ("loss", "accuracy") for part in ("train", "test")}
            values = {tag: record[name] for tag, name in names.items() if name in record}
        for tag, value in values.items():
            assert record["step"] not in wanted.setdefault(tag, {}), f"{tag} twice at {record['step']}"
            wanted[tag][record["step"]] = float(np.float32(value))
    return wanted


def check_scalars(events, wanted):
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert set(wanted) <= set(found), f"missing: {set(wanted) - set(found)}"
    for tag, values in wanted.items():
        assert found[tag] == sorted(values.items()), f"{tag}: {found[tag][:3]}, not {sorted(values.items())[:3]}"
    return f"{len(wanted)} scalars, {sum(map(len, wanted.values()))} values"


def bucket_bounds():
    positive, bound = [], 1e-12
    while bound < 1e20:
        positive.append(bound)
        bound *= 1.1
    positive.append(sys.float_info.max)
    return [-b for b in reversed(positive)] + [0.0] + positive


def check_histograms(events, wanted, run):
    tags = events.Tags()["histograms"]
    epochs = sorted(wanted["loss/train"])
    weights = load_file(run / "checkpoints/last.safetensors")
    parameters = [tag.removeprefix("parameters/") for tag in tags if tag.startswith("parameters/")]
    assert parameters and set(parameters) <= set(weights), parameters
    for tag in tags:
        assert [e.step for e in events.Histograms(tag)] == epochs, tag
        for e in events.Histograms(tag):
            histogram = e.histogram_value
            assert len(histogram.bucket) == len(histogram.bucket_limit)
            assert sum(histogram.bucket) == histogram.num == weights[tag.split("/", 1)[1]].size, tag
    bounds = np.array(bucket_bounds())
    for name in parameters:
        values = weights[name].astype(np.float64).ravel()
        last = events.Histograms(f"parameters/{name}")[-1].histogram_value
        assert (last.min, last.max) == (values.min(), values.max()), name
        np.testing.assert_allclose([last.sum, last.sum_squares], [values.sum(), (values**2).sum()], rtol=1e-9)
        counts = np.bincount(np.searchsorted(bounds, values, side="right"), minlength=len(bounds))
        first = np.searchsorted(bounds, last.bucket_limit[0])
        np.testing.assert_array_equal(bounds[first : first + len(last.bucket)], last.bucket_limit)
        np.testing.assert_array_equal(counts[first : first + len(last.bucket)], last.bucket)
    return f"{len(tags)} histograms of {len(epochs)} epochs"


def check_images(events):
    count = 0
    for tag in events.Tags()["images"]:
        for e in events.Images(tag):
            image = Image.open(io.BytesIO(e.encoded_image_string))
            image.load()
            assert image.size == (e.width, e.height), tag
            count += 1
    return f"{count} images"


def check_texts(events):
    texts = [tag for tag in events.Tags()["tensors"] if events.SummaryMetadata(tag).plugin_data.plugin_name == "text"]
    for tag in texts:
        for e in events.Tensors(tag):
            assert e.tensor_proto.string_val[0].decode(), tag
    return f"{len(texts)} texts"


def ask(url):
    deadline = time.monotonic() + 60
    while True:
        try:
            return json.load(urllib.request.urlopen(url, timeout=10))
        except (urllib.error.URLError, json.JSONDecodeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def check_server(run, wanted, events, port):
    tags = events.Tags()
    plugins = {"images": tags["images"], "histograms": tags["histograms"], "text": tags["tensors"]}
    # Its Python reader, and the faster one in Rust.
    for load_fast in ("false", "true"):
        words = ["--logdir", run, "--port", str(port), "--load_fast", load_fast, "--samples_per_plugin"]
        words += ["scalars=1000000,images=1000000,histograms=1000000"]
        server = subprocess.Popen([sys.executable, "-m", "tensorboard.main", *words], stderr=subprocess.DEVNULL)
        try:
            base = f"http://localhost:{port}/data/plugin"
            deadline = time.monotonic() + 60
            for tag, values in wanted.items():
                query = urllib.parse.urlencode({"run": ".", "tag": tag})
                found = {}
                while found != values and time.monotonic() < deadline:
                    try:
                        found = {step: float(np.float32(v)) for _, step, v in ask(f"{base}/scalars/scalars?{query}")}
                    except urllib.error.HTTPError:
                        pass
                    time.sleep(0.2)
                assert found == values, f"{tag}, load_fast={load_fast}: {len(found)} values, not {len(values)}"
            for plugin, tags in plugins.items():
                assert set(ask(f"{base}/{plugin}/tags").get(".", [])) == set(tags), plugin
        finally:
            server.terminate()
            server.wait()
        port += 1
    return "TensorBoard's server shows the same with both of its readers"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--port", type=int, default=16006)
    options = parser.parse_args()
    events = EventAccumulator(str(options.run), size_guidance=EVERYTHING)
    events.Reload()
    wanted = wanted_scalars(options.run, options.every)
    print(check_scalars(events, wanted))
    print(check_histograms(events, wanted, options.run))
    print(check_images(events))
    print(check_texts(events))
    if options.server:
        print(check_server(options.run, wanted, events, options.port))
    print("the event files and the run agree")


if __name__ == "__main__":
    main()
