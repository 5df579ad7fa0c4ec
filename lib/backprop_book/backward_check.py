"""Check a student's backward pass, and name the mistake where it is a known one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backprop_book import backward_probes as probing
from backprop_book.arguments import check_integer, check_kind, expect
from backprop_book.backward_mistakes import FLOAT64, Mistake
from backprop_book.backward_probes import GRADIENTS, Probe, Reply, Shape, distance
from backprop_book.backward_search import find_mistakes
from backprop_book.modes import own_modes

FLOAT32_INSIDE = 3e-6


@dataclass(frozen=True)
class Finding:
    """What is known of one gradient.

    Attributes
    ----------
    found : sequence of Mistake
        What is wrong, empty where it is right at all probes at which it came.
    right : int
        At how many probes it is right.
    """

    found: Sequence[Mistake]
    right: int = 0

    @property
    def mistakes(self) -> list[str]:
        """The names of what is wrong; ``["unknown"]`` where no known mistake fits."""
        return [name for mistake in self.found for name in mistake.names]


@dataclass(repr=False, eq=False)
class BackwardReport:
    """The diagnosis of a backward pass; prints as text and displays as Markdown.

    Attributes
    ----------
    findings : dict of str to Finding
        One for ``"grad_W1"`` and one for ``"grad_W2"``.
    problems : list of (Mistake, Probe)
        Exceptions, wrong returns, modified inputs, second answers, other dtypes; those
        without a name are remarks.
    probes : tuple of Probe
        The inputs and the right gradients, to try by hand.
    """

    findings: dict[str, Finding]
    problems: Sequence[tuple[Mistake, Probe]] = ()
    probes: tuple[Probe, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether both gradients are right at all probes and nothing else is wrong."""
        return not self.mistakes

    @property
    def mistakes(self) -> frozenset[str]:
        """The names of all that is wrong."""
        found = [m for finding in self.findings.values() for m in finding.found]
        found += [mistake for mistake, _ in self.problems]
        return frozenset(name for mistake in found for name in mistake.names)

    def __str__(self) -> str:
        return "\n".join(self._lines()).replace("`", "")

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        headline, *details = self._lines()
        items = [re.sub("^( *)", r"\1- ", line) for line in details]
        return "\n".join([f"**{headline}**", "", *items]).rstrip()

    def _lines(self) -> list[str]:
        if not self.probes:
            put = "put your function in place of None and run the cell again."
            return [f"Not answered yet: {put}"]
        asked = len(self.probes)
        headline = (
            "Not yet: neither gradient is right.",
            "Not yet: one of the two gradients is right.",
            "Not yet: both gradients that came are right, but read on.",
        )[sum(not finding.found for finding in self.findings.values())]
        if self.passed:
            headline = f"Right: both gradients, at all {asked} probes."
        lines = [headline]
        for name, finding in self.findings.items():
            lines.append(f"`{name}`: right at {finding.right} of {asked} probes")
            lines += [f"  {line}" for m in finding.found for line in m.told()]
        groups: dict[str, list[tuple[Mistake, Probe]]] = {}
        for problem in self.problems:
            # NumPy's messages hold the sizes, so only the type groups exceptions.
            kind = re.match(r"[^:]*(: `\w+)?", problem[0].says)[0]
            groups.setdefault(kind, []).append(problem)
        for group in groups.values():
            says, *read = group[0][0].told()
            lines.append(f"{says}, at {len(group)} of {asked} probes")
            lines += [f"  first at probe: {group[0][1]}", *(f"  {r}" for r in read)]
        return lines


def check_backward(
    student_function: Callable[..., object] | None,
    *,
    shapes: Sequence[Shape] = (),
    seed: int = 0,
) -> BackwardReport:
    """Say whether a backward pass is right, and if not, which mistake it makes.

    The network is the book's, ``L = sum((max(X @ W1, 0) @ W2 - Y)**2)``, and the
    derivative of ReLU at 0 is 0. The function is called with copies, twice at each of
    138 probes: sizes all different, equal, 130, any three of them in all combinations
    of 1, 2, 32, 64 and 100, pre-activations that are exactly 0, and float32. The truth
    comes in float64 from `two_layer_regression_numpy_gradient`.

    Parameters
    ----------
    student_function : callable or None
        Takes X, Y, W1, W2 of shapes (N, D_in), (N, D_out), (D_in, H), (H, D_out) and
        returns ``(grad_W1, grad_W2)``, NumPy arrays or PyTorch tensors. None stands for
        an exercise that was left empty: it is reported and raises nothing.
    shapes : sequence of (N, D_in, H, D_out)
        Shapes to probe besides.
    seed : int
        Of the probes' random numbers. No global random state is read or changed.

    Returns
    -------
    BackwardReport
        ``.passed``, ``.findings["grad_W1"].mistakes``, ``.problems``; prints as text.

    Raises
    ------
    TypeError, ValueError
        An argument of the checker does not fit; the message names it. What the
        student's function raises is reported instead.
    """
    if student_function is None:
        empty = Finding([Mistake(["not answered"])])
        return BackwardReport(dict.fromkeys(GRADIENTS, empty))
    expected = "a function (X, Y, W1, W2) -> (grad_W1, grad_W2), or None"
    check_kind("student_function", student_function, Callable, expected)
    fit = isinstance(shapes, Sequence) and all(
        isinstance(shape, Sequence) and len(shape) == 4 for shape in shapes
    )
    expected = "a list of (N, D_in, H, D_out)"
    expect(fit, "shapes", expected, repr(shapes), TypeError)
    for shape in shapes:
        for place, size in enumerate(shape):
            name = f"shapes: {probing.SIZES[place]} of {tuple(shape)}"
            check_integer(name, size, 1)
    check_integer("seed", seed, 0)
    wanted = tuple(tuple(map(int, shape)) for shape in shapes)
    probes = probing.make_probes(wanted, int(seed))
    # A student's numbers may be huge; what overflows here is found to be wrong.
    with own_modes(defaults=False):
        replies = probing.ask_twice(student_function, probes)
        findings = {g: _diagnose(g, replies) for g in GRADIENTS}
    problems = [(problem, r.probe) for r in replies for problem in r.problems]
    return BackwardReport(findings, problems, probes)


def _diagnose(gradient: str, replies: Sequence[Reply]) -> Finding:
    """Return all that can be said of one gradient."""
    shown = [(r.probe, r.gradients[gradient]) for r in replies if r.gradients]
    if not shown:
        return Finding([Mistake(["no answer"], "never returned")])
    errors = np.array([distance(answer, p.truth[gradient]) for p, answer in shown])
    allowed = np.array([probing.tolerance(*s) for s in shown])
    accurate = errors <= allowed
    if accurate.all():
        found = ()
    elif any(p.names == ["two answers"] for r in replies for p in r.problems):
        # Then what it gave says nothing of what it computes.
        found = [Mistake(["two answers"], "It is not the same when asked again.")]
    elif errors.max() <= FLOAT32_INSIDE:
        says = "The numbers are right to float32 only: some line computes in float32."
        found = [Mistake(["float32 inside"], says, FLOAT64)]
    else:
        # Exact ones first, and those that are wrong: they tell most.
        order = np.lexsort((accurate, allowed))
        found = find_mistakes(gradient, [shown[i] for i in order])
    return Finding(found, int(accurate.sum()))
