"""What the chapter claims of its figures holds; one command makes its GPU record."""

import importlib.util
import json
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from backprop_book import load_recording
from chapter_files import ROOT
from executed_cells import chapter_named, execute_cell, in_chapters_folder

MODES = "float32", "tf32", "bfloat16", "float64"


@pytest.fixture(scope="module")
def page():
    """Return what the cells define, without those that start processes."""
    namespace = {"__name__": "cells_of_scale"}
    with in_chapters_folder():
        for cell in chapter_named("scale").code:
            if "subprocess.Popen" not in cell.source:
                execute_cell(cell, "scale.md", namespace)
    return namespace


def test_steps_are_those_of_plain_loops(page):
    """The stack of runs gives what one run after the other gives."""
    X, Y, N = page["X"], page["Y"], page["N"]
    stacked = page["steps_to"](50, 10, [1e-4, 1.4e-4], range(3))
    for rate, counted in zip([1e-4, 1.4e-4], stacked, strict=True):
        for seed, steps in enumerate(counted):
            W1, W2 = page["draw_weights"](2, 100, 2, seed=seed, dtype="float64")
            generator, t = np.random.default_rng(seed), 0
            while np.sum((np.maximum(X @ W1, 0) @ W2 - Y) ** 2) >= 50:
                if t % 5 == 0:
                    order = generator.permutation(N)
                rows = order[t % 5 * 10 : t % 5 * 10 + 10]
                _, *grads = page["two_layer_regression_numpy_gradient"](
                    X[rows], Y[rows], W1, W2
                )
                W1, W2 = W1 - 5 * rate * grads[0], W2 - 5 * rate * grads[1]
                t += 1
            assert steps == t


def test_rows_help_up_to_the_critical_batch_size(page):
    median = np.array(page["quartiles"])[:, 1]
    steps = dict(zip(page["BATCHES"], median, strict=True))
    assert page["inside"]
    assert steps[1] / steps[2] > 1.7
    assert steps[25] / steps[50] < 1.3
    assert 10 < page["b"] / page["a"] < 40
    fitted = page["a"] + page["b"] / page["BATCHES"]
    assert np.abs(fitted / median - 1).max() < 0.25


def test_the_gains_of_the_gpu_are_as_the_text_says(page):
    gain, all_cores = page["gain"], page["ALL_CORES"]
    us = page["us"]
    for mode in MODES:
        assert gain("iris", mode, "cpu_1") < 1
        assert us("iris", mode, "graph") < us("iris", "float64", "cpu_1")
        for size in ("middle", "large"):
            assert 55 < gain(size, mode, all_cores) < 455
        for size in ("iris", "tutorial", "lab"):
            assert 0.35 < gain(size, mode, all_cores) < 50
        assert us("large", mode, "graph") > 0.8 * us("large", mode, "queued")
    for size in ("middle", "large"):
        ratio = gain(size, "float32", "cpu_1") / gain(size, "float32", all_cores)
        assert 5 < ratio < 7
    assert gain("large", "bfloat16", all_cores) > gain("large", "tf32", all_cores)
    assert gain("large", "tf32", all_cores) > gain("large", "float64", all_cores)


def test_workers(page):
    iteration = page["iteration"]
    assert iteration(16, 4096) > iteration(8, 4096)
    assert iteration(1024, 4096) > iteration(1, 4096)
    best = [min(range(1, 1025), key=lambda p: iteration(p, n)) for n in (2**12, 2**20)]
    assert best[0] < best[1]
    assert (page["ratio"] < 2).all()
    assert (page["ratio"] > 0.5).all()
    assert page["us"]("iris", "float64", "cpu_1") < page["needed"]


@pytest.fixture
def gpu(monkeypatch):
    """Return the program that records, with little to do."""
    monkeypatch.syspath_prepend(ROOT / "bench")
    spec = importlib.util.spec_from_file_location("gpu", ROOT / "bench" / "gpu.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in {"TURNS": 2, "MICROSECONDS": 1, "CORES": 1}.items():
        monkeypatch.setattr(module, name, value)
    threads = torch.get_num_threads()
    yield module
    torch.set_num_threads(threads)
    torch.backends.cuda.matmul.allow_tf32 = False


def test_one_command_records_what_the_chapter_draws(gpu, tmp_path):
    """With the CPU in the GPU's place; only the graph needs CUDA."""
    out = tmp_path / "gpu.json"
    gpu.main(["--cpu", "--sizes", "iris", "--out", str(out)])
    found, shipped = json.loads(out.read_text()), load_recording("gpu")
    assert found.keys() == shipped.keys()
    assert {"device", "driver", "cuda", "cores"} <= found["machine"].keys()
    rows = {row["mode"]: row for row in found["results"]}
    assert set(rows) == set(MODES)
    for row in shipped["results"]:
        if row["size"] == "iris":
            own, kept = rows[row["mode"]], {key for key in row if "cpu_" not in key}
            assert kept - {"graph_us", "kernels", "busy_us"} == {
                key for key in own if "cpu_" not in key
            }
            assert ("cpu_1_us" in own) == ("cpu_1_us" in row)
            assert own["gflop"] == row["gflop"]
    for mode, worst in {"float64": 1e-14, "float32": 1e-6, "bfloat16": 0.1}.items():
        assert max(rows[mode]["errors"]) < worst
        for key, times in rows[mode].items():
            assert not key.endswith("_us") or 0 < times[0] <= times[1] <= times[2]


def test_a_cpu_is_not_recorded_as_a_gpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "row", Mock(side_effect=AssertionError("it measures")))
    for argv, message in (
        (["--cpu", "--record"], "a CPU's times would be shown as a GPU's"),
        ([], "PyTorch finds no NVIDIA GPU here"),
    ):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(SystemExit):
            gpu.main(argv)
        assert message in capsys.readouterr().err
