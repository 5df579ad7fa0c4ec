"""The tables of one process, which uses a fixed number of threads."""

import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from cases import cases, measure, summary
from scaling import NAMES, growth
from sizes import SIZES, problem

# Seconds of one run, and number of turns. 0: as few iterations as there can be.
PLAN = {"iris": (0.03, 21), "tutorial": (0.05, 15), "large": (0, 5)}


def show(size: str, threads: int, rows: list[dict]) -> None:
    """Print one table: times in µs, or in ms for the large size."""
    unit, scale = ("ms", 1e3) if size == "large" else ("µs", 1e6)
    tqdm.write(f"\n{size}, {threads} thread{'s' * (threads > 1)}: {unit} an iteration")
    tqdm.write(f"{'':22}{'median':>9}   {'middle half':^17}   of the floor")
    for row in rows:
        low, high = scale * row["low_s"], scale * row["high_s"]
        ratio = row["ratio_to_floor"]
        tqdm.write(
            f"{row['case']:22}{scale * row['median_s']:9.1f}   {low:8.1f}{high:9.1f}"
            f"   {f'{ratio:.2f}' if ratio else '':>6}"
        )


def tables(threads: int, sizes: list[str], scaling: bool) -> tuple[list, dict]:
    """Return the rows of all tables, and the growth of the times.

    NumPy and PyTorch are told the number of threads here; JAX reads it from its
    environment when it starts.
    """
    torch.set_num_threads(threads)
    results, curves = [], {}
    with threadpool_limits(threads):
        for name in tqdm(sizes, desc=f"threads: {threads}", leave=False):
            timed = cases()
            seconds, repeats = PLAN[name]
            measure(timed, problem(SIZES[name]), repeats=repeats, seconds=seconds)
            rows = [summary(case, timed) for case in timed]
            show(name, threads, rows)
            results += [{"size": name, "threads": threads, **row} for row in rows]
        if scaling:
            timed = [case for case in cases() if case.name in NAMES]
            for letter in "NH":
                curves[letter] = growth(timed, letter, repeats=5)
                exponents = "  ".join(
                    f"{name} {curve['exponent']:.2f}"
                    for name, curve in curves[letter].items()
                )
                print(f"\n{threads} threads: time grows with {letter} to the power of")
                print(exponents)
    return results, curves
