"""Time the training functions: ``make bench``.

Prints tables and writes the figures as JSON. The book shows what stands in
``lib/backprop_book/recorded/bench.json``; ``--record`` writes there.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from recording import FOLDER, write_recording
from scaling import NAMES, memory
from sizes import SIZES
from tables import tables

ROOT = Path(__file__).parents[1]
XLA_ALONE = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


def in_a_process(threads: int, *arguments: object) -> tuple[list, dict]:
    """Call `tables` in a new process that uses so many threads and cores.

    Libraries fix their pools when they start, and a pool of more threads than cores
    measures the scheduler.
    """
    os.environ["XLA_FLAGS"] = XLA_ALONE if threads == 1 else ""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    if cores:
        os.sched_setaffinity(0, sorted(cores)[-threads:])
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as executor:
        result = executor.submit(tables, threads, *arguments).result()
    if cores:
        os.sched_setaffinity(0, cores)
    return result


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "bench.json")
    parser.add_argument(
        "--record", action="store_true", help="write where the book looks"
    )
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--threads", nargs="*", type=int, default=[1, os.cpu_count()])
    parser.add_argument("--no-scaling", action="store_true")
    options = parser.parse_args()

    results, scaling, peaks = [], {}, {}
    for threads in sorted(set(options.threads)):
        rows, curves = in_a_process(threads, options.sizes, not options.no_scaling)
        results += rows
        scaling[threads] = curves
    if not options.no_scaling:
        print()
        for name in NAMES:
            peaks[name] = memory(name)
            if peaks[name] is None:
                break
            peak, added = peaks[name]
            print(
                f"memory, {name:9} peak {peak / 1e6:6.0f} MB, "
                f"400 iterations more add {added / 1e3:6.1f} kB"
            )

    write_recording(
        FOLDER / "bench.json" if options.record else options.out,
        "make bench",
        results,
        beside={
            "multiplications": {k: v.multiplications for k, v in SIZES.items()},
            "scaling": scaling,
            "peak_memory_and_growth_bytes": peaks,
        },
    )


if __name__ == "__main__":
    main()
