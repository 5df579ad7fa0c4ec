"""Two-layer ReLU regression with torch.optim: the update is left to an optimiser."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from backprop_book.checks import check_device, check_training_arguments
from backprop_book.initial_weights import to_tensors
from backprop_book.modes import own_modes
from backprop_book.train_nn import (
    two_layer_regression_nn_loss,
    two_layer_regression_nn_model,
)
from backprop_book.training_log import TrainingLog

Array = np.ndarray | torch.Tensor

# One call for all of a step's arithmetic, in place of a dozen for each parameter.
FusedAdam = partial(torch.optim.Adam, fused=True)


@own_modes()
def two_layer_regression_nn_optim_gradient(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
) -> tuple[Float[torch.Tensor, ""], list[torch.Tensor]]:
    """Return the loss and leave its gradients where the optimiser looks for them.

    Parameters
    ----------
    model : nn.Module
        Maps shape (N, D_in) to (N, D_out).
    optimizer : torch.optim.Optimizer
        Of the model's parameters; its ``zero_grad`` is called, its ``step`` is not.
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        Inputs and targets, on the model's device.

    Returns
    -------
    loss : Tensor, 0-d
    gradients : list of Tensor
        In the order of the optimiser's parameters and in PyTorch's orientation.
    """
    optimizer.zero_grad()
    loss = two_layer_regression_nn_loss(model, X, Y)
    loss.backward()
    parameters = [W for group in optimizer.param_groups for W in group["params"]]
    return loss.detach(), [parameter.grad for parameter in parameters]


@own_modes()
def two_layer_regression_nn_optim_train(
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
    bias: bool = False,
    optimizer: Callable[..., torch.optim.Optimizer] = FusedAdam,
) -> tuple[nn.Sequential, list[float], list[float]]:
    """Fit a two-layer model of torch.nn with an optimiser of torch.optim.

    Minimises the sum of squared errors of ``model(X)`` against Y. The inputs
    are not modified, and all is computed in their dtype.

    Parameters
    ----------
    X, Y : ndarray or Tensor, shapes (N, D_in) and (N, D_out)
        Training inputs and targets, both float32 or both float64.
    X_val, Y_val : ndarray or Tensor, shapes (N_val, D_in) and (N_val, D_out)
        Validation inputs and targets, of the same dtype.
    lr : float
        Learning rate, above 0.
    nite : int
        Number of iterations.
    hidden : int
        Number of hidden units H; without effect where ``weights`` are given.
    weights : pair of ndarray or Tensor, optional
        W1 and W2 to start from, copied, in this book's orientation.
        PyTorch's default draws where left out.
    seed : int, optional
        Seed of the draws.
    log_every : int
        Print both losses every so many iterations; 0 prints nothing.
    device : str or torch.device, optional
        Where to compute; the device of X where left out, the CPU for a NumPy array.
    bias : bool
        Whether the linear layers add a bias. The book's network has none.
    optimizer : callable
        Called as ``optimizer(model.parameters(), lr=lr)``: a class of torch.optim, or a
        ``functools.partial`` of one that sets more of its arguments. The default is
        Adam, its arithmetic in one call. ``step`` must need no closure, as that of
        LBFGS does.

    Returns
    -------
    model : nn.Sequential
        Linear, ReLU, linear, after the last update, on the device.
    losses_tr, losses_val : list of float, length ``nite``
        Entry t belongs to the weights before update t + 1, in squared units of Y.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it. Raised before the first
        iteration.
    DivergenceError
        A loss or a weight stopped being finite.
    """
    check_training_arguments(
        X, Y, X_val, Y_val, lr, nite, hidden=hidden, weights=weights, seed=seed,
        log_every=log_every, tensors=True,
    )  # fmt: skip
    if not callable(optimizer):
        raise TypeError(
            f"optimizer: expected a class of torch.optim, got {optimizer!r}"
        )
    lr = float(lr)  # PyTorch multiplies by no other kind of real number
    device = check_device(device, X)
    X, Y, X_val, Y_val = to_tensors(device, X, Y, X_val, Y_val)
    model = two_layer_regression_nn_model(
        X.shape[1], hidden, Y.shape[1],
        bias=bias, weights=weights, seed=seed, dtype=X.dtype, device=device,
    )  # fmt: skip
    optimizer = optimizer(model.parameters(), lr=lr)
    log = TrainingLog(log_every)
    for t in range(nite):
        loss, _ = two_layer_regression_nn_optim_gradient(model, optimizer, X, Y)
        with torch.no_grad():
            log.record(t, loss, two_layer_regression_nn_loss(model, X_val, Y_val))
        optimizer.step()
    log.check_final(*model.parameters())
    return model, log.losses_tr, log.losses_val
