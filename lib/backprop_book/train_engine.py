"""Two-layer ReLU regression with the book's own autograd: every part is readable."""

import numpy as np

from backprop_book.engine import Value


def two_layer_regression_engine_loss(X, Y, W1, W2):
    """Return the sum of squared errors as a 0-d Value, in squared units of Y.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
    W1, W2 : Value, shapes (D_in, H) and (H, D_out)
    """
    H1 = (X @ W1).relu()
    E = H1 @ W2 - Y
    return (E**2).sum()


def two_layer_regression_engine_gradient(X, Y, W1, W2):
    """Return the loss and leave its gradients in ``W1.grad`` and ``W2.grad``.

    Parameters are those of the loss; the derivative of ReLU at 0 is taken as 0.

    Returns
    -------
    loss : float
    grad_W1, grad_W2 : ndarray
        The same arrays as ``W1.grad`` and ``W2.grad``.
    """
    W1.grad = W2.grad = None  # backward() adds to what is there
    loss = two_layer_regression_engine_loss(X, Y, W1, W2)
    loss.backward()
    return float(loss.data), W1.grad, W2.grad


def two_layer_regression_engine_train(
    X, Y, X_val, Y_val, lr, nite, *, hidden=100, weights=None, seed=None, log_every=10
):
    """Fit W1 and W2 by full-batch gradient descent with the book's own autograd.

    The contract that all backends share is that of `backprop_book.public`.

    Returns
    -------
    W1, W2 : ndarray, shapes (D_in, H) and (H, D_out)
    losses_tr, losses_val : list of float, length ``nite``
    """
    if weights is None:
        rng = np.random.default_rng(seed)
        W1 = rng.standard_normal((X.shape[1], hidden)).astype(X.dtype)
        W2 = rng.standard_normal((hidden, Y.shape[1])).astype(X.dtype)
        weights = W1, W2
    W1, W2 = (Value(W) for W in weights)
    losses_tr, losses_val = [], []
    for t in range(nite):
        loss, grad_W1, grad_W2 = two_layer_regression_engine_gradient(X, Y, W1, W2)
        loss_val = two_layer_regression_engine_loss(X_val, Y_val, W1, W2).data
        losses_tr.append(loss)
        losses_val.append(float(loss_val))
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
        W1.data -= lr * grad_W1
        W2.data -= lr * grad_W2
    return W1.data, W2.data, losses_tr, losses_val
