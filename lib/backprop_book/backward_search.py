"""The search for wrong lines that give a student's numbers."""

from collections.abc import Iterator
from itertools import combinations, product

import numpy as np

from backprop_book import backward_mistakes as book
from backprop_book.backward_mistakes import Mistake, backward_pass, unknown_of
from backprop_book.backward_probes import AT_KINK, SIZES, Probe, distance, tolerance

SLACK = 10  # a student may reach a wrong line's numbers by a less exact road
NOISE = 1e-9  # an unknown below is made of rounding errors

Shown = list[tuple[Probe, np.ndarray]]  # where a gradient came, and what came
Mistakes = tuple[Mistake, ...]


def find_mistakes(gradient: str, shown: Shown) -> Mistakes:
    """Return what gives a gradient's numbers at every probe, as few things as possible.

    Wrong lines, a factor of the whole and a convention at ReLU's kink go together in
    every way without being searched for together: the factor is measured at each probe,
    and the convention shows at one.

    Parameters
    ----------
    gradient : str
        ``"grad_W1"`` or ``"grad_W2"``.
    shown : list of (Probe, ndarray)
        Where a gradient came, and what came. With the most telling first, most
        candidates need not be tried at the others.
    """
    singles = [(m,) for m in book.singles(gradient) if m.read != book.KINK]
    fits = [f for lines in ((), *singles) if (f := _fit(gradient, shown, lines))]
    if fits:
        return min(fits, key=_length)
    further = (_fit(gradient, shown, lines) for lines in _further(singles))
    return next(filter(None, further), None) or (_describe(gradient, shown),)


def _length(found: Mistakes) -> tuple[int, bool]:
    names = [name for mistake in found for name in mistake.names]
    return len(names), "varying factor" in names


def _further(singles: list[Mistakes]) -> Iterator[Mistakes]:
    """Yield wrong lines with an unknown and a factor, then any two wrong lines."""
    unknown = [lines for lines in singles if unknown_of(*lines)]
    yield from ((*lines, scale) for lines, scale in product(unknown, book.scales()))
    for (first,), (second,) in combinations(singles, 2):
        if not first.lines.keys() & second.lines.keys():
            yield first, second


def _fit(gradient: str, shown: Shown, lines: Mistakes) -> Mistakes:
    """Return all that is wrong if these lines are, nothing if they don't fit."""
    name = unknown_of(*lines)
    unknown = _solve(gradient, *shown[0], lines) if name else np.nan
    # At these ends it is another mistake, or none.
    if name and not NOISE < unknown < (0.9 if name == "slope" else np.inf):
        return ()
    kinks = [(m,) for m in book.singles(gradient) if m.read == book.KINK]
    at_kink, factors, probes = (), [], []
    for probe, answer in shown:
        for kink in ((), *kinks) if probe.name == AT_KINK else ((),):
            wrong = backward_pass(gradient, probe.inputs, (*lines, *kink), unknown)
            if wrong is None or wrong.shape != answer.shape:
                return ()
            square = np.vdot(wrong, wrong)
            factor = np.vdot(wrong, answer) / (square or np.inf)
            if distance(answer, factor * wrong) <= SLACK * tolerance(probe, answer):
                break
        else:
            return ()
        at_kink += kink
        # Where all is 0 the factor is unknown, and in float32 it is not exact.
        if square and tolerance(probe, answer) <= tolerance(*shown[0]):
            factors.append(factor)
            probes.append(probe)
    if factors and not any(factors):
        return ()
    rtol = 2 * SLACK * tolerance(*shown[0])
    scale = _scale(np.array(factors), probes, rtol) if factors else ()
    remark = (Mistake([], f"{name} = {unknown:.4g}"),) if name else ()
    return (*lines, *remark, *scale, *at_kink)


def _solve(gradient: str, probe: Probe, answer: np.ndarray, lines: Mistakes) -> float:
    """Return the unknown in the lines by least squares, with Gauss's Newton steps."""
    unknown, small = 0.0, 1e-4
    for _ in range(12):
        here, there = (
            backward_pass(gradient, probe.inputs, lines, value)
            for value in (unknown, unknown + small)
        )
        if here is None or here.shape != answer.shape:
            return np.nan
        way = (there - here) / small
        across = np.vdot(way, way)
        step = np.vdot(way, answer - here) / (across or np.inf)
        unknown += step
        if not abs(step) > 1e-13 * abs(unknown):
            break
    return float(unknown)


def _scale(factors: np.ndarray, probes: list[Probe], rtol: float) -> Mistakes:
    """Return what is wrong with the factors at the probes, nothing if all are 1."""
    sizes = np.array([probe.sizes for probe in probes])
    known = {"E": 0.5, "N": sizes[:, 0], "D_out": sizes[:, 3]}
    for scale in book.scales():
        line = book.compiled(scale.lines["G"])
        if np.allclose(factors, eval(line, known), rtol=rtol, atol=0):
            return (scale,) if scale.names else ()
    if np.allclose(factors, factors[0], rtol=rtol, atol=0):
        says = f"constant factor: times {factors[0]:.6g} everywhere; a learning rate?"
        return (Mistake(["constant factor"], says, book.SUM),)
    logs = np.column_stack([np.log(sizes), np.ones(len(sizes))])
    powers = np.linalg.lstsq(logs, np.log(np.abs(factors) + (factors == 0)))[0]
    powers = (2 * powers[:4]).round() / 2
    numbers = factors / (sizes**powers).prod(axis=1)
    if np.allclose(numbers, numbers[0], rtol=rtol, atol=0):
        named = [f"{SIZES[k]}**{powers[k]:g}" for k in np.flatnonzero(powers)]
        says = f"{' * '.join([f'{numbers[0]:.6g}', *named])}."
    else:
        places: dict[str, list[Probe]] = {}
        for factor, probe in zip(factors, probes, strict=True):
            places.setdefault(f"{factor:.6g}", []).append(probe)
        every = len(probes)
        listed = [
            f"{factor} at {len(where)} of {every} probes, first {where[0]}"
            for factor, where in places.items()
        ]
        others = [f"{len(listed) - 3} more"] * (len(listed) > 3)
        says = "; ".join(listed[:3] + others)
    return (Mistake(["varying factor"], f"varying factor: times {says}", book.SUM),)


def _describe(gradient: str, shown: Shown) -> Mistake:
    """Return what can be said of numbers that no line of the catalogue gives."""
    for probe, answer in shown:
        shape = probe.truth[gradient].shape
        if answer.shape != shape:
            W = gradient.removeprefix("grad_")
            says = f"wrong shape: {answer.shape}, not {shape} as {W}, at {probe}"
            return Mistake(["wrong shape"], says, book.SHAPES)
    probe, answer = max(shown, key=lambda s: distance(s[1], s[0].truth[gradient]))
    truth = probe.truth[gradient]
    index = np.unravel_index(np.argmax(np.abs(answer - truth)), truth.shape)
    name = "unknown" if np.isfinite(answer[index]) else "not finite"
    says = f"{name}: no known mistake gives these numbers; at worst entry "
    says += f"{(*map(int, index),)} is {answer[index]:.6g}, right is {truth[index]:.6g}"
    return Mistake([name], f"{says}, at probe: {probe}")
