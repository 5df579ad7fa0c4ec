"""Two-layer ReLU regression on PyTorch tensors, by hand, on any device."""

import torch


def two_layer_regression_tensor_loss(X, Y, W1, W2):
    """Return the sum of squared errors as a 0-d tensor, in squared units of Y.

    Parameters
    ----------
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
    """
    H1 = (X @ W1).clamp(min=0)
    E = H1 @ W2 - Y
    return (E**2).sum()


def two_layer_regression_tensor_gradient(X, Y, W1, W2):
    """Return the loss and its gradients with respect to W1 and W2; no autograd.

    Parameters are those of the loss; the derivative of ReLU at 0 is taken as 0.

    Returns
    -------
    loss : Tensor, 0-d
    grad_W1, grad_W2 : Tensor, shapes (D_in, H) and (H, D_out)
    """
    Z1 = X @ W1
    H1 = Z1.clamp(min=0)
    E = H1 @ W2 - Y

    G = 2 * E
    grad_W2 = H1.T @ G
    grad_H1 = G @ W2.T
    grad_Z1 = grad_H1 * (Z1 > 0)
    grad_W1 = X.T @ grad_Z1
    return (E**2).sum(), grad_W1, grad_W2


def two_layer_regression_tensor_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None,
):  # fmt: skip
    """Fit W1 and W2 by full-batch gradient descent on tensors, gradients by hand.

    The contract that all backends share is that of `backprop_book.public`.

    Returns
    -------
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
        On the device.
    losses_tr, losses_val : list of float, length ``nite``
    """
    X, Y, X_val, Y_val = (
        torch.as_tensor(A, device=device) for A in (X, Y, X_val, Y_val)
    )
    if weights is None:
        if seed is not None:
            torch.manual_seed(seed)
        W1 = torch.randn(X.shape[1], hidden, dtype=X.dtype, device=X.device)
        W2 = torch.randn(hidden, Y.shape[1], dtype=X.dtype, device=X.device)
    else:
        W1, W2 = (torch.as_tensor(W, device=device).clone() for W in weights)
    losses_tr, losses_val = [], []
    for t in range(nite):
        loss, grad_W1, grad_W2 = two_layer_regression_tensor_gradient(X, Y, W1, W2)
        loss_val = two_layer_regression_tensor_loss(X_val, Y_val, W1, W2)
        losses_tr.append(loss.item())
        losses_val.append(loss_val.item())
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
        W1 -= lr * grad_W1
        W2 -= lr * grad_W2
    return W1, W2, losses_tr, losses_val
