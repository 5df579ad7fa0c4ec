"""All that is timed, behind one interface: ``run(problem, nite)``."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import backprop_book as bb
from floors import floor_numpy, floor_torch
from peers import jax_scan, scikit_learn
from plain import (
    LR,
    plain_autograd,
    plain_nn,
    plain_numpy,
    plain_optim,
    plain_tensor,
)
from sizes import Problem

NUMPY, TORCH = "floor numpy", "floor torch"


@dataclass
class Case:
    """A way to train, the floor that it is held to, and its times per iteration."""

    name: str
    run: Callable[[Problem, int], float | None]
    floor: str | None = None
    times: list[float] = field(default_factory=list)

    def seconds(self, problem: Problem, nite: int) -> float:
        """Return the seconds of one run; a floor holds its own clock."""
        start = time.perf_counter()
        own = self.run(problem, nite)
        return time.perf_counter() - start if own is None else own

    def per_iteration(self, problem: Problem, nite: int, setup: float) -> float:
        """Return the seconds of one iteration of a run, its set-up taken off."""
        return (self.seconds(problem, nite) - setup) / nite


def _of_book(name: str) -> Callable[[Problem, int], None]:
    train = getattr(bb, f"two_layer_regression_{name}_train")

    def run(problem: Problem, nite: int) -> None:
        X, Y, X_val, Y_val, W1, W2 = problem
        train(X, Y, X_val, Y_val, LR, nite, weights=(W1, W2), log_every=0)

    return run


def cases() -> list[Case]:
    """Return fresh cases; JAX's only where JAX is installed."""
    jax = jax_scan()
    return [
        Case(NUMPY, floor_numpy),
        Case("numpy", _of_book("numpy"), NUMPY),
        Case("engine", _of_book("engine"), NUMPY),
        Case("plain numpy", plain_numpy, NUMPY),
        Case("plain numpy, float32", partial(plain_numpy, dtype="float32"), NUMPY),
        Case("scikit-learn", scikit_learn, NUMPY),
        *([Case("jax scan", jax, NUMPY)] if jax else []),
        Case(TORCH, floor_torch),
        Case("tensor", _of_book("tensor"), TORCH),
        Case("autograd", _of_book("autograd"), TORCH),
        Case("nn", _of_book("nn"), TORCH),
        Case("optim", _of_book("nn_optim"), TORCH),
        Case("plain tensor", plain_tensor, TORCH),
        Case("plain autograd", plain_autograd, TORCH),
        Case("plain nn", plain_nn, TORCH),
        Case("plain optim", plain_optim, TORCH),
    ]


def measure(
    timed: list[Case], problem: Problem, *, repeats: int, seconds: float
) -> None:
    """Fill in the cases' times, one run of each in turn: a slow minute hits all.

    Parameters
    ----------
    timed : list of Case
    problem : Problem
    repeats : int
        Number of turns.
    seconds : float
        How long one run shall take about; decides its number of iterations.
    """
    plans = []
    for case in timed:
        nite = 2
        case.run(problem, nite)
        if seconds:
            case.run(problem, 20)  # JAX compiles for each number of iterations
            nite = max(nite, round(20 * seconds / case.seconds(problem, 20)))
        case.run(problem, nite)
        plans.append((case, nite))
    for _ in range(repeats):
        for case, nite in plans:
            own_clock = case.name in (NUMPY, TORCH)
            setup = 0.0 if own_clock else case.seconds(problem, 0)
            case.times.append(case.per_iteration(problem, nite, setup))


def summary(case: Case, timed: list[Case]) -> dict[str, object]:
    """Return a case's median, its spread, and its ratio to the floor's median."""
    floors = {other.name: other.times for other in timed if other.floor is None}
    median = statistics.median(case.times)
    low, _, high = statistics.quantiles(case.times, n=4)
    floor = case.floor and statistics.median(floors[case.floor])
    return {
        "case": case.name,
        "median_s": median,
        "low_s": low,
        "high_s": high,
        "ratio_to_floor": median / floor if floor else None,
    }
