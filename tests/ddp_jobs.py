"""What the processes of the data-parallel tests do."""

import os
import signal
import time

import torch.distributed as dist

from backprop_book import (
    draw_weights,
    load_iris_regression,
    run_ddp,
    two_layer_regression_ddp_train,
)
from backprop_book.processes import process_group
from backprop_book.training_log import TrainingLog

LR = 1e-4
# Three processes cut 50 rows unevenly, and of two rows leave one process none.
CURVES = {
    "300": {"nite": 300},
    "two rows": {"rows": 2},
    "weights": {"weights": draw_weights(2, 7, 2, seed=3, dtype="float64")},
    "float32": {"dtype": "float32"},
}


def arrays(rows=50, dtype="float64"):
    """Return iris, of the training and of the validation flowers the first rows."""
    iris = load_iris_regression(seed=0, dtype=dtype)
    return tuple(A[:rows] for A in (iris.X, iris.Y, iris.X_val, iris.Y_val))


def train(nite=20, *, data=None, lr=LR, rows=50, dtype="float64", **settings):
    """Train on iris, silently, from the weights of seed 0."""
    data, settings = data or arrays(rows, dtype), {"seed": 0, "log_every": 0} | settings
    W1, W2, *losses = two_layer_regression_ddp_train(*data, lr, nite, **settings)
    return W1.numpy(), W2.numpy(), *losses


def raised(function, **settings):
    """Return the error that a call raises."""
    try:
        function(**settings)
    except Exception as error:
        return error
    return None


def healthy(path):
    """Run all that ends well or is refused by all; return the results by name."""
    with process_group(timeout=30):
        second = dist.get_rank() == 1
        results = {name: train(**settings) for name, settings in CURVES.items()}
        results["no seed"] = train(3, seed=None)
        X, *others = arrays()
        results["refused"] = {
            "diverged": raised(train, nite=50, lr=1e-3),
            "lr": raised(train, lr=LR * (1 + second)),
            "X": raised(train, data=(X + second, *others)),
            "nite": raised(train, nite=5 + second),
            "other run": raised(train, lr=2 * LR, checkpoint=path),
        }
        results["goes on"] = train(50, checkpoint=path)
    return results


def at(iteration, act):
    """Let something happen in every training, after so many iterations."""
    record = TrainingLog.record

    def act_and_record(self, t, *losses):
        if t == iteration:
            act()
        record(self, t, *losses)

    TrainingLog.record = act_and_record


def one_is_silent():
    """Return the error of a process that waits for another in vain."""

    def wait():
        with process_group(timeout=2):
            if dist.get_rank() == 1:
                at(30, lambda: time.sleep(4))
            train(100)

    return raised(wait)


if __name__ == "__main__":  # run_ddp, whose second process is killed once
    if os.environ["RANK"] == "1" and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        at(130, lambda: os.kill(os.getpid(), signal.SIGKILL))
    run_ddp.main()
