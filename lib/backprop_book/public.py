"""The lessons' functions as the package exports them: checked, and alone in the world.

The files ``train_*.py`` are what a student copies; they trust their arguments. Under
the same names the package exports them behind this module, and one contract holds:

- ``X, Y`` of shapes (N, D_in) and (N, D_out) are the training inputs and targets,
  ``X_val, Y_val`` the validation ones; all are float32 or all are float64, NumPy arrays
  or, but for numpy and engine, PyTorch tensors, and all is computed in that dtype.
- ``lr`` is the learning rate, ``nite`` the number of iterations, ``hidden`` the number
  of hidden units, without effect where ``weights`` are given: a pair (W1, W2) to start
  from, copied. ``seed`` gives the same first weights in all backends that draw normal
  ones. ``log_every`` prints both losses every so many iterations, 0 nothing. ``device``
  is where PyTorch computes; the device of X where left out.
- Entry t of both lists of losses belongs to the weights before update t + 1, in squared
  units of Y.
- A bad argument raises TypeError or ValueError before any work, and the message names
  it. The first loss that is not finite ends the run with `DivergenceError`, which has
  the losses until then, as does a weight that is not finite in the end. Nothing that
  was handed in is modified, no global random state is read or changed, and the caller's
  modes (autocast, no_grad, default dtype) are left outside.
"""

import functools
import inspect
import secrets
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch

from backprop_book import arguments, fast
from backprop_book import train_autograd as autograd
from backprop_book import train_ddp as ddp
from backprop_book import train_engine as engine
from backprop_book import train_nn as nn
from backprop_book import train_numpy as by_numpy
from backprop_book import train_optim as optim
from backprop_book import train_tensor as tensor
from backprop_book.arguments import DATA, NUMPY, TORCH, check_kind, dtype_name, expect
from backprop_book.engine import Value
from backprop_book.initial_weights import draw_weights, to_tensors
from backprop_book.modes import own_generators, own_modes
from backprop_book.training_log import check_losses, check_weights

Function = TypeVar("Function", bound=Callable)


class _Watching(int):
    """``log_every``, which a lesson's loop asks in each iteration whether to print.

    It looks at the losses then, so that a run ends where it diverges and the lesson
    needs no line for that.
    """

    def __bool__(self) -> bool:
        loop = sys._getframe(1).f_locals
        if "losses_tr" in loop:
            check_losses(loop["losses_tr"], loop["losses_val"])
        return self > 0


def _behind(run: Callable) -> Callable[[Function], Function]:
    """Make a decorator of what runs a function with all its arguments by name."""

    def behind(function: Function) -> Function:
        @functools.wraps(function)
        def checked(*args: object, **kwargs: object) -> object:
            call = inspect.signature(function).bind(*args, **kwargs)
            call.apply_defaults()
            return run(function, call.arguments)

        return checked  # type: ignore[return-value]

    return behind


def _own_seed(seed: Any) -> int:
    return secrets.randbits(64) if seed is None else int(seed)


def _arrays(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.array(A, dtype_name(A)) for A in arrays)


@_behind
def _train(train: Callable, a: dict[str, Any]) -> tuple:
    tensors, is_model = "device" in a, "bias" in a
    arguments.check_training(a, tensors=tensors)
    if "optimizer" in a:
        check_kind("optimizer", a["optimizer"], Callable, "a class of torch.optim")
    with own_modes(), own_generators():
        place: Callable = _arrays
        if tensors:
            a["device"] = arguments.check_device(a["device"], a["X"])
            place = functools.partial(to_tensors, a["device"])
        a |= zip(DATA, place(*(a[name] for name in DATA)), strict=True)
        # A NumPy float64 number would turn float32 updates into float64.
        a |= {"lr": float(a["lr"]), "nite": int(a["nite"]), "hidden": int(a["hidden"])}
        a |= {"seed": _own_seed(a["seed"]), "log_every": _Watching(a["log_every"])}
        if a["weights"] is not None:
            a["weights"] = place(*a["weights"])
        elif not is_model:
            sizes = a["X"].shape[1], a["hidden"], a["Y"].shape[1]
            dtype = dtype_name(a["X"])
            a["weights"] = draw_weights(*sizes, seed=a["seed"], dtype=dtype)
        *weights, losses_tr, losses_val = train(**a)
        last = weights[0].parameters() if is_model else weights
        check_weights(last, losses_tr, losses_val)
    return *weights, losses_tr, losses_val


@_behind
def _model(function: Callable, a: dict[str, Any]) -> torch.nn.Module:
    for name in ("D_in", "hidden", "D_out"):
        arguments.check_integer(name, a[name], 1)
    arguments.check_seed(a["seed"])
    if weights := arguments.named_weights(a["weights"]):
        sizes = {name: a[name] for name in ("D_in", "D_out")}
        arguments.check_arrays(weights, NUMPY, TORCH, **sizes)
        a["weights"] = to_tensors(torch.device("cpu"), *a["weights"])
    with own_modes(), own_generators():
        return function(**{**a, "seed": _own_seed(a["seed"])})


@_behind
def _batch(function: Callable, a: dict[str, Any]) -> object:
    module, gradient = function.__module__, function.__name__.endswith("gradient")
    arrays, kind = dict(a), TORCH
    if module in (by_numpy.__name__, engine.__name__):
        kind = NUMPY
    for name in ("W1", "W2") if module == engine.__name__ else ():
        check_kind(name, a[name], Value, "a Value")
        arrays[name] = a[name].data
    arguments.check_arrays(arrays, kind, finite=False)
    for name in ("W1", "W2") if module == autograd.__name__ and gradient else ():
        leaf, requires_grad = a[name].is_leaf, a[name].requires_grad
        expected = "a leaf tensor with requires_grad=True"
        came = f"is_leaf={leaf}, requires_grad={requires_grad}"
        expect(leaf and requires_grad, name, expected, came)
    # By hand no graph is recorded; a loss records one where the caller does.
    with own_modes(grad=False if module == tensor.__name__ else gradient or None):
        return function(**a)


@_behind
def _model_batch(function: Callable, a: dict[str, Any]) -> object:
    kinds = {"model": torch.nn.Module, "optimizer": torch.optim.Optimizer}
    for name in kinds.keys() & a.keys():
        check_kind(name, a[name], kinds[name], f"a torch {kinds[name].__name__}")
    arguments.check_arrays({name: a[name] for name in ("X", "Y")}, TORCH, finite=False)

    def check(_: object, __: object, Y_hat: torch.Tensor) -> None:
        # Another shape would be broadcast.
        expected = f"shape {tuple(Y_hat.shape)}, that of the model's output"
        came = f"shape {tuple(a['Y'].shape)}"
        expect(Y_hat.shape == a["Y"].shape, "Y", expected, came)

    hook = a["model"].register_forward_hook(check)
    try:
        with own_modes(grad=function.__name__.endswith("gradient") or None):
            return function(**a)
    finally:
        hook.remove()


two_layer_regression_numpy_loss = _batch(by_numpy.two_layer_regression_numpy_loss)
two_layer_regression_numpy_gradient = _batch(
    by_numpy.two_layer_regression_numpy_gradient
)
two_layer_regression_numpy_train = _train(by_numpy.two_layer_regression_numpy_train)
two_layer_regression_tensor_loss = _batch(tensor.two_layer_regression_tensor_loss)
two_layer_regression_tensor_gradient = _batch(
    tensor.two_layer_regression_tensor_gradient
)
two_layer_regression_tensor_train = _train(tensor.two_layer_regression_tensor_train)
two_layer_regression_autograd_loss = _batch(autograd.two_layer_regression_autograd_loss)
two_layer_regression_autograd_gradient = _batch(
    autograd.two_layer_regression_autograd_gradient
)
two_layer_regression_autograd_train = _train(
    autograd.two_layer_regression_autograd_train
)
two_layer_regression_engine_loss = _batch(engine.two_layer_regression_engine_loss)
two_layer_regression_engine_gradient = _batch(
    engine.two_layer_regression_engine_gradient
)
two_layer_regression_engine_train = _train(engine.two_layer_regression_engine_train)
two_layer_regression_nn_model = _model(nn.two_layer_regression_nn_model)
two_layer_regression_nn_loss = _model_batch(nn.two_layer_regression_nn_loss)
two_layer_regression_nn_gradient = _model_batch(nn.two_layer_regression_nn_gradient)
two_layer_regression_nn_train = _train(nn.two_layer_regression_nn_train)
two_layer_regression_nn_optim_gradient = _model_batch(
    optim.two_layer_regression_nn_optim_gradient
)
two_layer_regression_nn_optim_train = _train(optim.two_layer_regression_nn_optim_train)
two_layer_regression_ddp_train = own_modes(grad=False)(
    ddp.two_layer_regression_ddp_train
)
numpy_fast_train = _train(fast.numpy_train)
tensor_fast_train = _train(fast.tensor_train)
