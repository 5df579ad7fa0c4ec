"""Two-layer ReLU regression on PyTorch tensors, by hand, on any device."""

import numpy as np
import torch
from jaxtyping import Float

from backprop_book.checks import check_batch, check_device, check_training_arguments
from backprop_book.initial_weights import initial_weights, to_tensors
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog

Array = np.ndarray | torch.Tensor


def forward(
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
    W1: Float[torch.Tensor, "D_in H"],
    W2: Float[torch.Tensor, "H D_out"],
) -> tuple[Float[torch.Tensor, "N H"], Float[torch.Tensor, "N D_out"]]:
    """Return the hidden layer H1 and the errors E, in units of Y."""
    H1 = X.mm(W1).relu_()
    E = H1.mm(W2)  # the prediction
    E -= Y
    return H1, E


def backward(
    X: Float[torch.Tensor, "N D_in"],
    H1: Float[torch.Tensor, "N H"],
    W2: Float[torch.Tensor, "H D_out"],
    G: Float[torch.Tensor, "N D_out"],
) -> tuple[Float[torch.Tensor, "D_in H"], Float[torch.Tensor, "H D_out"]]:
    """Return the gradients in W1 and W2, where G is the gradient in the prediction.

    They are linear in G. The derivative of ReLU at 0 is taken as 0.
    """
    grad_W2 = G.T.mm(H1).T  # H1.T @ G, column by column in memory
    grad_Z1 = G.mm(W2.T)  # grad_H1
    grad_Z1 *= H1 > 0  # where Z1 > 0
    grad_W1 = X.T.mm(grad_Z1)
    return grad_W1, grad_W2


def squared_length(E: Float[torch.Tensor, "N D_out"]) -> Float[torch.Tensor, ""]:
    """Return the sum of the squares of all entries, as a 0-d tensor."""
    e = E.flatten()
    return e.dot(e)


@own_modes(grad=False)
def two_layer_regression_tensor_loss(
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
    _, E = forward(X, Y, W1, W2)
    return squared_length(E)


@own_modes(grad=False)
def two_layer_regression_tensor_gradient(
    X: Float[torch.Tensor, "N D_in"],
    Y: Float[torch.Tensor, "N D_out"],
    W1: Float[torch.Tensor, "D_in H"],
    W2: Float[torch.Tensor, "H D_out"],
) -> tuple[
    Float[torch.Tensor, ""],
    Float[torch.Tensor, "D_in H"],
    Float[torch.Tensor, "H D_out"],
]:
    """Return the loss and its gradients in W1 and W2, each of its weights' shape.

    Autograd takes no part.

    Parameters
    ----------
    X, Y, W1, W2 : Tensor
        As in `two_layer_regression_tensor_loss`.

    Returns
    -------
    loss : Tensor, 0-d
        In squared units of Y.
    grad_W1, grad_W2 : Tensor, shapes (D_in, H) and (H, D_out)
        In squared units of Y per unit of the weight.

    Raises
    ------
    TypeError, ValueError
        A shape does not fit; the message names the argument.
    """
    check_batch(X, Y, W1, W2)
    H1, E = forward(X, Y, W1, W2)
    grad_W1, grad_W2 = backward(X, H1, W2, 2 * E)
    return squared_length(E), grad_W1, grad_W2


@own_modes()
def two_layer_regression_tensor_train(
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
    """Fit W1 and W2 by full-batch gradient descent on tensors, gradients by hand.

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
    # The rows of a batch don't meet: one forward pass serves both sets.
    N, X_all, Y_all = len(X), torch.cat((X, X_val)), torch.cat((Y, Y_val))
    log = TrainingLog(log_every)
    with torch.inference_mode():
        for t in range(nite):
            H1, E = forward(X_all, Y_all, W1, W2)
            H1, E, E_val = H1[:N], E[:N], E[N:]
            log.record(t, squared_length(E), squared_length(E_val))
            # Gradients are linear in G: with G times lr they come as steps.
            step_W1, step_W2 = backward(X, H1, W2, 2 * lr * E)
            W1 -= step_W1
            W2 -= step_W2
    log.check_final(W1, W2)
    return W1, W2.contiguous(), log.losses_tr, log.losses_val
