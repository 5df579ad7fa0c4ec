"""Two-layer ReLU regression with autograd: PyTorch differentiates, we update."""

import torch


def two_layer_regression_autograd_loss(X, Y, W1, W2):
    """Return the sum of squared errors as a 0-d tensor, in squared units of Y.

    Parameters
    ----------
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
    """
    H1 = torch.relu(X @ W1)
    E = H1 @ W2 - Y
    return (E * E).sum()


def two_layer_regression_autograd_gradient(X, Y, W1, W2):
    """Return the loss and leave its gradients in ``W1.grad`` and ``W2.grad``.

    Parameters
    ----------
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
    W1, W2 : Tensor, shapes (D_in, H) and (H, D_out)
        Leaves of the graph, with ``requires_grad=True``.

    Returns
    -------
    loss : Tensor, 0-d
        Outside the graph.
    grad_W1, grad_W2 : Tensor
        The same tensors as ``W1.grad`` and ``W2.grad``.
    """
    W1.grad = W2.grad = None  # backward() adds to what is there
    loss = two_layer_regression_autograd_loss(X, Y, W1, W2)
    loss.backward()
    return loss.detach(), W1.grad, W2.grad


def two_layer_regression_autograd_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None,
):  # fmt: skip
    """Fit W1 and W2 by full-batch gradient descent with PyTorch's autograd.

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
    W1.requires_grad_()
    W2.requires_grad_()
    losses_tr, losses_val = [], []
    for t in range(nite):
        W1.grad = W2.grad = None  # backward() adds to what is there
        loss = two_layer_regression_autograd_loss(X, Y, W1, W2)
        loss.backward()
        with torch.no_grad():
            loss_val = two_layer_regression_autograd_loss(X_val, Y_val, W1, W2)
            W1 -= lr * W1.grad
            W2 -= lr * W2.grad
        losses_tr.append(loss.item())
        losses_val.append(loss_val.item())
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
    return W1.detach(), W2.detach(), losses_tr, losses_val
