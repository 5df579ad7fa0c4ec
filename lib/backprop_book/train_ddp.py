"""Two-layer ReLU regression by several processes, each with a part of the rows."""

import os

import numpy as np
import torch
from jaxtyping import Float

from backprop_book.checkpoints import (
    Checkpoint,
    check_checkpoint_arguments,
    digest,
    load_checkpoint,
    save_checkpoint,
)
from backprop_book.checks import check_device, check_training
from backprop_book.initial_weights import initial_weights, to_tensors
from backprop_book.modes import own_modes
from backprop_book.processes import Processes, check_timeout, own_device
from backprop_book.train_tensor import (
    two_layer_regression_tensor_gradient,
    two_layer_regression_tensor_loss,
)
from backprop_book.training_log import TrainingLog

Array = np.ndarray | torch.Tensor


@own_modes(grad=False)
def two_layer_regression_ddp_train(
    X: Float[Array, "N D_in"],
    Y: Float[Array, "N D_out"],
    X_val: Float[Array, "N_val D_in"],
    Y_val: Float[Array, "N_val D_out"],
    lr: float,
    nite: int,
    *,
    hidden: int = 100,
    weights: tuple[Float[Array, "D_in H"], Float[Array, "H D_out"]] | None = None,
    seed: int | None = None,
    log_every: int = 10,
    device: str | torch.device | None = None,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 100,
    timeout: float = 60.0,
) -> tuple[
    Float[torch.Tensor, "D_in H"],
    Float[torch.Tensor, "H D_out"],
    list[float],
    list[float],
]:
    """Fit W1 and W2 by full-batch gradient descent, the rows split over processes.

    Called alike, with all the rows, in every process that ``torchrun`` started; called
    in a single process, it trains there. Each process computes the gradient of its own
    rows by hand, and all gradients are added up (one all-reduce for each iteration), so
    that every process makes the same update.

    Parameters
    ----------
    X, Y : ndarray or Tensor, shapes (N, D_in) and (N, D_out)
        Training inputs and targets, both float32 or both float64. Each process takes
        N / (number of processes) rows, up to one; it may be none.
    X_val, Y_val : ndarray or Tensor, shapes (N_val, D_in) and (N_val, D_out)
        Validation inputs and targets, of the same dtype, split alike.
    lr : float
        Learning rate, above 0.
    nite : int
        Number of iterations.
    hidden : int
        Number of hidden units H; without effect where ``weights`` are given.
    weights : pair of ndarray or Tensor, optional
        W1 and W2 to start from, copied. Standard normal draws where left out.
    seed : int, optional
        Seed of the draws; the same weights as in NumPy. Without one, those that process
        0 draws.
    log_every : int
        Process 0 prints both losses every so many iterations; 0 prints nothing.
    device : str or torch.device, optional
        Where to compute; the device of X where left out, the CPU for a NumPy array.
        ``"cuda"`` gives each process of a machine a GPU of its own, joined by NCCL;
        CPUs are joined by gloo.
    checkpoint : str or path, optional
        A file that process 0 keeps up to date. Where it is there already, the run goes
        on from it, whatever the number of processes.
    checkpoint_every : int
        Save every so many iterations, and at the end.
    timeout : float
        Seconds without an answer after which another process counts as lost.

    Returns
    -------
    W1 : Tensor, shape (D_in, H)
    W2 : Tensor, shape (H, D_out)
        The weights after the last update, the same on every process.
    losses_tr, losses_val : list of float, length ``nite``
        Of all rows, on every process. Entry t belongs to the weights before update
        t + 1, in squared units of Y.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit, differs between processes, or the checkpoint belongs
        to another run; the message names it. Raised before the first iteration.
    ProcessLostError
        Another process ended, or did not answer in time; on CPUs, which gloo connects.
    RuntimeError
        The processes did not meet: the message says what PyTorch found.
    DivergenceError
        A loss or a weight stopped being finite; on every process alike.
    """
    check_training(locals(), tensors=True)
    check_checkpoint_arguments(checkpoint, checkpoint_every)
    check_timeout(timeout)
    lr = float(lr)  # PyTorch multiplies by no other kind of real number
    device = check_device(own_device(device), X)
    advice = (
        f"Start the run again: it goes on from {os.fspath(checkpoint)}"
        if checkpoint
        else "Start the run again; with checkpoint= it could go on from a file"
    )
    facts = {
        "X": digest(X), "Y": digest(Y), "X_val": digest(X_val), "Y_val": digest(Y_val),
        "lr": lr,
    }  # fmt: skip
    if weights is None:
        facts |= {"hidden": int(hidden), "seed": None if seed is None else int(seed)}
    else:
        facts |= {"weights": digest(*weights)}

    with Processes(device, timeout=timeout, advice=advice) as processes:

        def first_state() -> Checkpoint:
            state = load_checkpoint(checkpoint, facts, nite) if checkpoint else None
            W = initial_weights(X, Y, hidden=hidden, weights=weights, seed=seed)
            W1, W2 = (A.numpy() for A in to_tensors(torch.device("cpu"), *W))
            return state or Checkpoint(W1, W2, [], [])

        processes.check_agreement({**facts, "nite": int(nite)})
        state = processes.from_first(first_state)
        W1, W2 = to_tensors(device, state.W1, state.W2)
        log = TrainingLog(log_every if processes.rank == 0 else 0)
        log.losses_tr, log.losses_val = list(state.losses_tr), list(state.losses_val)

        rows, rows_val = processes.rows(len(X)), processes.rows(len(X_val))
        X, Y, X_val, Y_val = to_tensors(
            device, X[rows], Y[rows], X_val[rows_val], Y_val[rows_val]
        )
        for t in range(len(log.losses_tr), nite):
            loss, grad_W1, grad_W2 = two_layer_regression_tensor_gradient(X, Y, W1, W2)
            loss_val = two_layer_regression_tensor_loss(X_val, Y_val, W1, W2)
            loss, loss_val, grad_W1, grad_W2 = processes.sum(
                loss, loss_val, grad_W1, grad_W2, where=f"at iteration {t}"
            )
            log.record(t, loss, loss_val)
            W1 -= lr * grad_W1
            W2 -= lr * grad_W2
            due = (t + 1) % checkpoint_every == 0 or t + 1 == nite
            if checkpoint and due and processes.rank == 0:
                save_checkpoint(
                    checkpoint,
                    facts,
                    Checkpoint(
                        W1.cpu().numpy(),
                        W2.cpu().numpy(),
                        log.losses_tr,
                        log.losses_val,
                    ),
                )
        log.check_final(W1, W2)
    return W1, W2, log.losses_tr, log.losses_val
