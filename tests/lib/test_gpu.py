"""On an accelerator the same numbers come out, and the results stay there."""

import numpy as np
import pytest
import torch

from backends import NUMPY, TORCH_BACKENDS
from backprop_book import draw_weights, load_iris_regression

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
