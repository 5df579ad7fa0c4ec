"""Check a reader's answer in an exercise cell, without giving the answer away."""

import numpy as np

from backprop_book.checks import check_finite, check_positive, real_array


def check_answer(answer: object, truth: object, *, tolerance: float = 1e-6) -> None:
    """Print whether an answer is right and, where it is not, what is wrong with it.

    Parameters
    ----------
    answer : None, number or array-like
        A PyTorch tensor too, on any device, in a graph or not. None stands for a cell
        that was left empty: it is reported and raises nothing.
    truth : number or array-like
        The right answer, finite.
    tolerance : float
        Largest difference that counts as right, relative to the truth's largest entry
        (absolute where all entries are 0).

    Raises
    ------
    TypeError, ValueError
        The truth or the tolerance can't judge an answer: the exercise is wrong.
    """
    check_positive("tolerance", tolerance)
    truth = real_array("truth", truth).astype(np.float64)
    check_finite("truth", truth)
    if answer is None:
        print(
            "Not answered yet: put your answer in place of None and run the cell again."
        )
        return
    try:
        answer = real_array("answer", answer).astype(np.float64)
    except TypeError:
        print(f"Not yet: expected numbers, got {type(answer).__name__}.")
        return
    if answer.shape != truth.shape:
        print(f"Not yet: expected shape {truth.shape}, got {answer.shape}.")
        return
    difference = np.abs(answer - truth)
    # The negation catches NaN, which is neither within the tolerance nor beyond it.
    wrong = ~(difference <= tolerance * (np.abs(truth).max() or 1.0))
    if not wrong.any():
        print("Right.")
    elif truth.ndim == 0:
        print(f"Not yet: {answer:.6g} is off by {difference:.2g}.")
    else:
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        print(
            f"Not yet: {wrong.sum()} of {truth.size} entries are off; the first is at "
            f"index {index}, where you have {answer[index]:.6g}."
        )
