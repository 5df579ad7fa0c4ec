"""The backward pass as nine lines, and a catalogue of ways to get some of them wrong.

A mistake is lines that replace the right ones. What the catalogue shows to a reader is
the very text that is executed, so the name and the numbers cannot drift apart.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import numpy as np

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
FORWARD = {"Z1", "H1", "Y_hat", "E", "G"}
STEPS = {
    "grad_W1": FORWARD | {"grad_H1", "grad_Z1", "grad_W1"},
    "grad_W2": FORWARD | {"grad_W2"},
}
# Numbers of the student's own: `check_backward` solves for them.
UNKNOWN = re.compile(r"\b(lr|decay|slope|limit|factor)\b")

Reading = tuple[str, str]  # a chapter's file without .md, a section's title
LOSS = ("lab_numpy", "Through the loss")
SUM = ("lab_numpy", "The loss is one number")
BACKWARD = ("lab_numpy", "Backward, from the loss to the weights")
ORDER = ("lab_numpy", "A tempting order of lines")
FLOAT64 = ("lab_numpy", "float64 by accident")
TRANSPOSES = ("matrix_derivatives", "Where the transposes come from")
SHAPES = ("matrix_derivatives", "The shape rule, and where it misleads")
KINK = ("chain_rule", "ReLU has a kink at 0")


@dataclass(frozen=True)
class Mistake:
    """One known way to get the backward pass wrong.

    Attributes
    ----------
    key : str
        The mistake's name for programs.
    lines : dict of step to str
        What stands on the right of these steps instead.
    says : str
        What is wrong, as a sentence.
    read : pair of str
        Chapter and section where the book explains it.
    """

    key: str
    lines: dict[str, str]
    says: str
    read: Reading


# Several mistakes can share one line: a mean, and the factor 2 forgotten as well.
Candidate = tuple[Mistake, ...]

FACTOR = Mistake(
    "constant_factor",
    {"G": "factor * 2 * E"},
    "It is the right gradient times {unknown:.6g}, at every probe: a learning rate?",
    LOSS,
)
# fmt: off
# Wrong factors, of which several can occur together.
_FACTORS = (
    (("factor_2_missing", "{}", LOSS,
      "The factor 2 is missing: the derivative of a square is twice its base."),),
    tuple((key, f"{{}} / {by}", SUM, f"It is divided by {what}: this loss is a sum.")
          for key, by, what in (
              ("mean_over_N", "N", "N, the number of samples"),
              ("mean_over_N_D_out", "(N * D_out)", "N * D_out, all predictions"),
              ("mean_over_D_out", "D_out", "D_out, the number of outputs"),
              ("mean_over_N_twice", "N**2", "N twice"))),
    (("sign", "-({})", LOSS,
      "The sign is turned: the error is Y_hat - Y, and the gradient points uphill."),),
)
# By the section to read: key, lines, sentence. `|` parts lines that go by one name.
_CATALOGUE = {
    ("lab_numpy", "Forward, three steps"): (
        ("relu_missing", "H1 = Z1", "ReLU is missing from the forward pass."),
        ("leaky_relu", "H1 = np.where(Z1 > 0, Z1, slope * Z1); "
         "grad_Z1 = grad_H1 * np.where(Z1 > 0, 1, slope)",
         "It is right for another network: its ReLU is leaky, with this slope."),
        ("sigmoid", "H1 = 1 / (1 + np.exp(-Z1)); grad_Z1 = grad_H1 * H1 * (1 - H1)",
         "It is right for another network: it has a sigmoid in place of ReLU."),
        ("tanh", "H1 = np.tanh(Z1); grad_Z1 = grad_H1 * (1 - H1**2)",
         "It is right for another network: it has tanh in place of ReLU."),
        ("relu_on_output", "E = (np.maximum(Y_hat, 0) - Y) * (Y_hat > 0)"
         " | E = np.maximum(Y_hat, 0) - Y",
         "It is for another network: its output goes through ReLU, here it does not."),
    ),
    LOSS: (
        ("targets_missing", "G = 2 * Y_hat",
         "The targets are missing: the upstream gradient starts from Y_hat - Y."),
        ("loss_not_differentiated", "G = E**2", "The square is not differentiated."),
    ),
    ("lab_numpy", "Through the second linear map, to its input"): (
        ("W2_missing", "grad_H1 = G | grad_H1 = G.sum(axis=1, keepdims=True)",
         "The upstream gradient is not multiplied by W2 on its way to H1."),
        ("W1_for_W2", "grad_H1 = G @ W1.T",
         "W1 stands where W2 belongs: this step goes through the second map."),
        ("grad_W2_for_W2", "grad_H1 = G @ grad_W2.T",
         "grad_W2 stands where W2 belongs: G goes back through the weights."),
    ),
    ORDER: (
        ("W2_updated", "grad_H1 = G @ (W2 - lr * grad_W2).T",
         "W2 is already updated when grad_H1 is computed: G belongs to the old W2."),
    ),
    # Each product L @ R of the backward pass; l and r turn the two around.
    TRANSPOSES: (
        ("transpose_{L_}", "{g} = {l} @ {R}",
         "A transpose goes the wrong way: {l} stands where {L} belongs."),
        ("transpose_{R_}", "{g} = {L} @ {r}",
         "A transpose goes the wrong way: {r} stands where {R} belongs."),
        ("gradient_transposed", "{g} = {r} @ {l}",
         "The gradient is transposed: it must have the shape of {shape}."),
        ("product_{L_}_{R_}",
         "{g} = {l} @ {r} | {g} = {R} @ {L} | {g} = {r} @ {L} | {g} = {R} @ {l}",
         "The product of {L_} and {R_} sums over the wrong index."),
        ("entrywise_product", "{g} = {L} * {R} | {g} = {l} * {R} | {g} = {L} * {r}",
         "{L_} and {R_} are multiplied entry by entry, not as matrices."),
        ("reshape_for_transpose",
         "{g} = {reshaped} | {g} = ({r} @ {l}).reshape({shape}.shape)",
         "reshape is no transpose: it keeps the order of the numbers, .T does not."),
    ),
    ("lab_numpy", "Through ReLU"): (
        ("mask_missing", "grad_Z1 = grad_H1", "ReLU's mask is missing, or true "
         "everywhere, as H1 >= 0 is: where Z1 is negative, no gradient may pass."),
        *((key, f"grad_Z1 = grad_H1 * ({name} > 0)",
           f"ReLU's mask comes from the wrong array: {what}{name}, not Z1.")
          for key, name, what in (
              ("mask_from_upstream", "grad_H1", "the upstream gradient "),
              ("mask_from_G", "G", "the upstream gradient "),
              ("mask_from_output", "Y_hat", "the output "),
              ("mask_from_input", "X", "the input "))),
        ("mask_inverted",
         "grad_Z1 = grad_H1 * (Z1 < 0) | grad_Z1 = grad_H1 * (Z1 <= 0)",
         "ReLU's mask is turned round: the gradient passes where Z1 is positive."),
        ("mask_product", "grad_Z1 = grad_H1 @ (Z1 > 0).T | grad_Z1 = grad_H1 @ (Z1 > 0)"
         " | grad_Z1 = (Z1 > 0).T @ grad_H1 | grad_Z1 = (Z1 > 0) @ grad_H1",
         "ReLU's mask stands in a matrix product: it multiplies entry by entry."),
        ("upstream_missing", "grad_Z1 = 1.0 * (Z1 > 0)",
         "The upstream gradient is dropped: grad_Z1 is grad_H1 times the mask."),
        ("value_for_mask", "grad_Z1 = grad_H1 * H1",
         "ReLU's value stands where its derivative belongs, a mask of 0 and 1."),
        ("sigmoid_derivative", "grad_Z1 = grad_H1 * H1 * (1 - H1) | "
         "grad_Z1 = grad_H1 / (2 + np.exp(Z1) + np.exp(-Z1))",
         "The derivative is that of a sigmoid: ReLU's is a mask of 0 and 1."),
        ("tanh_derivative", "grad_Z1 = grad_H1 * (1 - H1**2) | "
         "grad_Z1 = grad_H1 * (1 - np.tanh(Z1)**2)",
         "The derivative is that of tanh: ReLU's is a mask of 0 and 1."),
        ("leaky_mask", "grad_Z1 = grad_H1 * np.where(Z1 > 0, 1, slope)",
         "The derivative is that of a leaky ReLU: here it is 0 for negative Z1."),
    ),
    KINK: (
        ("relu_at_zero_one", "grad_Z1 = grad_H1 * (Z1 >= 0)",
         "The derivative of ReLU at 0 is taken as 1; in this book it is 0."),
        ("relu_at_zero_half", "grad_Z1 = grad_H1 * np.heaviside(Z1, 0.5)",
         "The derivative of ReLU at 0 is taken as 1/2; in this book it is 0."),
    ),
    ("matrix_derivatives", "One sample gives an outer product, a batch their sum"): (
        ("only_first_row", "{g} = {L_}[:1].T @ {R}[:1]",
         "The sum over the batch is missing: only the first sample is used."),
        ("only_last_row", "{g} = {L_}[-1:].T @ {R}[-1:]",
         "The sum over the batch is missing: only the last sample is used."),
        ("samples_not_summed", "{g} = {L_}[:, :, None] * {R}[:, None, :]",
         "The sum over the batch is missing: each sample's gradient is kept apart."),
    ),
    BACKWARD: (
        ("other_gradient", "grad_W1 = grad_W2", "This is the other gradient, grad_W2."),
        ("other_gradient", "grad_W2 = grad_W1", "This is the other gradient, grad_W1."),
        ("zeros", "{g} = 0 * {shape}", "All entries are 0: the array is not filled."),
    ),
    ("lab_numpy", "One step downhill"): (
        ("weights_returned", "{g} = {shape} | {g} = {shape} - lr * ({L} @ {R})",
         "These are the weights {shape}, before or after a step, not their gradient."),
        ("clipped", "{g} = limit * ({L} @ {R}) / max(limit, np.linalg.norm({L} @ {R}))"
         " | {g} = np.clip({L} @ {R}, -limit, limit) | {g} = limit * ({L} @ {R}) / max("
         "limit, np.hypot(np.linalg.norm(X.T @ grad_Z1), np.linalg.norm(H1.T @ G)))",
         "It is clipped: where the gradient is large, this is not all of it."),
    ),
    ("backpropagation", "Weight decay: the gradient of a penalty adds"): (
        ("weight_decay", "{g} = {L} @ {R} + decay * {shape}",
         "A multiple of {shape} is added, as for weight decay; this loss has none."),
    ),
    ("lab_numpy", "Through the first linear map"): (
        ("H1_for_X", "grad_W1 = H1.T @ grad_Z1",
         "H1 stands where X belongs, the input of the first layer."),
    ),
    ("lab_numpy", "Through the second linear map, to its weights"): (
        ("X_for_H1", "grad_W2 = X.T @ G",
         "X stands where H1 belongs, the input of the second layer."),
        ("Z1_for_H1", "grad_W2 = Z1.T @ G",
         "Z1 stands where H1 belongs: the second layer's input comes after ReLU."),
        ("mask_for_H1", "grad_W2 = (Z1 > 0).T @ G",
         "ReLU's mask stands where H1 belongs, ReLU's value."),
    ),
}
# fmt: on


def _letters(step: str) -> dict[str, str]:
    """Return what the catalogue's letters stand for in one product."""
    L, R = RIGHT_LINES[step].split(" @ ")
    turned = [A[:-2] if A.endswith(".T") else f"{A}.T" for A in (L, R)]
    names = dict(zip("LRlr", (L, R, *turned), strict=True))
    names |= {"L_": L.removesuffix(".T"), "R_": R.removesuffix(".T"), "g": step}
    reshaped = re.sub(r"(\w+)\.T", r"\1.reshape(\1.shape[::-1])", RIGHT_LINES[step])
    return {**names, "shape": step.removeprefix("grad_"), "reshaped": reshaped}


@cache
def singles(gradient: str) -> tuple[Candidate, ...]:
    """Return all wrong lines that can spoil ``"grad_W1"`` or ``"grad_W2"``.

    One mistake can have several lines, and one line several mistakes.
    """
    factors, others = [], []
    for chosen in product(*((None, *kinds) for kinds in _FACTORS)):
        line = "2 * E" if chosen[0] is None else "E"
        chosen = [factor for factor in chosen if factor]
        for _, form, _, _ in chosen:
            line = form.format(line)
        factors.append(
            tuple(Mistake(k, {"G": line}, says, read) for k, _, read, says in chosen)
        )
    for read, rows in _CATALOGUE.items():
        for key, alternatives, says in rows:
            steps = ("grad_H1", gradient) if read == TRANSPOSES else (gradient,)
            for step in steps if "{g}" in alternatives else steps[:1]:
                names = _letters(step)
                for lines in alternatives.format(**names).split(" | "):
                    lines = dict(line.split(" = ", 1) for line in lines.split("; "))
                    mistake = key.format(**names), lines, says.format(**names), read
                    if lines.keys() & STEPS[gradient]:
                        others.append((Mistake(*mistake),))
    return (*sorted(factors[1:], key=len), *others)


def combined(gradient: str) -> Iterator[Candidate]:
    """Yield wrong lines of two mistakes, with at most one unknown, then of three.

    The third is a convention at ReLU's kink, which is chosen apart from all the rest.
    """
    pairs = [
        first + second
        for first, second in combinations((*singles(gradient), (FACTOR,)), 2)
        if not first[0].lines.keys() & second[0].lines.keys()
        and not (unknown_of(first) and unknown_of(second))
    ]
    yield from pairs
    kinks = [single for single in singles(gradient) if single[0].read == KINK]
    for pair, kink in product(pairs, kinks):
        if not any("grad_Z1" in mistake.lines for mistake in pair):
            yield pair + kink


def unknown_of(candidate: Candidate) -> str | None:
    """Return the name of the unknown number in the wrong lines, if there is one."""
    found = UNKNOWN.search(" ".join(x for m in candidate for x in m.lines.values()))
    return found and found.group()


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
            raise KeyError(name)  # then Python looks among its own names
        self[name] = eval(_compiled(self.lines[name]), {"np": np}, self)
        return self[name]


def backward_pass(
    gradient: str,
    inputs: Mapping[str, np.ndarray],
    candidate: Candidate = (),
    unknown: float = 0.0,
) -> np.ndarray | None:
    """Return one gradient, computed with some lines replaced by wrong ones.

    Parameters
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    inputs : mapping of name to ndarray
        X, Y, W1 and W2, of shapes (N, D_in), (N, D_out), (D_in, H) and (H, D_out).
    candidate : tuple of Mistake
        Empty for the right gradient.
    unknown : float
        The value of the unknown in the wrong lines.

    Returns
    -------
    ndarray or None
        None where the shapes do not fit: a student's line would raise there.
    """
    lines = dict(RIGHT_LINES)
    for mistake in candidate:
        lines |= mistake.lines
    N, D_out = inputs["Y"].shape
    known = {**inputs, "N": N, "D_out": D_out, unknown_of(candidate): unknown}
    try:
        return _Values(lines, known)[gradient]
    except ValueError:
        return None
