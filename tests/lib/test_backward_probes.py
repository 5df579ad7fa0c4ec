"""The probes are as promised, and what comes back from a student is understood."""

import numpy as np
import pytest
import torch

from backprop_book import backward_probes
from backprop_book.backward_probes import (
    GRADIENTS,
    _ask,
    _compare_truths,
    _make_probe,
    _tells_mistakes_apart,
    make_probes,
)


def test_probes_share_no_numbers_and_come_again():
    make_probes.cache_clear()
    probes = make_probes()
    make_probes.cache_clear()
    for probe, again in zip(probes, make_probes(), strict=True):
        for name, array in probe.inputs.items():
            assert np.array_equal(array, again.inputs[name])
    assert len({float(probe.inputs["Y"][0, 0]) for probe in probes}) == len(probes)


def test_only_the_probe_of_zeros_has_them_and_there_they_matter():
    small = []
    for seed in range(8):
        for probe in make_probes(((3, 5, 2, 4),), seed):
            X, Y, W1, W2 = probe.exact.values()
            zeros = X @ W1 == 0
            if probe.name != "Z1 exactly 0 in places":
                assert not zeros.any()
                continue
            E = np.maximum(X @ W1, 0) @ W2 - Y
            assert np.abs(X.T @ (2 * E @ W2.T * zeros)).max() > 0.1
            small += [*X.flat, *W1.flat]
    assert set(small) == {-2, -1, 0, 1, 2}


def test_no_probe_is_found(monkeypatch):
    monkeypatch.setattr(backward_probes, "ATTEMPTS", 0)
    with pytest.raises(
        RuntimeError, match=r"^no probe found for a, shape \(1, 1, 1, 1\)$"
    ):
        _make_probe("a", (1, 1, 1, 1), "f8", np.random.default_rng(0))


# One unit; X, Y, W1, W2, whether a probe may be like that.
MARGINS = [
    ([[1]], [[5]], [[-1]], [[1]], False),  # no unit is on
    ([[0]], [[5]], [[1]], [[1]], False),  # nor is one at 0
    ([[1], [1]], [[5], [5]], [[1]], [[1]], False),  # none is off
    ([[1], [0]], [[5], [5]], [[1]], [[1]], False),  # 0 is not off
    ([[1]], [[5]], [[1]], [[1]], True),  # a single one needn't be
    ([[1]], [[5]], [[0.01]], [[100]], False),
    ([[1]], [[5]], [[0.011]], [[100]], True),
    ([[0.5]], [[5]], [[1]], [[0.015]], False),
    ([[0.5]], [[5]], [[1]], [[0.022]], True),
    ([[1]], [[0.996]], [[1]], [[1]], False),
    ([[1]], [[0.98]], [[1]], [[1]], True),
    ([[1], [-1]], [[3], [3]], [[1]], [[1]], True),  # a unit off gives an exact 0
]


@pytest.mark.parametrize(("X", "Y", "W1", "W2", "fine"), MARGINS)
def test_no_sign_hangs_on_the_last_digits(X, Y, W1, W2, fine):
    arrays = [np.array(A, dtype=float) for A in (X, Y, W1, W2)]
    assert _tells_mistakes_apart(*arrays, False) is fine


@pytest.mark.parametrize(("least", "fine"), [(0.0009, False), (0.0011, True)])
def test_the_more_entries_the_smaller_the_margin(least, fine):
    X, Y, W2 = np.ones((1, 1)), np.full((1, 1), -5.0), np.ones((20, 1))
    W1 = np.array([[least, -1.0] + 18 * [1.0]])
    assert bool(_tells_mistakes_apart(X, Y, W1, W2, False)) is fine


@pytest.mark.parametrize(
    ("X", "target", "W2", "fine"),
    [
        ([[1, 1], [1, 0], [-1, 0]], 0.2, [[0.5], [0]], True),
        ([[1, 1], [1, 0], [-1, 0]], 0.05, [[1], [0]], False),  # just what is too little
        ([[0, 0], [1, 0], [-1, 0]], 5, [[0.5], [0]], False),  # nothing passes a zero
        ([[1, 1], [1, 0], [-1, 0]], 0.2, [[0], [0]], False),
        ([[1, 1], [0, 1], [-1, 0]], 5, [[1], [0]], False),  # Y_hat is 0 everywhere
    ],
)
def test_a_zero_must_matter(X, target, W2, fine):
    W1 = np.array([[1.0, 1.0], [-1.0, 1.0]])
    Y, (X, W2) = np.full((3, 1), target), (np.array(A, dtype=float) for A in (X, W2))
    assert _tells_mistakes_apart(X, Y, W1, W2, True) is fine


@pytest.mark.parametrize("name", GRADIENTS)
def test_two_truths_that_differ_are_the_books_fault(name):
    probe = make_probes()[0]
    truth = {key: A.copy() for key, A in probe.truth.items()}
    _compare_truths(probe.exact, truth, np.random.default_rng(0))
    truth[name][1, 2] *= 1 + 4e-9
    message = (
        f"^{name}: the checker's two truths differ, relative error .*e-(09|10|11); "
        "the fault is the book's and not the student's$"
    )
    with pytest.raises(RuntimeError, match=message):
        _compare_truths(probe.exact, truth, np.random.default_rng(0))


def test_the_student_gets_copies_in_order():
    probe, came = make_probes()[1], []

    def student(*arrays):
        came.extend(arrays)
        return arrays[2:]

    reply = _ask(student, probe)
    for array, given in zip(came, probe.inputs.values(), strict=True):
        assert np.array_equal(array, given)
        assert array.flags.writeable
    assert (reply.probe, reply.problems) == (probe, [])
    assert list(reply.gradients) == list(GRADIENTS)
    came[2][:] = 0
    assert np.array_equal(reply.gradients["grad_W1"], probe.inputs["W1"])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("", "ValueError"),
        ("colon: ", "ValueError: colon"),
        (" one \ntwo", "ValueError: one"),
        ("\n not X", "ValueError: not X"),
        (201 * "x", f"ValueError: {200 * 'x'}"),
    ],
)
def test_an_exception_is_told_in_a_line(message, text):
    def student(*arrays):
        raise ValueError(message)

    probe = make_probes()[0]
    assert _ask(student, probe) == (probe, {}, [("exception", probe, text)])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16"])
def test_real_numbers_of_all_kinds_are_gradients(dtype):
    ones = np.ones((2, 2), dtype)
    reply = _ask(lambda *arrays: [torch.tensor(ones), ones], make_probes()[0])
    for name in GRADIENTS:
        gradient = reply.gradients[name]
        assert gradient.dtype == dtype
        assert np.array_equal(gradient, ones)
