"""Probes for a backward pass: inputs whose gradients are known, and the asking."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from backprop_book.checks import real_array
from backprop_book.gradient_check import COMPLEX_STEP, relative_error
from backprop_book.train_numpy import two_layer_regression_numpy_gradient

GRADIENTS = ("grad_W1", "grad_W2")
SIZES = ("N", "D_in", "H", "D_out")
Shape = tuple[int, int, int, int]  # N, D_in, H, D_out

ALL_DIFFERENT = (5, 3, 4, 2)
ALL_EQUAL = (4, 4, 4, 4)
# A fault can hide wherever a size is 1, or one that programs like; any two of the four
# dimensions take all pairs of these sizes once (an orthogonal array), and all four one.
HIDING = (1, 2, 32, 64, 100)
PAIRS = tuple(
    tuple(HIDING[k % 5] for k in (i, j, 2 * i + 4 * j, 3 * i + 3 * j))
    for i in range(5)
    for j in range(5)
)
LARGE = 130  # more than a batch of 100, and no multiple of usual ones
TRUTHS_AGREE = 1e-12  # two float64 routes to one gradient, rounding apart
ATTEMPTS = 1000
SAME = 1e-6  # of two answers: threads may add in another order
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
        X, Y, W1, W2, read-only, of one dtype.
    exact : dict of name to ndarray of float64
        The same numbers.
    truth : dict of name to ndarray of float64
        grad_W1 and grad_W2, read-only.
    """

    name: str
    inputs: dict[str, np.ndarray] = field(repr=False)
    exact: dict[str, np.ndarray] = field(repr=False)
    truth: dict[str, np.ndarray] = field(repr=False)

    @property
    def sizes(self) -> Shape:
        """N, D_in, H and D_out."""
        return (*self.inputs["X"].shape, *self.inputs["W2"].shape)

    def __str__(self) -> str:
        sizes = ", ".join(map("{} {}".format, SIZES, self.sizes))
        return f"{self.name} ({sizes}, {self.inputs['X'].dtype})"


class Problem(NamedTuple):
    """What is wrong with a call, whatever the gradients are.

    ``mistake`` is ``"exception"``, ``"wrong_return"``, ``"inputs_modified"`` or
    ``"two_answers"``; ``text`` tells more.
    """

    mistake: str
    probe: Probe
    text: str


class Reply(NamedTuple):
    """What a student's function did at one probe.

    ``gradients`` are copies, in the dtype that came; there are none where there was no
    usable pair.
    """

    probe: Probe
    gradients: dict[str, np.ndarray]
    problems: list[Problem]


@lru_cache(maxsize=64)
def make_probes(shapes: tuple[Shape, ...] = (), seed: int = 0) -> tuple[Probe, ...]:
    """Return the probes: the same ones for the same arguments.

    Parameters
    ----------
    shapes : tuple of (N, D_in, H, D_out)
        To probe besides the book's own.
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
    wanted = [
        ("all sizes equal", ALL_EQUAL, "f8"),
        ("all sizes different", ALL_DIFFERENT, "f8"),
        ("Z1 exactly 0 in places", ALL_DIFFERENT, "f8"),
        ("float32, all sizes different", ALL_DIFFERENT, "f4"),
        ("float32, all sizes equal", ALL_EQUAL, "f4"),
    ]
    for place, name in enumerate(("sample", "input", "hidden unit", "output")):
        for size, words in ((1, f"one {name}"), (LARGE, f"{LARGE} {name}s")):
            shape = (*ALL_DIFFERENT[:place], size, *ALL_DIFFERENT[place + 1 :])
            wanted.append((words, shape, "f8"))
    more = dict.fromkeys((*shapes, *PAIRS))
    wanted += [(f"sizes {', '.join(map(str, s))}", s, "f8") for s in more]
    return tuple(
        _make_probe(*probe, np.random.default_rng([seed, number]))
        for number, probe in enumerate(wanted)
    )


def _make_probe(
    name: str, shape: Shape, dtype: str, generator: np.random.Generator
) -> Probe:
    N, D_in, H, D_out = shape
    kinks = "exactly 0" in name
    for _ in range(ATTEMPTS):
        X, W1, Y, W2 = (
            generator.standard_normal(s)
            for s in ((N, D_in), (D_in, H), (N, D_out), (H, D_out))
        )
        if kinks:
            # Integers: their products and sums are exact in any order, so a 0 is a 0.
            X, W1 = (generator.integers(-2, 3, A.shape) for A in (X, W1))
        inputs = {"X": X, "Y": Y, "W1": W1, "W2": W2}
        inputs = {name: A.astype(dtype) for name, A in inputs.items()}
        exact = {name: A.astype("f8") for name, A in inputs.items()}
        if _tells_mistakes_apart(*exact.values(), kinks):
            break
    else:
        raise RuntimeError(f"no probe found for {name}, shape {shape}")
    _, *gradients = two_layer_regression_numpy_gradient(*exact.values())
    truth = dict(zip(GRADIENTS, gradients, strict=True))
    _compare_truths(exact, truth, generator)
    for A in (*inputs.values(), *exact.values(), *truth.values()):
        A.flags.writeable = False
    return Probe(name, inputs, exact, truth)


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
        np.abs(A[A != 0]).min() > min(1e-2, 0.02 / A.size) for A in (Z1, Y_hat, grad_H1)
    )


def _compare_truths(
    exact: dict[str, np.ndarray],
    truth: dict[str, np.ndarray],
    generator: np.random.Generator,
) -> None:
    """Hold the gradients against the complex step along a direction drawn at random."""
    for name, gradient in truth.items():
        way = generator.standard_normal(gradient.shape)
        shifted = {**exact}
        shifted[name.removeprefix("grad_")] = (
            way * 1j * COMPLEX_STEP + shifted[name.removeprefix("grad_")]
        )
        X, Y, W1, W2 = shifted.values()
        E = (X @ W1 * ((X @ W1).real > 0)) @ W2 - Y
        off = np.sum(E**2).imag / COMPLEX_STEP - np.vdot(gradient, way)
        error = abs(off) / np.linalg.norm(gradient) / np.linalg.norm(way)
        if not error <= TRUTHS_AGREE:
            raise RuntimeError(
                f"{name}: the checker's two truths differ, relative error {error:.1e}; "
                "the fault is the book's and not the student's"
            )


def ask_twice(
    student_function: Callable[..., object], probes: Sequence[Probe]
) -> list[Reply]:
    """Ask at all probes, then at all of them again: nothing may depend on the past.

    An exception is noted and not passed on; a keyboard interrupt is passed on.
    """
    rounds = [[_ask(student_function, probe) for probe in probes] for _ in range(2)]
    for reply, again in zip(*rounds, strict=True):
        pairs = zip(reply.gradients.values(), again.gradients.values(), strict=False)
        alike = len(reply.gradients) == len(again.gradients) and all(
            np.array_equal(A, B, equal_nan=True) or distance(B, A) < SAME
            for A, B in pairs
        )
        if not alike:
            text = "two answers to the same question"
            reply.problems.append(Problem("two_answers", reply.probe, text))
    return rounds[0]


def distance(answer: np.ndarray, other: np.ndarray | None) -> float:
    """Return the relative error, infinite where shapes differ or a number is none."""
    if other is None or answer.shape != other.shape or not np.isfinite(other).all():
        return np.inf
    return relative_error(answer, other)


def _ask(student_function: Callable[..., object], probe: Probe) -> Reply:
    copies = {name: A.copy() for name, A in probe.inputs.items()}
    gradients, problems = {}, []
    try:
        # The arguments' names are the student's business: they go by position.
        returned = student_function(*copies.values())
    except (Exception, SystemExit) as error:
        first_line = (str(error).strip().splitlines() or [""])[0][:200]
        text = f"{type(error).__name__}: {first_line}".rstrip(": ")
        problems.append(Problem("exception", probe, text))
    else:
        gradients, came = _as_gradients(returned)
        if came:
            text = f"expected the pair (grad_W1, grad_W2), got {came}"
            problems.append(Problem("wrong_return", probe, text))
    modified = [
        name
        for name, A in probe.inputs.items()
        if A.dtype != copies[name].dtype or not np.array_equal(A, copies[name])
    ]
    if modified:
        text = f"{' and '.join(modified)} modified in place"
        problems.append(Problem("inputs_modified", probe, text))
    return Reply(probe, gradients, problems)


def _as_gradients(returned: object) -> tuple[dict[str, np.ndarray], str]:
    """Return copies as NumPy arrays, or what came instead of a pair."""
    if returned is None:
        return {}, "None: is there a return line?"
    if not isinstance(returned, tuple | list):
        return {}, f"one {type(returned).__name__}"
    if len(returned) != 2:
        loss = len(returned) == 3 and np.ndim(returned[0]) == 0
        loss = loss and not isinstance(returned[0], str)
        return {}, f"{len(returned)} things" + loss * ": leave the loss out"
    gradients = {}
    for name, value in zip(GRADIENTS, returned, strict=True):
        try:
            gradients[name] = np.array(real_array(name, value, kinds="fiu"))
        except Exception:  # whatever a student's own class raises
            return {}, f"{type(value).__name__} as {name}"
    return gradients, ""
