r"""Train on iris with as many processes as torchrun starts.

::

    python -m torch.distributed.run --standalone --nproc-per-node 2 \
        -m backprop_book.run_ddp --nite 50 --out result.npz
"""

import argparse
import os
import signal
import sys

import numpy as np

from backprop_book.data import load_iris_regression
from backprop_book.processes import first_line
from backprop_book.train_ddp import two_layer_regression_ddp_train


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(
        prog="python -m backprop_book.run_ddp", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--nite", type=int, default=50, help="iterations")
    parser.add_argument("--lr", type=float, default=1e-4, help="learning rate")
    parser.add_argument("--hidden", type=int, default=100, help="hidden units")
    parser.add_argument("--seed", type=int, default=0, help="of the first weights")
    parser.add_argument("--dtype", default="float64", choices=("float32", "float64"))
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument("--log-every", type=int, default=10, help="0: silent")
    parser.add_argument("--checkpoint", help="file to go on from and to save to")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="iterations")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds")
    parser.add_argument("--out", help="file for W1, W2, losses_tr and losses_val, .npz")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Train, and let process 0 write what came out."""
    options = arguments(argv)
    rank, size = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    # One write: the processes share a stream, and print() writes its newline apart.
    sys.stderr.write(f"process {rank} of {size} has pid {os.getpid()}\n")
    # Where one process dies, torchrun ends the others at once. Two seconds more let
    # them find out by themselves, and say at which iteration.
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGTERM, lambda *_: signal.alarm(2))
    iris = load_iris_regression(seed=0, dtype=options.dtype)
    try:
        W1, W2, losses_tr, losses_val = two_layer_regression_ddp_train(
            iris.X,
            iris.Y,
            iris.X_val,
            iris.Y_val,
            options.lr,
            options.nite,
            hidden=options.hidden,
            seed=options.seed,
            log_every=options.log_every,
            device=options.device,
            checkpoint=options.checkpoint,
            checkpoint_every=options.checkpoint_every,
            timeout=options.timeout,
        )
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
        cause = f" ({first_line(error.__cause__)})" if error.__cause__ else ""
        sys.exit(f"process {rank}: {type(error).__name__}: {error}{cause}")
    if options.out and rank == "0":
        np.savez(
            options.out,
            W1=W1.cpu(),
            W2=W2.cpu(),
            losses_tr=losses_tr,
            losses_val=losses_val,
        )


if __name__ == "__main__":
    main()
