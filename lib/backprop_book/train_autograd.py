"""Two-layer ReLU regression with autograd: PyTorch derives, we update."""

import numpy as np
import torch
from jaxtyping import Float

from backprop_book.checks import check_batch, check_device, check_training_arguments
from backprop_book.initial_weights import initial_weights, to_tensors
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog

Array = np.ndarray | torch.Tensor


@own_modes(grad=None)
def two_layer_regression_autograd_loss(
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
    W1: Float[torch.Tensor, "D_in H"],
    W2: Float[torch.Tensor, "H D_out"],
) -> Float[torch.Tensor, ""]:
    """Return the sum of squared errors as a 0-d tensor, in squared units of Y.

    Parameters
    ----------
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        Inputs and targets.
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
        Weights, of the same dtype.

    Raises
    ------
    TypeError, ValueError
        A shape does not fit; the message names the argument.
    """
    check_batch(X, Y, W1, W2)
    H1 = (X @ W1).relu_()
    E = H1 @ W2 - Y
    return (E * E).sum()


@own_modes()
def two_layer_regression_autograd_gradient(
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
    W1: Float[torch.Tensor, "D_in H"],
    W2: Float[torch.Tensor, "H D_out"],
) -> tuple[
    Float[torch.Tensor, ""],
    Float[torch.Tensor, "D_in H"],
    Float[torch.Tensor, "H D_out"],
]:
    """Return the loss and leave its gradients in ``W1.grad`` and ``W2.grad``.

    Parameters
    ----------
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
        Leaves of the graph, with ``requires_grad=True``.

    Returns
    -------
    loss : Tensor, 0-d
        Outside the graph, in squared units of Y.
    grad_W1, grad_W2 : Tensor
        The same tensors as ``W1.grad`` and ``W2.grad``.

    Raises
    ------
    ValueError
        W1 or W2 is no leaf that requires a gradient.
    """
    for name, W in (("W1", W1), ("W2", W2)):
        if not (W.is_leaf and W.requires_grad):
            raise ValueError(
                f"{name}: expected a leaf tensor with requires_grad=True, got "
                f"is_leaf={W.is_leaf}, requires_grad={W.requires_grad}"
            )
    W1.grad = W2.grad = None  # backward() adds to what is there
    loss = two_layer_regression_autograd_loss(X, Y, W1, W2)
    loss.backward()
    return loss.detach(), W1.grad, W2.grad


@own_modes()
def two_layer_regression_autograd_train(
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
) -> tuple[
    Float[torch.Tensor, "D_in H"],
    Float[torch.Tensor, "H D_out"],
    list[float],
    list[float],
]:
    """Fit W1 and W2 by full-batch gradient descent with PyTorch's autograd.

    Minimises the sum of squared errors of ``max(X @ W1, 0) @ W2`` against Y. The inputs
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
        W1 and W2 to start from, copied. Standard normal draws where left out.
    seed : int, optional
        Seed of the draws; the same weights as in NumPy.
    log_every : int
        Print both losses every so many iterations; 0 prints nothing.
    device : str or torch.device, optional
        Where to compute; the device of X where left out, the CPU for a NumPy array.

    Returns
    -------
    W1 : Tensor, shape (D_in, H)
    W2 : Tensor, shape (H, D_out)
        The weights after the last update, on the device.
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
    W1, W2 = initial_weights(X, Y, hidden=hidden, weights=weights, seed=seed)
    X, Y, X_val, Y_val, W1, W2 = to_tensors(device, X, Y, X_val, Y_val, W1, W2)
    W2 = W2.T.contiguous().T  # the same numbers, column by column in memory
    W1.requires_grad_()
    W2.requires_grad_()
    log = TrainingLog(log_every)
    for t in range(nite):
        loss, grad_W1, grad_W2 = two_layer_regression_autograd_gradient(X, Y, W1, W2)
        with torch.no_grad():
            log.record(
                t, loss, two_layer_regression_autograd_loss(X_val, Y_val, W1, W2)
            )
            W1.sub_(grad_W1, alpha=lr)  # W1 -= lr * grad_W1 in one pass
            W2.sub_(grad_W2, alpha=lr)
    W1, W2 = W1.detach(), W2.detach().contiguous()
    log.check_final(W1, W2)
    return W1, W2, log.losses_tr, log.losses_val
