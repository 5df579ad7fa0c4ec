"""Each backend's gradient against truths that know nothing of its formulas."""

import numpy as np
import pytest
import torch

from backends import BACKENDS
from backprop_book import (
    complex_step_gradient,
    gradient_check,
    relative_error,
    two_layer_regression_numpy_loss,
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


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_gradient_equals_central_difference_away_from_kinks(backend, seed):
    X, Y, W1, W2 = case(6, 3, 5, 2, seed)
    step = 1e-5
    assert np.abs(X @ W1).min() > 2 * step * np.abs(X).max()
    _, grad_W1, grad_W2 = backend.gradient(X, Y, W1, W2)

    def loss(W1, W2):
        return two_layer_regression_numpy_loss(X, Y, W1, W2)

    checks = gradient_check(
        loss,
        {"W1": grad_W1, "W2": grad_W2},
        {"W1": W1, "W2": W2},
        step=step,
        tolerance=1e-9,
    )
    for check in checks:
        assert check.passed, f"{backend}: {check}"


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


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_autograd_gradient_refuses_what_is_no_leaf(name):
    from backprop_book import two_layer_regression_autograd_gradient

    X, Y, W1, W2 = map(torch.tensor, case(3, 2, 2, 1))
    weights = {"W1": W1.requires_grad_(), "W2": W2.requires_grad_()}
    weights[name] = weights[name] * 1
    with pytest.raises(ValueError, match=f"{name}: expected a leaf tensor"):
        two_layer_regression_autograd_gradient(X, Y, **weights)


@pytest.mark.parametrize(
    "backend",
    [b for b in BACKENDS if b.name in ("autograd", "nn", "nn_optim")],
    ids=str,
)
def test_gradients_do_not_accumulate(backend):
    """Called twice, the second gradient must not hold the first one too."""
    X, Y, W1, W2 = case(4, 3, 5, 2)
    first = backend.gradient(X, Y, W1, W2)
    lr = 1e-3
    expected = W1 - lr * first[1]
    expected_2 = W2 - lr * first[2]
    second = backend.gradient(X, Y, expected, expected_2)
    stepped = backend.run(X, Y, X, Y, lr, 2, weights=(W1, W2))
    assert relative_error(stepped[0], expected - lr * second[1]) < 1e-14
    assert relative_error(stepped[1], expected_2 - lr * second[2]) < 1e-14
