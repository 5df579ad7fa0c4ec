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
  it. A loss or a weight that is not finite raises `DivergenceError`, with the losses
  until then. Nothing that was handed in is modified, no global random state is read or
  changed, and the caller's modes (autocast, no_grad, default dtype) are left outside.
"""

import functools
import inspect
from collections.abc import Callable

import numpy as np
import torch

from backprop_book import arguments, fast
from backprop_book import train_autograd as autograd
from backprop_book import train_engine as engine
from backprop_book import train_nn as nn
from backprop_book import train_numpy as by_numpy
from backprop_book import train_optim as optim
from backprop_book import train_tensor as tensor
from backprop_book.engine import Value
from backprop_book.initial_weights import draw_weights, to_tensors
from backprop_book.modes import own_modes
from backprop_book.training_log import TrainingLog


def _bound(function: Callable, args: tuple, kwargs: dict) -> dict[str, object]:
    call = inspect.signature(function).bind(*args, **kwargs)
    call.apply_defaults()
    return call.arguments


def _fresh(seed: int | None) -> int:
    return np.random.SeedSequence().entropy % 2**63 if seed is None else int(seed)


def _training(train: Callable, *, tensors: bool = True) -> Callable:
    draws_its_own = train.__module__ in (nn.__name__, optim.__name__)

    @functools.wraps(train)
    def checked(*args: object, **kwargs: object) -> tuple:
        a = _bound(train, args, kwargs)
        arguments.check_training(a, tensors=tensors)
        if not callable(a.get("optimizer", torch.optim.Adam)):
            expected = "expected a class of torch.optim"
            raise TypeError(f"optimizer: {expected}, got {a['optimizer']!r}")
        with own_modes(), torch.random.fork_rng():
            if tensors:
                a["device"] = arguments.check_device(a["device"], a["X"])
                a |= zip(
                    DATA, to_tensors(a["device"], *(a[n] for n in DATA)), strict=True
                )
            else:
                a |= {n: np.array(a[n], arguments.dtype_name(a[n])) for n in DATA}
            if a["weights"] is None and not draws_its_own:
                sizes = a["X"].shape[1], int(a["hidden"]), a["Y"].shape[1]
                dtype = arguments.dtype_name(a["X"])
                a["weights"] = draw_weights(*sizes, seed=a["seed"], dtype=dtype)
            elif a["weights"] is not None:
                a["weights"] = [
                    to_tensors(torch.device("cpu"), W)[0] if tensors
                    else np.array(W, arguments.dtype_name(W))
                    for W in a["weights"]
                ]  # fmt: skip
            # A NumPy float64 number would turn float32 updates into float64.
            a |= {
                "lr": float(a["lr"]),
                "nite": int(a["nite"]),
                "hidden": int(a["hidden"]),
            }
            *weights, losses_tr, losses_val = train(**{**a, "seed": _fresh(a["seed"])})
            log = TrainingLog(0)
            for t, losses in enumerate(zip(losses_tr, losses_val, strict=True)):
                log.record(t, *losses)
            log.check_final(*(weights[0].parameters() if draws_its_own else weights))
        return *weights, losses_tr, losses_val

    return checked


DATA = ("X", "Y", "X_val", "Y_val")


def _batch(
    function: Callable, *, tensors: bool = True, grad: bool | None = None
) -> Callable:
    @functools.wraps(function)
    def checked(*args: object, **kwargs: object) -> object:
        a = _bound(function, args, kwargs)
        arrays = {name: W.data if isinstance(W, Value) else W for name, W in a.items()}
        rules = (arguments.DATA_RULES[0], *arguments.WEIGHT_RULES)
        arguments.check_arrays(arrays, rules, tensors=tensors, values=False)
        for name in ("W1", "W2") if function.__name__.endswith("gradient") else ():
            W = a[name]
            if function.__module__ == engine.__name__ and not isinstance(W, Value):
                raise TypeError(f"{name}: expected a Value, got {type(W).__name__}")
            if function.__module__ == autograd.__name__ and not (
                W.is_leaf and W.requires_grad
            ):
                raise ValueError(
                    f"{name}: expected a leaf tensor with requires_grad=True, got "
                    f"is_leaf={W.is_leaf}, requires_grad={W.requires_grad}"
                )
        with own_modes(grad=grad):
            return function(**a)

    return checked


def _model_batch(function: Callable, *, grad: bool | None = None) -> Callable:
    @functools.wraps(function)
    def checked(*args: object, **kwargs: object) -> object:
        a = _bound(function, args, kwargs)

        def check(_: object, __: object, Y_hat: torch.Tensor) -> None:
            if Y_hat.shape != a["Y"].shape:  # it would be broadcast
                raise ValueError(
                    f"Y: expected shape {tuple(Y_hat.shape)}, that of the model's "
                    f"output, got shape {tuple(a['Y'].shape)}"
                )

        hook = a["model"].register_forward_hook(check)
        try:
            with own_modes(grad=grad):
                return function(**a)
        finally:
            hook.remove()

    return checked


@functools.wraps(nn.two_layer_regression_nn_model)
def two_layer_regression_nn_model(*args: object, **kwargs: object) -> torch.nn.Module:
    """Check the arguments; see the function of `train_nn`."""
    a = _bound(nn.two_layer_regression_nn_model, args, kwargs)
    for name in ("D_in", "hidden", "D_out"):
        arguments.check_integer(name, a[name], 1)
    if a["seed"] is not None:
        arguments.check_integer("seed", a["seed"], 0, arguments.MAX_SEED)
    if weights := arguments.pair(a["weights"]):
        sizes = {
            ("X", 1): (a["D_in"], "D_in says"),
            ("Y", 1): (a["D_out"], "D_out says"),
        }
        arguments.check_arrays(
            weights, arguments.WEIGHT_RULES, tensors=True, sizes=sizes
        )
        a["weights"] = to_tensors(torch.device("cpu"), *a["weights"])
    with own_modes(), torch.random.fork_rng():
        a["seed"] = _fresh(a["seed"])
        return nn.two_layer_regression_nn_model(**a)


two_layer_regression_numpy_loss = _batch(
    by_numpy.two_layer_regression_numpy_loss, tensors=False
)
two_layer_regression_numpy_gradient = _batch(
    by_numpy.two_layer_regression_numpy_gradient, tensors=False
)
two_layer_regression_numpy_train = _training(
    by_numpy.two_layer_regression_numpy_train, tensors=False
)
two_layer_regression_tensor_loss = _batch(
    tensor.two_layer_regression_tensor_loss, grad=False
)
two_layer_regression_tensor_gradient = _batch(
    tensor.two_layer_regression_tensor_gradient, grad=False
)
two_layer_regression_tensor_train = _training(tensor.two_layer_regression_tensor_train)
two_layer_regression_autograd_loss = _batch(autograd.two_layer_regression_autograd_loss)
two_layer_regression_autograd_gradient = _batch(
    autograd.two_layer_regression_autograd_gradient, grad=True
)
two_layer_regression_autograd_train = _training(
    autograd.two_layer_regression_autograd_train
)
two_layer_regression_engine_loss = _batch(
    engine.two_layer_regression_engine_loss, tensors=False
)
two_layer_regression_engine_gradient = _batch(
    engine.two_layer_regression_engine_gradient, tensors=False
)
two_layer_regression_engine_train = _training(
    engine.two_layer_regression_engine_train, tensors=False
)
two_layer_regression_nn_loss = _model_batch(nn.two_layer_regression_nn_loss)
two_layer_regression_nn_gradient = _model_batch(
    nn.two_layer_regression_nn_gradient, grad=True
)
two_layer_regression_nn_train = _training(nn.two_layer_regression_nn_train)
two_layer_regression_nn_optim_gradient = _model_batch(
    optim.two_layer_regression_nn_optim_gradient, grad=True
)
two_layer_regression_nn_optim_train = _training(
    optim.two_layer_regression_nn_optim_train
)
numpy_fast_train = _training(fast.numpy_train, tensors=False)
tensor_fast_train = _training(fast.tensor_train)
