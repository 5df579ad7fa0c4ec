"""Two-layer ReLU regression in NumPy: forward pass, loss and backward pass by hand."""

import numpy as np


def two_layer_regression_numpy_loss(X, Y, W1, W2):
    """Return the sum of squared errors, in squared units of Y.

    Parameters
    ----------
    X, Y : ndarray, shapes (N, D_in) and (N, D_out)
    W1, W2 : ndarray, shapes (D_in, H) and (H, D_out)
    """
    H1 = np.maximum(X @ W1, 0)
    E = H1 @ W2 - Y
    return float((E**2).sum())


def two_layer_regression_numpy_gradient(X, Y, W1, W2):
    """Return the loss and its gradients with respect to W1 and W2.

    Parameters are those of the loss; the derivative of ReLU at 0 is taken as 0.

    Returns
    -------
    loss : float
    grad_W1, grad_W2 : ndarray, shapes (D_in, H) and (H, D_out)
    """
    Z1 = X @ W1
    H1 = np.maximum(Z1, 0)
    E = H1 @ W2 - Y

    G = 2 * E
    grad_W2 = H1.T @ G
    grad_H1 = G @ W2.T
    grad_Z1 = grad_H1 * (Z1 > 0)
    grad_W1 = X.T @ grad_Z1
    return float((E**2).sum()), grad_W1, grad_W2


def two_layer_regression_numpy_train(
    X, Y, X_val, Y_val, lr, nite, *, hidden=100, weights=None, seed=None, log_every=10
):
    """Fit W1 and W2 by full-batch gradient descent, all in NumPy.

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
    else:
        W1, W2 = (W.copy() for W in weights)
    losses_tr, losses_val = [], []
    for t in range(nite):
        loss, grad_W1, grad_W2 = two_layer_regression_numpy_gradient(X, Y, W1, W2)
        loss_val = two_layer_regression_numpy_loss(X_val, Y_val, W1, W2)
        losses_tr.append(loss)
        losses_val.append(loss_val)
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
        W1 -= lr * grad_W1
        W2 -= lr * grad_W2
    return W1, W2, losses_tr, losses_val
