"""How time grows with the problem, and memory with the number of iterations."""

import importlib.util
import multiprocessing
import sys

import numpy as np

from cases import Case, measure
from sizes import Size, problem

BASE = Size(N=256, N_val=256, D_in=64, H=256, D_out=16)
NAMES = ("numpy", "tensor", "autograd", "nn", "optim")
FACTORS = (1, 2, 4, 8, 16)


def growth(timed: list[Case], letter: str, *, repeats: int) -> dict[str, dict]:
    """Return each case's times as one number of the size grows, and the exponent.

    The exponent is the slope of log time against log size: 1 where twice the size takes
    twice the time. It is fitted to the larger half of the sizes, where calls weigh
    less.
    """
    sizes, times = [], {case.name: [] for case in timed}
    for factor in FACTORS:
        size = BASE._replace(**{letter: getattr(BASE, letter) * factor})
        if letter == "N":
            size = size._replace(N_val=size.N)
        for case in timed:
            case.times.clear()
        measure(timed, problem(size), repeats=repeats, seconds=0.05)
        sizes.append(getattr(size, letter))
        for case in timed:
            times[case.name].append(float(np.median(case.times)))
    half = len(FACTORS) // 2
    return {
        name: {
            "sizes": sizes,
            "seconds": values,
            "exponent": float(
                np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0]
            ),
        }
        for name, values in times.items()
    }


def _peak(case: str, nite: int, pipe: object) -> None:
    import resource

    from cases import cases

    run = next(other.run for other in cases() if other.name == case)
    arrays = problem(BASE._replace(N=4096, N_val=1024))
    run(arrays, nite)  # what the allocator keeps for itself is there after this
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run(arrays, 5 * nite)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    pipe.send((after * unit, (after - before) * unit))


def memory(name: str, nite: int = 100) -> tuple[int, int] | None:
    """Return a training's peak memory, and what four times as many iterations add.

    Both in bytes. Two losses of 32 bytes each an iteration are all that may be added,
    and the system counts in pages. None on Windows, which doesn't keep the peak.
    """
    if not importlib.util.find_spec("resource"):
        return None
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_peak, args=(name, nite, sender))
    process.start()
    result = receiver.recv()
    process.join()
    return result
