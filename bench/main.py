"""Time the training functions: ``make bench``.

Prints tables and writes the figures as JSON. The book shows what stands in
``lib/backprop_book/recorded/bench.json``; ``--record`` writes there.
"""

import argparse
import contextlib
import difflib
import gc
import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch.utils.benchmark import Timer

from cases import SIZES, SQUARES, Case, Problem, cases, micrograd, problem, programs
from recording import FOLDER, write_recording

ROOT = Path(__file__).parents[1]
XLA_ALONE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
OF_SQUARES = "floor, NumPy", "floor, PyTorch", "NumPy", "tensor", "autograd"
# Threads of a library wait busily for the next call, and so take the cores from the
# threads of another one; after this long they sleep.
PAUSE = 0.05
# Seconds of one run, which decide its number of iterations; 0 is one iteration.
SECONDS = {"iris": 0.03, "tutorial": 0.04, "large": 0}


def clock(case: Case, given: Problem, nite: int) -> float:
    """Return the seconds of one run: of the processor, where one thread computes.

    So what else runs on the machine counts less.
    """
    now = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = now()
    case.run(given, nite)
    return now() - start


def iterations(case: Case, given: Problem, seconds: float) -> int:
    """Return how many iterations take about so long."""
    nite, spent = 1, 0.0
    while spent < seconds / 4:
        nite *= 4
        case.run(given, nite + 1)  # JAX compiles for each number of iterations
        spent = clock(case, given, nite + 1) - clock(case, given, 1)
    return max(1, round(nite * seconds / spent)) if spent else nite


def measure(timed: list[Case], given: Problem, rounds: int, seconds: float) -> list:
    """Return a row for each case: quartiles of its seconds per iteration.

    Each round times every case once, in another order, so that a slow minute and a
    neighbour hit all of them. The time of one iteration and of all that is done once is
    subtracted from that of many iterations.
    """
    plans = [(case, iterations(case, given, seconds)) for case in timed]
    for case, nite in plans:
        case.run(given, nite + 1)
    times: dict = {case.name: [] for case in timed}
    rotation, previous = random.Random(0), timed[-1]
    for _ in range(rounds):
        gc.collect()
        for case, nite in rotation.sample(plans, len(plans)):
            time.sleep(PAUSE)
            case.run(given, 1)
            once = clock(case, given, 1)
            each = (clock(case, given, nite + 1) - once) / nite
            times[case.name].append((each, case.library != previous.library))
            previous = case
    rows = []
    for case, nite in plans:
        low, median, high = np.quantile(
            [t for t, _ in times[case.name]], (0.25, 0.5, 0.75)
        )
        near, far = ([t for t, f in times[case.name] if f == flag] for flag in (0, 1))
        both = min(len(near), len(far)) > 2
        rows.append({
            "case": case.name, "library": case.library, "floor": case.floor,
            "low_s": low, "median_s": median, "high_s": high,
            "rounds": rounds, "iterations": nite,
            "after_another_library": statistics.median(far) / statistics.median(near)
            if both else None,
        })  # fmt: skip
    return rows


def show(size: str, threads: int, rows: list[dict]) -> None:
    """Print one table, times in µs, and what lies below its floor."""
    floors = {row["case"]: row for row in rows}
    print(f"\n{size}, threads: {threads}; µs an iteration")
    print(f"{'':32}{'median':>9}   {'middle half':^19}   floors")
    for row in rows:
        low, median, high = (1e6 * row[key] for key in ("low_s", "median_s", "high_s"))
        line = f"{row['case']:32}{median:9.1f}   {low:9.1f} {high:9.1f}"
        if floor := floors.get(row["floor"]):
            line += f"   {row['median_s'] / floor['median_s']:.2f}"
            if row["library"] != "jax" and row["median_s"] < floor["low_s"]:
                line += "  below the floor"
        print(line)


def operations(given: Problem) -> dict[str, tuple]:
    """Return operations of an iteration: a call, floating-point operations, bytes."""
    X, Y, _, _, W1, W2, _ = given
    Z1, zeros = X @ W1, np.zeros((len(X), W1.shape[1]), X.dtype)
    products = {"X W1": (X, W1), "H1 W2": (Z1, W2), "H1ᵀ G": (Z1.T, Y)}
    products |= {"G W2ᵀ": (Y, W2.T), "Xᵀ grad_Z1": (X.T, Z1)}
    entrywise = {"ReLU": (np.maximum, Z1, zeros), "update of W1": (np.subtract, W1, W1)}
    found = {}
    for name, (A, B) in products.items():
        out = A @ B
        moved = A.nbytes + B.nbytes + out.nbytes
        found[name] = partial(A.dot, B, out), 2 * A.size * B.shape[1], moved
    for name, (function, A, B) in entrywise.items():
        act = partial(function, A, B.copy(), out=np.empty_like(A))
        found[name] = act, A.size, 3 * A.nbytes
    return found


def seconds(act: Callable) -> float:
    """Return the median time of a call."""
    timer = Timer("act()", globals={"act": act}, timer=time.process_time)
    return timer.blocked_autorange().median


def roofline() -> dict:
    """Return how fast operations are, and what they are held to: two roofs."""
    rows = [
        {
            "size": size,
            "operation": name,
            "flops": flops,
            "bytes": moved,
            "seconds": seconds(act),
        }
        for size, shape in SIZES.items()
        for name, (act, flops, moved) in operations(problem(*shape)).items()
    ]
    square = np.ones((2048, 2048), "float32")
    peak = 2 * 2048**3 / seconds(partial(square.dot, square, square.copy()))
    roofs = {}
    for name, count in (("cache", 2**14), ("main memory", 2**25)):
        A, B, out = (np.ones(count, "float32") for _ in range(3))
        roofs[name] = 3 * A.nbytes / seconds(partial(np.subtract, A, B, out=out))
    peak = max([peak, *(row["flops"] / row["seconds"] for row in rows)])
    return {"flops_per_s": peak, "bytes_per_s": roofs, "operations": rows}


def all_of(threads: int, rounds: int) -> tuple[list[dict], dict | None]:
    """Return the rows of all tables with so many threads, and the roofline of one."""
    torch.set_num_threads(threads)
    results = []
    with threadpool_limits(threads):
        plan = [(n, shape, cases(), SECONDS[n], rounds) for n, shape in SIZES.items()]
        if threads == 1:
            some = [case for case in cases() if case.name in OF_SQUARES]
            plan += [(n, shape, some, 0.02, rounds) for n, shape in SQUARES.items()]
            with contextlib.suppress(ImportError):
                scalar = [Case("micrograd", "micrograd", micrograd())]
                plan.append(("iris", SIZES["iris"], scalar, 0, 5))
        for name, shape, timed, seconds, turns in plan:
            rows = measure(timed, problem(*shape), turns, seconds)
            show(name, threads, rows)
            about = {
                "size": name,
                "N, N_val, D_in, H, D_out": shape,
                "threads": threads,
            }
            results += [about | row for row in rows]
        return results, roofline() if threads == 1 else None


def in_a_process(threads: int, rounds: int) -> tuple[list[dict], dict | None]:
    """Call `all_of` in a new process that uses so many threads and cores.

    Libraries fix their pools when they start, and a pool of more threads than cores
    measures the scheduler.
    """
    os.environ["XLA_FLAGS"] = XLA_ALONE if threads == 1 else ""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if cores:
        os.sched_setaffinity(0, sorted(cores)[-threads:])
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as executor:
        result = executor.submit(all_of, threads, rounds).result()
    if cores:
        os.sched_setaffinity(0, cores)
    return result


def steps() -> list[dict]:
    """Return for each step the lines of the loop that it removes and adds."""
    return [
        {"step": name, "changed": [x for x in difflib.ndiff(*lines) if x[0] in "-+"]}
        for name, *lines in (
            (name, before.splitlines(), after.splitlines())
            for (_, before), (name, after) in pairwise(programs().items())
        )
    ]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "bench.json")
    parser.add_argument(
        "--record", action="store_true", help="write where the book looks"
    )
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count()])
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    results, roofs = [], None
    for threads in sorted(set(options.threads)):
        rows, roof = in_a_process(threads, options.rounds)
        results += rows
        roofs = roofs or roof
    write_recording(
        FOLDER / "bench.json" if options.record else options.out,
        "make bench BENCH=--record",
        results,
        beside={
            "notebook": programs()["the notebook's loop"],
            "steps": steps(),
            "roofline": roofs,
        },
    )


if __name__ == "__main__":
    main()
