"""Seven checks of a model and its loss, before they are trained and when they fail."""

import html
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from backprop_book.arguments import (
    MAX_SEED,
    check_finite,
    check_integer,
    check_positive,
    dtype_name,
    expect,
    real_array,
)
from backprop_book.initial_weights import to_tensors
from backprop_book.modes import own_generators, own_modes
from backprop_book.protocol_checks import LEFT_OUT, PASSED, Checks, Subject

CHECKS = (
    *("first loss", "dependence", "gradient", "overfit"),
    *("learning rate", "signal", "shuffled targets"),
)
# Where the sections are that explain a failure; all others are in the chapter pitfalls.
CHAPTERS = {
    "chain_rule": ["step-downhill"],
    "lab_autograd": ["no-grad-and-detach", "custom-autograd-function"],
    "lab_nn": ["modules-and-parameters"],
    "stability": [
        *("learning-rate-and-curvature", "unscaled-inputs", "dead-units"),
        *("vanishing-and-exploding", "symmetry", "nan-hunting"),
    ],
}
# What PyTorch says, and the section, or that it is no fault of the model.
MESSAGES = {
    "modified by an inplace": "pitfall-in-place",
    "a second time": "pitfall-backward-twice",
    "does not require grad": "no-grad-and-detach",
    "not have been used in the graph": "no-grad-and-detach",
    **dict.fromkeys(("once_differentiable", "is not implemented", "dtype"), LEFT_OUT),
}


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes
    ----------
    name : str
        Of the check.
    passed : bool or None
        None where the check was left out.
    says : str
        The numbers that decided, or why it was left out.
    section : str
        The label of the section that explains the failure, empty if there is none.
    """

    name: str
    passed: bool | None
    says: str
    section: str = ""

    @property
    def verdict(self) -> str:
        """What the report calls it, such as passed or left out."""
        return {True: "passed", False: "failed", None: "left out"}[self.passed]

    @property
    def page(self) -> str:
        """The address of the section, beside the book's other pages."""
        homes = [c for c, labels in CHAPTERS.items() if self.section in labels]
        return f"{(*homes, 'pitfalls')[0]}.html#{self.section}"


@dataclass(frozen=True, repr=False)
class TrainingReport:
    """The findings of all seven checks, in order; prints as text, displays as a table.

    Attributes
    ----------
    findings : tuple of Finding
        One for each check.
    """

    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failed

    @property
    def failed(self) -> dict[str, str]:
        """The names of the checks that failed, with the sections that explain why."""
        return {f.name: f.section for f in self.findings if f.passed is False}

    @property
    def _headline(self) -> str:
        passed = sum(f.passed is True for f in self.findings)
        failed = f"{len(self.failed)} failed"
        return f"Before training: {passed} of {len(self.findings)} passed, {failed}"

    def __str__(self) -> str:
        lines = [self._headline]
        for f in self.findings:
            lines.append(f"{f.verdict:9} {f.name}: {f.says}")
            lines += [f"{'':9} see {f.page}"] if f.section else []
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = ["<th>verdict</th><th>check</th><th>finding</th>"]
        for f in self.findings:
            link = f': see <a href="{f.page}">{f.section}</a>' if f.section else ""
            says = html.escape(f.says) + link
            rows.append(f"<td><b>{f.verdict}</b></td><td>{f.name}</td><td>{says}</td>")
        head, *body = (f"<tr>{row}</tr>" for row in rows)
        caption = f"<caption>{self._headline}</caption>"
        table = f"{caption}<thead>{head}</thead>{''.join(body)}"
        # As pandas' own tables: themes know their colours by this name.
        return f'<table class="dataframe">{table}</table>'


def before_training(
    model: Callable[..., torch.Tensor],
    loss: Callable[..., torch.Tensor],
    X: Any,
    Y: Any,
    *,
    weights: Sequence[torch.Tensor] | None = None,
    lr: float | None = None,
    causal: bool = False,
    expected_loss: float | None = None,
    least_loss: float = 0.0,
    seed: int = 0,
) -> TrainingReport:
    """Check a model and its loss on a batch, before training and when it fails.

    The seven checks, in order: the first loss is near that of a prediction that ignores
    the input; each output depends on its own row only; the gradient agrees with central
    differences in float64; five rows can be learnt; the learning rate is below 2/λ; no
    layer is without signal; rows that were not learnt fit their own targets better than
    those of other rows. They work on copies on the CPU and leave the model, its mode,
    buffers and gradients, and PyTorch's generators, as they were.

    Parameters
    ----------
    model : torch.nn.Module or callable
        Gives predictions for X, one for each row; a plain function is called with X and
        the ``weights``. What a function keeps elsewhere can't be copied.
    loss : callable
        Takes predictions and targets, returns one number. A loss that compares rows on
        purpose, such as a contrastive one, or leaves out targets fails the second
        check.
    X, Y : tensor or array, (N, ...)
        A batch as training sees it, rows first; 20 rows or more for the last check,
        which fails too where they are too few to learn anything from.
    weights : sequence of tensors, optional
        Those of a plain function that training changes.
    lr : float, optional
        The rate of plain gradient descent; the fifth check is left out without.
    causal : bool
        Whether outputs may not depend on later inputs along the second axis.
    expected_loss : float, optional
        What a prediction that ignores the input scores; worked out where the targets
        are classes, or numbers of the predictions' shape.
    least_loss : float
        What perfect predictions score; if it isn't 0, that of five rows is worked out.
    seed : int
        Of the checks' random numbers.

    Returns
    -------
    TrainingReport
        ``.passed``, ``.failed`` with the section that explains each failure.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.
    """
    is_module = isinstance(model, torch.nn.Module)
    for name, function in {"model": model, "loss": loss}.items():
        is_class = isinstance(function, type)
        came = f"class {function.__name__}" if is_class else type(function).__name__
        right = callable(function) and not is_class
        expect(right, name, "a function or a Module", came, TypeError)
    expected = "None, for the Module has its own" if is_module else "tensors of floats"
    right = (weights is None) if is_module else isinstance(weights, Sequence)
    given = (weights or ()) if right else ()
    floats = all(isinstance(W, torch.Tensor) and W.is_floating_point() for W in given)
    expect(right and floats, "weights", expected, type(weights).__name__, TypeError)
    for name, number in {"lr": lr, "expected_loss": expected_loss}.items():
        if number is not None:
            check_positive(name, number)
    check_finite("least_loss", real_array("least_loss", least_loss))
    check_integer("seed", seed, 0, MAX_SEED)
    for name, A in {"X": X, "Y": Y}.items():
        array = real_array(name, A)
        check_finite(name, array)
        rows = len(array) if array.ndim else "a single number"
        expect(array.ndim and len(array) > 1, name, "at least 2 rows", rows)
    expect(len(X) == len(Y), "Y", f"{len(X)} rows, as X has", len(Y))
    X, Y = (A if isinstance(A, torch.Tensor) else real_array("", A) for A in (X, Y))
    X, Y = (A.clone() for A in to_tensors(torch.device("cpu"), X, Y))
    with own_modes(), own_generators(), warnings.catch_warnings(action="ignore"):
        torch.manual_seed(seed)
        try:
            subject = Subject(model, loss, given)
            copied = subject.copy(train=False)
        except Exception as error:
            raise TypeError(f"model: expected one to copy, got {error}") from error
        expect(copied.weights, "model", "weights to train", "none")
        lazy = any(map(torch.nn.parameter.is_lazy, copied.weights))
        expect(not lazy, "model", "weights of known shapes", "lazy ones")
        dtypes = dtype_name(copied.weights[0]), dtype_name(X)
        same = dtypes[0] == dtypes[1] or not X.is_floating_point()
        expect(same, "X", f"dtype {dtypes[0]}, as the weights", dtypes[1], TypeError)
        P = _asked("model", copied, X)
        expect(len(P) == len(X), "model", f"{len(X)} rows as output", tuple(P.shape))
        L = _asked("loss", copied.loss, P, Y)
        expect(L.numel() == 1, "loss", "one number as its value", tuple(L.shape))
        options = {"lr": lr, "causal": causal, "expected_loss": expected_loss}
        options |= {"least_loss": least_loss, "seed": seed}
        checks = Checks(subject, X, Y, options)
    return TrainingReport(tuple(_run(checks, name) for name in CHECKS))


def _run(checks: Checks, name: str) -> Finding:
    """Run one check, in modes of its own; what it raises is what it found."""
    with own_modes(), own_generators(), warnings.catch_warnings(action="ignore"):
        torch.manual_seed(checks.options["seed"])
        try:
            says, section = getattr(checks, name.replace(" ", "_"))()
        except Exception as error:
            known = [label for said, label in MESSAGES.items() if said in str(error)]
            says = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            section = (*known, "before-training")[0]
    passed = {PASSED: True, LEFT_OUT: None}.get(section, False)
    return Finding(name, passed, says, section or "")


def _asked(name: str, function: Callable, *given: torch.Tensor) -> torch.Tensor:
    try:
        value = function(*given)
    except Exception as error:
        shapes = " and ".join(f"{dtype_name(A)} {tuple(A.shape)}" for A in given)
        raise ValueError(f"{name}: expected one for {shapes}, got {error}") from error
    tensor = isinstance(value, torch.Tensor) and (name == "loss" or value.ndim)
    expect(tensor, name, "a tensor as its value", type(value).__name__, TypeError)
    return value
