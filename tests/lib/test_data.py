"""The iris regression problem."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from backprop_book import (
    draw_weights,
    load_iris_frame,
    load_iris_regression,
    two_layer_regression_numpy_train,
)


def test_frame_is_scikit_learns_iris():
    frame = load_iris_frame()
    iris = load_iris()
    np.testing.assert_array_equal(frame.iloc[:, :4].to_numpy(), iris.data)
    assert list(frame.columns) == [
        "sepal_length",
        "sepal_width",
        "petal_length",
        "petal_width",
        "species",
    ]
    assert frame["species"].value_counts().to_dict() == {
        "setosa": 50,
        "versicolor": 50,
        "virginica": 50,
    }
    assert frame["species"].iloc[75] == "versicolor"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_dtypes_and_species(dtype):
    iris = load_iris_regression(seed=1, dtype=dtype)
    for array in (iris.X, iris.Y, iris.X_val, iris.Y_val):
        assert array.shape == (50, 2)
        assert array.dtype == np.dtype(dtype)
    for labels in (iris.labels, iris.labels_val):
        assert np.bincount(labels).tolist() == [0, 25, 25]


def test_every_row_lands_once_in_one_half_in_centimetres():
    iris = load_iris_regression(seed=2, dtype="float64")
    inputs = iris.scaler_X.inverse_transform(np.vstack([iris.X, iris.X_val]))
    targets = iris.scaler_Y.inverse_transform(np.vstack([iris.Y, iris.Y_val]))
    labels = np.concatenate([iris.labels, iris.labels_val])
    rebuilt = np.column_stack([inputs, targets, labels]).round(6)
    source = load_iris()
    expected = np.column_stack([source.data[50:], source.target[50:]])
    assert sorted(map(tuple, rebuilt)) == sorted(map(tuple, expected))


def test_scalers_know_the_training_rows_only():
    iris = load_iris_regression(seed=3, dtype="float64")
    for train, validation in ((iris.X, iris.X_val), (iris.Y, iris.Y_val)):
        np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-12)
        assert np.abs(validation.mean(axis=0)).max() > 1e-3


def test_baselines_are_those_of_least_squares():
    iris = load_iris_regression(seed=3, dtype="float64")
    design = np.column_stack([np.ones(50), iris.X])
    weights, *_ = np.linalg.lstsq(design, iris.Y, rcond=None)
    fitted = np.column_stack([np.ones(50), iris.X_val]) @ weights
    losses = iris.baselines()
    assert losses == {
        "mean predictor, validation": pytest.approx(np.sum(iris.Y_val**2)),
        "linear regression, validation": pytest.approx(
            np.sum((fitted - iris.Y_val) ** 2)
        ),
    }


def test_what_is_left_out():
    iris, same = load_iris_regression(), load_iris_regression(seed=0, dtype="float32")
    np.testing.assert_array_equal(iris.X, same.X)
    assert iris.frame.equals(load_iris_frame())


def test_the_largest_seed_is_taken():
    assert load_iris_regression(seed=2**32 - 1).X.shape == (50, 2)


def test_seed():
    a, b, c = (load_iris_regression(seed=s) for s in (4, 4, 5))
    np.testing.assert_array_equal(a.X, b.X)
    assert not np.array_equal(a.X, c.X)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": None}, TypeError, "seed: expected an integer, got None"),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0, got -1"),
        (
            {"seed": 2**32},
            ValueError,
            r"seed: .* of at most 4294967295",
        ),
        ({"dtype": "float16"}, ValueError, "dtype: expected 'float32' or 'float64'"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        load_iris_regression(**arguments)


def test_data_and_weights_go_together_as_they_come():
    iris = load_iris_regression()
    weights = draw_weights(2, 100, 2, seed=0)
    assert {W.dtype for W in weights} == {iris.X.dtype}
    data = (iris.X, iris.Y, iris.X_val, iris.Y_val)
    two_layer_regression_numpy_train(*data, 1e-4, 1, weights=weights, log_every=0)


def test_data_are_told_apart_and_shown_in_one_line():
    iris, other = (load_iris_regression(seed=0) for _ in range(2))
    assert iris == iris != other  # not entry by entry, which is no single answer
    assert repr(iris) == "IrisRegression(50 training rows, 50 validation rows, float32)"
