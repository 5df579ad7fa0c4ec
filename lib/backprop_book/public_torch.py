"""What `public` is for the lessons' functions that compute with PyTorch."""

from collections.abc import Callable
from typing import Any

import torch

from backprop_book import arguments
from backprop_book import train_autograd as autograd
from backprop_book import train_ddp as ddp
from backprop_book import train_nn as nn
from backprop_book import train_optim as optim
from backprop_book import train_tensor as tensor
from backprop_book.arguments import NUMPY, TORCH, check_kind, expect
from backprop_book.initial_weights import to_tensors
from backprop_book.modes import own_generators, own_modes
from backprop_book.public import batch, own_seed, put_behind, train


@put_behind
def _model(function: Callable, a: dict[str, Any]) -> torch.nn.Module:
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
        return function(**{**a, "seed": own_seed(a["seed"])})


@put_behind
def _model_batch(function: Callable, a: dict[str, Any]) -> object:
    kinds = {"model": torch.nn.Module, "optimizer": torch.optim.Optimizer}
    for name in kinds.keys() & a.keys():
        check_kind(name, a[name], kinds[name], f"a torch {kinds[name].__name__}")
    arrays = {name: a[name] for name in ("X", "Y")}
    arguments.check_arrays(arrays, TORCH, finite=False)
    first = dict(zip(("model",), a["model"].parameters(), strict=False))
    arguments.check_one_device(first | arrays)

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


two_layer_regression_tensor_loss = batch(tensor.two_layer_regression_tensor_loss)
two_layer_regression_tensor_gradient = batch(
    tensor.two_layer_regression_tensor_gradient
)
two_layer_regression_tensor_train = train(tensor.two_layer_regression_tensor_train)
two_layer_regression_autograd_loss = batch(autograd.two_layer_regression_autograd_loss)
two_layer_regression_autograd_gradient = batch(
    autograd.two_layer_regression_autograd_gradient
)
two_layer_regression_autograd_train = train(
    autograd.two_layer_regression_autograd_train
)
two_layer_regression_nn_model = _model(nn.two_layer_regression_nn_model)
two_layer_regression_nn_loss = _model_batch(nn.two_layer_regression_nn_loss)
two_layer_regression_nn_gradient = _model_batch(nn.two_layer_regression_nn_gradient)
two_layer_regression_nn_train = train(nn.two_layer_regression_nn_train)
two_layer_regression_nn_optim_gradient = _model_batch(
    optim.two_layer_regression_nn_optim_gradient
)
two_layer_regression_nn_optim_train = train(optim.two_layer_regression_nn_optim_train)
two_layer_regression_ddp_train = own_modes(grad=False)(
    ddp.two_layer_regression_ddp_train
)
