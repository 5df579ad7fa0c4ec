r"""Time an all-reduce against the number of bytes. Start it with torchrun.

::

    python -m torch.distributed.run --standalone --nproc-per-node 2 bench/allreduce.py \
        --record

Use no more processes than cores: the times of more measure the scheduler.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
import torch.distributed as dist

from recording import FOLDER, write_recording

COMMAND = (
    "python -m torch.distributed.run --standalone --nproc-per-node {size} "
    "bench/allreduce.py --record"
)
LEAST_SECONDS = 2e-3  # of one sample: several calls, where one is shorter


def seconds_of_calls(numbers: torch.Tensor, calls: int) -> float:
    """Return the mean time of several all-reduces, of the slowest process."""
    dist.barrier()
    start = time.perf_counter()
    for _ in range(calls):
        dist.all_reduce(numbers)
    mean = torch.tensor((time.perf_counter() - start) / calls)
    dist.all_reduce(mean, op=dist.ReduceOp.MAX)
    return mean.item()


def measure(counts: list[int], rounds: int) -> list[dict]:
    """Return a row for each number of float32 numbers, in microseconds.

    Each round times every size once: what disturbs the machine for a while then falls
    on all sizes.
    """
    arrays = [torch.zeros(count) for count in counts]
    calls = []
    for array in arrays:
        seconds_of_calls(array, 2)
        one = seconds_of_calls(array, 3)
        calls.append(max(1, round(LEAST_SECONDS / one)))
    samples: list[list[float]] = [[] for _ in counts]
    for _ in range(rounds):
        for array, number, times in zip(arrays, calls, samples, strict=True):
            times.append(1e6 * seconds_of_calls(array, number))
    rows = []
    for count, times in zip(counts, samples, strict=True):
        first, median, third = statistics.quantiles(times, n=4)
        rows.append(
            {
                "bytes": 4 * count,
                "least_us": min(times),
                "first_quartile_us": first,
                "median_us": median,
                "third_quartile_us": third,
            }
        )
    return rows


def main() -> None:
    """Measure; process 0 prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--largest", type=int, default=2**24, help="float32 numbers")
    parser.add_argument("--out", type=Path, default=Path("_build") / "allreduce.json")
    parser.add_argument(
        "--record", action="store_true", help="write where the book looks"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    size = dist.get_world_size()
    # A single number cannot be cut into pieces: its ring sends fewer messages.
    counts = [4**k for k in range(1, 13) if 4**k <= options.largest]
    rows = measure(counts, options.rounds)
    if dist.get_rank() == 0:
        for row in rows:
            print("  ".join(f"{key} {value:12.1f}" for key, value in row.items()))
        write_recording(
            FOLDER / "allreduce.json" if options.record else options.out,
            COMMAND.format(size=size),
            rows,
            processes=size,
            transport="gloo over TCP on one machine",
        )
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
