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
    probes, others = make_probes(seed=0), make_probes(seed=1)
    for probe, other in zip(probes, others, strict=True):
        for name in probe.inputs:
            assert not np.array_equal(probe.inputs[name], other.inputs[name])
        for array in (*probe.inputs.values(), *probe.truth.values()):
            assert not array.flags.writeable
