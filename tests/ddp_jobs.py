"""What each process of the data-parallel tests does; ``rank`` is its number."""

import contextlib
import io
import os
import signal
import time
from pathlib import Path

import numpy as np
from torch import distributed as dist

from backprop_book import (
    draw_weights,
    load_iris_regression,
    two_layer_regression_ddp_train,
)
from backprop_book.training_log import TrainingLog

LR = 1e-4


def arrays(rows=50, dtype="float64"):
    """Return iris, of the training and of the validation flowers the first rows."""
    iris = load_iris_regression(seed=0, dtype=dtype)
    return tuple(A[:rows] for A in (iris.X, iris.Y, iris.X_val, iris.Y_val))


def train(data, nite, **settings):
    """Train silently from the weights of seed 0, whatever is not said otherwise."""
    settings = {"lr": LR, "seed": 0, "log_every": 0, "timeout": 30} | settings
    W1, W2, *losses = two_layer_regression_ddp_train(
        *data, settings.pop("lr"), nite, **settings
    )
    return W1.numpy(), W2.numpy(), *losses


def raised(function, *args, **settings):
    """Return the error that a call raises."""
    try:
        function(*args, **settings)
    except Exception as error:
        return error
    return None


def everything(rank, folder):
    """Run all that needs healthy processes, and return the results by name."""
    whole, results = arrays(), {}
    results["300"] = train(whole, 300)
    for rows in (3, 5, 50):
        results[f"rows {rows}"] = train(arrays(rows), 20)
    weights = draw_weights(2, 7, 2, seed=3, dtype="float64")
    results["weights"] = train(whole, 20, weights=weights, seed=None)
    results["float32"] = train(arrays(dtype="float32"), 50)
    results["no seed"] = train(whole, 3, seed=None)

    with contextlib.redirect_stdout(io.StringIO()) as printed:
        train(whole, 21, log_every=10)
    results["printed"] = printed.getvalue()
    results["diverged"] = raised(train, whole, 50, lr=1e-3)
    results["overflow at the end"] = raised(train, whole, 1, lr=1e306)

    bad = (np.ones(50), *whole[1:])
    start = time.monotonic()
    results["bad input"] = raised(train, bad, 5), time.monotonic() - start
    results["lr differs"] = raised(train, whole, 5, lr=LR * (1 + (rank == 1)))
    other = (whole[0] + (rank == 1), *whole[1:])
    results["X differs"] = raised(train, other, 5)
    results["nite differs"] = raised(train, whole, 5 + rank)

    path = Path(folder) / "run.npz"
    train(whole, 20, checkpoint=path, checkpoint_every=7)
    results["went on"] = train(whole, 50, checkpoint=path, checkpoint_every=7)
    results["uninterrupted"] = train(whole, 50)
    results["other lr"] = raised(train, whole, 50, lr=2 * LR, checkpoint=path)
    return results


def in_a_group_of_ours(rank):
    """Train twice in a process group that the caller made, and keeps."""
    dist.init_process_group("gloo")
    first, second = train(arrays(), 5), train(arrays(), 5)
    alive = dist.is_initialized()
    dist.destroy_process_group()
    return first[2] == second[2] and alive


def _at(iteration, act):
    record = TrainingLog.record

    def record_or_act(self, t, *losses):
        if t == iteration:
            act()
        record(self, t, *losses)

    TrainingLog.record = record_or_act


def one_is_killed(rank, folder):
    """Train while process 1 is killed; return the others' errors and when they came."""

    def kill():
        (Path(folder) / "killed at").write_text(str(time.monotonic()), encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)

    if rank == 1:
        _at(30, kill)
    return raised(train, arrays(), 10_000), time.monotonic()


def one_is_silent(rank, seconds):
    """Train while process 1 sleeps; return the error and how long it took."""
    if rank == 1:
        _at(30, lambda: time.sleep(3 * seconds))
    start = time.monotonic()
    return raised(train, arrays(), 10_000, timeout=seconds), time.monotonic() - start


def one_cannot_save(rank, folder):
    """Train where process 0 cannot write its checkpoint."""
    path = Path(folder) / "run.npz"
    if rank == 0:
        path.with_name("run.npz.unfinished").mkdir()
    return raised(train, arrays(), 50, checkpoint=path, checkpoint_every=10)
