"""The catalogue of wrong lines: which there are, which go together, what they give."""

import numpy as np
import pytest

from backprop_book.backward_mistakes import (
    KINK,
    STEPS,
    Mistake,
    backward_pass,
    combined_replacements,
    single_replacements,
    unknown_of,
)
from backprop_book.backward_probes import GRADIENTS, make_probes

# Keys of all that one line gets wrong, and the line.
FACTORS = {
    ("factor_2_missing",): "E",
    ("mean_over_N",): "2 * E / N",
    ("mean_over_N_D_out",): "2 * E / (N * D_out)",
    ("mean_over_D_out",): "2 * E / D_out",
    ("sign",): "-(2 * E)",
    ("factor_2_missing", "mean_over_N"): "E / N",
    ("factor_2_missing", "mean_over_N_D_out"): "E / (N * D_out)",
    ("factor_2_missing", "mean_over_D_out"): "E / D_out",
    ("factor_2_missing", "sign"): "-(E)",
    ("mean_over_N", "sign"): "-(2 * E / N)",
    ("mean_over_N_D_out", "sign"): "-(2 * E / (N * D_out))",
    ("mean_over_D_out", "sign"): "-(2 * E / D_out)",
    ("factor_2_missing", "mean_over_N", "sign"): "-(E / N)",
    ("factor_2_missing", "mean_over_N_D_out", "sign"): "-(E / (N * D_out))",
    ("factor_2_missing", "mean_over_D_out", "sign"): "-(E / D_out)",
}


def keys(replacement):
    return tuple(mistake.key for mistake in replacement)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_wrong_factors_come_first_the_fewest_at_once_before_the_others(gradient):
    first = single_replacements(gradient)[: len(FACTORS)]
    assert {keys(r): r[0].line for r in first} == FACTORS
    assert [len(r) for r in first] == sorted(len(names) for names in FACTORS)
    for replacement in first:
        assert {mistake.code for mistake in replacement} == {
            f"G = {replacement[0].line}"
        }


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_all_others_get_one_line_wrong_that_the_gradient_needs(gradient):
    others = single_replacements(gradient)[len(FACTORS) :]
    for (mistake,) in others:
        assert mistake.step in STEPS[gradient]
        text = mistake.key + mistake.line + mistake.says
        assert "{" not in text
    assert {m.step for (m,) in others} == {*STEPS[gradient]}
    assert len({m.line for (m,) in others if m.step == gradient}) >= 14


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_two_mistakes_and_a_kink_at_most_go_together(gradient):
    singles = single_replacements(gradient)
    combined = [*combined_replacements(gradient)]
    pairs = {
        first + second
        for number, first in enumerate(singles)
        for second in singles[number + 1 :]
        if first[0].step != second[0].step
        and not (unknown_of(first) and unknown_of(second))
    }
    assert set(combined[: len(pairs)]) == pairs
    kinks = [single for single in singles if single[0].read == KINK]
    assert len(kinks) == (2 if gradient == "grad_W1" else 0)
    triples = {
        pair + kink
        for pair in pairs
        for kink in kinks
        if "grad_Z1" not in {mistake.step for mistake in pair}
    }
    assert set(combined[len(pairs) :]) == triples
    assert len(combined) == len(pairs) + len(triples)


@pytest.mark.parametrize(
    ("lines", "unknown"),
    [
        (["W2 - lr * grad_W2"], "lr"),
        (["X @ W1", "H1.T @ G + decay * W2"], "decay"),
        (["W1"], None),
        (["lr"], None),
        ([], None),
    ],
)
def test_the_unknown_of_wrong_lines(lines, unknown):
    wrong = tuple(Mistake("key", "G", line, "Says.", KINK) for line in lines)
    assert unknown_of(wrong) == unknown


@pytest.mark.parametrize(
    ("step", "line", "upstream"),
    [
        ("G", "2 * E / N + lr * Y", lambda E, Y: 0.4 * E + 3 * Y),
        ("G", "E / D_out * decay", lambda E, Y: 1.5 * E),
        ("E", "np.cos(Y)", lambda E, Y: 2 * np.cos(Y)),
    ],
)
def test_wrong_lines_are_executed(step, line, upstream):
    X, Y, W1, W2 = make_probes()[1].inputs.values()
    H1 = np.maximum(X @ W1, 0)
    wrong = (Mistake("key", step, line, "Says.", KINK),)
    result = backward_pass("grad_W2", make_probes()[1].inputs, wrong, 3.0)
    np.testing.assert_allclose(result, H1.T @ upstream(H1 @ W2 - Y, Y), rtol=1e-12)


def test_lines_that_do_not_fit_give_nothing():
    wrong = (Mistake("key", "G", "E @ E", "Says.", KINK),)
    assert backward_pass("grad_W2", make_probes()[1].inputs, wrong) is None


def test_the_unknown_is_0_unless_told_otherwise():
    inputs = make_probes()[1].inputs
    wrong = (Mistake("key", "G", "lr * E", "Says.", KINK),)
    assert not backward_pass("grad_W2", inputs, wrong).any()


def test_lines_see_the_arrays_and_nothing_else():
    inputs = make_probes()[1].inputs
    wrong = (Mistake("key", "G", "len(E) * E", "Says.", KINK),)
    with pytest.raises(NameError, match="'len'"):
        backward_pass("grad_W2", inputs, wrong)
    with pytest.raises(KeyError, match="'grad_W3'"):
        backward_pass("grad_W3", inputs)
