"""Answers of readers: empty, right, wrong, of the wrong kind; nothing raises."""

import re

import numpy as np
import pytest
import torch

from backprop_book import Value, check_answer

TRUTH = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("answer", "truth", "reply"),
    [
        (None, TRUTH, "Not answered yet: put your answer in place of None and run"),
        (TRUTH.copy(), TRUTH, "Right."),
        (TRUTH.tolist(), TRUTH, "Right."),
        (2.0, 2.0, "Right."),
        (0.0, 0.0, "Right."),
        (-128.0, np.int8(-128), "Right."),  # whose absolute value no int8 can hold
        (2.5, 2.0, "Not yet: 2.5 is off by 0.5."),
        (float("nan"), 2.0, "Not yet: nan is off by nan."),
        (TRUTH[0], TRUTH, "Not yet: expected shape (2, 2), got shape (2,)."),
        (torch.tensor(TRUTH, requires_grad=True), TRUTH, "Right."),
        ("2.0", 2.0, "Not yet: expected real numbers, got str."),
        ([Value(1.0), Value(2.0)], [1.0, 2.0], "got a Value: use its .data)."),
        ([torch.ones((), requires_grad=True)] * 2, [1.0, 1.0], "requires grad"),
        (1e308, -1e308, "Not yet: 1e+308 is off by inf."),
        (TRUTH.astype(np.float16), TRUTH, "Right."),
        (True, True, "Right."),
        ([2.0], 2.0, "Right."),
        (np.array([[2.0]]), 2.0, "Right."),
        ([2.0, 2.0], 2.0, "Not yet: expected one number, got shape (2,)."),
        (400, 500, "Not yet: 400 is off by 100."),
        (torch.tensor(2.0, dtype=torch.bfloat16), 2.0, "Right."),
        (np.inf, 2.0, "Not yet: inf is off by inf."),
        (TRUTH.T, TRUTH, "2 of 4 entries are off; the first is at index (0, 1)"),
    ],
)
def test_reply(answer, truth, reply, capsys):
    check_answer(answer, truth)
    assert reply in capsys.readouterr().out


def test_a_truth_that_is_no_number_is_named():
    with pytest.raises(TypeError, match=r"^truth: expected real numbers, got str"):
        check_answer(2.0, "2.0")


@pytest.mark.parametrize("truth", [np.inf, np.nan, [1.0, -np.inf]])
def test_no_answer_is_right_where_the_truth_is_not_finite(truth, capsys):
    for answer in (5.0, truth, None):
        with pytest.raises(ValueError, match=r"^truth: expected finite numbers only"):
            check_answer(answer, truth)
    assert capsys.readouterr().out == ""


def test_a_slip_is_named(capsys):
    slips = {"it is transposed.": [[1, 3], [2, 4]], "a row is missing.": TRUTH[:1]}
    for answer in (TRUTH, TRUTH.T, TRUTH[:1], TRUTH + 1):
        check_answer(answer, TRUTH, slips=slips)
    right, transposed, missing, other = capsys.readouterr().out.splitlines()
    assert right == "Right."
    assert transposed == "Not yet: it is transposed."
    assert missing == "Not yet: a row is missing."
    assert other.startswith("Not yet: 4 of 4 entries are off")
    for answer in (np.inf, -np.inf, 3.0):
        check_answer(answer, 2.0, slips={"it overflows.": np.inf})
    overflow, other, finite = capsys.readouterr().out.splitlines()
    assert overflow == "Not yet: it overflows."
    assert other == "Not yet: -inf is off by inf."
    assert finite == "Not yet: 3 is off by 1."
    check_answer([np.inf, 3.0], [5.0, 4.0], slips={"it overflows.": [np.inf, 2.0]})
    assert capsys.readouterr().out.startswith("Not yet: 2 of 2 entries are off")
    # A number is no array of its shape.
    check_answer(np.full((2, 2), 5), TRUTH, slips={"it is five.": 5})
    assert capsys.readouterr().out.startswith("Not yet: 4 of 4")
    # Where a slip leads to the right answer after all, it is right.
    check_answer(2.0, 2.0, slips={"no.": 2.0})
    assert capsys.readouterr().out == "Right.\n"


@pytest.mark.parametrize(
    ("slip", "came"),
    [
        ("x", "real numbers, got str"),
        (None, "real numbers, got NoneType"),
        (np.ma.ones(2), "a plain array, got MaskedArray"),
    ],
)
def test_a_slip_that_is_no_number_is_named_whatever_the_answer(slip, came, capsys):
    message = f"^{re.escape(f'slips[{chr(39)}it is off.{chr(39)}]: expected {came}')}$"
    for answer in (None, 2.0, 3.0):
        with pytest.raises(TypeError, match=message):
            check_answer(answer, 2.0, slips={"it is right.": 1.0, "it is off.": slip})
    with pytest.raises(TypeError, match=r"^slips: expected sentences .*, got list$"):
        check_answer(2.0, 2.0, slips=[1.0])
    assert capsys.readouterr().out == ""


def test_a_tolerance_must_be_able_to_refuse():
    for tolerance in (np.inf, np.nan, 0.0):
        with pytest.raises(ValueError, match=r"^tolerance: expected a finite number"):
            check_answer(1.0, 2.0, tolerance=tolerance)


def test_where_the_tolerance_ends(capsys):
    check_answer(3.0, 2.0, tolerance=0.5)
    check_answer(3.5, 2.0, tolerance=0.5)
    check_answer(1.5e-6, 0.0)  # absolute, where the truth is 0
    replies = [line[:6] for line in capsys.readouterr().out.splitlines()]
    assert replies == ["Right.", "Not ye", "Not ye"]


def test_tolerance_is_relative_to_the_largest_entry(capsys):
    check_answer([1000.0, 1e-4], [1000.0, 0.0], tolerance=1e-6)
    check_answer([1000.0, 1e-2], [1000.0, 0.0], tolerance=1e-6)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Right."
    assert second.startswith("Not yet: 1 of 2")
