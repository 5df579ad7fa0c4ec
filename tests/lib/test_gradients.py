"""Each backend's gradient against truths that know nothing of its formulas."""

import numpy as np
import pytest
import torch

from backends import BACKENDS
from backprop_book import (
    complex_step_gradient,
    relative_error,
)

SHAPES = [(1, 1, 1, 1), (5, 3, 4, 2), (4, 4, 4, 4), (7, 2, 1, 3), (1, 6, 5, 1)]


def case(N, D_in, H, D_out, seed=0):
    generator = np.random.default_rng(seed)
    return (
        generator.standard_normal((N, D_in)),
        generator.standard_normal((N, D_out)),
        generator.standard_normal((D_in, H)),
        generator.standard_normal((H, D_out)),
    )


def zero_column():
    X, Y, W1, W2 = case(5, 3, 4, 2)
    W1[:, 1] = 0.0
    return X, Y, W1, W2


def cancelling_inputs():
    """Inputs (1, 1) with weights (1, -1): exactly 0, from values that are not."""
    X, Y, _, W2 = case(1, 2, 3, 2)
    X[:] = 1.0
    W1 = np.array([[1.0, 0.5, -2.0], [-1.0, 0.25, 1.0]])
    assert (X @ W1)[0, 0] == 0.0
    return X, Y, W1, W2


def torch_truth(X, Y, W1, W2):
    X, Y = torch.tensor(X), torch.tensor(Y)
    W1, W2 = torch.tensor(W1, requires_grad=True), torch.tensor(W2, requires_grad=True)
    loss = ((torch.relu(X @ W1) @ W2 - Y) ** 2).sum()
    return loss.item(), *torch.autograd.grad(loss, (W1, W2))


def complex_loss(X, Y, W1, W2):
    Z1 = X @ W1
    return np.sum((Z1 * (Z1.real > 0) @ W2 - Y) ** 2)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_gradient_equals_autograd(backend, shape):
    X, Y, W1, W2 = case(*shape)
    loss, grad_W1, grad_W2 = backend.gradient(X, Y, W1, W2)
    true_loss, truth_W1, truth_W2 = torch_truth(X, Y, W1, W2)
    assert loss == pytest.approx(true_loss, rel=1e-14)
    assert relative_error(grad_W1, truth_W1) <= 1e-14, f"{backend}: grad_W1"
    assert relative_error(grad_W2, truth_W2) <= 1e-14, f"{backend}: grad_W2"


@pytest.mark.parametrize("make", [zero_column, cancelling_inputs])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_derivative_of_relu_at_zero_is_zero(backend, make):
    X, Y, W1, W2 = make()
    _, grad_W1, grad_W2 = backend.gradient(X, Y, W1, W2)
    _, truth_W1, truth_W2 = torch_truth(X, Y, W1, W2)
    assert relative_error(grad_W1, truth_W1) <= 1e-14, f"{backend}: grad_W1 at 0"
    assert relative_error(grad_W2, truth_W2) <= 1e-14, f"{backend}: grad_W2 at 0"
    # The other convention would be told apart here: it lets a gradient through.
    at_zero = X @ W1 == 0
    passed = (2 * (np.maximum(X @ W1, 0) @ W2 - Y) @ W2.T)[at_zero]
    assert np.abs(passed).min() > 0.01


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_gradient_equals_complex_step(backend, seed):
    X, Y, W1, W2 = case(6, 3, 5, 2, seed)
    _, grad_W1, grad_W2 = backend.gradient(X, Y, W1, W2)
    truth_W1 = complex_step_gradient(lambda W: complex_loss(X, Y, W, W2), W1)
    truth_W2 = complex_step_gradient(lambda W: complex_loss(X, Y, W1, W), W2)
    assert relative_error(grad_W1, truth_W1) <= 1e-13, f"{backend}: grad_W1"
    assert relative_error(grad_W2, truth_W2) <= 1e-13, f"{backend}: grad_W2"


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_loss_is_a_sum_of_squares(backend):
    X, Y, W1, W2 = case(6, 3, 5, 2)
    expected = sum(
        (sum(max(X[n] @ W1[:, j], 0) * W2[j, k] for j in range(5)) - Y[n, k]) ** 2
        for n in range(6)
        for k in range(2)
    )
    assert backend.loss(X, Y, W1, W2) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_gradient_keeps_the_dtype(backend):
    arrays = [a.astype(np.float32) for a in case(6, 3, 5, 2)]
    _, grad_W1, grad_W2 = backend.gradient(*arrays)
    assert grad_W1.dtype == grad_W2.dtype == np.float32
    _, truth_W1, truth_W2 = torch_truth(*[a.astype(np.float64) for a in arrays])
    assert relative_error(grad_W1, truth_W1) < 1e-6
    assert relative_error(grad_W2, truth_W2) < 1e-6
