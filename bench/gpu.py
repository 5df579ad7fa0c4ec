"""Time one gradient on an NVIDIA GPU, and on the CPU beside it.

::

    python bench/gpu.py --record

takes about two minutes and writes what the book draws. ``--cpu`` lets the CPU take the
GPU's place, to try the program.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import torch

from backprop_book.train_tensor import two_layer_regression_tensor_gradient as gradient
from recording import FOLDER, write_recording

SIZES = {  # N, D_in, H, D_out
    "iris": (50, 2, 100, 2),
    "tutorial": (64, 1000, 100, 10),
    "lab": (1024, 64, 1024, 16),
    "middle": (4096, 256, 1024, 64),
    "large": (4096, 1024, 4096, 256),
}
MODES = "float32", "tf32", "bfloat16", "float64"
CORES = os.cpu_count() or 1
TURNS, MICROSECONDS = 9, 20_000  # of each thing that is timed, and of each turn


def wait() -> None:
    """Wait until the GPU, if there is one, has done all that was asked of it."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def microseconds(act: Callable[[], object], calls: int, each: bool) -> float:
    """Return the mean time of a call, waiting after each or after the last."""
    wait()
    start = time.perf_counter()
    for _ in range(calls):
        act()
        if each:
            wait()
    wait()
    return 1e6 * (time.perf_counter() - start) / calls


def captured(act: Callable[[], object]) -> torch.cuda.CUDAGraph:
    """Return a graph that starts all kernels of a call at once."""
    with torch.cuda.stream(torch.cuda.Stream()):
        act()
    wait()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        graph.kept = act()
    return graph


def row(size: str, mode: str, device: str) -> dict[str, object]:
    """Return errors and times (least, median, largest, in µs) of a size and a dtype."""
    N, D_in, H, D_out = SIZES[size]
    generator = torch.Generator().manual_seed(0)
    shapes = (N, D_in), (N, D_out), (D_in, H), (H, D_out)
    exact = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    exact[2] /= D_in**0.5
    exact[3] /= H**0.5
    dtype = torch.float32 if mode == "tf32" else getattr(torch, mode)
    torch.backends.cuda.matmul.allow_tf32 = mode == "tf32"
    here = [A.to(dtype) for A in exact]
    there = [A.to(device) for A in here]
    pinned = [A.pin_memory() if device == "cuda" else A for A in here[:2]]
    found = gradient(*there)

    def on_device() -> object:
        return gradient(*there)

    def on_cores(threads: int) -> None:
        torch.set_num_threads(threads)
        gradient(*here)

    def send(arrays: list[torch.Tensor]) -> object:
        return [A.to(device, copy=True, non_blocking=True) for A in arrays]

    jobs = {  # what to call, and whether to wait after each call
        "waited": (on_device, True),
        "queued": (on_device, False),
        "send_pageable": (lambda: send(here[:2]), True),
        "send_pinned": (lambda: send(pinned), True),
        "fetch": (lambda: [A.to("cpu", copy=True) for A in found[1:]], True),
    }
    if device == "cuda":
        jobs["graph"] = captured(on_device).replay, False
    if mode in ("float32", "float64"):
        for threads in {1, CORES}:
            jobs[f"cpu_{threads}"] = lambda n=threads: on_cores(n), False
    calls = {}
    for name, (act, each) in jobs.items():
        microseconds(act, 2, each)
        calls[name] = max(
            1, min(2000, round(MICROSECONDS / microseconds(act, 3, each)))
        )
    times: dict[str, list[float]] = {f"{name}_us": [] for name in jobs}
    for turn in range(TURNS):  # all in each turn: what is slow for a while hits all
        names = list(jobs)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[f"{name}_us"].append(
                microseconds(jobs[name][0], calls[name], jobs[name][1])
            )
    truth = gradient(*exact)
    return {
        "size": size,
        "mode": mode,
        "gflop": 2 * (2 * N * D_in * H + 3 * N * H * D_out) / 1e9,
        "errors": [
            float((A.cpu().double() - B).norm() / B.norm())
            for A, B in zip(found, truth, strict=True)
        ],
    } | {name: [min(t), statistics.median(t), max(t)] for name, t in times.items()}


def main(argv: list[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cpu", action="store_true", help="in the GPU's place")
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--out", type=Path, default=Path("_build") / "gpu.json")
    parser.add_argument("--record", action="store_true", help="where the book looks")
    options = parser.parse_args(argv)
    if options.cpu and options.record:
        parser.error("--record: a CPU's times would be shown as a GPU's")
    device, driver = "cpu", ""
    if not options.cpu:
        if not torch.cuda.is_available():
            parser.error("PyTorch finds no NVIDIA GPU here; --cpu tries the program")
        query = "nvidia-smi --query-gpu=name,driver_version --format=csv,noheader"
        said = subprocess.run(query.split(), capture_output=True, text=True, check=True)
        device, driver = said.stdout.splitlines()[0].split(", ")
    results = []
    for size in options.sizes:
        for mode in MODES:
            results.append(row(size, mode, "cpu" if options.cpu else "cuda"))
            print(json.dumps(results[-1]), flush=True)
    write_recording(
        FOLDER / "gpu.json" if options.record else options.out,
        "python bench/gpu.py --record",
        results,
        device=device,
        driver=driver,
        cuda=torch.version.cuda,
    )


if __name__ == "__main__":
    main()
