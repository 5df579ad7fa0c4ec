"""Training with the book's own autograd: the contract, and NumPy's curve again."""

import numpy as np
import pytest

import backprop_book as bb
from backends import NUMPY
from backprop_book import (
    DivergenceError,
    Value,
    complex_step_gradient,
    draw_weights,
    load_iris_regression,
    relative_error,
)


def arrays(dtype):
    iris = load_iris_regression(seed=0, dtype=dtype)
    return iris.X, iris.Y, iris.X_val, iris.Y_val


def train(*args, **kwargs):
    return bb.two_layer_regression_engine_train(*args, **{"log_every": 0, **kwargs})


def difference(result, reference):
    """Return the largest relative difference over both curves."""
    return max(
        np.max(np.abs(np.subtract(a, b)) / np.abs(b))
        for a, b in zip(result[2:], reference[2:], strict=True)
    )


@pytest.mark.parametrize(
    ("dtype", "nite", "tolerance"), [("float64", 5000, 1e-12), ("float32", 50, 1e-5)]
)
def test_curves_agree_with_numpy(dtype, nite, tolerance):
    weights = draw_weights(2, 100, 2, seed=0, dtype=dtype)
    result = train(*arrays(dtype), 1e-4, nite, weights=weights)
    reference = NUMPY.run(*arrays(dtype), 1e-4, nite, weights=weights)
    assert difference(result, reference) <= tolerance
    for W, truth in zip(result[:2], reference[:2], strict=True):
        assert relative_error(W, truth) <= tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_returns(dtype):
    W1, W2, losses_tr, losses_val = train(*arrays(dtype), 1e-4, 7, hidden=5)
    assert (W1.shape, W2.shape) == ((2, 5), (5, 2))
    assert type(W1) is type(W2) is np.ndarray
    assert W1.dtype == W2.dtype == np.dtype(dtype)
    assert len(losses_tr) == len(losses_val) == 7
    assert all(type(loss) is float for loss in losses_tr + losses_val)


def test_a_float64_learning_rate_computes_in_float32():
    plain, numpys = (
        train(*arrays("float32"), lr, 20, seed=0) for lr in (1e-4, np.float64(1e-4))
    )
    np.testing.assert_array_equal(numpys[0], plain[0])
    np.testing.assert_array_equal(numpys[1], plain[1])
    assert numpys[0].dtype == np.float32


def test_a_seed_gives_the_weights_of_the_numpy_function():
    result, reference = (
        f(*arrays("float64"), 1e-4, 5, seed=3) for f in (train, NUMPY.run)
    )
    assert difference(result, reference) <= 1e-13


def test_no_iteration_returns_copies_of_the_initial_weights():
    weights = draw_weights(2, 6, 2, seed=0)
    W1, W2, losses_tr, losses_val = train(*arrays("float64"), 1e-4, 0, weights=weights)
    np.testing.assert_array_equal(W1, weights[0])
    np.testing.assert_array_equal(W2, weights[1])
    assert not np.shares_memory(W1, weights[0])
    assert losses_tr == losses_val == []


def test_nothing_that_came_in_is_changed():
    inputs = arrays("float64")
    weights = draw_weights(2, 6, 2, seed=0)
    before = [a.copy() for a in (*inputs, *weights)]
    train(*inputs, 1e-4, 5, weights=weights)
    for array, copy in zip((*inputs, *weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_reports_every_so_many_iterations(capsys):
    train(*arrays("float64"), 1e-4, 25, log_every=10)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == ["0", "10", "20"]


def test_divergence_is_reported_with_the_losses_so_far():
    with pytest.raises(DivergenceError, match="iteration") as caught:
        train(*arrays("float64"), 1e-2, 100, seed=0)
    assert np.isfinite(caught.value.losses_tr).all()
    assert caught.value.iteration == len(caught.value.losses_tr) > 0


def test_weights_that_overflow_in_the_last_update_are_reported():
    with pytest.raises(DivergenceError, match="weight") as caught:
        train(*arrays("float64"), 1e308, 1, seed=0)
    assert len(caught.value.losses_tr) == 1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"X": np.ones((50, 2), int)}, "X"),
        ({"Y": np.ones((49, 2))}, "Y"),
        ({"X_val": np.full((50, 2), np.nan)}, "X_val"),
        ({"Y_val": np.ones((50, 2), np.float32)}, "Y_val"),
        ({"lr": 0.0}, "lr"),
        ({"nite": 1.0}, "nite"),
        ({"hidden": 0}, "hidden"),
        ({"seed": -1}, "seed"),
        ({"log_every": -1}, "log_every"),
        ({"weights": (np.ones((3, 4)), np.ones((4, 2)))}, r"weights\[0\]"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_bad_arguments_are_refused_by_name(change, name):
    good = dict(zip(("X", "Y", "X_val", "Y_val"), arrays("float64"), strict=True))
    with pytest.raises((TypeError, ValueError), match=rf"^{name}.*: expected"):
        train(**{**good, "lr": 1e-4, "nite": 3, **change})


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (5, 3, 4, 2), (4, 4, 4, 4)], ids=str)
def test_gradient_equals_the_complex_step(shape):
    N, D_in, H, D_out = shape
    generator = np.random.default_rng(0)
    X, Y = generator.standard_normal((N, D_in)), generator.standard_normal((N, D_out))
    W1, W2 = draw_weights(D_in, H, D_out, seed=1)

    def loss_of(W1, W2):
        Z1 = X @ W1
        return np.sum((Z1 * (Z1.real > 0) @ W2 - Y) ** 2)

    loss, grad_W1, grad_W2 = bb.two_layer_regression_engine_gradient(
        X, Y, Value(W1), Value(W2)
    )
    assert type(loss) is float
    assert loss == pytest.approx(loss_of(W1, W2), rel=1e-13)
    truth_W1 = complex_step_gradient(lambda W: loss_of(W, W2), W1)
    truth_W2 = complex_step_gradient(lambda W: loss_of(W1, W), W2)
    assert relative_error(grad_W1, truth_W1) <= 1e-13
    assert relative_error(grad_W2, truth_W2) <= 1e-13


def test_gradient_starts_from_nothing_and_stays_in_the_weights():
    X, Y, _, _ = arrays("float64")
    W1, W2 = (Value(W) for W in draw_weights(2, 6, 2, seed=0))
    first = bb.two_layer_regression_engine_gradient(X, Y, W1, W2)
    second = bb.two_layer_regression_engine_gradient(X, Y, W1, W2)
    np.testing.assert_array_equal(first[1], second[1])
    assert second[1] is W1.grad
    assert second[2] is W2.grad


def test_derivative_of_relu_at_0_is_0():
    X, Y = np.array([[1.0, 1.0]]), np.array([[1.0]])
    W1, W2 = Value([[1.0], [-1.0]]), Value([[2.0]])
    _, grad_W1, _ = bb.two_layer_regression_engine_gradient(X, Y, W1, W2)
    np.testing.assert_array_equal(grad_W1, np.zeros((2, 1)))


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_weights_without_a_memory_are_refused(name):
    X, Y, _, _ = arrays("float64")
    weights = {"W1": Value(np.ones((2, 3))), "W2": Value(np.ones((3, 2)))}
    weights[name] = weights[name].data
    with pytest.raises(TypeError, match=f"{name}: expected a Value, got ndarray"):
        bb.two_layer_regression_engine_gradient(X, Y, **weights)


def test_loss_is_a_single_number_that_knows_where_it_came_from():
    X, Y, _, _ = arrays("float32")
    W1, W2 = draw_weights(2, 6, 2, seed=0, dtype="float32")
    loss = bb.two_layer_regression_engine_loss(X, Y, Value(W1), Value(W2))
    assert loss.data.shape == ()
    assert loss.data.dtype == np.float32
    assert float(loss.data) == pytest.approx(NUMPY.loss(X, Y, W1, W2), rel=1e-6)
