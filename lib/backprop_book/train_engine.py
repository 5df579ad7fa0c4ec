"""Two-layer ReLU regression with the book's own autograd: every part is readable."""

import numpy as np
from jaxtyping import Float

from backprop_book.checks import check_batch, check_training_arguments
from backprop_book.engine import Value
from backprop_book.initial_weights import initial_weights
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog


def two_layer_regression_engine_loss(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    W1: Float[Value, "D_in H"],
    W2: Float[Value, "H D_out"],
) -> Float[Value, ""]:
    """Return the sum of squared errors as a 0-d Value, in squared units of Y.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
        Inputs and targets.
    W1, W2 : Value, shapes (D_in, H) and (H, D_out)
        Weights, of the same dtype.

    Raises
    ------
    TypeError, ValueError
        A shape does not fit; the message names the argument.
    """
    check_batch(X, Y, W1.data, W2.data)
    H1 = (X @ W1).relu()
    E = H1 @ W2 - Y
    return (E**2).sum()


def two_layer_regression_engine_gradient(
    X: Float[np.ndarray, "N D_in"],
    Y: Float[np.ndarray, "N D_out"],
    W1: Float[Value, "D_in H"],
    W2: Float[Value, "H D_out"],
) -> tuple[float, Float[np.ndarray, "D_in H"], Float[np.ndarray, "H D_out"]]:
    """Return the loss and leave its gradients in ``W1.grad`` and ``W2.grad``.

    The derivative of ReLU at 0 is taken as 0.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
    W1, W2 : Value, shapes (D_in, H) and (H, D_out)

    Returns
    -------
    loss : float
    grad_W1, grad_W2 : ndarray
        The same arrays as ``W1.grad`` and ``W2.grad``.

    Raises
    ------
    TypeError
        W1 or W2 is no Value.
    """
    for name, W in (("W1", W1), ("W2", W2)):
        if not isinstance(W, Value):
            raise TypeError(f"{name}: expected a Value, got {type(W).__name__}")
    W1.grad = W2.grad = None  # backward() adds to what is there
    loss = two_layer_regression_engine_loss(X, Y, W1, W2)
    loss.backward()
    return float(loss.data), W1.grad, W2.grad


@own_modes()
def two_layer_regression_engine_train(
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
    """Fit W1 and W2 by full-batch gradient descent with the book's own autograd.

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
        Seed of the draws; the same weights as in NumPy.
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
    W1, W2 = Value(W1), Value(W2)
    log = TrainingLog(log_every)
    # Overflow needs no warning of NumPy's: the log stops at the first loss that is not
    # finite.
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(nite):
            loss, grad_W1, grad_W2 = two_layer_regression_engine_gradient(X, Y, W1, W2)
            loss_val = two_layer_regression_engine_loss(X_val, Y_val, W1, W2)
            log.record(t, loss, loss_val.data)
            W1.data -= lr * grad_W1
            W2.data -= lr * grad_W2
    log.check_final(W1.data, W2.data)
    return W1.data, W2.data, log.losses_tr, log.losses_val
