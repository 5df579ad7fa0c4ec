"""Two-layer ReLU regression in NumPy: forward pass, loss and backward pass by hand."""

import numpy as np
from jaxtyping import Float

from backprop_book.checks import check_batch, check_training_arguments
from backprop_book.initial_weights import initial_weights
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog


def forward(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    W1: Float[np.ndarray, "D_in H"],
    W2: Float[np.ndarray, "H D_out"],
    zeros: Float[np.ndarray, "N H"] | float = 0,
) -> tuple[Float[np.ndarray, "N H"], Float[np.ndarray, "N D_out"]]:
    """Return the hidden layer H1 and the errors E, in units of Y.

    ReLU compares with ``zeros``: an array of them is faster than the number.
    """
    H1 = X.dot(W1)  # Z1
    np.maximum(H1, zeros, out=H1)
    E = H1.dot(W2)  # the prediction
    E -= Y
    return H1, E


def backward(
    X: Float[np.ndarray, "N D_in"],
    H1: Float[np.ndarray, "N H"],
    W2: Float[np.ndarray, "H D_out"],
    G: Float[np.ndarray, "N D_out"],
) -> tuple[Float[np.ndarray, "D_in H"], Float[np.ndarray, "H D_out"]]:
    """Return the gradients in W1 and W2, where G is the gradient in the prediction.

    They are linear in G. The derivative of ReLU at 0 is taken as 0.
    """
    grad_W2 = H1.T.dot(G)
    grad_Z1 = G.dot(W2.T)  # grad_H1
    grad_Z1 *= H1 > 0  # where Z1 > 0
    grad_W1 = X.T.dot(grad_Z1)
    return grad_W1, grad_W2


def two_layer_regression_numpy_loss(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    W1: Float[np.ndarray, "D_in H"],
    W2: Float[np.ndarray, "H D_out"],
) -> float:
    """Return the sum of squared errors, in squared units of Y.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
        Inputs and targets.
    W1, W2 : ndarray, shapes (D_in, H) and (H, D_out)
        Weights, of the same dtype.

    Raises
    ------
    TypeError, ValueError
        A shape does not fit; the message names the argument.
    """
    check_batch(X, Y, W1, W2)
    _, E = forward(X, Y, W1, W2)
    return float(np.vdot(E, E))


def two_layer_regression_numpy_gradient(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    W1: Float[np.ndarray, "D_in H"],
    W2: Float[np.ndarray, "H D_out"],
) -> tuple[float, Float[np.ndarray, "D_in H"], Float[np.ndarray, "H D_out"]]:
    """Return the loss and its gradients in W1 and W2, each of its weights' shape.

    Parameters
    ----------
    X, Y, W1, W2 : ndarray
        As in `two_layer_regression_numpy_loss`.

    Returns
    -------
    loss : float
        In squared units of Y.
    grad_W1, grad_W2 : ndarray, shapes (D_in, H) and (H, D_out)
        In squared units of Y per unit of the weight.

    Raises
    ------
    TypeError, ValueError
        A shape does not fit; the message names the argument.
    """
    check_batch(X, Y, W1, W2)
    H1, E = forward(X, Y, W1, W2)
    grad_W1, grad_W2 = backward(X, H1, W2, 2 * E)
    return float(np.vdot(E, E)), grad_W1, grad_W2


@own_modes()
def two_layer_regression_numpy_train(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    X_val: Float[np.ndarray, "N_val D_in"],
    Y_val: Float[np.ndarray, "N_val D_out"],
    lr: float,
    nite: int,
    *,
    hidden: int = 100,
    weights: tuple[Float[np.ndarray, "D_in H"], Float[np.ndarray, "H D_out"]]
    | None = None,
    seed: int | None = None,
    log_every: int = 10,
) -> tuple[
    Float[np.ndarray, "D_in H"], Float[np.ndarray, "H D_out"], list[float], list[float]
]:
    """Fit W1 and W2 by full-batch gradient descent, all in NumPy.

    Minimises the sum of squared errors of ``max(X @ W1, 0) @ W2`` against Y. The inputs
    are not modified, and all is computed in their dtype.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
        Training inputs and targets, both float32 or both float64.
    X_val, Y_val : ndarray, shapes (N_val, D_in) and (N_val, D_out)
        Validation inputs and targets, of the same dtype.
    lr : float
        Learning rate, above 0.
    nite : int
        Number of iterations.
    hidden : int
        Number of hidden units H; without effect where ``weights`` are given.
    weights : pair of ndarray, optional
        W1 and W2 to start from, copied. Standard normal draws where left out.
    seed : int, optional
        Seed of the draws.
    log_every : int
        Print both losses every so many iterations; 0 prints nothing.

    Returns
    -------
    W1 : ndarray, shape (D_in, H)
    W2 : ndarray, shape (H, D_out)
        The weights after the last update.
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
        log_every=log_every,
    )  # fmt: skip
    lr = float(lr)  # a NumPy float64 number would turn the float32 updates into float64
    W1, W2 = initial_weights(X, Y, hidden=hidden, weights=weights, seed=seed)
    # The rows of a batch don't meet: one forward pass serves both sets.
    N, X_all, Y_all = len(X), np.concatenate((X, X_val)), np.concatenate((Y, Y_val))
    zeros = np.zeros((len(X_all), W1.shape[1]), dtype=X.dtype)
    log = TrainingLog(log_every)
    # Overflow needs no warning of NumPy's: the log stops at the first loss that is not
    # finite.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(nite):
            H1, E = forward(X_all, Y_all, W1, W2, zeros)
            H1, E, E_val = H1[:N], E[:N], E[N:]
            log.record(t, np.vdot(E, E), np.vdot(E_val, E_val))
            # Gradients are linear in G: with G times lr they come as steps.
            step_W1, step_W2 = backward(X, H1, W2, 2 * lr * E)
            W1 -= step_W1
            W2 -= step_W2
    log.check_final(W1, W2)
    return W1, W2, log.losses_tr, log.losses_val
