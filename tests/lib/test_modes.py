"""The caller's global modes change nothing, and are as they were afterwards."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from backends import BACKENDS, TORCH_BACKENDS
from backprop_book import (
    DivergenceError,
    draw_weights,
    load_iris_regression,
    two_layer_regression_autograd_loss,
    two_layer_regression_nn_loss,
    two_layer_regression_tensor_gradient,
    two_layer_regression_tensor_loss,
)


@contextmanager
def restored(setter, value, before):
    setter(value)
    try:
        yield
    finally:
        setter(before)


MODES = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "default dtype": lambda: restored(
        torch.set_default_dtype, torch.float64, torch.float32
    ),
    "default dtype, narrow": lambda: restored(
        torch.set_default_dtype, torch.bfloat16, torch.float32
    ),
    "default device": lambda: torch.device("meta"),
    "deterministic": lambda: restored(torch.use_deterministic_algorithms, True, False),
    "errors of NumPy": lambda: np.errstate(all="raise"),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
}
ANOMALY = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def state():
    return (
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_anomaly_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        np.geterr(),
    )


def data(dtype="float32"):
    iris = load_iris_regression(seed=0, dtype=dtype)
    return iris.X, iris.Y, iris.X_val, iris.Y_val


@ANOMALY
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_training_gives_the_same_curve_in_every_mode(backend, mode):
    for dtype in ("float32", "float64"):
        arrays, settings = data(dtype), {"seed": 0, "hidden": 7}
        plain = backend.run(*arrays, 1e-4, 20, **settings)
        with MODES[mode]():
            before = state()
            inside = backend.train(*arrays, 1e-4, 20, log_every=0, **settings)
            assert state() == before
        assert tuple(inside[-2:]) == plain[-2:]


@ANOMALY
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_made_inside_a_mode_are_taken(backend, mode):
    if mode == "default device":
        pytest.skip("no numbers there")
    arrays = data()
    plain = backend.run(*arrays, 1e-4, 5, seed=0)
    with MODES[mode]():
        tensors = [torch.tensor(A) for A in arrays]
        weights = [torch.tensor(A) for A in draw_weights(2, 7, 2, seed=0)]
        inside = backend.train(*tensors, 1e-4, 5, seed=0, log_every=0)
        backend.train(*tensors, 1e-4, 5, weights=weights, log_every=0)
    assert tuple(inside[-2:]) == plain[-2:]


@ANOMALY
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_a_run_that_diverges_says_so_in_every_mode(backend, mode):
    weights = draw_weights(2, 100, 2, seed=0)
    with MODES[mode]():
        before = state()
        with pytest.raises(DivergenceError):
            backend.train(*data(), 1e-3, 50, weights=weights, log_every=0)
        assert state() == before


@ANOMALY
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_losses_and_gradients_are_the_same_in_every_mode(backend, mode):
    if mode in ("inference_mode", "default device"):
        pytest.skip("no leaf of a graph can be made there")
    X, Y, *_ = data()
    W1, W2 = draw_weights(2, 7, 2, seed=0)
    plain = backend.gradient(X, Y, W1, W2)
    with MODES[mode]():
        inside = backend.gradient(X, Y, W1, W2)
        assert backend.loss(X, Y, W1, W2) == plain[0]
    for one, other in zip(inside, plain, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_a_loss_records_a_graph_only_where_the_caller_does(mode):
    X, Y = (torch.tensor(A) for A in data()[:2])
    W1, W2 = (torch.tensor(W, requires_grad=True) for W in draw_weights(2, 7, 2))
    model = torch.nn.Linear(2, 2)
    assert two_layer_regression_autograd_loss(X, Y, W1, W2).requires_grad
    assert two_layer_regression_nn_loss(model, X, Y).requires_grad
    with MODES[mode]():
        assert not two_layer_regression_autograd_loss(X, Y, W1, W2).requires_grad
        assert not two_layer_regression_nn_loss(model, X, Y).requires_grad


def test_what_is_computed_by_hand_can_be_differentiated():
    arrays = (*data()[:2], *draw_weights(2, 7, 2, seed=0))
    X, Y, *weights = (torch.tensor(A).double() for A in arrays)
    leaves = [W.clone().requires_grad_() for W in weights]
    loss, grad_W1, grad_W2 = two_layer_regression_tensor_gradient(X, Y, *weights)
    assert not loss.requires_grad
    two_layer_regression_tensor_loss(X, Y, *leaves).backward()
    two_layer_regression_tensor_gradient(X, Y, *leaves)[0].backward()
    transformed = torch.func.grad(two_layer_regression_tensor_loss, (2, 3))
    for W, G, found in zip(
        leaves, (grad_W1, grad_W2), transformed(X, Y, *weights), strict=True
    ):
        assert torch.allclose(W.grad, 2 * G, rtol=1e-12)
        assert torch.allclose(found, G, rtol=1e-12)

    def by_hand(W2):
        return two_layer_regression_tensor_gradient(X, Y, weights[0], W2)[2][0, 0]

    second = torch.func.grad(by_hand)(weights[1])[0, 0]
    H1 = (X @ weights[0]).clamp(min=0)
    assert torch.allclose(second, 2 * (H1[:, 0] ** 2).sum(), rtol=1e-12)


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_what_comes_back_is_contiguous(backend):
    first, *_ = result = backend.train(*data(), 1e-4, 2, seed=0, log_every=0)
    tensors = first.parameters() if backend.is_model else result[:2]
    assert all(tensor.is_contiguous() for tensor in tensors)
