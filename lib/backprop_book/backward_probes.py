"""Probes for a backward pass: inputs whose gradients are known, and the asking."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from backprop_book.arguments import real_array
from backprop_book.backward_mistakes import FLOAT64, ORDER, Mistake
from backprop_book.gradient_check import relative_error
from backprop_book.train_numpy import two_layer_regression_numpy_gradient

GRADIENTS = ("grad_W1", "grad_W2")
SIZES = ("N", "D_in", "H", "D_out")
Shape = tuple[int, int, int, int]  # N, D_in, H, D_out

ALL_DIFFERENT = (5, 3, 4, 2)
ALL_EQUAL = (4, 4, 4, 4)
# A fault can hide wherever a size is 1, or one that programs like. Any three of the
# four dimensions take all combinations of these sizes once (an orthogonal array).
HIDING = (1, 2, 32, 64, 100)
COMBINED = tuple(
    tuple(HIDING[n % 5] for n in (i, j, k, i + j - k))
    for i, j, k in product(range(5), repeat=3)
)
LARGE = 130  # more than a batch of 100, and no multiple of usual ones
AT_KINK = "Z1 exactly 0 in places"
SAME = 1e-6  # of two answers: threads may add in another order
# The largest relative error of a right answer. Two float64 routes differ by 1e-15, but
# a careful central difference is right as well; float32 carries seven digits.
TOLERANCES = {"float16": 1e-2, "float32": 1e-5, "float64": 1e-9}


@dataclass(frozen=True, repr=False, eq=False)
class Probe:
    """One set of inputs, and the gradients there in float64.

    Attributes
    ----------
    name : str
        What is special about it.
    inputs : dict of name to ndarray
        X, Y, W1, W2, read-only, of one dtype.
    truth : dict of name to ndarray of float64
        grad_W1 and grad_W2, read-only.
    """

    name: str
    inputs: dict[str, np.ndarray]
    truth: dict[str, np.ndarray]

    @property
    def sizes(self) -> Shape:
        """N, D_in, H and D_out."""
        return (*self.inputs["X"].shape, *self.inputs["W2"].shape)

    @property
    def dtype(self) -> str:
        """The name of the inputs' dtype."""
        return self.inputs["X"].dtype.name

    def __str__(self) -> str:
        sizes = ", ".join(map("{} {}".format, SIZES, self.sizes))
        return f"{self.name} ({sizes}, {self.dtype})"

    __repr__ = __str__


class Reply(NamedTuple):
    """What a student's function did at one probe.

    ``gradients`` are copies, in the dtype that came; there are none where there was no
    usable pair. ``problems`` are there whatever the gradients are; those without a
    name are remarks.
    """

    probe: Probe
    gradients: dict[str, np.ndarray]
    problems: list[Mistake]


@lru_cache(maxsize=4)
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
    """
    return tuple(
        _make_probe(*probe, np.random.default_rng([seed, number]))
        for number, probe in enumerate(_wanted(shapes))
    )


def _wanted(shapes: tuple[Shape, ...]) -> Iterator[tuple[str, Shape, str]]:
    """Yield names, shapes and dtypes."""
    yield "all sizes equal", ALL_EQUAL, "f8"
    yield "all sizes different", ALL_DIFFERENT, "f8"
    yield AT_KINK, ALL_DIFFERENT, "f8"
    yield "float32, all sizes different", ALL_DIFFERENT, "f4"
    yield "float32, all sizes equal", ALL_EQUAL, "f4"
    for place, name in enumerate(("sample", "input", "hidden unit", "output")):
        for size, words in ((1, f"one {name}"), (LARGE, f"{LARGE} {name}s")):
            shape = (*ALL_DIFFERENT[:place], size, *ALL_DIFFERENT[place + 1 :])
            yield words, shape, "f8"
    for shape in dict.fromkeys((*shapes, *COMBINED)):
        yield f"sizes {', '.join(map(str, shape))}", shape, "f8"


def _make_probe(
    name: str, shape: Shape, dtype: str, generator: np.random.Generator
) -> Probe:
    N, D_in, H, D_out = shape
    X, Y, W1, W2 = (
        generator.standard_normal(s)
        for s in ((N, D_in), (N, D_out), (D_in, H), (H, D_out))
    )
    if name == AT_KINK:
        W1[:, 0] = 0
    # Some unit must be on, and where there are several, one must be off.
    if not (X @ W1 > 0).any():
        X = -X
    if N * H > 1 and (X @ W1 > 0).all():
        (W1.T if H > 1 else X)[-1] *= -1
    arrays = [A.astype(dtype) for A in (X, Y, W1, W2)]
    exact = (A.astype("f8") for A in arrays)
    gradients = two_layer_regression_numpy_gradient(*exact)[1:]
    for A in (*arrays, *gradients):
        A.flags.writeable = False
    inputs = dict(zip(("X", "Y", "W1", "W2"), arrays, strict=True))
    return Probe(name, inputs, dict(zip(GRADIENTS, gradients, strict=True)))


def ask_twice(
    student_function: Callable[..., object], probes: Sequence[Probe]
) -> list[Reply]:
    """Ask at all probes, then at all of them again: nothing may depend on the past.

    An exception is noted and not passed on; a keyboard interrupt is passed on.
    """
    rounds = [[_ask(student_function, probe) for probe in probes] for _ in range(2)]
    for reply, again in zip(*rounds, strict=True):
        if reply.gradients.keys() != again.gradients.keys() or not all(
            np.array_equal(A, B, equal_nan=True) or distance(B, A) < SAME
            for A, B in ((A, again.gradients[g]) for g, A in reply.gradients.items())
        ):
            says = "two answers to the same question: does it draw random numbers, or "
            says += "keep something between calls?"
            reply.problems.append(Mistake(["two answers"], says))
    return rounds[0]


def distance(answer: np.ndarray, other: np.ndarray) -> float:
    """Return the relative error, infinite where shapes differ or a number is none."""
    if answer.shape != other.shape or not np.isfinite(other).all():
        return np.inf
    return relative_error(answer, other)


def tolerance(probe: Probe, answer: np.ndarray) -> float:
    """Return the largest relative error of a right answer."""
    names = (probe.dtype, answer.dtype.name)
    return max(TOLERANCES.get(name, TOLERANCES["float64"]) for name in names)


def _ask(student_function: Callable[..., object], probe: Probe) -> Reply:
    copies = {name: A.copy() for name, A in probe.inputs.items()}
    gradients, problems, name = {}, [], "exception"
    try:
        # The arguments' names are the student's business: they go by position.
        returned = student_function(*copies.values())
        name = "wrong return"
        gradients = _as_gradients(returned)
    except (Exception, SystemExit) as error:
        line = (str(error).strip().splitlines() or [""])[0][:200].replace("`", "'")
        line = f"{type(error).__name__}: {line}".rstrip(": ")
        problems.append(Mistake([name], f"{name}: `{line}`"))
    modified = [
        name
        for name, A in probe.inputs.items()
        if A.dtype != copies[name].dtype or not np.array_equal(A, copies[name])
    ]
    if modified:
        says = f"{' and '.join(modified)} modified in place: work on a copy"
        problems.append(Mistake(["inputs modified"], says, ORDER))
    for name, A in gradients.items():
        if A.dtype.kind == "f" and A.dtype.name != probe.dtype:
            says = f"{name} is {A.dtype} where the inputs are {probe.dtype}"
            # More digits than asked for are slow, but not wrong.
            coarse = A.dtype.itemsize < probe.inputs["X"].itemsize
            names = ["result with fewer digits"] * coarse
            problems.append(Mistake(names, says, FLOAT64))
    return Reply(probe, gradients, problems)


def _as_gradients(returned: object) -> dict[str, np.ndarray]:
    """Return copies as NumPy arrays."""
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        several = isinstance(returned, tuple | list)
        came = f"{len(returned)} things" if several else type(returned).__name__
        raise TypeError(f"expected (grad_W1, grad_W2) and nothing else, got {came}")
    return {
        name: np.array(real_array(name, value, kinds="fiu"))
        for name, value in zip(GRADIENTS, returned, strict=True)
    }
