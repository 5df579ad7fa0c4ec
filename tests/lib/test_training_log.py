"""What a run's log says, and refuses to go on with."""

import pickle

import numpy as np
import pytest
import torch

from backprop_book import DivergenceError
from backprop_book.training_log import TrainingLog

ADVICE = (
    "the training diverged. Try a smaller lr, smaller initial weights, or inputs "
    "scaled to unit variance. The losses until then are in .losses_tr and .losses_val "
    "of this error."
)


@pytest.mark.parametrize(
    ("losses", "what"),
    [
        ((float("nan"), 1.0), "the training loss is nan"),
        ((1.0, float("inf")), "the validation loss is inf"),
        ((float("inf"), float("nan")), "the training loss is inf"),
    ],
)
def test_the_loss_that_is_not_finite_is_named(losses, what):
    log = TrainingLog(0)
    log.record(0, 2.0, 3.0)
    with pytest.raises(DivergenceError) as info:
        log.record(1, *losses)
    assert str(info.value) == f"{what} at iteration 1: {ADVICE}"
    assert (info.value.losses_tr, info.value.losses_val) == ([2.0], [3.0])


def test_the_error_for_a_weight_in_full():
    log = TrainingLog(0)
    log.record(0, 2.0, 3.0)
    with pytest.raises(DivergenceError) as info:
        log.check_final(np.ones((2, 2)), np.array([[1.0, -np.inf]]))
    assert str(info.value) == f"a weight is not finite at iteration 1: {ADVICE}"
    assert (info.value.losses_tr, info.value.losses_val) == ([2.0], [3.0])


def test_the_error_travels_between_processes():
    error = DivergenceError("a weight is not finite", [2.0], [3.0])
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is DivergenceError
    assert str(copy) == str(error)
    assert (copy.what, copy.iteration) == ("a weight is not finite", 1)
    assert (copy.losses_tr, copy.losses_val) == ([2.0], [3.0])


def test_weights_that_require_a_gradient_are_looked_at_without_a_warning():
    # PyTorch warns where such a tensor is turned into a number, but once only.
    torch.set_warn_always(True)
    try:
        TrainingLog(0).check_final(torch.ones(2, 2, requires_grad=True))
    finally:
        torch.set_warn_always(False)


def test_one_line_of_the_report(capsys):
    log = TrainingLog(2)
    for iteration in range(3):
        log.record(iteration, 12.345, 6.0)
    assert capsys.readouterr().out.splitlines() == [
        f"iteration {iteration:4d}   loss      12.35   validation       6.00"
        for iteration in (0, 2)
    ]
