"""The backward pass as ten lines, and a catalogue of ways to get some of them wrong.

A mistake is wrong lines with a name. What a reader is shown is the very text that is
executed, so that the name and the numbers cannot drift apart.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product
from types import CodeType
from typing import NamedTuple

import numpy as np

RIGHT_LINES = {
    "Z1": "X @ W1",
    "H1": "np.maximum(Z1, 0)",
    "Y_hat": "H1 @ W2",
    "E": "Y_hat - Y",
    "G": "2 * E",
    "grad_H1": "G @ W2.T",
    "mask": "Z1 > 0",
    "grad_Z1": "grad_H1 * mask",
    "grad_W1": "X.T @ grad_Z1",
    "grad_W2": "H1.T @ G",
}
_WHY = {
    "H1": "ReLU passes on what is positive",
    "E": "the error is the prediction minus the target",
    "G": "the loss is a sum of squares, and a square's derivative is twice its base",
    "grad_H1": "G goes back through W2 as it was in the forward pass",
    "mask": "the gradient passes where Z1 is above 0, not where it is 0 or negative",
    "grad_Z1": "the mask multiplies the upstream gradient entry by entry",
    "grad_W1": "it sums each sample's outer product of the layer's input and grad_Z1",
    "grad_W2": "it sums each sample's outer product of the layer's input and G",
}
# Numbers of the student's own, above 0: `backward_search` solves for them.
UNKNOWNS = ("lr", "decay", "slope", "limit")
UNKNOWN = re.compile(rf"\b({'|'.join(UNKNOWNS)})\b")

Reading = tuple[str, str]  # a chapter's file without .md, a section's title
SUM = ("lab_numpy", "The loss is one number")
BACKWARD = ("lab_numpy", "Backward, from the loss to the weights")
LOSS = ("lab_numpy", "Through the loss")
ORDER = ("lab_numpy", "A tempting order of lines")
FLOAT64 = ("lab_numpy", "float64 by accident")
TRANSPOSES = ("matrix_derivatives", "Where the transposes come from")
SHAPES = ("matrix_derivatives", "The shape rule, and where it misleads")
KINK = ("chain_rule", "ReLU has a kink at 0")
# By the section to read: names, and wrong lines, parted by |. Where {g} is a product
# L @ R, l and r are its factors transposed, and W is what g belongs to.
_CATALOGUE = {
    ("lab_numpy", "Forward, three steps"): {
        "ReLU missing": "H1 = Z1",
        "gradient of a network with a leaky ReLU": "H1 = np.where(Z1 > 0, Z1, "
        "slope * Z1); mask = np.where(Z1 > 0, 1, slope)",
        "gradient of a network with a sigmoid": "H1 = 1 / (1 + np.exp(-Z1)); "
        "mask = H1 * (1 - H1)",
        "gradient of a network with tanh": "H1 = np.tanh(Z1); mask = 1 - H1**2",
        "gradient of a network with ReLU on its output": "E = np.maximum(Y_hat, 0) - Y"
        " | E = (np.maximum(Y_hat, 0) - Y) * (Y_hat > 0)",
    },
    LOSS: {"targets missing": "E = Y_hat", "square not differentiated": "G = E**2"},
    ("lab_numpy", "Through the second linear map, to its input"): {
        "W2 missing": "grad_H1 = G | grad_H1 = G.sum(axis=1, keepdims=True)",
        "W1 for W2": "grad_H1 = G @ W1.T",
        "grad_W2 for W2": "grad_H1 = G @ (H1.T @ G).T",
    },
    ORDER: {
        "W2 already updated": "grad_H1 = G @ (W2 - lr * H1.T @ G).T"
        " | grad_H1 = G @ (W2 + lr * H1.T @ G).T",
    },
    TRANSPOSES: {
        "{l} for {L}": "{g} = {l} @ {R}",
        "{r} for {R}": "{g} = {L} @ {r}",
        "gradient transposed": "{g} = {r} @ {l}",
        "sum over the wrong index": "{g} = {l} @ {r} | {g} = {R} @ {L}"
        " | {g} = {r} @ {L} | {g} = {R} @ {l}",
        "entry by entry for a matrix product": "{g} = {L} * {R} | {g} = {l} * {R}"
        " | {g} = {L} * {r}",
        "reshape for a transpose": "{g} = {reshaped}"
        " | {g} = ({r} @ {l}).reshape({W}.shape)",
    },
    ("lab_numpy", "Through ReLU"): {
        "mask missing, or true everywhere as H1 >= 0 is": "mask = np.ones_like(Z1)",
        "mask inverted": "mask = Z1 < 0 | mask = Z1 <= 0",
        "mask from the upstream gradient": "mask = grad_H1 > 0 | mask = G > 0",
        "mask from the output": "mask = Y_hat > 0",
        "mask from the input": "mask = X > 0",
        "ReLU's value for its mask": "mask = H1",
        "derivative of a sigmoid": "mask = H1 * (1 - H1)"
        " | mask = 1 / (1 + np.exp(-Z1)) * (1 - 1 / (1 + np.exp(-Z1)))",
        "derivative of tanh": "mask = 1 - H1**2 | mask = 1 - np.tanh(Z1)**2"
        " | mask = np.cosh(Z1)**-2.0",
        "derivative of a leaky ReLU": "mask = np.where(Z1 > 0, 1, slope)",
        "mask in a matrix product": "grad_Z1 = grad_H1 @ mask.T"
        " | grad_Z1 = grad_H1 @ mask | grad_Z1 = mask.T @ grad_H1"
        " | grad_Z1 = mask @ grad_H1",
        "upstream gradient missing": "grad_Z1 = 1.0 * mask",
    },
    KINK: {
        "derivative of ReLU at 0 taken as 1": "mask = Z1 >= 0",
        "derivative of ReLU at 0 taken as 1/2": "mask = np.heaviside(Z1, 0.5)",
    },
    ("matrix_derivatives", "One sample gives an outer product, a batch their sum"): {
        "first sample only": "{g} = {l}[:1].T @ {R}[:1]",
        "last sample only": "{g} = {l}[-1:].T @ {R}[-1:]",
        "samples not summed": "{g} = {l}[:, :, None] * {R}[:, None, :]",
    },
    BACKWARD: {
        "H1 for X": "grad_W1 = H1.T @ grad_Z1",
        "X for H1": "grad_W2 = X.T @ G",
        "Z1 for H1": "grad_W2 = Z1.T @ G",
        "mask for H1": "grad_W2 = (Z1 > 0).T @ G",
        "the other gradient, swapped?": "grad_W1 = H1.T @ G | grad_W2 = X.T @ grad_Z1",
        "zeros": "{g} = 0 * {W}",
    },
    ("lab_numpy", "The training loop on iris"): {
        "weights returned": "{g} = {W} | {g} = {W} - lr * {L} @ {R}"
        " | {g} = {W} + lr * {L} @ {R}",
        "clipped": "{g} = np.clip({L} @ {R}, -limit, limit)"
        " | {g} = limit * ({L} @ {R}) / max(limit, np.linalg.norm({L} @ {R}))"
        " | {g} = limit * ({L} @ {R}) / max(limit, np.hypot("
        "np.linalg.norm(X.T @ grad_Z1), np.linalg.norm(H1.T @ G)))",
    },
    ("backpropagation", "Weight decay: the gradient of a penalty adds"): {
        "weight decay": "{g} = {L} @ {R} + decay * {W} | {g} = {L} @ {R} - decay * {W}",
    },
}


class Mistake(NamedTuple):
    """Something wrong, in most cases lines of the backward pass.

    Attributes
    ----------
    names : sequence of str
        Several can share a line: a mean, and the factor 2 forgotten as well. Empty for
        a remark.
    says : str
        What a reader is told.
    read : pair of str, optional
        Chapter and section where the book explains it.
    lines : mapping of step to str
        What is written on the right of these steps instead.
    """

    names: Sequence[str]
    says: str = ""
    read: Reading | None = None
    lines: Mapping[str, str] = {}

    def told(self) -> list[str]:
        """Return what a reader is told, with what to read."""
        read = ["read: {}, section '{}'".format(*self.read)] if self.read else []
        return [self.says, *read]


def _mistake(names: Sequence[str], read: Reading, lines: Mapping[str, str]) -> Mistake:
    wrong = "; ".join(f"`{step} = {line}`" for step, line in lines.items())
    right = "; ".join(f"`{step} = {RIGHT_LINES[step]}`" for step in lines)
    says = f"{', '.join(names)}: numbers as from {wrong}; right is {right}: "
    return Mistake(names, f"{says}{_WHY[next(iter(lines))]}.", read, lines)


@cache
def scales() -> tuple[Mistake, ...]:
    """Return factors of the upstream gradient: the right one, then the likely first."""
    found = []
    for half, by, minus in product(
        (False, True), ("", "N", "(N * D_out)", "D_out", "N**2"), (False, True)
    ):
        line = ("E" if half else "2 * E") + (by and f" / {by}")
        names = ["factor 2 missing"] * half + [f"divided by {by}"] * bool(by)
        names += ["sign turned"] * minus
        line = f"-({line})" if minus else line
        found.append(_mistake(names, SUM if by else LOSS, {"G": line}))
    return tuple(sorted(found, key=lambda mistake: len(mistake.names)))


@cache
def singles(gradient: str) -> tuple[Mistake, ...]:
    """Return all wrong lines that can spoil ``"grad_W1"`` or ``"grad_W2"``."""
    other = {
        "grad_W1": {"grad_W2"},
        "grad_W2": {"grad_H1", "mask", "grad_Z1", "grad_W1"},
    }
    found = []
    for read, rows in _CATALOGUE.items():
        steps = ("grad_H1", gradient) if read is TRANSPOSES else (gradient,)
        for step, (name, alternatives) in product(steps, rows.items()):
            letters = _letters(step)
            for text in alternatives.format(**letters).split(" | "):
                lines = dict(line.split(" = ", 1) for line in text.split("; "))
                if not lines.keys() <= other[gradient]:
                    found.append(_mistake([name.format(**letters)], read, lines))
    return tuple(found)


def _letters(g: str) -> dict[str, str]:
    L, R = RIGHT_LINES[g].split(" @ ")
    l, r = (A[:-2] if A.endswith(".T") else f"{A}.T" for A in (L, R))  # noqa: E741
    reshaped = re.sub(r"(\w+)\.T", r"\1.reshape(\1.shape[::-1])", f"{L} @ {R}")
    W = g.removeprefix("grad_")
    return {"g": g, "L": L, "R": R, "l": l, "r": r, "W": W, "reshaped": reshaped}


def unknown_of(*mistakes: Mistake) -> str | None:
    """Return the name of the unknown number in the wrong lines, if there is one."""
    found = UNKNOWN.search(str([mistake.lines for mistake in mistakes]))
    return found and found.group()


def backward_pass(
    gradient: str,
    inputs: Mapping[str, np.ndarray],
    mistakes: Sequence[Mistake] = (),
    unknown: float = np.nan,
) -> np.ndarray | None:
    """Return one gradient, computed with some lines replaced by wrong ones.

    Parameters
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    inputs : mapping of name to ndarray
        X, Y, W1 and W2, of shapes (N, D_in), (N, D_out), (D_in, H) and (H, D_out).
    mistakes : sequence of Mistake
        Empty for the right gradient.
    unknown : float
        The value of the unknown in the wrong lines.

    Returns
    -------
    ndarray or None
        None where the shapes do not fit: a student's line would raise there.
    """
    lines = dict(RIGHT_LINES)
    for mistake in mistakes:
        lines |= mistake.lines
    N, D_out = inputs["Y"].shape
    values = {**inputs, "np": np, "N": N, "D_out": D_out}
    values |= dict.fromkeys(UNKNOWNS, unknown)
    try:
        for step, line in lines.items():
            values[step] = eval(compiled(line), values)
            if step == gradient:
                break
    except ValueError:
        return None
    return values[gradient]


@cache
def compiled(line: str) -> CodeType:
    """Return a line of the catalogue, ready to be executed again and again."""
    return compile(line, "<backward pass>", "eval")
