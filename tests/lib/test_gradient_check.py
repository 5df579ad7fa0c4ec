"""The truths that the book's proofs lean on, against derivatives known by heart."""

import numpy as np
import pytest
import torch

from backprop_book import (
    complex_step_gradient,
    complex_step_jacobian,
    gradient_check,
    numerical_gradient,
    numerical_jacobian,
    relative_error,
)

x = np.array([0.3, -1.2, 2.0])


def curve(v):
    return np.stack([v[0] * v[1], np.exp(v[2]), v[0] ** 3, v.sum()])


CURVE_JACOBIAN = np.array(
    [[-1.2, 0.3, 0], [0, 0, np.exp(2.0)], [3 * 0.09, 0, 0], [1, 1, 1]]
)


@pytest.mark.parametrize(
    ("jacobian", "tolerance"),
    [(numerical_jacobian, 1e-9), (complex_step_jacobian, 1e-15)],
)
def test_jacobian_has_a_row_per_output_and_a_column_per_input(jacobian, tolerance):
    result = jacobian(curve, x)
    assert result.shape == (4, 3)
    assert relative_error(result, CURVE_JACOBIAN) <= tolerance


@pytest.mark.parametrize("jacobian", [numerical_jacobian, complex_step_jacobian])
def test_jacobian_of_matrices_is_flattened_in_c_order(jacobian):
    A = np.arange(6.0).reshape(2, 3)
    B = np.arange(12.0).reshape(3, 4)
    expected = torch.autograd.functional.jacobian(
        lambda M: M @ torch.tensor(B), torch.tensor(A)
    ).reshape(8, 6)
    np.testing.assert_allclose(jacobian(lambda M: M @ B, A), expected, atol=1e-8)


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
def test_gradient_has_the_shape_of_its_array(gradient, shape):
    point = np.linspace(0.5, 1.5, int(np.prod(shape))).reshape(shape)
    result = gradient(lambda v: (v**3).sum(), point)
    assert result.shape == shape
    np.testing.assert_allclose(result, 3 * point**2, rtol=1e-8)


def test_central_difference_is_wrong_across_a_kink():
    assert numerical_gradient(lambda v: np.maximum(v, 0).sum(), np.zeros(1))[0] == 0.5


def test_point_is_not_modified():
    point = x.copy()
    numerical_jacobian(curve, point)
    complex_step_jacobian(curve, point)
    np.testing.assert_array_equal(point, x)


@pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
def test_refusals(gradient):
    with pytest.raises(TypeError, match="x: expected dtype float64, got float32"):
        gradient(np.sum, x.astype(np.float32))
    with pytest.raises(ValueError, match="x: expected finite numbers only"):
        gradient(np.sum, np.array([np.nan]))
    with pytest.raises(ValueError, match=r"function: expected one number.*got 4"):
        gradient(curve, x)


@pytest.mark.parametrize("step", [0.0, -1e-5, np.inf, np.nan])
def test_step_is_refused(step):
    with pytest.raises(ValueError, match="step: expected a finite number above 0"):
        numerical_gradient(np.sum, x, step=step)


def relu_sum(v):
    return np.maximum(v, 0).sum()


def test_the_step_is_the_one_asked_for():
    point = np.array([0.25])
    across_the_kink = (1.25 - 0) / 2
    assert numerical_gradient(relu_sum, point, step=1.0) == across_the_kink
    (check,) = gradient_check(relu_sum, {"v": point}, {"v": point}, step=1.0)
    assert check.truth == across_the_kink


def test_complex_step_refuses_a_function_that_drops_the_imaginary_part():
    message = r"^function: expected complex values for complex inputs, got float64$"
    with pytest.raises(TypeError, match=message):
        complex_step_gradient(lambda v: np.sum(v.real), x)


def test_relative_error():
    assert relative_error([3.0, 4.0], [3.0, 4.0]) == 0
    assert relative_error([0.0], [0.0]) == 0
    assert relative_error([], []) == 0
    assert relative_error([6.0, 8.0], [3.0, 4.0]) == 0.5
    assert relative_error([3.0, 4.0], [6.0, 8.0]) == 0.5
    assert np.isnan(relative_error([np.nan], [1.0]))
    with pytest.raises(ValueError, match=r"expected shape \(2,\).*got \(1, 2\)"):
        relative_error([[1.0, 2.0]], [1.0, 2.0])


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-30, 1e30, 1e200, 1e308])
def test_relative_error_is_the_same_at_every_size(size):
    answer, truth = np.array([0.0, -size]), np.array([0.0, size])
    assert relative_error(answer, truth) == 2
    assert relative_error(answer, answer.copy()) == 0
    if 1e-40 < size < 1e38:
        narrow = answer.astype(np.float32), truth.astype(np.float32)
        assert relative_error(*narrow) == 2


def test_relative_error_of_integers_and_booleans():
    assert relative_error(np.uint8([1]), np.uint8([2])) == 0.5
    assert relative_error(True, False) == 1
    assert relative_error([1j], [2j]) == 0.5


@pytest.mark.parametrize("jacobian", [numerical_jacobian, complex_step_jacobian])
def test_a_point_without_numbers_is_refused(jacobian):
    with pytest.raises(ValueError, match=r"x: expected at least one number.*\(0, 2\)"):
        jacobian(np.sum, np.empty((0, 2)))


def product(a, b):
    return (a @ b).sum()


ARGUMENTS = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones((3, 2))}


def test_gradient_check_passes_what_is_right():
    gradients = {
        "b": np.tile(ARGUMENTS["a"].sum(axis=0)[:, None], 2),
        "a": np.full((2, 3), 2.0),
    }
    checks = gradient_check(product, gradients, ARGUMENTS)
    assert [check.name for check in checks] == ["b", "a"]
    assert all(check.passed for check in checks)
    assert str(checks[1]).startswith("a: right, relative error ")


def test_gradient_check_names_the_argument_and_the_index():
    wrong = np.full((2, 3), 2.0)
    wrong[1, 2] = -2.0
    (check,) = gradient_check(product, {"a": wrong}, ARGUMENTS)
    assert not check.passed
    assert check.worst_index == (1, 2)
    assert "a: wrong" in str(check)
    assert "index (1, 2): -2, central difference 2" in str(check)


def test_an_error_as_large_as_the_tolerance_passes():
    wrong = np.full((2, 3), 2.0 + 1e-3)
    (check,) = gradient_check(product, {"a": wrong}, ARGUMENTS)
    assert not check.passed
    (check,) = gradient_check(product, {"a": wrong}, ARGUMENTS, tolerance=check.error)
    assert check.passed


def test_gradient_check_takes_no_nan_for_right():
    wrong = np.full((2, 3), np.nan)
    (check,) = gradient_check(product, {"a": wrong}, ARGUMENTS)
    assert not check.passed


def test_gradient_check_refusals():
    message = r"^gradients: expected at least one, got none$"
    with pytest.raises(ValueError, match=message):
        gradient_check(product, {}, ARGUMENTS)
    with pytest.raises(ValueError, match=r"gradients: expected names among.*got 'c'"):
        gradient_check(product, {"c": np.ones(1)}, ARGUMENTS)
    with pytest.raises(ValueError, match=r"gradients\['a'\]: expected shape \(2, 3\)"):
        gradient_check(product, {"a": np.ones((3, 2))}, ARGUMENTS)
