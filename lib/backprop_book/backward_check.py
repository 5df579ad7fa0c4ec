"""Check a student's backward pass, and name the mistake where it is a known one."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from backprop_book.backward_mistakes import (
    FLOAT64,
    LOSS,
    SHAPES,
    SUM,
    Replacement,
    backward_pass,
    combined_replacements,
    single_replacements,
    unknown_of,
)
from backprop_book.backward_probes import (
    GRADIENTS,
    SIZES,
    TOLERANCES,
    Probe,
    Reply,
    Shape,
    ask,
    make_probes,
)
from backprop_book.backward_report import BackwardReport, Finding, Problem
from backprop_book.checks import check_integer
from backprop_book.gradient_check import relative_error

SLACK = 10  # a student may reach a wrong line's numbers by a less exact road
NEARER = 0.01  # how much nearer than the truth a wrong line must come
FLOAT32_INSIDE = 3e-6

Shown = list[tuple[Probe, np.ndarray]]  # where a gradient came, and what came


def check_backward(
    student_function: Callable[..., object] | None,
    *,
    shapes: Sequence[Shape] | None = None,
    seed: int = 0,
) -> BackwardReport:
    """Say whether a backward pass is right, and if not, which mistake it makes.

    The network is the book's, ``L = sum((max(X @ W1, 0) @ W2 - Y)**2)``. The function
    is called with copies at several probes: shapes with all sizes different and all
    equal, one sample, one hidden unit, pre-activations that are exactly 0, and float32.
    The truth comes in float64 from `two_layer_regression_numpy_gradient`, and must
    agree with the complex step.

    Parameters
    ----------
    student_function : callable or None
        Takes X, Y, W1, W2 of shapes (N, D_in), (N, D_out), (D_in, H), (H, D_out) and
        returns ``(grad_W1, grad_W2)``, NumPy arrays or PyTorch tensors. None stands for
        an exercise that was left empty: it is reported and raises nothing.
    shapes : sequence of (N, D_in, H, D_out), optional
        Shapes to probe; see `make_probes`.
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
        empty = {g: Finding(g, False, ("not_answered",)) for g in GRADIENTS}
        return BackwardReport(empty)
    if not callable(student_function):
        raise TypeError(
            "student_function: expected a function (X, Y, W1, W2) -> (grad_W1, "
            f"grad_W2), or None, got {type(student_function).__name__}"
        )
    _check_shapes(shapes)
    check_integer("seed", seed, 0)
    probes = make_probes(shapes, seed)
    replies = [ask(student_function, probe) for probe in probes]
    # A student's numbers may be huge; what overflows here is found to be wrong.
    with np.errstate(all="ignore"):
        findings = _name_swap({g: _diagnose(g, replies) for g in GRADIENTS})
    return BackwardReport(findings, _problems(replies), probes, _notes(replies))


def _check_shapes(shapes: object) -> None:
    if shapes is None:
        return
    expected = f"shapes: expected a list of ({', '.join(SIZES)})"
    if not isinstance(shapes, Sequence) or isinstance(shapes, str):
        raise TypeError(f"{expected}, got {type(shapes).__name__}")
    for shape in shapes:
        if not isinstance(shape, Sequence) or len(shape) != len(SIZES):
            raise TypeError(f"{expected}, got {shape!r} in it")
        for name, size in zip(SIZES, shape, strict=True):
            check_integer(f"shapes: {name} of {tuple(shape)}", size, 1)


def _problems(replies: list[Reply]) -> tuple[Problem, ...]:
    problems = [Problem(r.fault[0], r.probe, r.fault[1]) for r in replies if r.fault]
    for reply in replies:
        if reply.modified:
            text = f"{' and '.join(reply.modified)} modified in place"
            problems.append(
                Problem("inputs_modified", reply.probe, text, reply.modified)
            )
    return tuple(problems)


def _notes(replies: list[Reply]) -> tuple[str, ...]:
    widened = any(
        reply.probe.dtype == np.float32 and gradient.dtype == np.float64
        for reply in replies
        for gradient in reply.gradients.values()
    )
    if not widened:
        return ()
    chapter, section = FLOAT64
    return (
        "float32 inputs came back as float64, right but slower; "
        f"read: {chapter}, section '{section}'",
    )


def _name_swap(findings: dict[str, Finding]) -> dict[str, Finding]:
    """Call it a swap where each gradient is the other one."""
    if not all("other_gradient" in f.mistakes for f in findings.values()):
        return findings
    says = "The two gradients are swapped: return grad_W1 first, then grad_W2."
    swapped = {}
    for name, finding in findings.items():
        place = finding.mistakes.index("other_gradient")
        keys, texts = list(finding.mistakes), list(finding.explanation)
        keys[place], texts[place] = "swapped", says
        swapped[name] = replace(finding, mistakes=tuple(keys), explanation=tuple(texts))
    return swapped


def _tolerance(probe: Probe, answer: np.ndarray) -> float:
    names = (probe.dtype.name, answer.dtype.name)
    return max(TOLERANCES.get(name, TOLERANCES["float64"]) for name in names)


def _error(answer: np.ndarray, other: np.ndarray | None) -> float:
    """Return the relative error in float64, infinite where the shapes differ."""
    if other is None or answer.shape != other.shape:
        return np.inf
    return relative_error(answer.astype(np.float64), other)


def _diagnose(gradient: str, replies: list[Reply]) -> Finding:
    """Return all that can be said of one gradient."""
    shown = [(r.probe, r.gradients[gradient]) for r in replies if r.gradients]
    if not shown:
        return Finding(gradient, False, ("no_answer",))
    errors = [_error(answer, probe.truth[gradient]) for probe, answer in shown]
    accurate = [e <= _tolerance(*s) for e, s in zip(errors, shown, strict=True)]
    narrowed = [
        probe.dtype == np.float64 and answer.dtype in (np.float16, np.float32)
        for probe, answer in shown
    ]
    right = [a and not n for a, n in zip(accurate, narrowed, strict=True)]
    finding = Finding(gradient, all(right), right=sum(right), shown=len(shown))
    if not all(np.isfinite(answer).all() for _, answer in shown):
        return _not_finite(finding, shown)
    finding = _measured(finding, shown, errors)
    if not all(accurate):
        finding = _explained(finding, shown, [reply.probe for reply in replies])
    if any(narrowed):
        dtype = shown[narrowed.index(True)][1].dtype
        says = f"The result is {dtype} where the inputs are float64."
        finding = _with(finding, "float32_result", says, FLOAT64)
    return finding


def _with(finding: Finding, key: str, says: str, *read: tuple[str, str]) -> Finding:
    return replace(
        finding,
        mistakes=(*finding.mistakes, key),
        explanation=(*finding.explanation, says),
        read=(*finding.read, *read),
    )


def _not_finite(finding: Finding, shown: Shown) -> Finding:
    probe, answer = next(s for s in shown if not np.isfinite(s[1]).all())
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(answer))[0])
    says = f"Entry {index} is {float(answer[index])} at probe: {probe}."
    return _with(replace(finding, probe=probe, worst_index=index), "not_finite", says)


def _measured(finding: Finding, shown: Shown, errors: list[float]) -> Finding:
    """Add the largest error and the entry that is off most."""
    sizes = [error if np.isfinite(error) else -1.0 for error in errors]
    worst = int(np.argmax(sizes))
    if sizes[worst] < 0:
        return replace(finding, probe=shown[worst][0])
    probe, answer = shown[worst]
    truth = probe.truth[finding.gradient]
    flat = np.argmax(np.abs(answer - truth))
    index = tuple(int(i) for i in np.unravel_index(flat, truth.shape))
    return replace(
        finding,
        error=errors[worst],
        probe=probe,
        worst_index=index,
        answer=float(answer[index]),
        truth=float(truth[index]),
    )


def _explained(finding: Finding, shown: Shown, probes: list[Probe]) -> Finding:
    """Add which mistake gives the student's numbers at every probe shown."""
    singles = single_replacements(finding.gradient)
    fits = [(r, _fit(finding.gradient, r, shown)) for r in singles]
    fits = [fit for fit in fits if fit[1] is not None]
    if not fits:
        combined = combined_replacements(finding.gradient)
        tried = ((r, _fit(finding.gradient, r, shown)) for r in combined)
        fits = [next((fit for fit in tried if fit[1] is not None), None)]
    if fits[0] is None:
        return _explained_otherwise(finding, shown)
    replacement, unknown = fits[0]
    for mistake in replacement:
        finding = _with(finding, mistake.key, mistake.says, mistake.read)
    code = list(dict.fromkeys(mistake.code for mistake in replacement))
    if (name := unknown_of(replacement)) is not None:
        code.append(f"{name} = {unknown:.4g}")
        finding = replace(finding, unknown=unknown)
    also = [m.key for r, _ in fits[1:] for m in r if m.key not in finding.mistakes]
    raises_at = [
        probe.name
        for probe in probes
        if backward_pass(finding.gradient, probe.exact_inputs, replacement) is None
    ]
    return replace(
        finding,
        code=tuple(code),
        read=tuple(dict.fromkeys(finding.read)),
        also=tuple(dict.fromkeys(also)),
        raises_at=tuple(raises_at),
    )


def _fit(gradient: str, replacement: Replacement, shown: Shown) -> float | None:
    """Return the unknown for which the wrong lines give what came, None if they don't.

    0 where the lines hold no unknown.
    """
    unknown = 0.0
    if unknown_of(replacement) is not None:
        unknown = _solve(gradient, replacement, shown)
        if unknown is None:
            return None
    errors = []
    for probe, answer in shown:
        wrong = backward_pass(gradient, probe.exact_inputs, replacement, unknown)
        errors.append(_error(answer, wrong))
        if not errors[-1] <= SLACK * _tolerance(probe, answer):
            return None
    # Rounding errors lie near any line that is all but right: a fit must do better.
    exact = _most_exact(shown)
    names = {probe.name for probe, _ in exact}
    from_truth = max(_error(answer, probe.truth[gradient]) for probe, answer in exact)
    from_wrong = max(
        error
        for error, (probe, _) in zip(errors, shown, strict=True)
        if probe.name in names
    )
    return unknown if from_wrong <= NEARER * from_truth else None


def _most_exact(shown: Shown) -> Shown:
    """Return what came in float64 for float64 inputs, or all if nothing did."""
    return [s for s in shown if _tolerance(*s) == TOLERANCES["float64"]] or shown


def _solve(gradient: str, replacement: Replacement, shown: Shown) -> float | None:
    """Return the unknown by least squares: the wrong lines are linear in it."""
    along = across = 0.0
    for probe, answer in _most_exact(shown):
        at_0, at_1 = (
            backward_pass(gradient, probe.exact_inputs, replacement, value)
            for value in (0.0, 1.0)
        )
        if at_0 is None or at_0.shape != answer.shape:
            return None
        direction = at_1 - at_0
        along += np.vdot(direction, answer - at_0)
        across += np.vdot(direction, direction)
    return float(along / across) if across else None


def _explained_otherwise(finding: Finding, shown: Shown) -> Finding:
    """Add what can be said of numbers that no line of the catalogue gives."""
    gradient = finding.gradient
    for probe, answer in shown:
        truth = probe.truth[gradient]
        if answer.shape != truth.shape:
            says = (
                f"The shape is {answer.shape}, not {truth.shape} as "
                f"{gradient.removeprefix('grad_')}, at probe: {probe}."
            )
            if answer.shape == truth.shape[::-1]:
                says += " The shape is transposed."
            other = next(name for name in GRADIENTS if name != gradient)
            if answer.shape == probe.truth[other].shape:
                says += f" It is that of {other}: are the two swapped?"
            if answer.size == truth.size:
                flat = answer.reshape(truth.shape)
                if _error(flat, truth) <= _tolerance(probe, answer):
                    says += " The numbers are right."
            return _with(finding, "wrong_shape", says, SHAPES)
    if finding.error is not None and finding.error <= FLOAT32_INSIDE:
        says = "The numbers are right to float32 only: some line computes in float32."
        return _with(finding, "float32_inside", says, FLOAT64)
    factors = _factors(gradient, shown)
    if factors is None:
        return _with(finding, "unknown", "No known mistake gives these numbers.")
    if np.ptp(factors) <= SLACK * TOLERANCES["float32"] * abs(factors[0]):
        says = f"It is the right gradient times {factors[0]:.6g}, at every probe."
        finding = replace(finding, unknown=factors[0])
        return _with(finding, "constant_factor", says, LOSS)
    listed = "; ".join(
        f"{factor:.4g} at {probe}"
        for (probe, _), factor in zip(shown[:3], factors, strict=False)
    )
    says = f"It is the right gradient times a number that changes: {listed}."
    return _with(finding, "varying_factor", says, SUM)


def _factors(gradient: str, shown: Shown) -> list[float] | None:
    """Return by what the truth is multiplied at each probe, None if it is not."""
    factors = []
    for probe, answer in shown:
        truth = probe.truth[gradient]
        factor = float(np.vdot(truth, answer) / np.vdot(truth, truth))
        if not _error(answer, factor * truth) <= SLACK * _tolerance(probe, answer):
            return None
        factors.append(factor)
    return factors
