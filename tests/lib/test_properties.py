"""Random shapes, layouts, values: gradients right, inputs untouched, seeds kept."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends import BACKENDS, NUMPY
from backprop_book import relative_error

sizes = st.integers(1, 64)
# All zero, denormal, small, ordinary, large, very large. Powers of two: sums of small
# integers stay exact, so a pre-activation that cancels is 0 in every order of sums.
scales = st.sampled_from([0.0, 2.0**-1070, 2.0**-10, 1.0, 2.0**10, 2.0**100])
layouts = st.sampled_from(["C", "F", "strided", "reversed", "read-only"])
checked = settings(suppress_health_check=[HealthCheck.too_slow])


def laid_out(array, layout):
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "strided":
        return np.repeat(array, 2, axis=1)[:, ::2]
    if layout == "reversed":
        return array[::-1].copy()[::-1]
    if layout == "read-only":
        array.flags.writeable = False
    return array


@st.composite
def cases(draw, at_kinks=True):
    """Draw X, Y, X_val, Y_val, W1, W2.

    At kinks: small integers, whose products are often exactly 0. Otherwise normal
    numbers: after an update a sum that should be 0 has a sign that rounding decides.
    """
    N, N_val, D_in, H, D_out = (draw(sizes) for _ in range(5))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scale, layout = draw(scales) if at_kinks else 1.0, draw(layouts)

    def numbers(*shape):
        if at_kinks:
            return generator.integers(-2, 3, shape).astype(float)
        return generator.standard_normal(shape)

    X, Y, X_val, Y_val, W1, W2 = (
        laid_out(array, layout)
        for array in (
            numbers(N, D_in),
            numbers(N, D_out),
            numbers(N_val, D_in),
            numbers(N_val, D_out),
            scale * numbers(D_in, H),
            numbers(H, D_out),
        )
    )
    return X, Y, X_val, Y_val, W1, W2


def torch_gradient(X, Y, W1, W2):
    X, Y = torch.from_numpy(X.copy()), torch.from_numpy(Y.copy())
    W1 = torch.from_numpy(W1.copy()).requires_grad_()
    W2 = torch.from_numpy(W2.copy()).requires_grad_()
    loss = (torch.relu(X @ W1) @ W2 - Y).square().sum()
    return torch.autograd.grad(loss, (W1, W2))


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
@checked
@given(case=cases())
def test_gradient(backend, case):
    X, Y, _, _, W1, W2 = case
    _, grad_W1, grad_W2 = backend.gradient(X, Y, W1, W2)
    truth_W1, truth_W2 = torch_gradient(X, Y, W1, W2)
    assert relative_error(grad_W1, truth_W1) <= 1e-13
    assert relative_error(grad_W2, truth_W2) <= 1e-13


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS[1:], ids=str)
@checked
@given(case=cases(at_kinks=False))
def test_training_agrees_with_numpy_and_leaves_its_inputs_alone(backend, dtype, case):
    arrays = [a.astype(dtype, order="K") for a in case]
    before = [a.copy() for a in arrays]
    *data, W1, W2 = arrays
    expected = NUMPY.run(*data, 1e-6, 3, weights=(W1, W2))
    result = backend.run(*data, 1e-6, 3, weights=(W1, W2))
    tolerance = {"float32": 1e-4, "float64": 1e-12}[dtype]
    for found, right in zip(result[:2], expected[:2], strict=True):
        assert found.dtype == np.dtype(dtype)
        assert relative_error(found, right) <= tolerance
    np.testing.assert_allclose(result[2:], expected[2:], rtol=tolerance)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)
