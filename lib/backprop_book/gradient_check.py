"""Independent truths for derivatives, and how far an answer is from one.

Jacobians are in numerator layout: a row for each output, a column for each input.
Gradients have the shape of the array that they belong to.
"""

import copy
import math
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_book.arguments import (
    check_finite,
    check_kind,
    check_positive,
    expect,
    is_tensor,
    real_array,
)
from backprop_book.modes import own_modes

STEP = 1e-5  # balances truncation, step**2, against rounding, 1e-16 / step
COMPLEX_STEP = 1e-30  # no difference is taken, so nothing is lost to rounding
ROUNDING = 1e-12  # of two values at one point: threads may add in another order
TINY = 1e-11  # relative, between the last digits of float64 and of float32
COARSE = 3e9  # times TINY: bfloat16 has but two digits
# Out of a region where all units are off.
FAR = (0.1, 1.0, 1.0, 30.0, 30.0)


class _Asked:
    """A user's function, asked at one point after another.

    It gets an array of its own each time, and what it returns is copied: it may change
    its argument, and hand out the same buffer again and again. The caller's modes, such
    as autocast, which computes in bfloat16, are left outside.
    """

    def __init__(self, function: Callable[[np.ndarray], Any], x: np.ndarray) -> None:
        check_kind("function", function, Callable, "a function")
        self.function, self.x = function, x
        self.shape: tuple[int, ...] | None = None
        self.at_x = self(x)
        self.check_the_same_again()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with own_modes(defaults=False):
            value = self.function(x.copy())
        value = np.array(real_array("function", value, kinds="fiubc"))
        check_finite("function", value)
        if self.shape is None:
            self.shape = value.shape
        expected = f"values of one shape, {self.shape}"
        expect(value.shape == self.shape, "function", expected, value.shape)
        coarse = value.dtype.name in ("float16", "float32", "complex64")
        _check_digits(not coarse, value.dtype)
        dtype, turned = value.dtype, np.iscomplexobj(x)
        came = f"{dtype}: does it use its argument, and keep the imaginary part?"
        kept = np.iscomplexobj(value) or not turned
        expect(kept, "function", "complex values for complex inputs", came, TypeError)
        real = turned or not np.iscomplexobj(value)
        expect(real, "function", "real values", dtype, TypeError)
        return _wide(value)

    def check_the_same_again(self) -> None:
        """Refuse a function that gives another value at a point where it was asked."""
        same = relative_error(self(self.x), self.at_x) <= ROUNDING
        came = "two: does it draw random numbers, or keep something between calls?"
        expect(same, "function", "one value at one point", came)

    def check_jacobian(self, jacobian: np.ndarray, step: float | None) -> None:
        """Refuse numbers that are not those of the function that was meant."""
        self.check_the_same_again()
        # Float64 shows steps that are too small for float32.
        tiny = TINY * np.maximum(np.abs(self.x), 1)
        change = np.abs(jacobian @ tiny.real.ravel()).reshape(self.shape)
        told = change > 1e3 * np.finfo(float).eps * np.abs(self.at_x)
        same = self(self.x + tiny).real == self(self.x - tiny).real
        came = "the digits of float32, or a kink within the step"
        _check_digits(not (told & same).any(), came)
        flat = np.logical_not(np.any(jacobian, axis=1)).reshape(self.at_x.shape)
        if flat.any():
            self._look_around(flat)
        if step is None:
            self._check_imaginary_part()

    def _look_around(self, flat: np.ndarray) -> None:
        """Refuse what is constant, or seems so because it has few digits."""
        generator, same = np.random.default_rng(0), 0
        in_steps = smooth = np.False_
        for far in FAR:
            x = np.array(generator.normal(self.x.real, far), self.x.dtype)
            way = generator.standard_normal(self.x.shape)
            tiny = TINY * np.maximum(np.abs(x), 1)
            # Whatever it does out there: it looks at its argument.
            with warnings.catch_warnings(action="ignore"), suppress(Exception):
                there = self(x)
                same += np.array_equal(there, self.at_x)
                moved = self(x + COARSE * tiny * way) != there
                level = self(x + tiny) == self(x - tiny)
                in_steps = in_steps | (moved & level)
                smooth = smooth | (moved & ~level)
        # A difference of such values is 0, as that of a constant is.
        came = "the digits of float32 at large numbers, of float16, or of a count"
        _check_digits(not (flat & in_steps & ~smooth).any(), came)
        expected = "a value that depends on its argument"
        came = "the same value at every point: does it use its argument?"
        constant = flat.all() and same == len(FAR)
        expect(not constant, "function", expected, came)

    def _check_imaginary_part(self) -> None:
        """Refuse a function that imaginary steps change in another way than real."""
        generator, errors = np.random.default_rng(0), []
        # The first is off a kink at 0, the second within a domain that ends there.
        for size in 2 * (np.maximum(np.abs(self.x), 1), np.abs(self.x)):
            x = self.x + 1e-3 * size * generator.standard_normal(self.x.shape)
            way = STEP * size * generator.uniform(1, 2, self.x.shape)
            with warnings.catch_warnings(action="ignore"), suppress(Exception):
                slope = (self(x + way) - self(x - way)).real / 2
                turned = self(x + COMPLEX_STEP * 1j * way).imag / COMPLEX_STEP
                if np.any(slope):
                    errors.append(relative_error(turned, slope))
        expected = "an imaginary part that answers as the value does"
        came = "another: np.vdot, np.conj and abs take it away"
        expect(min(errors, default=0) < 1e-3, "function", expected, came)


def _check_digits(enough: object, came: object) -> None:
    came = f"{came}: float32 has too few digits for a difference"
    expected = "float64 values for float64 inputs"
    expect(enough, "function", expected, came, TypeError)


def _wide(array: np.ndarray) -> np.ndarray:
    """Return the numbers in float64, or complex128."""
    with np.errstate(over="ignore"):
        return array.astype(complex if array.dtype.kind == "c" else float)


def _point(name: str, x: object) -> np.ndarray:
    x = real_array(name, x)
    expect(x.dtype.name == "float64", name, "dtype float64", x.dtype, TypeError)
    check_finite(name, x)
    return np.array(x, dtype=np.float64)


def _shifts(x: np.ndarray, step: complex) -> np.ndarray:
    return np.eye(x.size).reshape(x.size, *x.shape) * step


def numerical_jacobian(
    function: Callable[[np.ndarray], Any], x: np.ndarray, *, step: float = STEP
) -> np.ndarray:
    r"""Return the Jacobian by central differences.

    Column j holds ``(f(x + h e_j) - f(x - h e_j)) / 2h`` for every output. The error is
    about ``h**2`` times the third derivative, plus rounding; across a kink, such as
    ReLU's at 0, the answer is wrong.

    Parameters
    ----------
    function : callable
        Takes an array of x's shape, returns an array or a number in float64. It may
        change what it gets.
    x : ndarray of float64, any shape
        Where to differentiate. It is not modified.
    step : float
        The step h, in units of x.

    Returns
    -------
    ndarray, shape (outputs, inputs)
        Both flattened in C order.

    Raises
    ------
    TypeError
        x is not float64, or the function computes in float32: a float32 number has too
        few digits for the difference.
    ValueError
        x is empty or not finite, the step is not a finite number above 0, or no
        derivative can be told from the function's values: one is not finite, two
        differ at one point, or all points give the same.
    """
    x = _point("x", x)
    check_positive("step", step)
    step = float(step)
    expect((x + step != x).all(), "step", "one that changes every entry of x", step)
    ask = _Asked(function, x)
    columns = [
        ((ask(x + shift) - ask(x - shift)) / (2 * step)).ravel()
        for shift in _shifts(x, step)
    ]
    jacobian = np.stack(columns, axis=1)
    ask.check_jacobian(jacobian, step)
    return jacobian


def numerical_gradient(
    function: Callable[[np.ndarray], Any], x: np.ndarray, *, step: float = STEP
) -> np.ndarray:
    """Return the gradient of a scalar function by central differences, of x's shape.

    Parameters and errors are those of `numerical_jacobian`; a function that returns
    more than one number raises ValueError.
    """
    return _only_row(numerical_jacobian(function, x, step=step), np.shape(x))


def complex_step_jacobian(
    function: Callable[[np.ndarray], Any], x: np.ndarray
) -> np.ndarray:
    """Return the Jacobian by the complex step, exact to rounding.

    Column j holds ``imag(f(x + i h e_j)) / h`` with h = 1e-30 (Squire and Trapp, 1998).
    The function must compute with complex numbers as it does with real ones: products,
    sums, ``np.exp``; ReLU as ``z * (z.real > 0)``; no ``abs``, no conjugate.

    Parameters
    ----------
    function : callable
        Takes a complex array of x's shape, returns an array or a number. It may change
        what it gets.
    x : ndarray of float64, any shape
        Where to differentiate. It is not modified.

    Returns
    -------
    ndarray, shape (outputs, inputs)
        Both flattened in C order.

    Raises
    ------
    TypeError
        x is not float64, or the function drops the imaginary part or computes in
        float32.
    ValueError
        x is empty or not finite, or no derivative can be told from the function's
        values: see `numerical_jacobian`; a conjugate takes the imaginary part away.
    """
    x = _point("x", x).astype(complex)
    ask = _Asked(function, x)
    columns = [
        ask(x + shift).imag.ravel() / COMPLEX_STEP
        for shift in _shifts(x, 1j * COMPLEX_STEP)
    ]
    jacobian = np.stack(columns, axis=1)
    ask.check_jacobian(jacobian, None)
    return jacobian


def complex_step_gradient(
    function: Callable[[np.ndarray], Any], x: np.ndarray
) -> np.ndarray:
    """Return the gradient of a scalar function by the complex step, of x's shape.

    Parameters and errors are those of `complex_step_jacobian`; a function that returns
    more than one number raises ValueError.
    """
    return _only_row(complex_step_jacobian(function, x), np.shape(x))


def _only_row(jacobian: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    outputs = jacobian.shape[0]
    expect(outputs == 1, "function", "one number as its value", outputs)
    return jacobian.reshape(shape)


def relative_error(answer: object, truth: object) -> float:
    """Return the norm of the difference over the larger of the two norms.

    One number for the whole array: entry by entry, a truth near 0 makes a right answer
    look wrong.

    Parameters
    ----------
    answer, truth : array-like of one shape
        NumPy arrays, PyTorch tensors, or numbers.

    Returns
    -------
    float
        0 where both are 0 everywhere, infinite where the answer is not finite: unlike
        NaN, that is above every tolerance, and ``max`` keeps it.

    Raises
    ------
    ValueError
        The shapes differ, or the truth is not finite.
    TypeError
        The arguments are no numbers, or an array with a mask.
    """
    # Differences of unsigned integers would wrap round, and float32 has no room for
    # what comes below.
    answer, truth = (
        _wide(real_array(name, A, kinds="fiubc"))
        for name, A in (("answer", answer), ("truth", truth))
    )
    expected = f"shape {truth.shape}, as the truth"
    expect(answer.shape == truth.shape, "answer", expected, answer.shape)
    if not truth.size:
        return 0.0
    check_finite("truth", truth)
    if not np.isfinite(answer).all():
        return math.inf
    # Squares of very small numbers are 0, of very large ones infinite: the entries go
    # near 1 first, by a power of two, so that nothing is rounded.
    largest = max(np.abs(A).max() for A in (answer, truth))
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1)
    answer, truth = answer / unit, truth / unit
    scale = max(np.linalg.norm(answer), np.linalg.norm(truth))
    return float(np.linalg.norm(answer - truth) / scale) if scale else 0.0


@dataclass(frozen=True)
class GradientCheck:
    """What `gradient_check` found for one argument.

    Attributes
    ----------
    name : str
        The argument's name.
    error : float
        `relative_error` of the gradient against central differences.
    tolerance : float
        The largest error that passes.
    worst_index : tuple of int
        Where the two differ most.
    answer, truth : float
        The two values there.
    """

    name: str
    error: float
    tolerance: float
    worst_index: tuple[int, ...]
    answer: float
    truth: float

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        if self.passed:
            return f"{self.name}: right, relative error {self.error:.0e}"
        return (
            f"{self.name}: wrong, relative error {self.error:.0e}; worst at index "
            f"{self.worst_index}: {self.answer:.6g}, "
            f"central difference {self.truth:.6g}"
        )


def gradient_check(
    function: Callable[..., float],
    gradients: Mapping[str, Any],
    arguments: Mapping[str, Any],
    *,
    step: float = STEP,
    tolerance: float = 1e-7,
) -> list[GradientCheck]:
    """Compare gradients with central differences, argument by argument.

    Parameters
    ----------
    function : callable
        Called with copies of ``arguments`` as keywords, returns a number.
    gradients : dict of name to array-like
        The claimed gradients, each of its argument's shape.
    arguments : dict of name to array-like
        All arguments of the function; those with a gradient in float64.
    step : float
        Step of the central difference.
    tolerance : float
        The largest relative error that passes.

    Returns
    -------
    list of GradientCheck
        One for each name in ``gradients``; each prints as a sentence.

    Raises
    ------
    TypeError, ValueError
        There is no gradient, or one is for no argument or not of its argument's shape;
        the step is too coarse to call a gradient wrong; or `numerical_jacobian` refuses
        the function or a number.
    """
    check_positive("tolerance", tolerance)
    check_positive("step", step)
    step = float(step)
    check_kind("function", function, Callable, "a function")
    check_kind("gradients", gradients, Mapping, "gradients by name")
    check_kind("arguments", arguments, Mapping, "arguments by name")
    expect(gradients, "gradients", "at least one", "none")
    checks = []
    for name, claim in gradients.items():
        expected = f"names among {sorted(arguments)}"
        expect(name in arguments, "gradients", expected, repr(name))
        claim = real_array(f"gradients[{name!r}]", claim)
        point = _point(f"arguments[{name!r}]", arguments[name])
        same = claim.shape == point.shape
        expect(same, f"gradients[{name!r}]", f"shape {point.shape}", claim.shape)

        def along(value: np.ndarray, name: str = name) -> float:
            copies = {other: _copy(other, A) for other, A in arguments.items()}
            return function(**{**copies, name: value})

        truth = numerical_gradient(along, point, step=step)
        error = relative_error(claim, truth)
        if tolerance < error < math.inf:
            again = numerical_gradient(along, point, step=step / 10)
            # At the claim's scale: a truth of 0 has none but that of rounding.
            apart = relative_error([again, claim], [truth, claim])
            came = f"{step:g}: a tenth of it moves the gradient by {apart:.0e}"
            expect(error > 10 * apart, "step", "one that can judge the claim", came)
        # Where the claim is not finite the difference is not either: it counts most.
        off = np.nan_to_num(np.abs(claim - truth), nan=np.inf)
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(off), truth.shape))
        checks.append(
            GradientCheck(
                name=name,
                error=error,
                tolerance=tolerance,
                worst_index=worst,
                answer=float(claim[worst]),
                truth=float(truth[worst]),
            )
        )
    return checks


def _copy(name: str, value: Any) -> Any:
    try:
        return value.detach().clone() if is_tensor(value) else copy.deepcopy(value)
    except Exception as error:
        came = f"{type(value).__name__} ({error})"
        expected = "expected something that can be copied"
        raise TypeError(f"arguments[{name!r}]: {expected}, got {came}") from error
