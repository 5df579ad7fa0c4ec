"""The lessons' functions as the package exports them, behind checks of their arguments.

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
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_book import arguments
from backprop_book.arguments import DATA, NUMPY, TORCH, check_kind, dtype_name, expect
from backprop_book.engine import Value
from backprop_book.initial_weights import draw_weights, to_tensors
from backprop_book.modes import own_generators, own_modes
from backprop_book.training_log import TrainingLog

if TYPE_CHECKING:
    import torch


@functools.cache
def exported(name: str) -> Callable:
    """Return a lesson's function behind its checks.

    Its name says where it is and what it does, as in ``..._optim_train``.
    """
    *_, lesson, end = name.split("_")
    function = getattr(import_module(f"backprop_book.train_{lesson}"), name)
    if lesson == "ddp":  # whose processes check their arguments together
        return own_modes(grad=False)(function)
    batch = _model_batch if lesson in ("nn", "optim") else _batch
    run = {"train": _train, "model": _model}.get(end, batch)

    @functools.wraps(function)
    def checked(*args: object, **kwargs: object) -> object:
        call = inspect.signature(function).bind(*args, **kwargs)
        call.apply_defaults()
        return run(function, call.arguments)

    return checked


class _Watching(int):
    """``log_every``, which a lesson's loop asks in each iteration whether to print.

    It looks at the losses then, so that a run ends where it diverges and the lesson
    needs no line for that.
    """

    def __bool__(self) -> bool:
        loop = sys._getframe(1).f_locals
        if "losses_tr" in loop:
            TrainingLog(0, loop["losses_tr"], loop["losses_val"]).check_last()
        return self > 0


def _own_seed(seed: Any) -> int:
    return secrets.randbits(64) if seed is None else int(seed)


def _arrays(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.array(A, dtype_name(A)) for A in arrays)


def _train(function: Callable, a: dict[str, Any]) -> tuple:
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
        *weights, losses_tr, losses_val = function(**a)
        last = weights[0].parameters() if is_model else weights
        TrainingLog(0, losses_tr, losses_val).check_final(*last)
    return *weights, losses_tr, losses_val


def _batch(function: Callable, a: dict[str, Any]) -> object:
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
    # Only autograd needs a graph; all else records one where the caller does.
    with own_modes(grad=True if lesson == "autograd" and gradient else None):
        return function(**a)


def _model(function: Callable, a: dict[str, Any]) -> "torch.nn.Module":
    import torch

    for name in ("D_in", "hidden", "D_out"):
        arguments.check_integer(name, a[name], 1)
    arguments.check_seed(a["seed"])
    known, came = (None, torch.float32, torch.float64), repr(a["dtype"])
    expect(a["dtype"] in known, "dtype", "torch.float32 or torch.float64", came)
    if weights := arguments.named_weights(a["weights"]):
        sizes = {name: a[name] for name in ("D_in", "D_out")}
        arguments.check_arrays(weights, NUMPY, TORCH, **sizes)
        a["weights"] = to_tensors(torch.device("cpu"), *a["weights"])
    with own_modes(), own_generators():
        like = torch.empty(0, dtype=a["dtype"])
        a["device"] = arguments.check_device(a["device"], like)
        return function(**{**a, "seed": _own_seed(a["seed"])})


def _model_batch(function: Callable, a: dict[str, Any]) -> object:
    import torch

    kinds = {"model": torch.nn.Module, "optimizer": torch.optim.Optimizer}
    for name in kinds.keys() & a.keys():
        check_kind(name, a[name], kinds[name], f"a torch {kinds[name].__name__}")
    arrays = {name: a[name] for name in ("X", "Y")}
    arguments.check_arrays(arrays, TORCH, finite=False)
    weights = list(a["model"].parameters())
    arguments.check_one_device(dict(zip(("model",), weights, strict=False)) | arrays)
    groups = a["optimizer"].param_groups if "optimizer" in a else ()
    held = {id(W) for group in groups for W in group["params"]}
    own = held <= set(map(id, weights))
    expect(own, "optimizer", "one of this model's parameters", "another model's")

    def check(_: object, __: object, Y_hat: "torch.Tensor") -> None:
        check_kind("model's output", Y_hat, torch.Tensor, "a tensor")
        # Another shape would be broadcast.
        expected = f"shape {tuple(Y_hat.shape)}, that of the model's output"
        came = f"shape {tuple(a['Y'].shape)}"
        expect(Y_hat.shape == a["Y"].shape, "Y", expected, came)

    grad = function.__name__.endswith("gradient") or None
    with a["model"].register_forward_hook(check), own_modes(grad=grad):
        return function(**a)
