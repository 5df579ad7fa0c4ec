"""Independent truths for derivatives, and how far an answer is from one.

Jacobians are in numerator layout: a row for each output, a column for each input.
Gradients have the shape of the array that they belong to.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

STEP = 1e-5  # balances truncation, step**2, against rounding, 1e-16 / step
COMPLEX_STEP = 1e-30  # no difference is taken, so nothing is lost to rounding


def _float64(name: str, x: object) -> np.ndarray:
    x = np.asarray(x)
    if x.dtype != np.float64:
        raise TypeError(f"{name}: expected dtype float64, got {x.dtype}")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}: expected finite numbers only, got {x}")
    if not x.size:
        raise ValueError(f"{name}: expected at least one number, got shape {x.shape}")
    return x


def numerical_jacobian(
    function: Callable[[np.ndarray], np.ndarray],
    x: Float[np.ndarray, "*shape"],
    *,
    step: float = STEP,
) -> Float[np.ndarray, "M D"]:
    r"""Return the Jacobian by central differences.

    Column j holds ``(f(x + h e_j) - f(x - h e_j)) / 2h`` for every output. The error is
    about ``h**2`` times the third derivative, plus rounding; across a kink, as ReLU's
    at 0, the answer is wrong.

    Parameters
    ----------
    function : callable
        Takes an array of x's shape, returns an array or a number.
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
        x is not float64: a float32 number has too few digits for the difference.
    ValueError
        x is empty or not finite, or the step is not a finite number above 0.
    """
    x = _float64("x", x)
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step: expected a finite number above 0, got {step}")
    columns = []
    for j in range(x.size):
        shift = np.zeros(x.size)
        shift[j] = step
        shift = shift.reshape(x.shape)
        difference = np.asarray(function(x + shift)) - np.asarray(function(x - shift))
        columns.append(difference.ravel() / (2 * step))
    return np.stack(columns, axis=1)


def numerical_gradient(
    function: Callable[[np.ndarray], float],
    x: Float[np.ndarray, "*shape"],
    *,
    step: float = STEP,
) -> Float[np.ndarray, "*shape"]:
    """Return the gradient of a scalar function by central differences, of x's shape.

    Parameters and errors are those of `numerical_jacobian`; a function that returns
    more than one number raises ValueError.
    """
    jacobian = numerical_jacobian(function, x, step=step)
    return _only_row(jacobian, np.shape(x))


def complex_step_jacobian(
    function: Callable[[Complex[np.ndarray, "*shape"]], np.ndarray],
    x: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "M D"]:
    """Return the Jacobian by the complex step, exact to rounding.

    Column j holds ``imag(f(x + i h e_j)) / h`` with h = 1e-30 (Squire and Trapp, 1998).
    The function must compute with complex numbers as it does with real ones: products,
    sums, ``np.exp``; ReLU as ``z * (z.real > 0)``; no ``abs``, no conjugate.

    Parameters
    ----------
    function : callable
        Takes a complex array of x's shape, returns an array or a number.
    x : ndarray of float64, any shape
        Where to differentiate. It is not modified.

    Returns
    -------
    ndarray, shape (outputs, inputs)
        Both flattened in C order.

    Raises
    ------
    TypeError
        x is not float64, or the function drops the imaginary part.
    ValueError
        x is empty or not finite.
    """
    x = _float64("x", x)
    columns = []
    for j in range(x.size):
        shift = np.zeros(x.size, dtype=complex)
        shift[j] = 1j * COMPLEX_STEP
        value = np.asarray(function(x + shift.reshape(x.shape)))
        if not np.iscomplexobj(value):
            raise TypeError(
                "function: expected complex values for complex inputs, "
                f"got {value.dtype}"
            )
        columns.append(value.imag.ravel() / COMPLEX_STEP)
    return np.stack(columns, axis=1)


def complex_step_gradient(
    function: Callable[[Complex[np.ndarray, "*shape"]], complex],
    x: Float[np.ndarray, "*shape"],
) -> Float[np.ndarray, "*shape"]:
    """Return the gradient of a scalar function by the complex step, of x's shape.

    Parameters and errors are those of `complex_step_jacobian`; a function that returns
    more than one number raises ValueError.
    """
    return _only_row(complex_step_jacobian(function, x), np.shape(x))


def _only_row(jacobian: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if jacobian.shape[0] != 1:
        raise ValueError(
            f"function: expected one number as its value, got {jacobian.shape[0]}"
        )
    return jacobian.reshape(shape)


def relative_error(answer: object, truth: object) -> float:
    """Return the norm of the difference over the larger of the two norms.

    One number for the whole array: entry by entry, a truth near 0 makes a right answer
    look wrong.

    Parameters
    ----------
    answer, truth : array-like of one shape
        NumPy arrays, PyTorch tensors on the CPU, or numbers.

    Returns
    -------
    float
        0 where both are 0 everywhere.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    # Adding makes float64 of all but complex numbers: differences of unsigned integers
    # would wrap round, and float32 has no room for what comes below.
    answer, truth = (np.asarray(A) + np.float64(0) for A in (answer, truth))
    if answer.shape != truth.shape:
        raise ValueError(
            f"answer: expected shape {truth.shape}, as the truth, got {answer.shape}"
        )
    # Squares of very small numbers are 0, of very large ones infinite: the entries go
    # near 1 first, by a power of two, so that nothing is rounded.
    largest = max(np.abs(A).max(initial=0) for A in (answer, truth))
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
    gradients: dict[str, np.ndarray],
    arguments: dict[str, np.ndarray],
    *,
    step: float = STEP,
    tolerance: float = 1e-7,
) -> list[GradientCheck]:
    """Compare gradients with central differences, argument by argument.

    Parameters
    ----------
    function : callable
        Called with ``arguments`` as keywords, returns a number.
    gradients : dict of name to ndarray
        The claimed gradients, each of its argument's shape.
    arguments : dict of name to ndarray of float64
        All arguments of the function.
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
    ValueError
        There is no gradient, or one is for no argument or not of its argument's shape.
    """
    if not gradients:
        raise ValueError("gradients: expected at least one, got none")
    checks = []
    for name, gradient in gradients.items():
        if name not in arguments:
            raise ValueError(
                f"gradients: expected names among {sorted(arguments)}, got {name!r}"
            )
        gradient = np.asarray(gradient)
        if gradient.shape != arguments[name].shape:
            raise ValueError(
                f"gradients[{name!r}]: expected shape {arguments[name].shape}, "
                f"got {gradient.shape}"
            )

        def along(value: np.ndarray, name: str = name) -> float:
            return function(**{**arguments, name: value})

        truth = numerical_gradient(along, arguments[name], step=step)
        worst = np.unravel_index(np.argmax(np.abs(gradient - truth)), truth.shape)
        worst_index = tuple(int(i) for i in worst)
        checks.append(
            GradientCheck(
                name=name,
                error=relative_error(gradient, truth),
                tolerance=tolerance,
                worst_index=worst_index,
                answer=float(gradient[worst_index]),
                truth=float(truth[worst_index]),
            )
        )
    return checks
