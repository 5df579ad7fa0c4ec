"""Two-layer ReLU regression by several processes, each with a part of the rows."""

import torch

from backprop_book import processes
from backprop_book.arguments import (
    check_device,
    check_integer,
    check_training,
    dtype_name,
    expect,
)
from backprop_book.checkpoints import digest, load_checkpoint, save_checkpoint
from backprop_book.initial_weights import draw_weights, to_tensors
from backprop_book.train_tensor import (
    two_layer_regression_tensor_gradient,
    two_layer_regression_tensor_loss,
)
from backprop_book.training_log import TrainingLog


def two_layer_regression_ddp_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None,
    checkpoint=None, checkpoint_every=100,
):  # fmt: skip
    """Fit W1 and W2 by full-batch gradient descent, the rows split over processes.

    Called alike, with all the rows, in every process of a `process_group`; called in a
    single process, it trains there. Each process computes the gradient of its own rows
    by hand, and all gradients are added up (one all-reduce for each iteration), so that
    every process makes the same update. The contract that all backends share is that of
    `backprop_book.public`; beyond it:

    Parameters
    ----------
    X, Y, X_val, Y_val : ndarray or Tensor
        Each process takes N / (number of processes) rows, rounded up or down.
    seed : int, optional
        Without one, all start from the weights that process 0 draws.
    log_every : int
        Process 0 alone prints.
    checkpoint : str or path, optional
        A file that process 0 keeps up to date. If it is there already, the run goes on
        from it, whatever the number of processes.
    checkpoint_every : int
        Save every so many iterations, and at the end.

    Returns
    -------
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
        On the device, the same to the bit on every process.
    losses_tr, losses_val : list of float, length ``nite``
        Of all rows, on every process.

    Raises
    ------
    TypeError, ValueError
        Also for an argument that differs between processes, and for the checkpoint of
        another run; then on every process.
    DivergenceError
        On every process, at the same iteration.
    RuntimeError
        Several processes without a group; or PyTorch's own, see `process_group`.
    """
    check_training(locals(), tensors=True)
    check_integer("checkpoint_every", checkpoint_every, 1)
    device = check_device(device, X)
    lr, nite = float(lr), int(nite)  # PyTorch multiplies by no other kind of real
    run = {"lr": lr, "X": digest(X), "Y": digest(Y)}
    run |= {"X_val": digest(X_val), "Y_val": digest(Y_val)}
    if weights is None:
        run |= {"hidden": int(hidden), "seed": None if seed is None else int(seed)}
        sizes = X.shape[1], int(hidden), Y.shape[1]
        weights = draw_weights(*sizes, seed=seed, dtype=dtype_name(X))
    else:
        run |= {"weights": digest(*weights)}

    def first_state():
        if checkpoint is not None and (state := load_checkpoint(checkpoint, run)):
            return state
        W1, W2 = to_tensors(torch.device("cpu"), *weights)
        return {"W1": W1, "W2": W2, "losses_tr": [], "losses_val": []}

    state = processes.state_of_first({**run, "nite": nite}, first_state)
    start = len(state["losses_tr"])
    expect(start <= nite, "checkpoint", f"at most nite = {nite} iterations", start)
    W1, W2 = (W.clone() for W in to_tensors(device, state["W1"], state["W2"]))
    rank, _ = processes.rank_and_size()
    before = state["losses_tr"], state["losses_val"]
    log = TrainingLog(log_every if rank == 0 else 0, *before)
    if start and log.log_every:
        print(f"goes on at iteration {start}")

    mine, mine_val = processes.own_rows(len(X)), processes.own_rows(len(X_val))
    X, Y = to_tensors(device, X[mine], Y[mine])
    X_val, Y_val = to_tensors(device, X_val[mine_val], Y_val[mine_val])
    for t in range(start, nite):
        loss, grad_W1, grad_W2 = two_layer_regression_tensor_gradient(X, Y, W1, W2)
        loss_val = two_layer_regression_tensor_loss(X_val, Y_val, W1, W2)
        loss, loss_val, grad_W1, grad_W2 = processes.sum_over_all(
            loss, loss_val, grad_W1, grad_W2
        )
        log.record(t, loss, loss_val)
        W1 -= lr * grad_W1
        W2 -= lr * grad_W2
        due = (t + 1) % checkpoint_every == 0 or t + 1 == nite
        if checkpoint is not None and due and rank == 0:
            losses = {"losses_tr": log.losses_tr, "losses_val": log.losses_val}
            save_checkpoint(checkpoint, run, {"W1": W1, "W2": W2, **losses})
    log.check_final(W1, W2)
    return W1, W2, log.losses_tr, log.losses_val
