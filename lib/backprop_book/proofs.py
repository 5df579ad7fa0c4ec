"""Hold a labelled equation against an independent truth, beside the equation."""

import numpy as np

from backprop_book.gradient_check import relative_error

LOOSEST = 1e-8


def prove(
    label: str, claim: object, truth: object, *, tolerance: float = 1e-10
) -> None:
    """Print an equation's label and the error of what it claims, or stop if wrong.

    Parameters
    ----------
    label : str
        The equation's label, as ``"d-relu"``.
    claim : array-like
        What the equation's right-hand side gives, in float64.
    truth : array-like of the same shape
        The same derivative, found another way.
    tolerance : float
        The largest `relative_error` that passes, at most 1e-8.

    Raises
    ------
    AssertionError
        The error is above the tolerance, or not a number.
    TypeError, ValueError
        The claim or the truth is not float64, the two shapes differ, or the tolerance
        is above 1e-8.
    """
    if not 0 < tolerance <= LOOSEST:
        raise ValueError(
            f"tolerance: expected above 0 and at most {LOOSEST}, got {tolerance}"
        )
    claim, truth = np.asarray(claim), np.asarray(truth)
    for name, array in (("claim", claim), ("truth", truth)):
        if array.dtype != np.float64:
            raise TypeError(f"{name}: expected dtype float64, got {array.dtype}")
        if not array.size:
            raise ValueError(
                f"{name}: expected at least one number, got shape {array.shape}"
            )
    if np.may_share_memory(claim, truth):
        raise ValueError(
            "truth: expected a result of its own, got the memory of the claim"
        )
    error = relative_error(claim, truth)
    if not error <= tolerance:
        raise AssertionError(
            f"{label}: claim and truth differ, "
            f"relative error {error:.1e} > {tolerance:.0e}"
        )
    shape = "×".join(map(str, claim.shape)) or "one number"
    print(f"{label}: proved, {shape}, relative error {error:.1e} ≤ {tolerance:.0e}")
