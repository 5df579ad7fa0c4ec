"""What the engine's training functions do beyond the contract that all share."""

import numpy as np
import pytest

import backprop_book as bb
from backends import NUMPY
from backprop_book import Value, draw_weights, load_iris_regression


def arrays(dtype):
    iris = load_iris_regression(seed=0, dtype=dtype)
    return iris.X, iris.Y


def test_gradient_starts_from_nothing_and_stays_in_the_weights():
    X, Y = arrays("float64")
    W1, W2 = (Value(W) for W in draw_weights(2, 6, 2, seed=0, dtype="float64"))
    first = bb.two_layer_regression_engine_gradient(X, Y, W1, W2)
    second = bb.two_layer_regression_engine_gradient(X, Y, W1, W2)
    np.testing.assert_array_equal(first[1], second[1])
    assert second[1] is W1.grad
    assert second[2] is W2.grad


def test_loss_is_a_single_number_that_knows_where_it_came_from():
    X, Y = arrays("float32")
    W1, W2 = draw_weights(2, 6, 2, seed=0, dtype="float32")
    loss = bb.two_layer_regression_engine_loss(X, Y, Value(W1), Value(W2))
    assert loss.data.shape == ()
    assert loss.data.dtype == np.float32
    assert float(loss.data) == pytest.approx(NUMPY.loss(X, Y, W1, W2), rel=1e-6)
