"""Two-layer ReLU regression with torch.nn: modules, and an update by hand."""

import torch
from torch import nn


def two_layer_regression_nn_model(
    D_in, hidden, D_out, *, bias=False, weights=None, seed=None, dtype=None, device=None
):
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
        Of the draws.
    dtype, device
        Of the parameters; PyTorch's defaults where left out.

    Returns
    -------
    model : nn.Sequential
        ``model[0].weight`` has shape (H, D_in) and ``model[2].weight`` (D_out, H):
        the transposes of W1 and W2.
    """
    if seed is not None:
        torch.manual_seed(seed)
    hidden = hidden if weights is None else weights[0].shape[1]
    first = nn.Linear(D_in, hidden, bias=bias, dtype=dtype)
    second = nn.Linear(hidden, D_out, bias=bias, dtype=dtype)
    model = nn.Sequential(first, nn.ReLU(), second)
    if weights is not None:
        W1, W2 = (torch.as_tensor(W) for W in weights)
        model.load_state_dict({"0.weight": W1.T, "2.weight": W2.T}, strict=False)
    return model.to(device)


def two_layer_regression_nn_loss(model, X, Y):
    """Return the model's sum of squared errors as a 0-d tensor, in squared Y units.

    Parameters
    ----------
    model : nn.Module
        Maps shape (N, D_in) to (N, D_out).
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        On the model's device.
    """
    return nn.MSELoss(reduction="sum")(model(X), Y)


def two_layer_regression_nn_gradient(model, X, Y):
    """Return the loss and leave its gradients in the parameters' ``.grad``.

    Parameters are those of the loss.

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


def two_layer_regression_nn_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None, bias=False,
):  # fmt: skip
    """Fit a two-layer model of torch.nn by full-batch gradient descent.

    The contract that all backends share is that of `backprop_book.public`. Weights
    that are left out are PyTorch's default draws.

    Returns
    -------
    model : nn.Sequential
        Linear, ReLU, linear, after the last update, on the device.
    losses_tr, losses_val : list of float, length ``nite``
    """
    X, Y, X_val, Y_val = (
        torch.as_tensor(A, device=device) for A in (X, Y, X_val, Y_val)
    )
    model = two_layer_regression_nn_model(
        X.shape[1], hidden, Y.shape[1],
        bias=bias, weights=weights, seed=seed, dtype=X.dtype, device=X.device,
    )  # fmt: skip
    losses_tr, losses_val = [], []
    for t in range(nite):
        loss, _ = two_layer_regression_nn_gradient(model, X, Y)
        with torch.no_grad():
            loss_val = two_layer_regression_nn_loss(model, X_val, Y_val)
            for W in model.parameters():
                W -= lr * W.grad
        losses_tr.append(loss.item())
        losses_val.append(loss_val.item())
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
    return model, losses_tr, losses_val
