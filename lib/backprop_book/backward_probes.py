"""Probes for a backward pass: inputs whose gradients are known, and the asking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
import torch

from backprop_book.gradient_check import complex_step_gradient, relative_error
from backprop_book.train_numpy import two_layer_regression_numpy_gradient

GRADIENTS = ("grad_W1", "grad_W2")
ARGUMENTS = ("X", "Y", "W1", "W2")
SIZES = ("N", "D_in", "H", "D_out")
Shape = tuple[int, int, int, int]  # N, D_in, H, D_out

ALL_DIFFERENT = (5, 3, 4, 2)
ALL_EQUAL = (4, 4, 4, 4)
TRUTHS_AGREE = 1e-12  # two float64 routes to one gradient, rounding apart
ATTEMPTS = 1000
# The largest relative error of a right answer. Two float64 routes differ by 1e-15, but
# a careful central difference is right as well; float32 carries seven digits.
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-9}


@dataclass(frozen=True)
class Probe:
    """One set of inputs, and the gradients there in float64.

    Attributes
    ----------
    name : str
        What is special about it.
    inputs : dict of name to ndarray
        X, Y, W1, W2, read-only, of the probe's dtype.
    truth : dict of name to ndarray of float64
        grad_W1 and grad_W2, read-only.
    """

    name: str
    inputs: dict[str, np.ndarray] = field(repr=False)
    truth: dict[str, np.ndarray] = field(repr=False)

    @property
    def dtype(self) -> np.dtype:
        """The inputs' dtype, float32 or float64."""
        return self.inputs["X"].dtype

    @cached_property
    def exact_inputs(self) -> dict[str, np.ndarray]:
        """The inputs in float64, the same numbers."""
        return {name: A.astype(np.float64) for name, A in self.inputs.items()}

    def __str__(self) -> str:
        (N, D_in), (H, D_out) = self.inputs["X"].shape, self.inputs["W2"].shape
        sizes = f"N {N}, D_in {D_in}, H {H}, D_out {D_out}"
        return f"{self.name} ({sizes}, {self.dtype})"


@dataclass(frozen=True)
class Reply:
    """What a student's function did at one probe.

    Attributes
    ----------
    probe : Probe
        Where it was asked.
    gradients : dict of name to ndarray
        Copies, in the dtype that came; empty where there is no usable pair.
    fault : tuple of str, optional
        Key and text of what ended this probe: an exception, or no pair of arrays.
    modified : tuple of str
        Names of the arguments that the function changed.
    """

    probe: Probe
    gradients: dict[str, np.ndarray]
    fault: tuple[str, str] | None
    modified: tuple[str, ...]


def make_probes(
    shapes: Sequence[Shape] | None = None, seed: int = 0
) -> tuple[Probe, ...]:
    """Return the probes: the same ones for the same arguments.

    Parameters
    ----------
    shapes : sequence of (N, D_in, H, D_out), optional
        General shapes to probe. One with all sizes different and one with all sizes
        equal, 3 or more, are added where missing; one sample, one hidden unit, exact
        zeros and float32 are derived from these two.
    seed : int
        Of the random numbers.

    Returns
    -------
    tuple of Probe
        All sizes equal first: every wrong product fits there.

    Raises
    ------
    RuntimeError
        The two truths disagree: the checker, not the student, is wrong.
    """
    return _make_probes(tuple(tuple(map(int, s)) for s in shapes or ()), int(seed))


@lru_cache(maxsize=64)
def _make_probes(shapes: tuple[Shape, ...], seed: int) -> tuple[Probe, ...]:
    def first(condition: Callable[[Shape], bool], otherwise: Shape) -> Shape:
        return next((shape for shape in shapes if condition(shape)), otherwise)

    different = first(
        lambda s: len(set(s)) == 4 and min(s) > 1 and s[0] > 2, ALL_DIFFERENT
    )
    equal = first(lambda s: len(set(s)) == 1 and s[0] > 2, ALL_EQUAL)
    N, D_in, H, D_out = different
    wanted = [
        ("all sizes equal", equal, np.float64, False),
        ("all sizes different", different, np.float64, False),
        ("one sample", (1, D_in, H, D_out), np.float64, False),
        ("one hidden unit", (N, D_in, 1, D_out), np.float64, False),
        ("Z1 exactly 0 in places", different, np.float64, True),
        ("float32, all sizes different", different, np.float32, False),
        ("float32, all sizes equal", equal, np.float32, False),
    ]
    more = [shape for shape in dict.fromkeys(shapes) if shape not in (different, equal)]
    wanted += [(f"shape {shape}", shape, np.float64, False) for shape in more]
    return tuple(
        _make_probe(name, shape, dtype, kinks, np.random.default_rng([seed, number]))
        for number, (name, shape, dtype, kinks) in enumerate(wanted)
    )


def _make_probe(
    name: str, shape: Shape, dtype: type, kinks: bool, generator: np.random.Generator
) -> Probe:
    N, D_in, H, D_out = shape
    for _ in range(ATTEMPTS):
        X, W1 = (generator.standard_normal(s) for s in ((N, D_in), (D_in, H)))
        if kinks:
            # Integers: their products and sums are exact in any order, so a 0 is a 0.
            X, W1 = (generator.integers(-2, 3, A.shape).astype(float) for A in (X, W1))
        Y, W2 = (generator.standard_normal(s) for s in ((N, D_out), (H, D_out)))
        inputs = {"X": X, "Y": Y, "W1": W1, "W2": W2}
        inputs = {name: A.astype(dtype) for name, A in inputs.items()}
        if _tells_mistakes_apart(*(A.astype(float) for A in inputs.values()), kinks):
            break
    else:
        raise RuntimeError(f"no probe found for {name}, shape {shape}")
    exact = [A.astype(np.float64) for A in inputs.values()]
    _, *gradients = two_layer_regression_numpy_gradient(*exact)
    truth = dict(zip(GRADIENTS, gradients, strict=True))
    _compare_truths(exact, truth)
    for A in (*inputs.values(), *truth.values()):
        A.flags.writeable = False
    return Probe(name, inputs, truth)


def _tells_mistakes_apart(
    X: np.ndarray, Y: np.ndarray, W1: np.ndarray, W2: np.ndarray, kinks: bool
) -> bool:
    """Whether units are on and off, and no sign hangs on the last digits."""
    Z1 = X @ W1
    Y_hat = np.maximum(Z1, 0) @ W2
    grad_H1 = 2 * (Y_hat - Y) @ W2.T
    if not (Z1 > 0).any() or (Z1.size > 1 and not (Z1 < 0).any()):
        return False
    if kinks:
        at_zero = np.abs(X.T @ (grad_H1 * (Z1 == 0)))
        return bool(np.abs(Y_hat).max() > 0 and at_zero.max() > 0.1)
    # The more entries, the nearer to 0 the nearest: a fixed margin would reject all.
    # Where all units are off, Y_hat is exactly 0 whatever the rounding.
    return all(
        np.abs(A[A != 0]).min() > min(1e-2, 0.1 / A.size) for A in (Z1, Y_hat, grad_H1)
    )


def _compare_truths(inputs: list[np.ndarray], truth: dict[str, np.ndarray]) -> None:
    X, Y, W1, W2 = inputs

    def loss(W1: np.ndarray, W2: np.ndarray) -> complex:
        Z1 = X @ W1
        return np.sum(((Z1 * (Z1.real > 0)) @ W2 - Y) ** 2)

    independent = {
        "grad_W1": complex_step_gradient(lambda W: loss(W, W2), W1),
        "grad_W2": complex_step_gradient(lambda W: loss(W1, W), W2),
    }
    for name, gradient in independent.items():
        error = relative_error(truth[name], gradient)
        if not error <= TRUTHS_AGREE:
            raise RuntimeError(
                f"{name}: the checker's two truths differ, relative error {error:.1e}; "
                "the fault is the book's and not the student's"
            )


def ask(student_function: Callable[..., object], probe: Probe) -> Reply:
    """Call the student's function on copies, and note all that it does.

    An exception is noted and not passed on; a keyboard interrupt is passed on.
    """
    copies = {name: A.copy() for name, A in probe.inputs.items()}
    gradients, fault = {}, None
    try:
        # The arguments' names are the student's business: they go by position.
        returned = student_function(*(copies[name] for name in ARGUMENTS))
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0][:200]
        fault = ("exception", f"{type(error).__name__}: {first_line}".rstrip(": "))
    else:
        gradients, fault = _as_gradients(returned)
    modified = tuple(
        name
        for name, A in probe.inputs.items()
        if A.dtype != copies[name].dtype or not np.array_equal(A, copies[name])
    )
    return Reply(probe, gradients, fault, modified)


def _as_gradients(
    returned: object,
) -> tuple[dict[str, np.ndarray], tuple[str, str] | None]:
    def refused(came: str) -> tuple[dict[str, np.ndarray], tuple[str, str]]:
        return {}, ("wrong_return", f"expected the pair (grad_W1, grad_W2), got {came}")

    if returned is None:
        return refused("None: is there a return line?")
    if not isinstance(returned, tuple | list):
        return refused(f"one {type(returned).__name__}")
    if len(returned) != 2:
        came = f"{len(returned)} things"
        loss = _as_array(returned[0]) if len(returned) == 3 else None
        if loss is not None and loss.size == 1:
            came += ": leave the loss out"
        return refused(came)
    gradients = {}
    for name, value in zip(GRADIENTS, returned, strict=True):
        gradient = _as_array(value)
        if gradient is None:
            return refused(f"{type(value).__name__} as {name}")
        gradients[name] = gradient
    return gradients, None


def _as_array(value: object) -> np.ndarray | None:
    """Return a copy as a real NumPy array, or None where the value is no array."""
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        array = np.array(value)
    except Exception:  # whatever a student's own class raises when it is converted
        return None
    return array if array.dtype.kind in "fiu" else None
