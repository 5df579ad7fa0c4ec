"""Check a reader's answer in an exercise cell, without giving the answer away."""

from collections.abc import Mapping

import numpy as np

from backprop_book.arguments import (
    check_finite,
    check_kind,
    check_positive,
    real_array,
)


def check_answer(
    answer: object,
    truth: object,
    *,
    tolerance: float = 1e-6,
    slips: Mapping[str, object] | None = None,
) -> None:
    """Print whether an answer is right and, where it is not, what is wrong with it.

    Parameters
    ----------
    answer : None, number or array-like
        A PyTorch tensor too, on any device, in a graph or not, and one number in a
        list where a number is asked for. None stands for a cell that was left empty: it
        is reported and raises nothing.
    truth : number or array-like
        The right answer, finite.
    tolerance : float
        Largest difference that counts as right, relative to the truth's largest entry
        (absolute where all entries are 0).
    slips : mapping of str to number or array-like, optional
        Wrong answers that readers give, each after the sentence that says what it is.

    Raises
    ------
    TypeError, ValueError
        The truth or the tolerance can't judge an answer: the exercise is wrong.
    """
    check_positive("tolerance", tolerance)
    truth = real_array("truth", truth).astype(np.float64)
    check_finite("truth", truth)
    check_kind("slips", slips, Mapping | None, "sentences with wrong answers")
    verdicts = {"Right.": truth}
    for sentence, slip in (slips or {}).items():
        wrong = real_array(f"slips[{sentence!r}]", slip)
        verdicts[f"Not yet: {sentence}"] = wrong.astype(np.float64)
    if answer is None:
        print(
            "Not answered yet: put your answer in place of None and run the cell again."
        )
        return
    try:
        answer = real_array("answer", answer).astype(np.float64)
    except TypeError as error:
        print(f"Not yet: {str(error).removeprefix('answer: ')}.")
        return
    if truth.ndim == 0 and answer.size == 1:
        answer = answer.reshape(())
    for verdict, known in verdicts.items():
        if answer.shape == known.shape and _close(answer, known, tolerance).all():
            print(verdict)
            return
    if answer.shape != truth.shape:
        expected = f"shape {truth.shape}" if truth.ndim else "one number"
        print(f"Not yet: expected {expected}, got shape {answer.shape}.")
    elif truth.ndim == 0:
        off = abs(float(answer) - float(truth))
        print(f"Not yet: {answer:.6g} is off by {off:.3g}.")
    else:
        wrong = ~_close(answer, truth, tolerance)
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        print(
            f"Not yet: {wrong.sum()} of {truth.size} entries are off; the first is at "
            f"index {index}, where you have {answer[index]:.6g}."
        )


def _close(answer: np.ndarray, truth: np.ndarray, tolerance: float) -> np.ndarray:
    """Tell for each entry whether it is within the tolerance; NaN never is."""
    # A slip may be infinite in places; a difference may overflow.
    largest = np.abs(truth[np.isfinite(truth)]).max(initial=0) or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        return np.isclose(answer, truth, rtol=0, atol=tolerance * largest)
