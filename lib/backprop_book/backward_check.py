"""Check a student's backward pass, and name the mistake where it is a known one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backprop_book import backward_mistakes as book
from backprop_book.backward_mistakes import backward_pass, unknown_of
from backprop_book.backward_probes import (
    GRADIENTS,
    SIZES,
    TOLERANCES,
    Probe,
    Problem,
    Reply,
    Shape,
    ask_twice,
    distance,
    make_probes,
)
from backprop_book.checks import check_integer

SLACK = 10  # a student may reach a wrong line's numbers by a less exact road
NEARER = 0.01  # how much nearer than the truth a wrong line must come
FLOAT32_INSIDE = 3e-6

Shown = list[tuple[Probe, np.ndarray]]  # where a gradient came, and what came


@dataclass
class Finding:
    """What is known of one gradient.

    Attributes
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    mistakes : list of str
        Keys of what is wrong, empty where it is right; ``["unknown"]`` where no known
        mistake gives these numbers.
    explanation : list of str
        The same in sentences.
    code : list of str
        Lines that give the student's numbers.
    read : list of (chapter, section)
        Where the book explains it.
    unknown : float, optional
        The learning rate or another number that was solved for.
    also : list of str
        Keys of other mistakes that give the same numbers at all probes.
    right, shown : int
        At how many probes it is right, and at how many it was returned.
    error : float, optional
        The largest relative error; None where no shape is right.
    worst : tuple, optional
        The entry that is off most: index, the student's value, the right one, probe.
    """

    gradient: str
    mistakes: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    read: list[book.Reading] = field(default_factory=list)
    unknown: float | None = None
    also: list[str] = field(default_factory=list)
    right: int = 0
    shown: int = 0
    error: float | None = None
    worst: tuple[tuple[int, ...], float, float, Probe] | None = None

    @property
    def passed(self) -> bool:
        """Whether it came, and was right wherever it came."""
        return 0 < self.right == self.shown

    @property
    def mistake(self) -> str | None:
        """The first key of ``mistakes``; None where the gradient is right."""
        return self.mistakes[0] if self.mistakes else None

    def add(self, key: str, says: str, *read: book.Reading) -> None:
        """Add a mistake."""
        self.mistakes.append(key)
        self.explanation.append(says)
        self.read += [section for section in read if section not in self.read]

    def lines(self, asked: int) -> list[str]:
        """Return a title, and details indented by two."""
        name = f"`{self.gradient}`"
        if not self.shown:
            return [f"{name}: never returned"]
        everywhere = self.shown == asked
        if self.passed:
            where = f"all {asked}" if everywhere else self.shown
            return [
                f"{name}: right at {where} probes, relative error at most "
                f"{TOLERANCES['float64']:.0e} in float64, "
                f"{TOLERANCES['float32']:.0e} in float32"
            ]
        title = f"{name}: wrong at {self.shown - self.right} of {self.shown} probes"
        title += "" if everywhere else " that returned"
        # The last digits of a rounding error differ from machine to machine.
        if self.error is not None and self.error > TOLERANCES["float32"]:
            title += f", relative error {self.error:.2g} at worst"
        details = list(self.explanation)
        if self.code:
            same = "; ".join(f"`{line}`" for line in self.code)
            details.append(f"same numbers as from: {same}")
        if self.also:
            also = ", ".join(self.also)
            details.append(f"these give the same numbers at all probes: {also}")
        if "unknown" in self.mistakes:
            details.append(
                "worst entry: index {}, yours {:.6g}, right {:.6g}, "
                "at probe: {}".format(*self.worst)
            )
        details += [f"read: {chapter}, section '{s}'" for chapter, s in self.read]
        return [title, *(f"  {detail}" for detail in details)]


ADVICE = {
    "wrong_return": "read: {}, section '{}'".format(*book.BACKWARD),
    "inputs_modified": "work on a copy; read: {}, section '{}'".format(*book.ORDER),
    "two_answers": "does it draw random numbers, or keep something between calls?",
}


@dataclass(repr=False)
class BackwardReport:
    """The diagnosis of a backward pass; prints as text and displays as Markdown.

    Attributes
    ----------
    findings : dict of str to Finding
        One for ``"grad_W1"`` and one for ``"grad_W2"``.
    problems : list of Problem
        Exceptions, wrong returns, modified inputs and second answers, by probes.
    probes : tuple of Probe
        The inputs and the right gradients, to try by hand.
    notes : list of str
        Remarks that fail nothing.
    """

    findings: dict[str, Finding]
    problems: list[Problem] = field(default_factory=list)
    probes: tuple[Probe, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether both gradients are right at all probes and nothing else is wrong."""
        return not self.problems and all(f.passed for f in self.findings.values())

    @property
    def mistakes(self) -> frozenset[str]:
        """The keys of all that is wrong."""
        keys = [key for f in self.findings.values() for key in f.mistakes]
        return frozenset(keys + [problem.mistake for problem in self.problems])

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
        found, asked = self.findings.values(), len(self.probes)
        headline = (
            "Not yet: neither gradient is right.",
            "Not yet: one of the two gradients is right.",
            "Not yet: both gradients that came are right, but read on.",
        )[sum(finding.passed for finding in found)]
        if self.passed:
            headline = f"Right: both gradients, at all {asked} probes."
        elif not any(finding.shown for finding in found):
            headline = "Not yet: no gradient came back."
        lines = [headline, *(line for f in found for line in f.lines(asked))]
        groups: dict[tuple[str, str], list[Problem]] = {}
        for problem in self.problems:
            # NumPy's messages hold the sizes, so only the type groups exceptions.
            kind = problem.mistake, problem.text.split(":")[0]
            groups.setdefault(kind, []).append(problem)
        for (mistake, _), group in groups.items():
            text = group[0].text.replace("`", "'")
            text = f"exception: `{text}`" if mistake == "exception" else text
            lines.append(f"{text}, at {len(group)} of {asked} probes")
            lines.append(f"  first at probe: {group[0].probe}")
            lines += [f"  {ADVICE[mistake]}"] if mistake in ADVICE else []
        return [*lines, *(f"note: {note}" for note in self.notes)]


def check_backward(
    student_function: Callable[..., object] | None,
    *,
    shapes: Sequence[Shape] = (),
    seed: int = 0,
) -> BackwardReport:
    """Say whether a backward pass is right, and if not, which mistake it makes.

    The network is the book's, ``L = sum((max(X @ W1, 0) @ W2 - Y)**2)``, and the
    derivative of ReLU at 0 is 0. The function is called with copies, twice at each of
    some 40 probes: all sizes different, equal, 1, 2, 32, 64, 100 and 130,
    pre-activations that are exactly 0, and float32. The truth comes in float64 from
    `two_layer_regression_numpy_gradient`, and must agree with the complex step.

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
        ``.passed``, ``.findings["grad_W1"].mistake``, ``.problems``; prints as text.

    Raises
    ------
    TypeError, ValueError
        An argument of the checker does not fit; the message names it. What the
        student's function raises is reported instead.
    """
    if student_function is None:
        return BackwardReport({g: Finding(g, ["not_answered"]) for g in GRADIENTS})
    if not callable(student_function):
        raise TypeError(
            "student_function: expected a function (X, Y, W1, W2) -> (grad_W1, "
            f"grad_W2), or None, got {type(student_function).__name__}"
        )
    expected = f"shapes: expected a list of ({', '.join(SIZES)})"
    if not isinstance(shapes, Sequence) or isinstance(shapes, str):
        raise TypeError(f"{expected}, got {type(shapes).__name__}")
    for shape in shapes:
        if not isinstance(shape, Sequence) or len(shape) != len(SIZES):
            raise TypeError(f"{expected}, got {shape!r} in it")
        for name, size in zip(SIZES, shape, strict=True):
            check_integer(f"shapes: {name} of {tuple(shape)}", size, 1)
    check_integer("seed", seed, 0)
    probes = make_probes(tuple(tuple(map(int, shape)) for shape in shapes), int(seed))
    # A student's numbers may be huge; what overflows here is found to be wrong.
    with np.errstate(all="ignore"):
        replies = ask_twice(student_function, probes)
        findings = {g: _diagnose(g, replies) for g in GRADIENTS}
    if all("other_gradient" in finding.mistakes for finding in findings.values()):
        for finding in findings.values():
            place = finding.mistakes.index("other_gradient")
            says = "The two gradients are swapped: return grad_W1 first, then grad_W2."
            finding.mistakes[place], finding.explanation[place] = "swapped", says
    problems = [problem for reply in replies for problem in reply.problems]
    report = BackwardReport(findings, problems, probes)
    widened = any(
        reply.probe.inputs["X"].dtype == np.float32 and gradient.dtype == np.float64
        for reply in replies
        for gradient in reply.gradients.values()
    )
    if report.passed and widened:
        note = "float32 inputs came back as float64, right but slower; read: "
        report.notes.append(note + "{}, section '{}'".format(*book.FLOAT64))
    return report


def _tolerance(probe: Probe, answer: np.ndarray) -> float:
    names = (probe.inputs["X"].dtype.name, answer.dtype.name)
    return max(TOLERANCES.get(name, TOLERANCES["float64"]) for name in names)


def _diagnose(gradient: str, replies: list[Reply]) -> Finding:
    """Return all that can be said of one gradient."""
    shown = [(r.probe, r.gradients[gradient]) for r in replies if r.gradients]
    if not shown:
        return Finding(gradient, ["no_answer"])
    errors = [distance(answer, probe.truth[gradient]) for probe, answer in shown]
    accurate = [e <= _tolerance(*s) for e, s in zip(errors, shown, strict=True)]
    narrowed = [
        probe.inputs["X"].dtype == np.float64
        and answer.dtype in (np.float16, np.float32)
        for probe, answer in shown
    ]
    right = sum(a > n for a, n in zip(accurate, narrowed, strict=True))
    finding = Finding(gradient, right=right, shown=len(shown))
    for probe, answer in shown:
        if not np.isfinite(answer).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(answer))[0])
            says = f"Entry {index} is {float(answer[index])} at probe: {probe}."
            finding.add("not_finite", says)
            return finding
    comparable = [(e, *s) for e, s in zip(errors, shown, strict=True) if e < np.inf]
    if comparable:
        finding.error, probe, answer = max(comparable, key=lambda found: found[0])
        truth = probe.truth[gradient]
        flat = np.argmax(np.abs(answer - truth))
        index = tuple(int(i) for i in np.unravel_index(flat, truth.shape))
        finding.worst = index, float(answer[index]), float(truth[index]), probe
    if any(p.mistake == "two_answers" for r in replies for p in r.problems):
        # Then what it gave says nothing of what it computes.
        if not all(accurate):
            finding.add("two_answers", "It is not the same when asked again.")
        return finding
    silent = [reply.probe for reply in replies if not reply.gradients]
    # Where it is right most wrong lines need not be tried any further.
    tellers = sorted(zip(accurate, shown, strict=True), key=lambda pair: pair[0])
    if not all(accurate) and not _named(finding, [s for _, s in tellers], silent):
        _described(finding, shown)
    if any(narrowed):
        dtype = shown[narrowed.index(True)][1].dtype
        says = f"The result is {dtype} where the inputs are float64."
        finding.add("float32_result", says, book.FLOAT64)
    return finding


def _named(finding: Finding, shown: Shown, silent: list[Probe]) -> bool:
    """Add which mistake gives the student's numbers at every probe shown."""
    gradient = finding.gradient

    def answers(fit: tuple[book.Candidate, float]) -> bool:
        """Whether the wrong lines fit where the student's did not."""
        passes = (backward_pass(gradient, probe.exact, *fit) for probe in silent)
        return any(result is not None for result in passes)

    exact = [s for s in shown if _tolerance(*s) == TOLERANCES["float64"]] or shown
    tried = ((c, _fit(gradient, c, shown, exact)) for c in book.singles(gradient))
    fits = [fit for fit in tried if fit[1] is not None]
    fits = [fit for fit in fits if not answers(fit)] or fits
    for candidate in () if fits else ((book.FACTOR,), *book.combined(gradient)):
        if (unknown := _fit(gradient, candidate, shown, exact)) is not None:
            fits = [(candidate, unknown)]
            break
    if not fits:
        return False
    candidate, unknown = fits[0]
    code = dict.fromkeys(
        f"{s} = {line}" for m in candidate for s, line in m.lines.items()
    )
    finding.code = list(code)
    if name := unknown_of(candidate):
        signed = rf"[+-](?= {name} \*)"
        if unknown < 0 and re.search(signed, " ".join(code)):
            turn = {"+": "-", "-": "+"}
            finding.code = [re.sub(signed, lambda m: turn[m[0]], line) for line in code]
            unknown = -unknown
        finding.unknown = unknown
        finding.code.append(f"{name} = {unknown:.4g}")
    for mistake in candidate:
        finding.add(mistake.key, mistake.says.format(unknown=unknown), mistake.read)
    also = dict.fromkeys(m.key for c, _ in fits[1:] for m in c)
    finding.also = [key for key in also if key not in finding.mistakes]
    return True


def _fit(
    gradient: str, candidate: book.Candidate, shown: Shown, exact: Shown
) -> float | None:
    """Return the unknown for which the wrong lines give what came, None if they don't.

    0 where the lines hold no unknown. ``exact`` are those of float64.
    """

    def fits(probes: Shown) -> bool:
        return all(off(*s) <= SLACK * _tolerance(*s) for s in probes)

    def off(probe: Probe, answer: np.ndarray) -> float:
        wrong = backward_pass(gradient, probe.exact, candidate, unknown)
        return distance(answer, wrong)

    unknown = 0.0
    if name := unknown_of(candidate):
        largest = max(exact, key=lambda s: np.abs(s[0].truth[gradient]).max())
        for probes in (exact[:1], [*exact[:2], largest]):
            unknown = _solve(gradient, candidate, probes, unknown)
            if not fits(probes):
                return None
        # At these ends it is another mistake, or none.
        if not {"slope": 0 < unknown < 0.9, "limit": unknown > 0}.get(name, True):
            return None
    if not fits(shown):
        return None
    # Rounding errors lie near any line that is all but right: a fit must do better.
    from_truth = max(distance(answer, probe.truth[gradient]) for probe, answer in exact)
    return unknown if max(off(*s) for s in exact) <= NEARER * from_truth else None


def _solve(
    gradient: str, candidate: book.Candidate, probes: Shown, unknown: float
) -> float:
    """Return the unknown by least squares, with Newton's steps as Gauss took them."""
    for _ in range(12):
        along = across = 0.0
        for probe, answer in probes:
            here, there = (
                backward_pass(gradient, probe.exact, candidate, value)
                for value in (unknown, unknown + 1e-4)
            )
            if here is None or here.shape != answer.shape:
                return unknown
            way = (there - here) / 1e-4
            along += np.vdot(way, answer - here)
            across += np.vdot(way, way)
        step = float(along / across) if across else 0.0
        unknown += step
        if not abs(step) > 1e-13 * abs(unknown):
            break
    return unknown


def _described(finding: Finding, shown: Shown) -> None:
    """Add what can be said of numbers that no line of the catalogue gives."""
    gradient = finding.gradient
    factors = []
    for probe, answer in shown:
        truth = probe.truth[gradient]
        if answer.shape != truth.shape:
            W = gradient.removeprefix("grad_")
            says = f"The shape is {answer.shape}, not {truth.shape} as {W}, at {probe}."
            if answer.shape == truth.shape[::-1]:
                says += " The shape is transposed."
            other = next(name for name in GRADIENTS if name != gradient)
            if answer.shape == probe.truth[other].shape:
                says += f" It is that of {other}: are the two swapped?"
            same_size = answer.size == truth.size
            flat = answer.reshape(truth.shape) if same_size else answer
            if distance(flat, truth) <= _tolerance(probe, answer):
                says += " The numbers are right."
            return finding.add("wrong_shape", says, book.SHAPES)
        factor = float(np.vdot(truth, answer) / np.vdot(truth, truth))
        fits = distance(answer, factor * truth) <= SLACK * _tolerance(probe, answer)
        factors.append(factor if fits else np.nan)
    if finding.error <= FLOAT32_INSIDE:
        says = "The numbers are right to float32 only: some line computes in float32."
        return finding.add("float32_inside", says, book.FLOAT64)
    if np.isnan(factors).any():
        return finding.add("unknown", "No known mistake gives these numbers.")
    sizes = np.array([probe.sizes for probe, _ in shown], dtype=float)
    logs = np.column_stack([np.log(sizes), np.ones(len(sizes))])
    powers = np.linalg.lstsq(logs, np.log(np.abs(factors)), rcond=None)[0].round(6)
    number = np.exp(powers[4]) * np.sign(factors[0])
    if np.allclose(number * (sizes ** powers[:4]).prod(axis=1), factors, rtol=1e-3):
        named = [f"{n}**{p:.3g}" for n, p in zip(SIZES, powers, strict=False) if p]
        says = " * ".join(([] if round(number, 4) == 1 else [f"{number:.4g}"]) + named)
    else:
        places: dict[str, list[Probe]] = {}
        for (probe, _), factor in zip(shown, factors, strict=True):
            places.setdefault(f"{factor:.4g}", []).append(probe)
        says = "a number that changes: " + "; ".join(
            f"{factor} at {len(probes)} probes, first {probes[0]}"
            for factor, probes in places.items()
        )
    return finding.add(
        "varying_factor", f"It is the right gradient times {says}.", book.SUM
    )
