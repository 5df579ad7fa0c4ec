r"""Train on iris with as many processes as torchrun starts.

::

    python -m torch.distributed.run --standalone --nproc-per-node 2 --max-restarts 3 \
        -m backprop_book.run_ddp --nite 50 --checkpoint run.pt --out result.npz

Where a process ends early, torchrun ends the others and starts all again, as often as
``--max-restarts`` says; they go on from the checkpoint.
"""

import argparse
import os
import sys

import numpy as np

from backprop_book import load_iris_regression, two_layer_regression_ddp_train
from backprop_book.processes import process_group, rank_and_size


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says, and let process 0 write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
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
    options = vars(parser.parse_args(argv))
    out, dtype = options.pop("out"), options.pop("dtype")
    iris = load_iris_regression(seed=0, dtype=dtype)
    with process_group(timeout=options.pop("timeout")):
        rank, size = rank_and_size()
        # One write: the processes share a stream, and print() writes its newline apart.
        sys.stderr.write(f"process {rank} of {size} has pid {os.getpid()}\n")
        W1, W2, losses_tr, losses_val = two_layer_regression_ddp_train(
            iris.X, iris.Y, iris.X_val, iris.Y_val, **options
        )
        if out and rank == 0:
            losses = {"losses_tr": losses_tr, "losses_val": losses_val}
            np.savez(out, W1=W1.cpu(), W2=W2.cpu(), **losses)


if __name__ == "__main__":
    main()
