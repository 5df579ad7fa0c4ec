"""Two-layer ReLU regression with torch.nn: modules, and an update by hand."""

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from backprop_book.checks import (
    check_device,
    check_model_arguments,
    check_training_arguments,
)
from backprop_book.initial_weights import fill_parameters, to_tensors
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog

Array = np.ndarray | torch.Tensor

loss_function = nn.MSELoss(reduction="sum")


@own_modes()
def two_layer_regression_nn_model(
    D_in: int,
    hidden: int,
    D_out: int,
    *,
    bias: bool = False,
    weights: tuple[Float[Array, "D_in H"], Float[Array, "H D_out"]] | None = None,
    seed: int | None = None,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> nn.Sequential:
    """Return the untrained model: linear, ReLU, linear.

    Parameters
    ----------
    D_in, hidden, D_out : int
        Sizes of the input, the hidden layer and the output; ``hidden`` is without
        effect where ``weights`` are given.
    bias : bool
        Whether the two linear layers add a bias. The book's network has none.
    weights : pair of ndarray or Tensor, optional
        W1 and W2 in this book's orientation, (D_in, H) and (H, D_out). PyTorch's
        default draws where left out; biases are always drawn.
    seed : int, optional
        Seed of a generator of the function's own.
    dtype, device
        Of the parameters.

    Returns
    -------
    model : nn.Sequential
        ``model[0].weight`` has shape (H, D_in) and ``model[2].weight`` (D_out, H):
        the transposes of W1 and W2.

    Raises
    ------
    TypeError, ValueError
        A size, the weights or the seed does not fit; the message names it.
    """
    check_model_arguments(D_in, hidden, D_out, weights=weights, seed=seed)
    if weights is not None:
        hidden = weights[0].shape[1]
    # On the meta device layers have shapes but no numbers, so none of PyTorch's global
    # random numbers are used up.
    with torch.device("meta"):
        model = nn.Sequential(
            nn.Linear(D_in, hidden, bias=bias, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, D_out, bias=bias, dtype=dtype),
        )
    return fill_parameters(model, weights=weights, seed=seed, device=device)


@own_modes(grad=None)
def two_layer_regression_nn_loss(
    model: nn.Module,
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
) -> Float[torch.Tensor, ""]:
    """Return the model's sum of squared errors as a 0-d tensor, in squared Y units.

    Parameters
    ----------
    model : nn.Module
        Maps shape (N, D_in) to (N, D_out).
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        Inputs and targets, on the model's device.

    Raises
    ------
    ValueError
        Y has not the shape of the model's output, and would be broadcast.
    """
    Y_hat = model(X)
    if Y_hat.shape != Y.shape:
        raise ValueError(
            f"Y: expected shape {tuple(Y_hat.shape)}, that of the model's output, "
            f"got shape {tuple(Y.shape)}"
        )
    return loss_function(Y_hat, Y)


@own_modes()
def two_layer_regression_nn_gradient(
    model: nn.Module,
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
) -> tuple[Float[torch.Tensor, ""], list[torch.Tensor]]:
    """Return the loss and leave its gradients in the parameters' ``.grad``.

    Parameters
    ----------
    model : nn.Module
        Maps shape (N, D_in) to (N, D_out).
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        Inputs and targets, on the model's device.

    Returns
    -------
    loss : Tensor, 0-d
    gradients : list of Tensor
        In the order of ``model.parameters()`` and in PyTorch's orientation: without
        biases of shapes (H, D_in) and (D_out, H).
    """
    model.zero_grad()
    loss = two_layer_regression_nn_loss(model, X, Y)
    loss.backward()
    return loss.detach(), [parameter.grad for parameter in model.parameters()]


@own_modes()
def two_layer_regression_nn_train(
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
) -> tuple[nn.Sequential, list[float], list[float]]:
    """Fit a two-layer model of torch.nn by full-batch gradient descent.

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
    lr = float(lr)  # PyTorch multiplies by no other kind of real number
    device = check_device(device, X)
    X, Y, X_val, Y_val = to_tensors(device, X, Y, X_val, Y_val)
    model = two_layer_regression_nn_model(
        X.shape[1], hidden, Y.shape[1],
        bias=bias, weights=weights, seed=seed, dtype=X.dtype, device=device,
    )  # fmt: skip
    parameters = list(model.parameters())
    log = TrainingLog(log_every)
    for t in range(nite):
        loss, gradients = two_layer_regression_nn_gradient(model, X, Y)
        with torch.no_grad():
            log.record(t, loss, two_layer_regression_nn_loss(model, X_val, Y_val))
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=lr)
    log.check_final(*model.parameters())
    return model, log.losses_tr, log.losses_val
