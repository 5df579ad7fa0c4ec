"""What a reader is told, to the letter, for each kind of outcome."""

import numpy as np
import pytest

from backprop_book import check_backward, two_layer_regression_numpy_gradient


def right(*arrays):
    return two_layer_regression_numpy_gradient(*arrays)[1:]


def without_mask(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = 2 * (H1 @ W2 - Y)
    return X.T @ (G @ W2.T), H1.T @ G


def fails_in_two_ways(*arrays):
    if arrays[0].shape == (1, 3):
        raise ValueError
    if arrays[3].shape == (1, 2):
        raise ValueError("one `unit`")
    if arrays[0].dtype == np.float32:
        raise TypeError("float32")
    return right(*arrays)


def takes_one_sample(*arrays):
    if arrays[0].shape != (1, 3):
        raise ValueError
    grad_W1, grad_W2 = right(*arrays)
    return grad_W1, grad_W2 / 2


def of_odd_shapes(*arrays):
    grad_W2 = right(*arrays)[1]
    return np.cos(grad_W2), grad_W2.T + 1


def three_mistakes(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = (Y - H1 @ W2) / Y.size
    grad_W2 = H1.T @ G
    grad_H1 = G @ (W2 - 0.125 * grad_W2).T
    return X.T @ (grad_H1 * (X @ W1 >= 0)), grad_W2


def steps(X, Y, W1, W2):
    grad_W1, grad_W2 = right(X, Y, W1, W2)
    W2 -= 0.01 * grad_W2
    return grad_W1, grad_W2


REPORTS = {
    without_mask: [
        "Not yet: one of the two gradients is right.",
        "grad_W1: wrong at 37 of 38 probes, relative error 0.87 at worst",
        "  ReLU's mask is missing, or true everywhere, as H1 >= 0 is: where Z1 "
        "is negative, no gradient may pass.",
        "  same numbers as from: grad_Z1 = grad_H1",
        "  read: lab_numpy, section 'Through ReLU'",
        "grad_W2: right at all 38 probes, relative error at most 1e-09 in "
        "float64, 1e-05 in float32",
    ],
    fails_in_two_ways: [
        "Not yet: both gradients that came are right, but read on.",
        "grad_W1: right at 33 probes, relative error at most 1e-09 in float64, "
        "1e-05 in float32",
        "grad_W2: right at 33 probes, relative error at most 1e-09 in float64, "
        "1e-05 in float32",
        "exception: TypeError: float32, at 2 of 38 probes",
        "  first at probe: float32, all sizes different (N 5, D_in 3, H 4, "
        "D_out 2, float32)",
        "exception: ValueError, at 3 of 38 probes",
        "  first at probe: one sample (N 1, D_in 3, H 4, D_out 2, float64)",
    ],
    takes_one_sample: [
        "Not yet: one of the two gradients is right.",
        "grad_W1: right at 1 probes, relative error at most 1e-09 in float64, "
        "1e-05 in float32",
        "grad_W2: wrong at 1 of 1 probes that returned, relative error 0.5 at worst",
        "  It is divided by N * D_out, all predictions: this loss is a sum.",
        "  same numbers as from: G = 2 * E / (N * D_out)",
        "  these give the same numbers at all probes: mean_over_D_out, "
        "factor_2_missing, mean_over_N, mean_over_N_twice, clipped",
        "  read: lab_numpy, section 'The loss is one number'",
        "exception: ValueError, at 37 of 38 probes",
        "  first at probe: all sizes equal (N 4, D_in 4, H 4, D_out 4, float64)",
    ],
    of_odd_shapes: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 38 of 38 probes, relative error 1.7 at worst",
        "  The shape is (4, 2), not (3, 4) as W1, at all sizes different (N 5, "
        "D_in 3, H 4, D_out 2, float64). It is that of grad_W2: are the two "
        "swapped?",
        "  read: matrix_derivatives, section 'The shape rule, and where it misleads'",
        "grad_W2: wrong at 38 of 38 probes, relative error 1.4 at worst",
        "  The shape is (2, 4), not (4, 2) as W2, at all sizes different (N 5, "
        "D_in 3, H 4, D_out 2, float64). The shape is transposed.",
        "  read: matrix_derivatives, section 'The shape rule, and where it misleads'",
    ],
    three_mistakes: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 38 of 38 probes, relative error 1.5 at worst",
        "  The factor 2 is missing: the derivative of a square is twice its base.",
        "  It is divided by N * D_out, all predictions: this loss is a sum.",
        "  The sign is turned: the error is Y_hat - Y, and the gradient points uphill.",
        "  W2 is already updated when grad_H1 is computed: G belongs to the old W2.",
        "  The derivative of ReLU at 0 is taken as 1; in this book it is 0.",
        "  same numbers as from: G = -(E / (N * D_out)); grad_H1 = G @ (W2 - "
        "lr * grad_W2).T; grad_Z1 = grad_H1 * (Z1 >= 0); lr = 0.125",
        "  read: lab_numpy, section 'Through the loss'",
        "  read: lab_numpy, section 'The loss is one number'",
        "  read: lab_numpy, section 'A tempting order of lines'",
        "  read: chain_rule, section 'ReLU has a kink at 0'",
        "grad_W2: wrong at 38 of 38 probes, relative error 1.5 at worst",
        "  The factor 2 is missing: the derivative of a square is twice its base.",
        "  It is divided by N * D_out, all predictions: this loss is a sum.",
        "  The sign is turned: the error is Y_hat - Y, and the gradient points uphill.",
        "  same numbers as from: G = -(E / (N * D_out))",
        "  read: lab_numpy, section 'Through the loss'",
        "  read: lab_numpy, section 'The loss is one number'",
    ],
    steps: [
        "Not yet: both gradients that came are right, but read on.",
        "grad_W1: right at all 38 probes, relative error at most 1e-09 in "
        "float64, 1e-05 in float32",
        "grad_W2: right at all 38 probes, relative error at most 1e-09 in "
        "float64, 1e-05 in float32",
        "W2 modified in place, at 38 of 38 probes",
        "  first at probe: all sizes equal (N 4, D_in 4, H 4, D_out 4, float64)",
        "  work on a copy; read: lab_numpy, section 'A tempting order of lines'",
    ],
}


@pytest.mark.parametrize("student", REPORTS)
def test_report_in_full(student):
    assert str(check_backward(student)).splitlines() == REPORTS[student]


def test_a_right_answer_in_full():
    within = "relative error at most 1e-09 in float64, 1e-05 in float32"
    assert str(check_backward(right)).splitlines() == [
        "Right: both gradients, at all 38 probes.",
        f"grad_W1: right at all 38 probes, {within}",
        f"grad_W2: right at all 38 probes, {within}",
    ]


def test_an_empty_answer():
    empty = (
        "Not answered yet: put your function in place of None and run the cell again."
    )
    assert str(check_backward(None)) == empty
    assert check_backward(None)._repr_markdown_() == f"**{empty}**"


def test_markdown_sets_code_off_and_indents_details():
    lines = check_backward(without_mask)._repr_markdown_().splitlines()
    assert lines[:3] == [
        "**Not yet: one of the two gradients is right.**",
        "",
        "- `grad_W1`: wrong at 37 of 38 probes, relative error 0.87 at worst",
    ]
    assert lines[4] == "  - same numbers as from: `grad_Z1 = grad_H1`"


def test_a_message_cannot_break_the_markdown():
    def student(*arrays):
        raise ValueError("shapes `do` not fit")

    report = check_backward(student)
    assert (
        "exception: `ValueError: shapes 'do' not fit`, at" in report._repr_markdown_()
    )
