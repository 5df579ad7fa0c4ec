"""The backward pass as eight lines, and a catalogue of ways to get one line wrong.

A mistake is a line that replaces the right one. What the catalogue shows to a reader is
the very text that is executed, so the name and the numbers cannot drift apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np

# `lr` and `decay` are unknown numbers of the student's: `check_backward` solves for
# them, which takes that a line is linear in its unknown.
RIGHT_LINES = {
    "Z1": "X @ W1",
    "H1": "np.maximum(Z1, 0)",
    "Y_hat": "H1 @ W2",
    "E": "Y_hat - Y",
    "G": "2 * E",
    "grad_W2": "H1.T @ G",
    "grad_H1": "G @ W2.T",
    "grad_Z1": "grad_H1 * (Z1 > 0)",
    "grad_W1": "X.T @ grad_Z1",
}
STEPS = {
    "grad_W1": ("H1", "G", "grad_H1", "grad_Z1", "grad_W1"),
    "grad_W2": ("H1", "G", "grad_W2"),
}
UNKNOWNS = ("lr", "decay")

Reading = tuple[str, str]  # a chapter's file without .md, a section's title or label
FORWARD = ("lab_numpy", "Forward, three steps")
SUM = ("lab_numpy", "The loss is one number")
BACKWARD = ("lab_numpy", "Backward, from the loss to the weights")
LOSS = ("lab_numpy", "Through the loss")
TO_W2 = ("lab_numpy", "Through the second linear map, to its weights")
TO_H1 = ("lab_numpy", "Through the second linear map, to its input")
RELU = ("lab_numpy", "Through ReLU")
TO_W1 = ("lab_numpy", "Through the first linear map")
STEP = ("lab_numpy", "One step downhill")
ORDER = ("lab_numpy", "A tempting order of lines")
FLOAT64 = ("lab_numpy", "float64 by accident")
TRANSPOSES = ("vector_derivatives", "Where the transposes come from")
OUTER = ("vector_derivatives", "Outer products")
SHAPES = ("vector_derivatives", "Shape rule")
KINK = ("chain_rule", "ReLU at zero")
DECAY = ("backpropagation", "Weight decay")


@dataclass(frozen=True)
class Mistake:
    """One known way to get one line of the backward pass wrong.

    Attributes
    ----------
    key : str
        The mistake's name for programs.
    step : str
        The name on the left of the line that it replaces.
    line : str
        What stands on the right instead.
    says : str
        What is wrong, as a sentence.
    read : pair of str
        Chapter and section where the book explains it.
    """

    key: str
    step: str
    line: str
    says: str
    read: Reading

    @property
    def code(self) -> str:
        """The wrong line as a reader would write it."""
        return f"{self.step} = {self.line}"


# Several keys can share one line: a mean, and a factor 2 forgotten as well.
Replacement = tuple[Mistake, ...]

_FACTORS = {
    "sign": (
        "-({})",
        "The sign is turned: the error is Y_hat - Y, and the gradient points uphill.",
        LOSS,
    ),
    "mean_over_N": (
        "{} / N",
        "It is divided by N, the number of samples: this loss is a sum, not a mean.",
        SUM,
    ),
    "mean_over_N_D_out": (
        "{} / (N * D_out)",
        "It is divided by N * D_out, the number of predictions: this loss is a sum, "
        "not a mean.",
        SUM,
    ),
    "mean_over_D_out": (
        "{} / D_out",
        "It is divided by D_out, the number of outputs: this loss is a sum, not a "
        "mean.",
        SUM,
    ),
}
_FACTOR_2 = (
    "factor_2_missing",
    "The factor 2 is missing: the derivative of a square is twice its base.",
    LOSS,
)

_RELU_MISSING = "ReLU is missing from the forward pass: H1 is Z1 there."
_TARGETS_MISSING = "The targets are missing: the upstream gradient needs Y_hat - Y."
_NOT_DERIVED = "The square is not differentiated: E**2 where 2 * E belongs."
_W2_MISSING = "The upstream gradient is not multiplied by W2 on its way to H1."
_W2_TURNED = "A transpose goes the wrong way: W2 where W2.T belongs."
_G_TURNED = "A transpose goes the wrong way: the upstream gradient G is transposed."
_BOTH_TURNED = "Two transposes go the wrong way, or the two factors changed places."
_KINK_ONE = "The derivative of ReLU at 0 is taken as 1; in this book it is 0."
_KINK_HALF = "The derivative of ReLU at 0 is taken as 1/2; in this book it is 0."
_WRONG_MASK = "ReLU's mask comes from the wrong array: {}, where Z1 belongs."
_ONE_ROW = "The sum over the batch is missing: only the {} sample is used."
_UNSUMMED = "The sum over the batch is missing: each sample's gradient is kept apart."
_TRANSPOSED = "The gradient is transposed: a gradient has the shape of its weights."
_OTHER = "This is {}, the other gradient."
_ZEROS = "All entries are 0: is the array still to be filled?"
_STEPPED = "These are {} after a step, not the gradient."
_DECAYED = "A multiple of {} is added, as for weight decay; this loss has none."

_OTHERS = (
    Mistake("relu_missing", "H1", "Z1", _RELU_MISSING, FORWARD),
    Mistake("targets_missing", "G", "2 * Y_hat", _TARGETS_MISSING, LOSS),
    Mistake("loss_not_differentiated", "G", "E**2", _NOT_DERIVED, LOSS),
    # Upstream, from the output to the hidden values.
    Mistake("W2_missing", "grad_H1", "G", _W2_MISSING, TO_H1),
    Mistake(
        "W2_missing", "grad_H1", "G.sum(axis=1, keepdims=True)", _W2_MISSING, TO_H1
    ),
    Mistake(
        "W2_updated",
        "grad_H1",
        "G @ (W2 - lr * grad_W2).T",
        "W2 is already updated when grad_H1 is computed: G belongs to the old W2.",
        ORDER,
    ),
    Mistake("transpose_W2", "grad_H1", "G @ W2", _W2_TURNED, TRANSPOSES),
    Mistake("transpose_G", "grad_H1", "G.T @ W2.T", _G_TURNED, TRANSPOSES),
    Mistake("transposes_G_W2", "grad_H1", "G.T @ W2", _BOTH_TURNED, TRANSPOSES),
    Mistake("transposes_G_W2", "grad_H1", "W2 @ G.T", _BOTH_TURNED, TRANSPOSES),
    Mistake("transposes_G_W2", "grad_H1", "W2.T @ G", _BOTH_TURNED, TRANSPOSES),
    Mistake("transposes_G_W2", "grad_H1", "W2 @ G", _BOTH_TURNED, TRANSPOSES),
    Mistake(
        "W1_for_W2",
        "grad_H1",
        "G @ W1.T",
        "W1 stands where W2 belongs: this step goes through the second map.",
        TO_H1,
    ),
    # Through ReLU.
    Mistake(
        "mask_missing",
        "grad_Z1",
        "grad_H1",
        "ReLU's mask is missing: where Z1 is negative, no gradient may pass.",
        RELU,
    ),
    Mistake(
        "mask_from_upstream",
        "grad_Z1",
        "grad_H1 * (grad_H1 > 0)",
        _WRONG_MASK.format("the upstream gradient"),
        RELU,
    ),
    Mistake(
        "mask_from_G",
        "grad_Z1",
        "grad_H1 * (G > 0)",
        _WRONG_MASK.format("the upstream gradient G of the output"),
        RELU,
    ),
    Mistake(
        "mask_from_output",
        "grad_Z1",
        "grad_H1 * (Y_hat > 0)",
        _WRONG_MASK.format("the output Y_hat"),
        RELU,
    ),
    Mistake(
        "mask_from_input",
        "grad_Z1",
        "grad_H1 * (X > 0)",
        _WRONG_MASK.format("the input X"),
        RELU,
    ),
    Mistake(
        "mask_inverted",
        "grad_Z1",
        "grad_H1 * (Z1 < 0)",
        "ReLU's mask is turned round: it passes the gradient where Z1 is negative.",
        RELU,
    ),
    Mistake(
        "mask_inverted",
        "grad_Z1",
        "grad_H1 * (Z1 <= 0)",
        "ReLU's mask is turned round: it passes the gradient where Z1 is negative.",
        RELU,
    ),
    Mistake(
        "value_for_mask",
        "grad_Z1",
        "grad_H1 * H1",
        "ReLU's value H1 stands where its derivative belongs, the mask of 0 and 1.",
        RELU,
    ),
    Mistake("relu_at_zero_one", "grad_Z1", "grad_H1 * (Z1 >= 0)", _KINK_ONE, KINK),
    Mistake(
        "relu_at_zero_half", "grad_Z1", "grad_H1 * np.heaviside(Z1, 0.5)", _KINK_HALF,
        KINK,
    ),
)  # fmt: skip


def _product_mistakes(left: str, right: str, step: str, weights: str) -> list[Mistake]:
    """Return the wrong ways of the product ``left.T @ right``, a weight gradient."""
    key = f"transposes_{left}_{right}"
    turned = "A transpose goes the wrong way: {0} where {0}.T belongs."
    right_turned = "A transpose goes the wrong way: {0}.T where {0} belongs."
    other = "grad_W2" if step == "grad_W1" else "grad_W1"
    table = [
        (f"transpose_{left}", f"{left} @ {right}", turned.format(left), TRANSPOSES),
        (
            f"transpose_{right}",
            f"{left}.T @ {right}.T",
            right_turned.format(right),
            TRANSPOSES,
        ),
        (key, f"{left} @ {right}.T", _BOTH_TURNED, TRANSPOSES),
        (key, f"{right} @ {left}", _BOTH_TURNED, TRANSPOSES),
        (key, f"{right} @ {left}.T", _BOTH_TURNED, TRANSPOSES),
        (key, f"{right}.T @ {left}.T", _BOTH_TURNED, TRANSPOSES),
        ("gradient_transposed", f"{right}.T @ {left}", _TRANSPOSED, SHAPES),
        (
            "batch_sum_first_row",
            f"{left}[:1].T @ {right}[:1]",
            _ONE_ROW.format("first"),
            OUTER,
        ),
        (
            "batch_sum_last_row",
            f"{left}[-1:].T @ {right}[-1:]",
            _ONE_ROW.format("last"),
            OUTER,
        ),
        (
            "batch_sum_missing",
            f"{left}[:, :, None] * {right}[:, None, :]",
            _UNSUMMED,
            OUTER,
        ),
        ("other_gradient", other, _OTHER.format(other), BACKWARD),
        ("zeros", f"np.zeros({weights}.shape)", _ZEROS, BACKWARD),
        (
            "weights_after_step",
            f"{weights} - lr * ({left}.T @ {right})",
            _STEPPED.format(weights),
            STEP,
        ),
        (
            "weight_decay",
            f"{left}.T @ {right} + decay * {weights}",
            _DECAYED.format(weights),
            DECAY,
        ),
    ]
    return [Mistake(key, step, line, says, read) for key, line, says, read in table]


def _wrong_input(key: str, line: str, wrong: str, right: str, read: Reading) -> Mistake:
    says = f"{wrong} stands where {right} belongs, the input of this layer."
    return Mistake(key, line.split(" = ")[0], line.split(" = ")[1], says, read)


def _factor_replacements() -> Iterator[Replacement]:
    """Yield every product of the constant factors, those with the fewest first."""
    divisors = [key for key in _FACTORS if key != "sign"]
    found = []
    for half, sign, divisor in product((0, 1), (0, 1), (None, *divisors)):
        line, keys = ("E" if half else "2 * E"), []
        mistakes = [_FACTOR_2] if half else []
        for key in (divisor, "sign" if sign else None):
            if key is not None:
                form, says, read = _FACTORS[key]
                line = form.format(line)
                keys.append((key, says, read))
        mistakes += keys
        if mistakes:
            found.append(
                tuple(Mistake(key, "G", line, says, read) for key, says, read in mistakes)
            )  # fmt: skip
    yield from sorted(found, key=len)


@cache
def single_replacements(gradient: str) -> tuple[Replacement, ...]:
    """Return all wrong lines that can spoil ``"grad_W1"`` or ``"grad_W2"``."""
    catalogue = [
        *_factor_replacements(),
        *((mistake,) for mistake in _OTHERS),
        *((m,) for m in _product_mistakes("X", "grad_Z1", "grad_W1", "W1")),
        (_wrong_input("H1_for_X", "grad_W1 = H1.T @ grad_Z1", "H1", "X", TO_W1),),
        *((m,) for m in _product_mistakes("H1", "G", "grad_W2", "W2")),
        (_wrong_input("X_for_H1", "grad_W2 = X.T @ G", "X", "H1", TO_W2),),
        (_wrong_input("Z1_for_H1", "grad_W2 = Z1.T @ G", "Z1", "H1", TO_W2),),
        (
            _wrong_input(
                "mask_for_H1", "grad_W2 = (Z1 > 0).T @ G", "ReLU's mask", "H1", TO_W2
            ),
        ),
    ]
    return tuple(r for r in catalogue if r[0].step in STEPS[gradient])


def paired_replacements(gradient: str) -> Iterator[Replacement]:
    """Yield two wrong lines at a time, of two different steps, at most one unknown."""
    for first, second in combinations(single_replacements(gradient), 2):
        pair = first + second
        steps = {mistake.step for mistake in pair}
        if len(steps) == 2 and sum(unknown_of((m,)) is not None for m in pair) < 2:
            yield pair


def unknown_of(replacement: Replacement) -> str | None:
    """Return the name of the unknown number in the wrong lines, if there is one."""
    for name in UNKNOWNS:
        if any(f"{name} * " in mistake.line for mistake in replacement):
            return name
    return None


@cache
def _compiled(line: str) -> object:
    return compile(line, "<backward pass>", "eval")


class _Values(dict):
    """The arrays of one backward pass, each computed when it is first asked for."""

    def __init__(self, lines: Mapping[str, str], known: Mapping[str, object]) -> None:
        super().__init__(known)
        self.lines = lines

    def __missing__(self, name: str) -> object:
        if name not in self.lines:
            raise KeyError(name)
        self[name] = eval(_compiled(self.lines[name]), {"__builtins__": {}}, self)
        return self[name]


def backward_pass(
    gradient: str,
    inputs: Mapping[str, np.ndarray],
    replacement: Replacement = (),
    unknown: float = 0.0,
) -> np.ndarray | None:
    """Return one gradient, computed with some lines replaced by wrong ones.

    Parameters
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    inputs : mapping of name to ndarray
        X, Y, W1 and W2, of shapes (N, D_in), (N, D_out), (D_in, H) and (H, D_out).
    replacement : tuple of Mistake
        Empty for the right gradient.
    unknown : float
        The value of ``lr`` or ``decay`` in the wrong lines.

    Returns
    -------
    ndarray or None
        None where the shapes do not fit: a student's line would raise there.
    """
    lines = RIGHT_LINES | {mistake.step: mistake.line for mistake in replacement}
    N, D_out = inputs["Y"].shape
    known = {**inputs, "np": np, "N": N, "D_out": D_out}
    known.update(dict.fromkeys(UNKNOWNS, unknown))
    try:
        return _Values(lines, known)[gradient]
    except ValueError:
        return None
