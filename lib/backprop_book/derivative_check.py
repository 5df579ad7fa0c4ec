"""Compare a labelled equation with an independent derivative, beside the equation."""

import numpy as np

from backprop_book.arguments import (
    check_finite,
    check_kind,
    check_positive,
    expect,
    real_array,
)
from backprop_book.gradient_check import relative_error

LOOSEST = 1e-8


def check_derivative(
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
        The error is above the tolerance.
    TypeError, ValueError
        The claim or the truth is not float64 or 0 everywhere, which any mask would
        give; the truth is not finite, the two shapes differ, or the tolerance is above
        1e-8.
    """
    check_kind("label", label, str, "an equation's label")
    check_positive("tolerance", tolerance)
    expect(tolerance <= LOOSEST, "tolerance", f"at most {LOOSEST}", tolerance)
    claim, truth = real_array("claim", claim), real_array("truth", truth)
    for name, array in (("claim", claim), ("truth", truth)):
        dtype = array.dtype.name
        expect(dtype == "float64", name, "dtype float64", dtype, TypeError)
    check_finite("truth", truth)
    same = claim.shape == truth.shape
    expect(same, "claim", f"shape {truth.shape}, as the truth", claim.shape)
    apart = not np.may_share_memory(claim, truth)
    expect(apart, "truth", "a result of its own", "the memory of the claim")
    error = relative_error(claim, truth)
    if not error <= tolerance:
        raise AssertionError(
            f"{label}: claim and truth differ, "
            f"relative error {error:.1e} > {tolerance:.0e}"
        )
    expected = "a derivative that is not 0 somewhere"
    came = "0 everywhere: a product with any mask could give it"
    expect(truth.any(), "claim", expected, came)
    shape = "×".join(map(str, claim.shape)) or "one number"
    print(f"{label}: agrees, {shape}, relative error {error:.1e} ≤ {tolerance:.0e}")
