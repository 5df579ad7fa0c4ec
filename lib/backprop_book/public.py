"""The lessons' functions as the package exports them, behind checks of their arguments.

The files ``train_*.py`` are what a student copies; they trust their arguments. Under
the same names the package exports them behind this module or, where they compute with
PyTorch, behind `public_torch`, and one contract holds:

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

from backprop_book import arguments
from backprop_book import train_engine as engine
from backprop_book import train_numpy as by_numpy
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


def put_behind(run: Callable) -> Callable[[Function], Function]:
    """Make a decorator of what runs a function with all its arguments by name."""

    def behind(function: Function) -> Function:
        @functools.wraps(function)
        def checked(*args: object, **kwargs: object) -> object:
            call = inspect.signature(function).bind(*args, **kwargs)
            call.apply_defaults()
            return run(function, call.arguments)

        return checked  # type: ignore[return-value]

    return behind


def own_seed(seed: Any) -> int:
    """Return the seed, or a new one where there is none."""
    return secrets.randbits(64) if seed is None else int(seed)


def _arrays(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.array(A, dtype_name(A)) for A in arrays)


@put_behind
def train(function: Callable, a: dict[str, Any]) -> tuple:
    """Run a training function, and see that what comes of it is finite."""
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
        a |= {"seed": own_seed(a["seed"]), "log_every": _Watching(a["log_every"])}
        if a["weights"] is not None:
            a["weights"] = place(*a["weights"])
        elif not is_model:
            sizes = a["X"].shape[1], a["hidden"], a["Y"].shape[1]
            dtype = dtype_name(a["X"])
            a["weights"] = draw_weights(*sizes, seed=a["seed"], dtype=dtype)
        *weights, losses_tr, losses_val = function(**a)
        last = weights[0].parameters() if is_model else weights
        check_weights(last, losses_tr, losses_val)
    return *weights, losses_tr, losses_val


@put_behind
def batch(function: Callable, a: dict[str, Any]) -> object:
    """Run a loss or a gradient of a batch."""
    lesson = function.__module__.removeprefix("backprop_book.train_")
    gradient = function.__name__.endswith("gradient")
    arrays, kind = dict(a), NUMPY if lesson in ("numpy", "engine") else TORCH
    for name in ("W1", "W2") if lesson == "engine" else ():
        check_kind(name, a[name], Value, "a Value")
        arrays[name] = a[name].data
    arguments.check_arrays(arrays, kind, finite=False)
    if kind == TORCH:
        arguments.check_one_device(arrays)
    for name in ("W1", "W2") if lesson == "autograd" and gradient else ():
        leaf, requires_grad = a[name].is_leaf, a[name].requires_grad
        expected = "a leaf tensor with requires_grad=True"
        came = f"is_leaf={leaf}, requires_grad={requires_grad}"
        expect(leaf and requires_grad, name, expected, came)
    # By hand no graph is recorded; a loss records one where the caller does.
    with own_modes(grad=False if lesson == "tensor" else gradient or None):
        return function(**a)


two_layer_regression_numpy_loss = batch(by_numpy.two_layer_regression_numpy_loss)
two_layer_regression_numpy_gradient = batch(
    by_numpy.two_layer_regression_numpy_gradient
)
two_layer_regression_numpy_train = train(by_numpy.two_layer_regression_numpy_train)
two_layer_regression_engine_loss = batch(engine.two_layer_regression_engine_loss)
two_layer_regression_engine_gradient = batch(
    engine.two_layer_regression_engine_gradient
)
two_layer_regression_engine_train = train(engine.two_layer_regression_engine_train)
