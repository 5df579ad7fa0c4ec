"""A proof must be able to fail."""

import numpy as np
import pytest

from backprop_book import check_derivative

CLAIM = np.array([[1.0, 2.0]])


def test_a_right_claim_prints_label_shape_and_error(capsys):
    check_derivative("d-some-thing", CLAIM, CLAIM + 1e-13)
    out = capsys.readouterr().out
    assert out.startswith("d-some-thing: agrees, 1×2, relative error ")
    assert "≤ 1e-10" in out


def test_a_claim_in_another_byte_order(capsys):
    check_derivative("d-x", CLAIM.astype(">f8"), CLAIM)
    assert "d-x: agrees" in capsys.readouterr().out


@pytest.mark.parametrize("label", [None, CLAIM, 3])
def test_a_label_is_a_string(label):
    with pytest.raises(TypeError, match=r"^label: expected an equation's label, got "):
        check_derivative(label, CLAIM, CLAIM.copy())


def test_one_number(capsys):
    check_derivative("d-x", np.float64(2.0), np.float64(2.0))
    out = capsys.readouterr().out
    assert out.startswith("d-x: agrees, one number, relative error 0.0e+00 ≤")


def test_an_error_as_large_as_the_tolerance_passes():
    check_derivative("d-x", np.float64(1.0), np.float64(1.0 - 2**-30), tolerance=2**-30)
    check_derivative("d-x", CLAIM, CLAIM.copy(), tolerance=1e-8)


@pytest.mark.parametrize("truth", [CLAIM + 1e-6, -CLAIM, CLAIM * 2, CLAIM * 0])
def test_a_wrong_claim_stops_and_names_the_label(truth, capsys):
    with pytest.raises(AssertionError, match="d-some-thing: claim and truth differ"):
        check_derivative("d-some-thing", CLAIM, truth)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nothing_agrees_with_numbers_that_are_not_finite(bad, capsys):
    other = np.array([[1.0, bad]])
    with pytest.raises(AssertionError, match="d-x: claim and truth differ"):
        check_derivative("d-x", other, CLAIM)
    for claim in (CLAIM, other.copy(), np.zeros((1, 2))):
        with pytest.raises(ValueError, match="truth: expected finite numbers only"):
            check_derivative("d-x", claim, other)
    assert capsys.readouterr().out == ""


def test_a_claim_of_0_everywhere_proves_no_mask():
    with pytest.raises(ValueError, match=r"^claim: expected .* not 0 .*, got 0 every"):
        check_derivative("d-x", np.zeros(3), np.zeros(3))
    check_derivative("d-x", np.array([0.0, 1.0]), np.array([0.0, 1.0]))


def test_a_masked_array_is_no_claim_and_no_truth():
    masked = np.ma.array(CLAIM, mask=[[True, False]])
    for name, claim, truth in (("claim", masked, CLAIM), ("truth", CLAIM, masked)):
        with pytest.raises(
            TypeError, match=f"^{name}: expected a plain array, got Mas"
        ):
            check_derivative("d-x", claim, truth)


@pytest.mark.parametrize("tolerance", [1e-7, 0, -1, np.nan, np.inf])
def test_no_loose_tolerance(tolerance):
    message = rf"^tolerance: expected (at most 1e-08|a finite.*), got {tolerance}$"
    with pytest.raises(ValueError, match=message):
        check_derivative("d-x", CLAIM, CLAIM.copy(), tolerance=tolerance)


def test_float32_and_empty_arrays_prove_nothing():
    with pytest.raises(TypeError, match="claim: expected dtype float64, got float32"):
        check_derivative("d-x", CLAIM.astype(np.float32), CLAIM)
    with pytest.raises(TypeError, match="truth: expected dtype float64, got float32"):
        check_derivative("d-x", CLAIM, CLAIM.astype(np.float32))
    with pytest.raises(ValueError, match="truth: expected at least one number"):
        check_derivative("d-x", np.empty((0, 2)), np.empty((0, 2)))


def test_very_small_numbers_are_held_to_the_same_tolerance():
    with pytest.raises(AssertionError, match="d-x: claim and truth differ"):
        check_derivative("d-x", CLAIM * 1e-200, CLAIM * 3e-200)


def test_a_claim_cannot_be_its_own_truth():
    message = r"^truth: expected a result of its own, got the memory of the claim$"
    with pytest.raises(ValueError, match=message):
        check_derivative("d-x", CLAIM, CLAIM)


def test_shapes_must_agree():
    message = r"^claim: expected shape \(2, 1\), as the truth, got \(1, 2\)$"
    with pytest.raises(ValueError, match=message):
        check_derivative("d-x", CLAIM, CLAIM.T.copy())
