"""What `check_backward` found, as data, as text and as Markdown."""

from collections.abc import Callable
from dataclasses import dataclass

from backprop_book.backward_mistakes import BACKWARD, ORDER, Reading
from backprop_book.backward_probes import TOLERANCES, Probe


@dataclass(frozen=True)
class Finding:
    """What is known of one gradient.

    Attributes
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    passed : bool
        Whether it is right wherever it was returned.
    mistakes : tuple of str
        Keys of what is wrong, empty where it is right; ``("unknown",)`` where no known
        mistake gives these numbers.
    explanation : tuple of str
        The same in sentences.
    code : tuple of str
        Lines that give the student's numbers.
    read : tuple of (chapter, section)
        Where the book explains it.
    unknown : float, optional
        The learning rate (or the decay) that was solved for, or the constant factor.
    also : tuple of str
        Keys of other mistakes that give the same numbers at all probes.
    raises_at : tuple of str
        Names of the probes whose shapes do not fit the lines in ``code``.
    right, shown : int
        At how many probes it is right, and at how many it was returned.
    error : float, optional
        The largest relative error; None where no shape is right.
    probe : Probe, optional
        Where the error is largest.
    worst_index : tuple of int, optional
        The entry that is off most there.
    answer, truth : float, optional
        The student's value of that entry, and the right one.
    """

    gradient: str
    passed: bool
    mistakes: tuple[str, ...] = ()
    explanation: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    read: tuple[Reading, ...] = ()
    unknown: float | None = None
    also: tuple[str, ...] = ()
    raises_at: tuple[str, ...] = ()
    right: int = 0
    shown: int = 0
    error: float | None = None
    probe: Probe | None = None
    worst_index: tuple[int, ...] | None = None
    answer: float | None = None
    truth: float | None = None

    @property
    def mistake(self) -> str | None:
        """The first key of ``mistakes``; None where the gradient is right."""
        return self.mistakes[0] if self.mistakes else None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a call, whatever the gradients are.

    Attributes
    ----------
    mistake : str
        ``"exception"``, ``"wrong_return"`` or ``"inputs_modified"``.
    probe : Probe
        Where it happened.
    text : str
        The exception's type and message, what was returned, or what was modified.
    arguments : tuple of str
        The arguments modified.
    """

    mistake: str
    probe: Probe
    text: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class BackwardReport:
    """The diagnosis of a backward pass; prints as text and displays as Markdown.

    Attributes
    ----------
    findings : dict of str to Finding
        One for ``"grad_W1"`` and one for ``"grad_W2"``.
    problems : tuple of Problem
        Exceptions, wrong returns and modified inputs, one for each probe.
    probes : tuple of Probe
        The inputs and the right gradients, to try by hand.
    notes : tuple of str
        Remarks that fail nothing.
    """

    findings: dict[str, Finding]
    problems: tuple[Problem, ...] = ()
    probes: tuple[Probe, ...] = ()
    notes: tuple[str, ...] = ()

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
        headline, sections = self._sections()
        lines = [headline]
        for title, details in sections:
            lines += [title, *(f"  {detail}" for detail in details)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        headline, sections = self._sections(code=_in_backticks)
        lines = [f"**{headline}**", ""]
        for title, details in sections:
            lines += [f"- {title}", *(f"  - {detail}" for detail in details)]
        return "\n".join(lines).rstrip()

    def _sections(
        self, code: Callable[[str], str] = str
    ) -> tuple[str, list[tuple[str, list[str]]]]:
        """Return the headline, and titles with details; ``code`` sets off code."""
        if not self.probes:
            return (
                "Not answered yet: put your function in place of None and run the "
                "cell again."
            ), []
        sections = [self._of_gradient(f, code) for f in self.findings.values()]
        sections += self._of_problems(code)
        sections += [(f"note: {note}", []) for note in self.notes]
        right = sum(finding.passed for finding in self.findings.values())
        if self.passed:
            headline = f"Right: both gradients, at all {len(self.probes)} probes."
        elif not any(finding.shown for finding in self.findings.values()):
            headline = "Not yet: no gradient came back."
        else:
            headline = (
                "Not yet: neither gradient is right.",
                "Not yet: one of the two gradients is right.",
                "Not yet: both gradients that came are right, but read on.",
            )[right]
        return headline, sections

    def _of_gradient(
        self, finding: Finding, code: Callable[[str], str]
    ) -> tuple[str, list[str]]:
        name, asked = code(finding.gradient), len(self.probes)
        if not finding.shown:
            return f"{name}: never returned", []
        if finding.passed:
            where = f"all {asked}" if finding.shown == asked else finding.shown
            return (
                f"{name}: right at {where} probes, relative error at most "
                f"{TOLERANCES['float64']:.0e} in float64, "
                f"{TOLERANCES['float32']:.0e} in float32"
            ), []
        title = f"{name}: wrong at {finding.shown - finding.right} of {finding.shown}"
        title += " probes" if finding.shown == asked else " probes that returned"
        # The last digits of a rounding error differ from machine to machine.
        if finding.error is not None and finding.error > TOLERANCES["float32"]:
            title += f", relative error {finding.error:.2g} at worst"
        details = list(finding.explanation)
        if finding.code:
            same = "; ".join(code(line) for line in finding.code)
            details.append(f"same numbers as from: {same}")
        if finding.also:
            also = ", ".join(finding.also)
            details.append(f"these give the same numbers at all probes: {also}")
        if "unknown" in finding.mistakes:
            details.append(
                f"worst entry: index {finding.worst_index}, "
                f"yours {finding.answer:.6g}, right {finding.truth:.6g}, "
                f"at probe: {finding.probe}"
            )
        details += [f"read: {chapter}, section '{s}'" for chapter, s in finding.read]
        return title, details

    def _of_problems(self, code: Callable[[str], str]) -> list[tuple[str, list[str]]]:
        groups: dict[tuple[str, str], list[Problem]] = {}
        for problem in self.problems:
            # NumPy's messages hold the sizes, so only the type groups exceptions.
            kind = problem.text.split(":")[0]
            groups.setdefault((problem.mistake, kind), []).append(problem)
        sections = []
        for (mistake, _), group in groups.items():
            details = [f"first at probe: {group[0].probe}"]
            at = f"at {len(group)} of {len(self.probes)} probes"
            if mistake == "exception":
                title = f"exception {at}: {code(group[0].text)}"
                if self._explains([problem.probe for problem in group]):
                    details.append("the wrong line above raises there as well")
            elif mistake == "wrong_return":
                title = f"wrong return {at}: {group[0].text}"
                details.append("read: {}, section '{}'".format(*BACKWARD))
            else:
                title = f"{group[0].text} {at}: work on a copy"
                details.append("read: {}, section '{}'".format(*ORDER))
            sections.append((title, details))
        return sections

    def _explains(self, probes: list[Probe]) -> bool:
        """Whether wrong lines that were found raise at all these probes."""
        return any(
            all(probe.name in finding.raises_at for probe in probes)
            for finding in self.findings.values()
        )


def _in_backticks(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"
