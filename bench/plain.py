"""The training loops as one writes them first: what the book's functions are held to.

They have the habits of the notebook that this book grew from: NumPy in float64 by
accident, a boolean assignment for the mask, models with biases, validation inside the
graph. Each takes a problem and a number of iterations.
"""

import numpy as np
import torch
from torch import nn

from sizes import Problem

LR = 1e-9  # so small that no run diverges, whatever its size


def plain_numpy(problem: Problem, nite: int, dtype: str = "float64") -> None:
    """Train in NumPy, with weights as NumPy draws them: float64."""
    X, Y, X_val, Y_val, W1, W2 = problem
    W1, W2 = W1.astype(dtype), W2.astype(dtype)
    losses_tr, losses_val = [], []
    for _ in range(nite):
        z1 = X.dot(W1)
        h1 = np.maximum(z1, 0)
        error = h1.dot(W2) - Y
        losses_tr.append(np.square(error).sum())
        grad_out = 2.0 * error
        grad_W2 = h1.T.dot(grad_out)
        grad_z1 = grad_out.dot(W2.T)
        grad_z1[z1 < 0] = 0
        grad_W1 = X.T.dot(grad_z1)
        W1 -= LR * grad_W1
        W2 -= LR * grad_W2
        error_val = np.maximum(X_val.dot(W1), 0).dot(W2) - Y_val
        losses_val.append(np.square(error_val).sum())


def _tensors(problem: Problem) -> list[torch.Tensor]:
    return [torch.from_numpy(array).clone() for array in problem]


def plain_tensor(problem: Problem, nite: int) -> None:
    """Train on tensors, by hand."""
    X, Y, X_val, Y_val, W1, W2 = _tensors(problem)
    losses_tr, losses_val = [], []
    for _ in range(nite):
        z1 = X.mm(W1)
        h1 = z1.clamp(min=0)
        error = h1.mm(W2) - Y
        losses_tr.append(error.pow(2).sum().item())
        grad_out = 2.0 * error
        grad_W2 = h1.t().mm(grad_out)
        grad_z1 = grad_out.mm(W2.t())
        grad_z1[z1 < 0] = 0
        grad_W1 = X.t().mm(grad_z1)
        W1 -= LR * grad_W1
        W2 -= LR * grad_W2
        error_val = X_val.mm(W1).clamp(min=0).mm(W2) - Y_val
        losses_val.append(error_val.pow(2).sum().item())


def plain_autograd(problem: Problem, nite: int) -> None:
    """Train with autograd, which records the validation pass too."""
    X, Y, X_val, Y_val, W1, W2 = _tensors(problem)
    W1.requires_grad_()
    W2.requires_grad_()
    losses_tr, losses_val = [], []
    for _ in range(nite):
        loss = (X.mm(W1).clamp(min=0).mm(W2) - Y).pow(2).sum()
        losses_tr.append(loss.item())
        loss.backward()
        with torch.no_grad():
            W1 -= LR * W1.grad
            W2 -= LR * W2.grad
            W1.grad.zero_()
            W2.grad.zero_()
        loss_val = (X_val.mm(W1).clamp(min=0).mm(W2) - Y_val).pow(2).sum()
        losses_val.append(loss_val.item())


def _model(problem: Problem) -> nn.Sequential:
    (D_in, H), D_out = problem.W1.shape, problem.W2.shape[1]
    return nn.Sequential(nn.Linear(D_in, H), nn.ReLU(), nn.Linear(H, D_out))


def plain_nn(problem: Problem, nite: int) -> None:
    """Train a model of torch.nn, the update by hand."""
    X, Y, X_val, Y_val, _, _ = _tensors(problem)
    model, loss_function = _model(problem), nn.MSELoss(reduction="sum")
    losses_tr, losses_val = [], []
    for _ in range(nite):
        loss = loss_function(model(X), Y)
        losses_tr.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= LR * parameter.grad
        losses_val.append(loss_function(model(X_val), Y_val).item())


def plain_optim(problem: Problem, nite: int) -> None:
    """Train a model of torch.nn with Adam."""
    X, Y, X_val, Y_val, _, _ = _tensors(problem)
    model, loss_function = _model(problem), nn.MSELoss(reduction="sum")
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    losses_tr, losses_val = [], []
    for _ in range(nite):
        loss = loss_function(model(X), Y)
        losses_tr.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses_val.append(loss_function(model(X_val), Y_val).item())
