"""The training functions behind one interface, so that one test holds them all."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

import backprop_book as bb


@dataclass(frozen=True)
class Backend:
    """A training function and its gradient, both from and to NumPy arrays."""

    name: str
    gradient: Callable  # (X, Y, W1, W2) -> loss, grad_W1, grad_W2
    loss: Callable  # (X, Y, W1, W2) -> loss

    @property
    def takes_tensors(self) -> bool:
        return self.name not in ("numpy", "engine")

    @property
    def is_model(self) -> bool:
        return self.name.startswith("nn")

    @property
    def train(self) -> Callable:
        train = getattr(bb, f"two_layer_regression_{self.name}_train")
        if self.name == "nn_optim":  # whose default is another rule
            train = partial(train, optimizer=torch.optim.SGD)
        return train

    def run(self, *args, **kwargs) -> tuple[np.ndarray, np.ndarray, list, list]:
        """Train, and return W1 and W2 in the book's orientation with both curves."""
        result = self.train(*args, **{"log_every": 0, **kwargs})
        if self.is_model:
            model, losses_tr, losses_val = result
            W1, W2 = model[0].weight.detach().T, model[2].weight.detach().T
        else:
            W1, W2, losses_tr, losses_val = result
        return np.asarray(W1), np.asarray(W2), losses_tr, losses_val

    def __str__(self) -> str:
        return self.name


def _tensors(*arrays, requires_grad=False):
    return [torch.tensor(a.copy(), requires_grad=requires_grad) for a in arrays]


def _numbers(loss, grad_W1, grad_W2):
    return float(loss), np.asarray(grad_W1), np.asarray(grad_W2)


def tensor_gradient(X, Y, W1, W2):
    return _numbers(*bb.two_layer_regression_tensor_gradient(*_tensors(X, Y, W1, W2)))


def autograd_gradient(X, Y, W1, W2):
    return _numbers(
        *bb.two_layer_regression_autograd_gradient(
            *_tensors(X, Y), *_tensors(W1, W2, requires_grad=True)
        )
    )


def engine_gradient(X, Y, W1, W2):
    return _numbers(
        *bb.two_layer_regression_engine_gradient(X, Y, bb.Value(W1), bb.Value(W2))
    )


def engine_loss(X, Y, W1, W2):
    loss = bb.two_layer_regression_engine_loss(X, Y, bb.Value(W1), bb.Value(W2))
    return float(loss.data)


def _model(X, W1, W2):
    return bb.two_layer_regression_nn_model(
        W1.shape[0],
        W1.shape[1],
        W2.shape[1],
        weights=(W1, W2),
        dtype=getattr(torch, str(X.dtype)),
    )


def nn_gradient(X, Y, W1, W2):
    loss, (grad_1, grad_2) = bb.two_layer_regression_nn_gradient(
        _model(X, W1, W2), *_tensors(X, Y)
    )
    return _numbers(loss, grad_1.T, grad_2.T)


def nn_optim_gradient(X, Y, W1, W2):
    model = _model(X, W1, W2)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    loss, (grad_1, grad_2) = bb.two_layer_regression_nn_optim_gradient(
        model, optimizer, *_tensors(X, Y)
    )
    return _numbers(loss, grad_1.T, grad_2.T)


def _of_tensors(function):
    return lambda X, Y, W1, W2: float(function(*_tensors(X, Y, W1, W2)))


def nn_loss(X, Y, W1, W2):
    with torch.no_grad():
        loss = bb.two_layer_regression_nn_loss(_model(X, W1, W2), *_tensors(X, Y))
    return float(loss)


tensor_loss = _of_tensors(bb.two_layer_regression_tensor_loss)
autograd_loss = _of_tensors(bb.two_layer_regression_autograd_loss)
NUMPY = Backend(
    "numpy",
    bb.two_layer_regression_numpy_gradient,
    bb.two_layer_regression_numpy_loss,
)
BACKENDS = [
    NUMPY,
    Backend("tensor", tensor_gradient, tensor_loss),
    Backend("autograd", autograd_gradient, autograd_loss),
    # In one process; tests/lib/test_train_ddp.py starts several.
    Backend("ddp", tensor_gradient, tensor_loss),
    Backend("engine", engine_gradient, engine_loss),
    Backend("nn", nn_gradient, nn_loss),
    Backend("nn_optim", nn_optim_gradient, nn_loss),
]
TORCH_BACKENDS = [backend for backend in BACKENDS if backend.takes_tensors]
ARRAY_BACKENDS = [backend for backend in BACKENDS if not backend.is_model]
MODEL_BACKENDS = [backend for backend in BACKENDS if backend.is_model]
