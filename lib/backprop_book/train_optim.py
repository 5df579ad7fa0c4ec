"""Two-layer ReLU regression with torch.optim: the update is left to an optimiser."""

import torch
from torch import nn

from backprop_book.train_nn import two_layer_regression_nn_model


def two_layer_regression_nn_optim_gradient(model, optimizer, X, Y):
    """Return the loss and leave its gradients where the optimiser looks for them.

    Parameters
    ----------
    model : nn.Module
        Maps shape (N, D_in) to (N, D_out).
    optimizer : torch.optim.Optimizer
        Of the model's parameters; its ``zero_grad`` is called, its ``step`` is not.
    X, Y : Tensor, shapes (N, D_in) and (N, D_out)
        On the model's device.

    Returns
    -------
    loss : Tensor, 0-d
    gradients : list of Tensor
        In the order of the optimiser's parameters and in PyTorch's orientation.
    """
    optimizer.zero_grad()
    loss = nn.MSELoss(reduction="sum")(model(X), Y)
    loss.backward()
    parameters = [W for group in optimizer.param_groups for W in group["params"]]
    return loss.detach(), [parameter.grad for parameter in parameters]


def two_layer_regression_nn_optim_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None, bias=False,
    optimizer=torch.optim.Adam,
):  # fmt: skip
    """Fit a two-layer model of torch.nn with an optimiser of torch.optim.

    The contract that all backends share is that of `backprop_book.public`. Weights
    that are left out are PyTorch's default draws. ``optimizer`` is called as
    ``optimizer(model.parameters(), lr=lr)``: a class of torch.optim, or a
    ``functools.partial`` of one; ``step`` must need no closure, as that of LBFGS does.

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
    loss_function = nn.MSELoss(reduction="sum")
    optimizer = optimizer(model.parameters(), lr=lr)
    losses_tr, losses_val = [], []
    for t in range(nite):
        optimizer.zero_grad()
        loss = loss_function(model(X), Y)
        loss.backward()
        with torch.no_grad():
            loss_val = loss_function(model(X_val), Y_val)
        optimizer.step()
        losses_tr.append(loss.item())
        losses_val.append(loss_val.item())
        if log_every and t % log_every == 0:
            print(f"iteration {t:4d}   loss {loss:10.2f}   validation {loss_val:10.2f}")
    return model, losses_tr, losses_val
