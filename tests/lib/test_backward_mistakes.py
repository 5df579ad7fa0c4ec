"""The catalogue of wrong lines: which there are, which go together, what they give."""

import numpy as np
import pytest

from backprop_book.backward_mistakes import (
    KINK,
    RIGHT_LINES,
    STEPS,
    Mistake,
    backward_pass,
    combined,
    singles,
    unknown_of,
)
from backprop_book.backward_probes import GRADIENTS, make_probes

INPUTS = make_probes()[1].exact


def wrong(step, line):
    return (Mistake("key", {step: line}, "Says.", KINK),)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_wrong_factors_come_first_the_fewest_at_once_before_the_others(gradient):
    factors = singles(gradient)[:19]
    lines = {tuple(m.key for m in c): c[0].lines["G"] for c in factors}
    assert len(lines) == 19
    assert lines["factor_2_missing",] == "E"
    assert lines["sign",] == "-(2 * E)"
    assert lines["factor_2_missing", "mean_over_N", "sign"] == "-(E / N)"
    assert lines["mean_over_N_twice",] == "2 * E / N**2"
    assert [len(c) for c in factors] == sorted(len(keys) for keys in lines)
    for candidate in factors:
        assert len({m.lines["G"] for m in candidate}) == 1


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_every_line_replaces_one_that_the_gradient_needs_and_can_be_read(gradient):
    for candidate in singles(gradient):
        for mistake in candidate:
            assert mistake.lines.keys() <= RIGHT_LINES.keys()
            assert mistake.lines.keys() & STEPS[gradient]
            for text in (mistake.key, *mistake.lines.values(), mistake.says):
                assert not {*"{}|"} & {*text}
        assert backward_pass(gradient, make_probes()[0].exact, candidate) is not None


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_two_mistakes_and_a_kink_at_most_go_together(gradient):
    kinks = {c[0].key for c in singles(gradient) if c[0].read == KINK}
    assert len(kinks) == (2 if gradient == "grad_W1" else 0)
    for candidate in combined(gradient):
        lines = [tuple(m.lines.items()) for m in candidate]
        different = dict.fromkeys(lines)
        steps = [step for line in different for step, _ in line]
        assert len(steps) == len({*steps})
        assert len(different) == 2 or (
            len(different) == 3 and candidate[-1].key in kinks
        )


@pytest.mark.parametrize(
    ("lines", "unknown"),
    [
        (["W2 - lr * grad_W2"], "lr"),
        (["X @ W1", "H1.T @ G + decay * W2"], "decay"),
        (["W1"], None),
        (["np.clip(G, -limit, limit)"], "limit"),
        ([], None),
    ],
)
def test_the_unknown_of_wrong_lines(lines, unknown):
    assert unknown_of(tuple(wrong("G", line)[0] for line in lines)) == unknown


@pytest.mark.parametrize(
    ("step", "line", "upstream"),
    [
        ("G", "2 * E / N + lr * Y", lambda E, Y: 0.4 * E + 3 * Y),
        ("G", "E / D_out * decay", lambda E, Y: 1.5 * E),
        ("E", "np.cos(Y)", lambda E, Y: 2 * np.cos(Y)),
    ],
)
def test_wrong_lines_are_executed(step, line, upstream):
    X, Y, W1, W2 = INPUTS.values()
    H1 = np.maximum(X @ W1, 0)
    result = backward_pass("grad_W2", INPUTS, wrong(step, line), 3.0)
    np.testing.assert_allclose(result, H1.T @ upstream(H1 @ W2 - Y, Y), rtol=1e-12)


def test_lines_that_do_not_fit_give_nothing():
    assert backward_pass("grad_W2", INPUTS, wrong("G", "E @ E")) is None


def test_the_unknown_is_0_unless_told_otherwise():
    assert not backward_pass("grad_W2", INPUTS, wrong("G", "lr * E")).any()


def test_a_name_that_is_missing_is_an_error():
    with pytest.raises(NameError, match="'grad_W3'"):
        backward_pass("grad_W2", INPUTS, wrong("G", "grad_W3 * E"))
