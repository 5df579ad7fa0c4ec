"""The backward pass as nine lines, and a catalogue of ways to get one line wrong.

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

Reading = tuple[str, str]  # a chapter's file without .md, a section's title
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
TRANSPOSES = ("matrix_derivatives", "Where the transposes come from")
OUTER = ("matrix_derivatives", "One sample gives an outer product, a batch their sum")
SHAPES = ("matrix_derivatives", "The shape rule checks, and proves nothing")
KINK = ("chain_rule", "ReLU has a kink, and somebody has to decide")
DECAY = ("backpropagation", "A regulariser's gradient adds")


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


# Several mistakes can share one line: a mean, and the factor 2 forgotten as well.
Replacement = tuple[Mistake, ...]

# fmt: off
_FACTORS = (
    ("factor_2_missing", "{}", LOSS,
     "The factor 2 is missing: the derivative of a square is twice its base."),
    ("mean_over_N", "{} / N", SUM,
     "It is divided by N, the number of samples: this loss is a sum, not a mean."),
    ("mean_over_N_D_out", "{} / (N * D_out)", SUM,
     "It is divided by N * D_out, all predictions: this loss is a sum, not a mean."),
    ("mean_over_D_out", "{} / D_out", SUM,
     "It is divided by D_out, the number of outputs: this loss is a sum, not a mean."),
    ("sign", "-({})", LOSS,
     "The sign is turned: the error is Y_hat - Y, and the gradient points uphill."),
)
_STEPS_BEFORE_WEIGHTS = (
    ("relu_missing", "H1", FORWARD, ["Z1"],
     "ReLU is missing from the forward pass."),
    ("targets_missing", "G", LOSS, ["2 * Y_hat"],
     "The targets are missing: the upstream gradient starts from Y_hat - Y."),
    ("loss_not_differentiated", "G", LOSS, ["E**2"],
     "The square is not differentiated."),
    ("W2_missing", "grad_H1", TO_H1, ["G", "G.sum(axis=1, keepdims=True)"],
     "The upstream gradient is not multiplied by W2 on its way to H1."),
    ("W2_updated", "grad_H1", ORDER, ["G @ (W2 - lr * grad_W2).T"],
     "W2 is already updated when grad_H1 is computed: G belongs to the old W2."),
    ("transpose_W2", "grad_H1", TRANSPOSES, ["G @ W2"],
     "A transpose goes the wrong way: W2 stands where W2.T belongs."),
    ("transpose_G", "grad_H1", TRANSPOSES, ["G.T @ W2.T"],
     "A transpose goes the wrong way: G, the upstream gradient, is transposed."),
    ("product_G_W2", "grad_H1", TRANSPOSES,
     ["G.T @ W2", "W2 @ G", "W2 @ G.T", "W2.T @ G"],
     "The product of G and W2 sums over the wrong index."),
    ("W1_for_W2", "grad_H1", TO_H1, ["G @ W1.T"],
     "W1 stands where W2 belongs: this step goes through the second map."),
    ("mask_missing", "grad_Z1", RELU, ["grad_H1"],
     "ReLU's mask is missing: where Z1 is negative, no gradient may pass."),
    ("mask_from_upstream", "grad_Z1", RELU, ["grad_H1 * (grad_H1 > 0)"],
     "ReLU's mask comes from the wrong array: the upstream gradient, not Z1."),
    ("mask_from_G", "grad_Z1", RELU, ["grad_H1 * (G > 0)"],
     "ReLU's mask comes from the wrong array: the upstream gradient G, not Z1."),
    ("mask_from_output", "grad_Z1", RELU, ["grad_H1 * (Y_hat > 0)"],
     "ReLU's mask comes from the wrong array: the output Y_hat, not Z1."),
    ("mask_from_input", "grad_Z1", RELU, ["grad_H1 * (X > 0)"],
     "ReLU's mask comes from the wrong array: the input X, not Z1."),
    ("mask_inverted", "grad_Z1", RELU, ["grad_H1 * (Z1 < 0)", "grad_H1 * (Z1 <= 0)"],
     "ReLU's mask is turned round: the gradient passes where Z1 is positive."),
    ("value_for_mask", "grad_Z1", RELU, ["grad_H1 * H1"],
     "ReLU's value stands where its derivative belongs, a mask of 0 and 1."),
    ("relu_at_zero_one", "grad_Z1", KINK, ["grad_H1 * (Z1 >= 0)"],
     "The derivative of ReLU at 0 is taken as 1; in this book it is 0."),
    ("relu_at_zero_half", "grad_Z1", KINK, ["grad_H1 * np.heaviside(Z1, 0.5)"],
     "The derivative of ReLU at 0 is taken as 1/2; in this book it is 0."),
)
# The last step of either gradient is A.T @ B, with A the layer's input and B what comes
# from behind; W stands for the weights and `other` for the other gradient.
_LAST_STEP = (
    ("transpose_{A}", TRANSPOSES, ["{A} @ {B}"],
     "A transpose goes the wrong way: {A} stands where {A}.T belongs."),
    ("transpose_{B}", TRANSPOSES, ["{A}.T @ {B}.T"],
     "A transpose goes the wrong way: {B}, the upstream gradient, is transposed."),
    ("product_{A}_{B}", TRANSPOSES,
     ["{A} @ {B}.T", "{B} @ {A}", "{B} @ {A}.T", "{B}.T @ {A}.T"],
     "The product of {A} and {B} sums over the wrong index."),
    ("gradient_transposed", SHAPES, ["{B}.T @ {A}"],
     "The gradient is transposed: it must have the shape of {W}."),
    ("only_first_row", OUTER, ["{A}[:1].T @ {B}[:1]"],
     "The sum over the batch is missing: only the first sample is used."),
    ("only_last_row", OUTER, ["{A}[-1:].T @ {B}[-1:]"],
     "The sum over the batch is missing: only the last sample is used."),
    ("samples_not_summed", OUTER, ["{A}[:, :, None] * {B}[:, None, :]"],
     "The sum over the batch is missing: each sample's gradient is kept apart."),
    ("other_gradient", BACKWARD, ["{other}"],
     "This is the other gradient, {other}."),
    ("zeros", BACKWARD, ["np.zeros({W}.shape)"],
     "All entries are 0: the array is not filled."),
    ("weights_returned", STEP, ["{W}", "{W} - lr * ({A}.T @ {B})"],
     "These are the weights {W}, before or after a step, not their gradient."),
    ("weight_decay", DECAY, ["{A}.T @ {B} + decay * {W}"],
     "A multiple of {W} is added, as for weight decay; this loss has none."),
)
_WRONG_LAYER_INPUT = (
    ("H1_for_X", "grad_W1", TO_W1, ["H1.T @ grad_Z1"],
     "H1 stands where X belongs, the input of the first layer."),
    ("X_for_H1", "grad_W2", TO_W2, ["X.T @ G"],
     "X stands where H1 belongs, the input of the second layer."),
    ("Z1_for_H1", "grad_W2", TO_W2, ["Z1.T @ G"],
     "Z1 stands where H1 belongs: the second layer's input comes after ReLU."),
    ("mask_for_H1", "grad_W2", TO_W2, ["(Z1 > 0).T @ G"],
     "ReLU's mask stands where H1 belongs, ReLU's value."),
)
_LETTERS = {
    "grad_W1": {"A": "X", "B": "grad_Z1", "W": "W1", "other": "grad_W2"},
    "grad_W2": {"A": "H1", "B": "G", "W": "W2", "other": "grad_W1"},
}
# fmt: on


def _factor_replacements() -> Iterator[Replacement]:
    """Yield the wrong constant factors, and those that can occur together."""
    two, *divisors, sign = _FACTORS
    for chosen in product((None, two), (None, *divisors), (None, sign)):
        chosen = [factor for factor in chosen if factor]
        line = "E" if two in chosen else "2 * E"
        for _, form, _, _ in chosen:
            line = form.format(line)
        if chosen:
            yield tuple(
                Mistake(key, "G", line, says, read) for key, _, read, says in chosen
            )


@cache
def single_replacements(gradient: str) -> tuple[Replacement, ...]:
    """Return all wrong lines that can spoil ``"grad_W1"`` or ``"grad_W2"``.

    One mistake can have several lines, and one line several mistakes.
    """
    letters = _LETTERS[gradient]
    last_step = [
        (
            key.format(**letters),
            gradient,
            read,
            [line.format(**letters) for line in lines],
            says.format(**letters),
        )
        for key, read, lines, says in _LAST_STEP
    ]
    table = (*_STEPS_BEFORE_WEIGHTS, *last_step, *_WRONG_LAYER_INPUT)
    factors = sorted(_factor_replacements(), key=len)
    others = [
        (Mistake(key, step, line, says, read),)
        for key, step, read, lines, says in table
        for line in lines
        if step in STEPS[gradient]
    ]
    return (*factors, *others)


def combined_replacements(gradient: str) -> Iterator[Replacement]:
    """Yield wrong lines of two steps, with at most one unknown, then of three.

    The third is a convention at ReLU's kink, which is chosen apart from all the rest.
    """
    singles = single_replacements(gradient)
    pairs = []
    for first, second in combinations(singles, 2):
        two_unknowns = unknown_of(first) and unknown_of(second)
        if first[0].step != second[0].step and not two_unknowns:
            pairs.append(first + second)
    yield from pairs
    kinks = [single for single in singles if single[0].read == KINK]
    for pair, kink in product(pairs, kinks):
        if all(mistake.step != kink[0].step for mistake in pair):
            yield pair + kink


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
        # NumPy imports some of its modules when they are first used, in this namespace.
        namespace = {"__builtins__": {"__import__": __import__}}
        self[name] = eval(_compiled(self.lines[name]), namespace, self)
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
