"""What a reader is told, to the letter, for each kind of outcome."""

import numpy as np
import pytest

from backprop_book import check_backward, two_layer_regression_numpy_gradient
from backprop_book.backward_probes import make_probes


def right(*arrays):
    return two_layer_regression_numpy_gradient(*arrays)[1:]


def without_mask(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = 2 * (H1 @ W2 - Y)
    return X.T @ (G @ W2.T), H1.T @ G


def fails_at_one_sample(*arrays):
    if len(arrays[0]) == 1:
        raise ValueError
    return right(*arrays)


def fails_in_two_ways(*arrays):
    if len(arrays[0]) == 1:
        raise ValueError
    if len(arrays[3]) == 1:
        raise ValueError("one unit")
    if arrays[0].dtype == np.float32:
        raise TypeError("float32")
    return right(*arrays)


def careless_at_times(*arrays):
    grad_W1, grad_W2 = right(*arrays)
    if len(arrays[3]) == 1:
        return grad_W1
    if len(arrays[0]) == 1:
        arrays[3][:] = 0
    return grad_W1, grad_W2


def averaged(*arrays):
    return [g / len(arrays[0]) for g in right(*arrays)]


def takes_one_sample(*arrays):
    if len(arrays[0]) > 1:
        raise ValueError
    grad_W1, grad_W2 = right(*arrays)
    return grad_W1, grad_W2 / 2


def of_one_sample_flat(*arrays):
    grad_W1, grad_W2 = right(*arrays)
    return grad_W1.ravel() if len(arrays[0]) == 1 else grad_W1, grad_W2 + 1


def of_odd_shapes(*arrays):
    grad_W2 = right(*arrays)[1]
    return np.cos(grad_W2), grad_W2.T + 1


def in_other_floats(*arrays):
    grad_W2 = right(*arrays)[1]
    inside = right(*(A.astype(np.float32) for A in arrays))[0]
    narrower = np.float16 if arrays[0].dtype == np.float64 else np.float32
    return inside.astype(arrays[0].dtype), grad_W2.astype(narrower)


def times_numbers(*arrays):
    grad_W1, grad_W2 = right(*arrays)
    return 1.5 * grad_W1, grad_W2 * (1 + arrays[0].shape[1])


def three_mistakes(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = (Y - H1 @ W2) / Y.size
    grad_W2 = H1.T @ G
    grad_H1 = G @ (W2 - 0.125 * grad_W2).T
    return X.T @ (grad_H1 * (X @ W1 >= 0)), grad_W2


def without_return(*arrays):
    right(*arrays)


def steps(X, Y, W1, W2):
    grad_W1, grad_W2 = right(X, Y, W1, W2)
    W2 -= 0.01 * grad_W2
    return grad_W1, grad_W2


def widened(*arrays):
    return [g.astype(np.float64) for g in right(*arrays)]


def swapped(*arrays):
    return right(*arrays)[::-1]


def infinite(*arrays):
    grad_W1, grad_W2 = right(*arrays)
    grad_W2[-1, 0] = np.inf
    return grad_W1, grad_W2


WITHIN = "relative error at most 1e-09 in float64, 1e-05 in float32"
FIRST = "first at probe: all sizes equal (N 4, D_in 4, H 4, D_out 4, float64)"
BOTH_RIGHT = [
    f"grad_W1: right at all 7 probes, {WITHIN}",
    f"grad_W2: right at all 7 probes, {WITHIN}",
]
MEAN = [
    "  It is divided by N, the number of samples: this loss is a sum, not a mean.",
    "  same numbers as from: G = 2 * E / N",
    "  read: lab_numpy, section 'The loss is one number'",
]
THREE_FACTORS = [
    "  The factor 2 is missing: the derivative of a square is twice its base.",
    "  It is divided by N * D_out, all predictions: this loss is a sum, not a mean.",
    "  The sign is turned: the error is Y_hat - Y, and the gradient points uphill.",
]
SHAPES = "matrix_derivatives, section 'The shape rule checks, and proves nothing'"
ALL_DIFFERENT = "all sizes different (N 5, D_in 3, H 4, D_out 2, float64)"
SWAPPED = "  The two gradients are swapped: return grad_W1 first, then grad_W2."
REPORTS = {
    None: [
        "Not answered yet: put your function in place of None and run the cell again."
    ],
    right: ["Right: both gradients, at all 7 probes.", *BOTH_RIGHT],
    widened: [
        "Right: both gradients, at all 7 probes.",
        *BOTH_RIGHT,
        "note: float32 inputs came back as float64, right but slower; "
        "read: lab_numpy, section 'float64 by accident'",
    ],
    without_mask: [
        "Not yet: one of the two gradients is right.",
        "grad_W1: wrong at 7 of 7 probes, relative error 1.1 at worst",
        "  ReLU's mask is missing: where Z1 is negative, no gradient may pass.",
        "  same numbers as from: grad_Z1 = grad_H1",
        "  read: lab_numpy, section 'Through ReLU'",
        BOTH_RIGHT[1],
    ],
    fails_at_one_sample: [
        "Not yet: both gradients that came are right, but read on.",
        f"grad_W1: right at 6 probes, {WITHIN}",
        f"grad_W2: right at 6 probes, {WITHIN}",
        "exception at 1 of 7 probes: ValueError",
        "  first at probe: one sample (N 1, D_in 3, H 4, D_out 2, float64)",
    ],
    fails_in_two_ways: [
        "Not yet: both gradients that came are right, but read on.",
        f"grad_W1: right at 3 probes, {WITHIN}",
        f"grad_W2: right at 3 probes, {WITHIN}",
        "exception at 2 of 7 probes: ValueError",
        "  first at probe: one sample (N 1, D_in 3, H 4, D_out 2, float64)",
        "exception at 2 of 7 probes: TypeError: float32",
        "  first at probe: float32, all sizes different "
        "(N 5, D_in 3, H 4, D_out 2, float32)",
    ],
    careless_at_times: [
        "Not yet: both gradients that came are right, but read on.",
        f"grad_W1: right at 6 probes, {WITHIN}",
        f"grad_W2: right at 6 probes, {WITHIN}",
        "wrong return at 1 of 7 probes: expected the pair (grad_W1, grad_W2), "
        "got one ndarray",
        "  first at probe: one hidden unit (N 5, D_in 3, H 1, D_out 2, float64)",
        "  read: lab_numpy, section 'Backward, from the loss to the weights'",
        "W2 modified in place at 1 of 7 probes: work on a copy",
        "  first at probe: one sample (N 1, D_in 3, H 4, D_out 2, float64)",
        "  read: lab_numpy, section 'A tempting order of lines'",
    ],
    averaged: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 6 of 7 probes, relative error 0.8 at worst",
        *MEAN,
        "grad_W2: wrong at 6 of 7 probes, relative error 0.8 at worst",
        *MEAN,
    ],
    takes_one_sample: [
        "Not yet: one of the two gradients is right.",
        f"grad_W1: right at 1 probes, {WITHIN}",
        "grad_W2: wrong at 1 of 1 probes that returned, relative error 0.5 at worst",
        "  It is divided by N * D_out, all predictions: "
        "this loss is a sum, not a mean.",
        "  same numbers as from: G = 2 * E / (N * D_out)",
        "  these give the same numbers at all probes: "
        "mean_over_D_out, factor_2_missing, mean_over_N",
        "  read: lab_numpy, section 'The loss is one number'",
        "exception at 6 of 7 probes: ValueError",
        "  first at probe: all sizes equal (N 4, D_in 4, H 4, D_out 4, float64)",
    ],
    of_one_sample_flat: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 1 of 7 probes",
        "  The shape is (12,), not (3, 4) as W1, at probe: one sample "
        "(N 1, D_in 3, H 4, D_out 2, float64). The numbers are right.",
        f"  read: {SHAPES}",
        "grad_W2: wrong at 7 of 7 probes, relative error 0.32 at worst",
        "  No known mistake gives these numbers.",
        "  worst entry: index (3, 0), yours 4.86999, right 3.86999, at probe: "
        "one sample (N 1, D_in 3, H 4, D_out 2, float64)",
    ],
    of_odd_shapes: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 7 of 7 probes, relative error 1 at worst",
        f"  The shape is (4, 2), not (3, 4) as W1, at probe: {ALL_DIFFERENT}. "
        "It is that of grad_W2: are the two swapped?",
        f"  read: {SHAPES}",
        "grad_W2: wrong at 7 of 7 probes, relative error 1.4 at worst",
        f"  The shape is (2, 4), not (4, 2) as W2, at probe: {ALL_DIFFERENT}. "
        "The shape is transposed.",
        f"  read: {SHAPES}",
    ],
    in_other_floats: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 5 of 7 probes",
        "  The numbers are right to float32 only: some line computes in float32.",
        "  read: lab_numpy, section 'float64 by accident'",
        "grad_W2: wrong at 5 of 7 probes, relative error 0.0003 at worst",
        "  The result is float16 where the inputs are float64.",
        "  read: lab_numpy, section 'float64 by accident'",
    ],
    times_numbers: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 7 of 7 probes, relative error 0.33 at worst",
        "  It is the right gradient times 1.5, at every probe.",
        "  read: lab_numpy, section 'Through the loss'",
        "grad_W2: wrong at 7 of 7 probes, relative error 0.8 at worst",
        "  It is the right gradient times a number that changes: "
        "5 at all sizes equal (N 4, D_in 4, H 4, D_out 4, float64); "
        f"4 at {ALL_DIFFERENT}; "
        "4 at one sample (N 1, D_in 3, H 4, D_out 2, float64).",
        MEAN[-1],
    ],
    three_mistakes: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 7 of 7 probes, relative error 1.3 at worst",
        *THREE_FACTORS,
        "  W2 is already updated when grad_H1 is computed: G belongs to the old W2.",
        "  The derivative of ReLU at 0 is taken as 1; in this book it is 0.",
        "  same numbers as from: G = -(E / (N * D_out)); "
        "grad_H1 = G @ (W2 - lr * grad_W2).T; grad_Z1 = grad_H1 * (Z1 >= 0); "
        "lr = 0.125",
        "  read: lab_numpy, section 'Through the loss'",
        MEAN[-1],
        "  read: lab_numpy, section 'A tempting order of lines'",
        "  read: chain_rule, section 'ReLU has a kink, and somebody has to decide'",
        "grad_W2: wrong at 7 of 7 probes, relative error 1.2 at worst",
        *THREE_FACTORS,
        "  same numbers as from: G = -(E / (N * D_out))",
        "  read: lab_numpy, section 'Through the loss'",
        MEAN[-1],
    ],
    without_return: [
        "Not yet: no gradient came back.",
        "grad_W1: never returned",
        "grad_W2: never returned",
        "wrong return at 7 of 7 probes: expected the pair (grad_W1, grad_W2), "
        "got None: is there a return line?",
        f"  {FIRST}",
        "  read: lab_numpy, section 'Backward, from the loss to the weights'",
    ],
    steps: [
        "Not yet: both gradients that came are right, but read on.",
        *BOTH_RIGHT,
        "W2 modified in place at 7 of 7 probes: work on a copy",
        f"  {FIRST}",
        "  read: lab_numpy, section 'A tempting order of lines'",
    ],
    swapped: [
        "Not yet: neither gradient is right.",
        "grad_W1: wrong at 7 of 7 probes, relative error 1.2 at worst",
        SWAPPED,
        "  same numbers as from: grad_W1 = grad_W2",
        "  read: lab_numpy, section 'Backward, from the loss to the weights'",
        "grad_W2: wrong at 7 of 7 probes, relative error 1.2 at worst",
        SWAPPED,
        "  same numbers as from: grad_W2 = grad_W1",
        "  read: lab_numpy, section 'Backward, from the loss to the weights'",
    ],
    infinite: [
        "Not yet: one of the two gradients is right.",
        BOTH_RIGHT[0],
        "grad_W2: wrong at 7 of 7 probes",
        "  Entry (3, 0) is inf at probe: all sizes equal "
        "(N 4, D_in 4, H 4, D_out 4, float64).",
    ],
}


@pytest.mark.parametrize("student", REPORTS)
def test_report_in_full(student):
    assert str(check_backward(student)).splitlines() == REPORTS[student]


def test_an_empty_answer_in_markdown():
    assert check_backward(None)._repr_markdown_() == f"**{REPORTS[None][0]}**"


def test_the_first_mistake_is_the_findings_own():
    findings = check_backward(without_mask).findings
    assert findings["grad_W1"].mistake == "mask_missing"
    assert findings["grad_W2"].mistake is None


def test_another_seed_gives_other_numbers_and_none_can_be_written_to():
    probes, others = make_probes(), make_probes(seed=1)
    assert probes is make_probes(seed=0)
    for probe, other in zip(probes, others, strict=True):
        for name in probe.inputs:
            assert not np.array_equal(probe.inputs[name], other.inputs[name])
        for array in (*probe.inputs.values(), *probe.truth.values()):
            assert not array.flags.writeable
