"""The derivatives that others are compared with, against some known by heart."""

import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
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


def relu_sum(v):
    return np.maximum(v, 0).sum()


def test_the_step_is_the_one_asked_for():
    point = np.array([0.25])
    across_the_kink = (1.25 - 0) / 2
    assert numerical_gradient(relu_sum, point, step=1.0) == across_the_kink
    claim = {"v": [across_the_kink]}
    (check,) = gradient_check(relu_sum, claim, {"v": point}, step=Fraction(1))
    assert check.truth == across_the_kink


@pytest.mark.parametrize(
    ("function", "point", "right"),
    [
        (lambda w: (w**2).sum() + 1e8, x, 2 * x),  # rounding
        (lambda w: (w**2).sum(), 1e8 * x, 2e8 * x),
        (lambda w: ((w - x) ** 3).sum(), x, 0 * x),
        (lambda w: np.log(w**2).sum(), 1e-3 * x, 2e3 / x),  # the third derivative
        (lambda w: np.sin(1e4 * w).sum(), x, 1e4 * np.cos(1e4 * x)),
        (lambda w: np.maximum(w, 0).sum(), 1e-5 * x, x > 0),  # a kink
    ],
)
def test_a_step_that_cannot_tell_calls_no_gradient_wrong(function, point, right):
    message = "step: expected one that can judge the claim, got 1e-05: a tenth of it"
    with pytest.raises(ValueError, match=message):
        gradient_check(function, {"w": right}, {"w": point})


def test_what_is_wrong_by_more_than_the_step_is_called_wrong():
    for function in (
        lambda w: (w**2).sum() + 1e6,
        lambda w: ((w - x) ** 3).sum(),  # 0, and the step's error is all there is
        lambda w: np.exp(9 * w).sum(),
    ):
        (check,) = gradient_check(function, {"w": -x}, {"w": x})
        assert str(check).startswith("w: wrong")


def test_relative_error():
    assert relative_error([3.0, 4.0], [3.0, 4.0]) == 0
    assert relative_error([0.0], [0.0]) == 0
    assert relative_error([], []) == 0
    assert relative_error([6.0, 8.0], [3.0, 4.0]) == 0.5
    assert relative_error([3.0, 4.0], [6.0, 8.0]) == 0.5


NOT_FINITE = [np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("truth", [0.0, 1.0, 1e308])
def test_an_answer_that_is_not_finite_is_above_every_tolerance(bad, truth):
    for answer in ([bad, truth], [truth, bad], [bad, bad]):
        error = relative_error(answer, [truth, truth])
        # Python's max(0.0, nan) is 0.0.
        assert max(0.0, error) == np.inf


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_a_truth_that_is_not_finite_is_refused(bad):
    message = r"^truth: expected finite numbers only, got .* at index \(1,\)$"
    for answer in ([1.0, 1.0], [1.0, bad]):
        with pytest.raises(ValueError, match=message):
            relative_error(answer, [1.0, bad])


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])


def test_arrays_that_would_lose_their_meaning_are_refused():
    for answer, truth, name in (
        (MASKED, [1.0, 2.0], "answer"),
        ([1.0, 2.0], MASKED, "truth"),
    ):
        message = f"^{name}: expected a plain array, got MaskedArray$"
        with pytest.raises(TypeError, match=message):
            relative_error(answer, truth)
    for function in (numerical_jacobian, complex_step_jacobian):
        with pytest.raises(TypeError, match=r"^x: expected a plain array, got MaskedA"):
            function(np.sum, MASKED)
        with pytest.raises(TypeError, match=r"^function: expected a plain array"):
            function(lambda v: np.ma.array(v), x)
    with pytest.raises(TypeError, match=r"^gradients\['a'\]: expected a plain array"):
        gradient_check(lambda a: a.sum(), {"a": MASKED}, {"a": np.ones(2)})


@pytest.mark.parametrize("kind", ["memmap", "pandas", "tensor", "big", "frozen"])
def test_arrays_of_other_origins_are_taken(kind, tmp_path):
    plain = np.array([3.0, 4.0])
    other = {
        "pandas": lambda: pd.Series(plain),
        "tensor": lambda: torch.tensor(plain, requires_grad=True),
        "big": lambda: plain.astype(">f8"),
        "frozen": lambda: np.frombuffer(plain.tobytes()),
    }.get(kind)
    if other is None:
        file = np.memmap(tmp_path / "a", np.float64, "w+", shape=2)
        file[:] = plain
        other = file.copy
    assert relative_error(other(), plain) == 0
    for gradient in (numerical_gradient, complex_step_gradient):

        def function(v):
            assert v.dtype.isnative  # PyTorch takes no other
            return (v**2).sum()

        found = gradient(function, other())
        np.testing.assert_allclose(found, 2 * plain, rtol=1e-9)
    (check,) = gradient_check(
        lambda a: (a**3).sum() / 3, {"a": plain**2}, {"a": other()}
    )
    assert check.passed


BOTH = pytest.mark.parametrize("gradient", [numerical_gradient, complex_step_gradient])
P = np.array([[0.3, -1.2], [2.0, 0.7]])


@BOTH
def test_a_function_that_ignores_its_argument_is_refused(gradient):
    message = "got the same value at every point: does it use its argument"
    if gradient is complex_step_gradient:
        Q = P + 0j
        for constant in (lambda _: (Q**2).sum(), lambda v: 3.0 + 0j):
            with pytest.raises(ValueError, match=message):
                gradient(constant, P)
        with pytest.raises(TypeError, match=r"complex.*does it use its argument"):
            gradient(lambda _: (P**2).sum(), P)
    else:

        def warns_far_away(v):
            if np.abs(v).max() > 5:
                warnings.warn("far away", stacklevel=1)
            return 3.0

        for constant in (lambda _: (P**2).sum(), warns_far_away):
            with pytest.raises(ValueError, match=message):
                gradient(constant, P)
        with pytest.raises(ValueError, match=message):
            gradient_check(lambda W: (P**2).sum(), {"W": 2 * P}, {"W": P})


@BOTH
def test_a_gradient_of_0_may_be_right(gradient):
    def relu(v):
        return (v * (v.real > 0)).sum()

    assert not gradient(relu, -np.ones(3)).any()
    assert not gradient(lambda v: relu(v - 20), np.zeros(3)).any()
    assert not gradient(lambda v: (v**2).sum(), np.zeros(3)).any()
    assert not gradient(lambda v: np.log(v**2 + 1).sum(), np.zeros(2)).any()
    if gradient is complex_step_gradient:
        assert not gradient(relu, np.zeros(3)).any()

    def defined_near_0(v):
        if np.abs(v).max() > 0.5:
            raise ValueError
        return (v**2).sum() if np.abs(v).max() > 1e-3 else 0 * v.sum()

    assert not gradient(defined_near_0, np.zeros(3)).any()


@BOTH
def test_a_function_may_be_defined_at_its_point_only(gradient):
    def function(v):
        if np.abs(v - P).max() > 1e-4:
            raise ArithmeticError
        return (v**2).sum()

    np.testing.assert_allclose(gradient(function, P), 2 * P, rtol=1e-8)


@pytest.mark.parametrize("jacobian", [numerical_jacobian, complex_step_jacobian])
def test_a_jacobian_of_0_is_right_where_the_function_is_saturated_elsewhere(jacobian):
    assert not jacobian(lambda v: np.tanh(v) ** 2, np.zeros(40)).any()


@BOTH
def test_the_same_points_are_asked_each_time(gradient):
    asked = []

    def function(v):
        asked.append(v.copy())
        return (v**2).sum()

    for _ in range(2):
        gradient(function, np.zeros(2))
    first, second = np.split(np.array(asked), 2)
    assert np.array_equal(first, second)


def test_a_conjugate_is_refused_by_the_complex_step():
    def loss(W):
        E = np.ones((3, 2)) @ W - 0.3
        return np.vdot(E, E)

    def warns_beside(W):
        if np.abs(W - P).max() > 1e-6:
            warnings.warn("beside", stacklevel=1)
        return np.vdot(W, W)

    with pytest.raises(ValueError, match=r"imaginary part that answers.*np.vdot"):
        complex_step_gradient(loss, P)
    for part in (
        lambda W: (W * W.conj()).sum(),
        lambda W: np.vdot(W, W) + W.sum(),  # not 0, and wrong
        lambda W: (W**2).sum() + np.abs(W).sum(),
        lambda W: (W**2).sum() + np.abs(W[0, 0] + 3) - np.abs(W[1, 1] + 3),
        warns_beside,
    ):
        with pytest.raises(ValueError, match="imaginary part that answers"):
            complex_step_gradient(part, P)
    found = numerical_gradient(loss, P)  # which takes no step away from real numbers
    expected = np.tile(6 * P.sum(axis=0) - 1.8, (2, 1))
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_the_complex_step_takes_a_logarithm_near_the_end_of_its_domain():
    x = np.full(12, 0.05)
    found = complex_step_gradient(lambda W: np.log(W).sum(), x)
    np.testing.assert_allclose(found, 1 / x, rtol=1e-15)


@BOTH
def test_a_function_that_gives_two_values_at_one_point_is_refused(gradient):
    def refused(function):
        with pytest.raises(ValueError, match="expected one value at one point"):
            gradient(function, P)

    generator, calls, total = np.random.default_rng(0), [], []

    def accumulates(v):
        total.append(v.sum())
        return sum(total)

    def later(v):
        calls.append(v)
        return (v**2).sum() + (len(calls) > 4)

    refused(lambda v: (v**2 * (generator.random(v.shape) < 0.5)).sum())
    refused(accumulates)
    refused(later)


@BOTH
def test_a_function_may_change_its_argument_and_reuse_its_buffer(gradient):
    buffers = {}

    def careless(v):
        out = buffers.setdefault(v.dtype, np.empty((), v.dtype))
        v *= v
        out[...] = v.sum()
        return out

    point = P.copy()
    np.testing.assert_allclose(gradient(careless, point), 2 * P, rtol=1e-8)
    assert np.array_equal(point, P)


@BOTH
def test_a_function_whose_values_change_their_shape_is_refused(gradient):
    calls = []

    def growing(v):
        calls.append(v)
        return v.ravel()[: 2 + (len(calls) > 3)]

    message = r"^function: expected values of one shape, \(2,\), got \(3,\)$"
    with pytest.raises(ValueError, match=message):
        gradient(growing, P)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_function_may_use_autograd_in_every_mode(mode):
    def slope(v):
        (t := torch.tensor(v, requires_grad=True)).pow(3).sum().backward()
        return t.grad

    with mode():
        found = numerical_jacobian(slope, x)
        assert not torch.is_grad_enabled()
    np.testing.assert_allclose(found, np.diag(6 * x), rtol=1e-8)


def test_a_function_keeps_the_callers_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        found = numerical_gradient(lambda v: torch.tensor(v.tolist()).square().sum(), x)
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_allclose(found, 2 * x, rtol=1e-8)


@pytest.mark.parametrize(
    "narrow",
    [
        lambda v: float((v.astype("f4") @ np.ones((2, 1), "f4")).astype(float).sum()),
        lambda v: np.tanh(v.astype(np.float32)).astype(float).sum() + np.pi,
        lambda v: np.float32((v.astype(np.float32) ** 2).sum()),
        lambda v: float((v.astype(np.float32) ** 2).sum()),
        lambda v: torch.tensor(v, dtype=torch.float32).square().sum(),
        lambda v: np.float16((v**2).sum()),
        lambda v: float((v.astype(np.float16) ** 2).sum()),
        lambda v: (torch.tensor(v).bfloat16() ** 2).sum().item(),
        lambda v: torch.tensor(v).to(torch.bfloat16).square().sum(),
    ],
)
def test_a_function_that_computes_in_float32_is_refused(narrow):
    with pytest.raises(TypeError, match=r"float64 values for float64 inputs.*float32"):
        numerical_gradient(narrow, P)
    with pytest.raises(TypeError, match=r"float64 values for float64 inputs.*float32"):
        gradient_check(lambda w: narrow(w), {"w": 2 * P}, {"w": P})


def test_float32_shows_where_numbers_are_larger_too():
    with pytest.raises(TypeError, match=r"got the digits of float32"):
        numerical_gradient(lambda v: float((v.astype("f4") ** 2).sum()), P + 30)


@pytest.mark.parametrize("large", [1e2, 1e4, 1e6])
@pytest.mark.parametrize(
    "narrow",
    [
        lambda v: float(np.float32(v).sum()),
        lambda v: float(np.float32((v**2).sum())),
        lambda v: float(np.maximum(np.float32(v), 0).sum() ** 2),
        lambda v: np.array([v.sum(), float(np.float32(v).sum())]),
        lambda v: np.stack([v, np.float32(v)]),
    ],
    ids=["inside", "at the end", "relu", "one output", "a matrix"],
)
def test_a_step_that_float32_does_not_see_gives_no_gradient_of_0(narrow, large):
    with pytest.raises(TypeError, match=r"got the digits of float32"):
        numerical_jacobian(narrow, large * P)


def test_numbers_that_float32_holds_are_not_taken_for_float32():
    assert numerical_gradient(lambda v: v.sum(), np.zeros(2), step=0.5).sum() == 2
    assert numerical_gradient(lambda v: (v > 0).sum(), np.ones(2)).sum() == 0
    point = np.array([1.0 + 2**-20])
    assert numerical_gradient(lambda v: v.sum(), point, step=2.0**-20) == 1


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_a_function_whose_values_are_not_finite_is_refused(bad):
    message = "^function: expected finite numbers only, got "
    for gradient in (numerical_gradient, complex_step_gradient):
        with pytest.raises(ValueError, match=message):
            gradient(lambda v: np.where(v.real > 1, bad, v).sum(), P)
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        gradient_check(
            lambda w: float(np.log(w).sum()), {"w": -np.ones(2)}, {"w": np.zeros(2)}
        )


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1e-30, 1e30, 1e200, 1e308])
def test_relative_error_is_the_same_at_every_size(size):
    answer, truth = np.array([0.0, -size]), np.array([0.0, size])
    assert relative_error(answer, truth) == 2
    assert relative_error(answer, answer.copy()) == 0
    if 1e-40 < size < 1e38:
        narrow = answer.astype(np.float32), truth.astype(np.float32)
        assert relative_error(*narrow) == 2


def test_relative_error_of_wider_numbers_is_that_of_float64():
    wide = np.longdouble("0.5")
    assert relative_error(wide, 1.0) == 0.5
    if np.finfo(np.longdouble).max > np.finfo(float).max:
        assert relative_error(np.longdouble("1e4000"), 1.0) == np.inf
    found = numerical_gradient(lambda v: v.astype(np.longdouble).sum(), x)
    assert found.dtype == np.float64


def test_relative_error_of_integers_and_booleans():
    assert relative_error(np.uint8([1]), np.uint8([2])) == 0.5
    assert relative_error(True, False) == 1
    assert relative_error([1j], [2j]) == 0.5


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
    for bad in NOT_FINITE:
        wrong = np.full((2, 3), 2.0)
        wrong[1, 1] = bad
        (check,) = gradient_check(product, {"a": wrong}, ARGUMENTS)
        assert not check.passed
        assert check.worst_index == (1, 1)
        assert "a: wrong" in str(check)


def test_gradient_check_hands_out_copies():
    def centred(X, W):
        X -= X.mean(axis=0)
        return (X @ W).sum() + (X**2 @ W).sum()

    X = np.arange(6.0).reshape(3, 2) ** 2
    arguments = {"X": X.copy(), "W": np.ones((2, 1))}
    C = X - X.mean(axis=0)
    claim = (C + C**2).sum(axis=0)[:, None]
    (check,) = gradient_check(centred, {"W": claim}, arguments)
    assert check.passed
    assert np.array_equal(arguments["X"], X)


def test_gradient_check_copies_what_lies_inside_and_tensors_in_a_graph():
    def function(w, rest, scale):
        rest[0] += 1
        scale *= 3
        return float((w * rest[0]).sum() * scale)

    rest, leaf = [np.zeros(2)], torch.ones((), dtype=torch.float64, requires_grad=True)
    for scale in (leaf, 1.0 * leaf):
        arguments = {"w": np.ones(2), "rest": rest, "scale": scale}
        (check,) = gradient_check(function, {"w": [3.0, 3.0]}, arguments)
        assert check.passed
    assert not rest[0].any()
    assert leaf == 1


def test_gradient_check_takes_lists():
    (check,) = gradient_check(
        lambda w: (w**2).sum(), {"w": [2.0, 4.0]}, {"w": [1.0, 2.0]}
    )
    assert check.passed


FEW = "float64 values for float64 inputs, got {}: float32 has too few digits for a "
FEW += "difference"
SAME = "a value that depends on its argument, got the same value at every point: does "
SAME += "it use its argument?"
GENERATOR = np.random.default_rng(0)
REFUSED_FUNCTIONS = [
    (numerical_gradient, None, TypeError, "a function, got NoneType"),
    (complex_step_jacobian, P, TypeError, "a function, got ndarray"),
    (numerical_gradient, curve, ValueError, "one number as its value, got 4"),
    (complex_step_gradient, curve, ValueError, "one number as its value, got 4"),
    (
        numerical_gradient,
        lambda v: np.float32(v.sum()),
        TypeError,
        FEW.format("float32"),
    ),
    (
        numerical_gradient,
        lambda v: np.float16(v.sum()),
        TypeError,
        FEW.format("float16"),
    ),
    (
        complex_step_gradient,
        lambda v: (v.astype("c8") ** 2).sum(),
        TypeError,
        FEW.format("complex64"),
    ),
    (
        complex_step_gradient,
        lambda v: (v.astype("c8") ** 2).sum() + np.complex128(0.1j),
        TypeError,
        FEW.format("the digits of float32, or a kink within the step"),
    ),
    (
        complex_step_gradient,
        lambda v: v.real.sum(),
        TypeError,
        "complex values for complex inputs, got float64: does it use its argument, and "
        "keep the imaginary part?",
    ),
    (
        numerical_gradient,
        lambda v: 1j * v.sum(),
        TypeError,
        "real values, got complex128",
    ),
    (
        numerical_gradient,
        lambda v: v.sum() + GENERATOR.random(),
        ValueError,
        "one value at one point, got two: does it draw random numbers, or keep "
        "something between calls?",
    ),
    (numerical_gradient, lambda _: 3.0, ValueError, SAME),
    (complex_step_gradient, lambda _: 3.0 + 0j, ValueError, SAME),
    (
        complex_step_gradient,
        lambda v: np.vdot(v, v) + v.sum(),
        ValueError,
        "an imaginary part that answers as the value does, got another: np.vdot, "
        "np.conj and abs take it away",
    ),
]
B = np.ones((3, 2))
REFUSED = [
    *(
        (call, {"function": function, "x": x}, error, f"function: expected {message}")
        for call, function, error, message in REFUSED_FUNCTIONS
    ),
    *(
        (call, {"function": np.sum, "x": point}, error, f"x: expected {message}")
        for call in (numerical_jacobian, complex_step_jacobian)
        for point, error, message in (
            (np.ones(2, "f4"), TypeError, "dtype float64, got float32"),
            (
                np.array([np.nan]),
                ValueError,
                "finite numbers only, got nan at index (0,)",
            ),
            (np.empty((0, 2)), ValueError, "at least one number, got shape (0, 2)"),
        )
    ),
    *(
        (
            numerical_gradient,
            {"function": np.sum, "x": np.ones(2), "step": step},
            ValueError,
            f"step: expected {expected}, got {step}",
        )
        for step, expected in (
            *((bad, "a finite number above 0") for bad in (0.0, -1e-5, np.inf, np.nan)),
            # 1 - 1e-16 is another number than 1.
            (1e-16, "one that changes every entry of x"),
        )
    ),
    (
        relative_error,
        {"answer": [[1.0, 2.0]], "truth": [1.0, 2.0]},
        ValueError,
        "answer: expected shape (2,), as the truth, got (1, 2)",
    ),
    *(
        (
            gradient_check,
            {
                "function": product,
                "gradients": {"a": np.full((2, 3), 2.0)},
                "arguments": ARGUMENTS,
                **wrong,
            },
            error,
            message,
        )
        for wrong, error, message in (
            ({"function": 3.0}, TypeError, "function: expected a function, got float"),
            (
                {"gradients": {}},
                ValueError,
                "gradients: expected at least one, got none",
            ),
            (
                {"gradients": [B]},
                TypeError,
                "gradients: expected gradients by name, got list",
            ),
            (
                {"gradients": {"c": B}},
                ValueError,
                "gradients: expected names among ['a', 'b'], got 'c'",
            ),
            (
                {"gradients": {"a": B}},
                ValueError,
                "gradients['a']: expected shape (2, 3), got (3, 2)",
            ),
            (
                {"gradients": {"a": "left"}},
                TypeError,
                "gradients['a']: expected real numbers, got str",
            ),
            (
                {"arguments": [1]},
                TypeError,
                "arguments: expected arguments by name, got list",
            ),
            (
                {"arguments": {**ARGUMENTS, "a": [[1, 2, 3]]}},
                TypeError,
                "arguments['a']: expected dtype float64, got int64",
            ),
            (
                {"arguments": {**ARGUMENTS, "c": (c for c in "a")}},
                TypeError,
                "arguments['c']: expected something that can be copied, got generator "
                "(cannot pickle 'generator' object)",
            ),
            *(
                (
                    {name: bad},
                    ValueError,
                    f"{name}: expected a finite number above 0, got {bad}",
                )
                for name in ("tolerance", "step")
                for bad in (0, -1.0, np.nan, np.inf)
            ),
        )
    ),
]


@pytest.mark.parametrize(("call", "arguments", "error", "message"), REFUSED)
def test_refused_with_the_argument_what_was_expected_and_what_came(
    call, arguments, error, message
):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(**arguments)


@pytest.mark.parametrize(
    "function",
    [
        lambda z: np.where(z.real > 0, z, -0.1 * np.abs(z)).sum(),
        lambda z: np.where(abs(z.real) < 1, z**2, np.sqrt((z * z.conj()).real)).sum(),
        lambda z: np.abs(z).max() + z.sum(),
    ],
)
def test_a_conjugate_that_takes_a_part_away_is_refused(function):
    for point in ([1.0, 2.0, -0.3], [0.3, -1.4], [-3.0, 0.01]):
        with pytest.raises(ValueError, match="imaginary part that answers"):
            complex_step_gradient(function, np.array(point))


@pytest.mark.parametrize(
    ("function", "point", "right"),
    [
        (lambda z: (z * (z.real > 0)).sum(), [0.0, 1.0], [0, 1]),
        (lambda z: (z * (z.real > 0)).sum(), [1e-6, -1e-6], [1, 0]),
        (lambda z: np.log(z).sum(), [1e-3, 1e-6], [1e3, 1e6]),
        (lambda z: np.sqrt(1 - z**2).sum(), [0.5, 0.9], [-(3**-0.5), -0.9 / 0.19**0.5]),
        (lambda z: (1 / z).sum(), [1e-4], [-1e8]),
        (lambda z: np.sin(1e4 * z).sum(), [0.3], [1e4 * np.cos(3e3)]),
        (lambda z: (z**2).sum(), [1e12, 1.0], [2e12, 2]),
    ],
)
def test_the_complex_step_is_taken_where_a_real_one_is_hard(function, point, right):
    found = complex_step_gradient(function, np.array(point))
    assert relative_error(found, right) <= 1e-12
