"""On an accelerator the same numbers come out, and the results stay there."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from backends import NUMPY, TORCH_BACKENDS
from backprop_book import (
    before_training,
    draw_weights,
    gradient_check,
    load_iris_regression,
    numerical_gradient,
    relative_error,
    two_layer_regression_autograd_gradient,
    two_layer_regression_nn_model,
    two_layer_regression_tensor_gradient,
)

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a CUDA device; PyTorch finds none here"
)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)]
)
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_gpu_gives_the_cpus_curves(backend, dtype, tolerance):
    iris = load_iris_regression(seed=0, dtype=dtype)
    arrays = iris.X, iris.Y, iris.X_val, iris.Y_val
    weights = draw_weights(2, 100, 2, seed=0, dtype=dtype)
    expected = NUMPY.run(*arrays, 1e-4, 50, weights=weights)
    trained = backend.train(
        *arrays, 1e-4, 50, weights=weights, device="cuda", log_every=0
    )
    for curve, truth in zip(trained[-2:], expected[-2:], strict=True):
        np.testing.assert_allclose(curve, truth, rtol=tolerance)
    parameter = next(trained[0].parameters()) if backend.is_model else trained[0]
    assert parameter.device.type == "cuda"


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_a_tensors_device_is_the_default(backend):
    iris = load_iris_regression(seed=0)
    tensors = [
        torch.tensor(a, device="cuda") for a in (iris.X, iris.Y, iris.X_val, iris.Y_val)
    ]
    trained = backend.train(*tensors, 1e-4, 2, seed=0, log_every=0)
    parameter = next(trained[0].parameters()) if backend.is_model else trained[0]
    assert parameter.device.type == "cuda"


MODES = {
    "autocast": lambda: torch.autocast("cuda", dtype=torch.bfloat16),
    "default device": lambda: torch.device("cuda"),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "inference_mode": torch.inference_mode,
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_the_callers_modes_change_nothing(backend, device, mode):
    iris = load_iris_regression(seed=0, dtype="float64")
    arguments = iris.X, iris.Y, iris.X_val, iris.Y_val, 1e-4, 20
    settings = {"seed": 0, "hidden": 7, "log_every": 0}
    expected = backend.run(*arguments, **settings)
    drawn = torch.cuda.get_rng_state()
    with MODES[mode]():
        inside = backend.train(*arguments, device=device, **settings)
        assert torch.is_autocast_enabled("cuda") == (mode == "autocast")
        assert (torch.get_default_device().type == "cuda") == (mode == "default device")
    for curve, truth in zip(inside[-2:], expected[-2:], strict=True):
        np.testing.assert_allclose(curve, truth, rtol=1e-12)
    assert torch.equal(torch.cuda.get_rng_state(), drawn)


def on_gpu(*arrays, requires_grad=False):
    return [torch.tensor(A, device="cuda", requires_grad=requires_grad) for A in arrays]


def inputs():
    iris = load_iris_regression(seed=0, dtype="float64")
    return (iris.X, iris.Y), draw_weights(2, 7, 2, seed=0, dtype="float64")


def test_gradients_are_those_of_numpy():
    data, weights = inputs()
    expected = NUMPY.gradient(*data, *weights)
    by_hand = two_layer_regression_tensor_gradient(*on_gpu(*data, *weights))
    automatic = two_layer_regression_autograd_gradient(
        *on_gpu(*data), *on_gpu(*weights, requires_grad=True)
    )
    for found in (by_hand, automatic):
        for one, truth in zip(found, expected, strict=True):
            assert one.device.type == "cuda"
            assert relative_error(one, truth) < 1e-13


def test_tensors_on_two_devices_are_refused():
    (X, Y), (W1, W2) = inputs()
    message = re.escape("W2: expected device cuda:0, that of X, got cpu")
    with pytest.raises(ValueError, match=message):
        two_layer_regression_tensor_gradient(*on_gpu(X, Y, W1), torch.tensor(W2))


def test_functions_that_compute_on_a_gpu_are_checked():
    """As they would be on the CPU, whatever device their values come from."""
    (X, Y), (W1, W2) = inputs()

    def loss(W2):
        there = on_gpu(X, Y, W1, W2)
        return two_layer_regression_tensor_gradient(*there)[0]

    grad_W2 = two_layer_regression_tensor_gradient(*on_gpu(X, Y, W1, W2))[2]
    assert relative_error(grad_W2, numerical_gradient(loss, W2)) < 1e-8
    for claim, right in ((grad_W2, True), (2 * grad_W2, False)):
        (check,) = gradient_check(loss, {"W2": claim}, {"W2": W2})
        assert check.passed == right, check


def test_the_protocol_judges_a_model_that_lies_on_a_gpu():
    iris = load_iris_regression(seed=0)
    mean_squares = torch.nn.MSELoss()
    reports = []
    for device in ("cpu", "cuda"):
        model = two_layer_regression_nn_model(2, 30, 2, seed=0).to(device)
        X, Y = (torch.tensor(A, device=device) for A in (iris.X, iris.Y))
        Y = (Y - Y.mean(0)) / Y.std(0)
        reports.append(before_training(model, mean_squares, X, Y))
        assert all(W.device.type == device for W in model.parameters())
    words = [(f.name, f.verdict, f.section) for f in reports[0].findings]
    assert words == [(f.name, f.verdict, f.section) for f in reports[1].findings]


def test_a_process_of_torchrun_computes_on_its_gpu(tmp_path):
    out = tmp_path / "result.npz"
    command = "torch.distributed.run --standalone --nproc-per-node 1 -m"
    options = f"--device cuda --nite 20 --log-every 0 --out {out}"
    call = f"-m {command} backprop_book.run_ddp {options}"
    done = subprocess.run(
        [sys.executable, *call.split()], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    iris = load_iris_regression(seed=0, dtype="float64")
    arguments = iris.X, iris.Y, iris.X_val, iris.Y_val, 1e-4, 20
    *_, losses_tr, losses_val = NUMPY.run(*arguments, seed=0)
    with np.load(out) as result:
        np.testing.assert_allclose(result["losses_tr"], losses_tr, rtol=1e-12)
        np.testing.assert_allclose(result["losses_val"], losses_val, rtol=1e-12)
