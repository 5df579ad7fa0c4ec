"""The protocol is silent about right models, and names what is wrong with others."""

import copy
import inspect
import re

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from backprop_book import before_training, protocol, protocol_checks
from backprop_book.protocol import CHECKS, Finding
from chapter_files import CHAPTERS
from protocol_models import FAULTY, RIGHT, Cnn, images, mlp, regression


def report(case, seed=0):
    torch.manual_seed(seed)
    return before_training(**case.build())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case.name)
def test_no_alarm_about_a_right_model(case, seed):
    """Whatever weights it begins with."""
    found = report(case, seed)
    assert found.passed, found
    assert sum(finding.passed is True for finding in found.findings) >= 6, found


@pytest.mark.parametrize("case", FAULTY, ids=lambda case: case.name)
def test_the_right_check_fails_and_names_the_right_section(case):
    found = report(case)
    assert found.failed.get(case.check) == case.section, found


def test_each_check_is_tried_on_both_sides():
    assert len(RIGHT) >= 10
    assert len(FAULTY) >= 20
    assert {case.check for case in FAULTY} == set(CHECKS)


def test_sections_are_in_the_chapters():
    text = {chapter.name: chapter.text for chapter in CHAPTERS}
    sources = inspect.getsource(protocol) + inspect.getsource(protocol_checks)
    labels = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', sources)) | {"symmetry"}
    assert {case.section for case in FAULTY} <= labels
    for label in labels:
        chapter = Finding("", False, "", label).page.split(".html#")[0]
        assert f"({label})=\n#" in text[chapter], f"{label}: not in {chapter}"


def test_everything_is_left_as_it_was():
    model, (X, Y) = Cnn(), images(20)
    model.train()
    model.dropout.eval()
    model.head.weight.grad = torch.ones_like(model.head.weight)
    before, modes = (
        copy.deepcopy(model.state_dict()),
        [m.training for m in model.modules()],
    )
    data = X.clone(), Y.clone()
    torch.manual_seed(7)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    with torch.no_grad():
        before_training(model, nn.CrossEntropyLoss(), X, Y, lr=0.1)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpy_state).all()
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [m.training for m in model.modules()] == modes
    assert (model.head.weight.grad == 1).all()
    assert model.conv.weight.grad is None
    assert torch.equal(X, data[0])
    assert torch.equal(Y, data[1])
    assert torch.get_default_dtype() == torch.float32


def test_weights_of_a_function_are_left_as_they_were():
    W = torch.ones(4, 2, requires_grad=True)
    before_training(lambda X, W: X @ W, nn.MSELoss(), *regression(), weights=[W])
    assert (W == 1).all()
    assert W.grad is None


def test_data_that_the_model_changes_are_left_as_they_were():
    (case,) = [case for case in FAULTY if case.name == "standardised over its input"]
    given = case.build()
    before = given["X"].clone()
    before_training(**given)
    assert torch.equal(given["X"], before)


def test_a_loss_that_is_no_number_passes_no_check():
    def loss(Y_hat, Y):
        return F.mse_loss(Y_hat, Y) * (1 if len(Y) != 40 else torch.nan)

    found = before_training(mlp(4, 16, 2), loss, *regression())
    assert found.failed == {"shuffled targets": "nan-hunting"}, found


def test_the_same_seed_gives_the_same_report():
    case = mlp(4, 16, 2), nn.MSELoss(), *regression()
    assert str(before_training(*case)) == str(before_training(*case))


def test_numpy_arrays_and_few_rows():
    X, Y = (A[:8].numpy() for A in regression())
    found = before_training(mlp(4, 16, 2), nn.MSELoss(), X, Y)
    assert found.passed
    left_out = [finding.name for finding in found.findings if finding.passed is None]
    assert left_out == ["learning rate", "shuffled targets"]


def test_what_a_loss_of_its_own_kind_can_reach_is_told():
    X, Y = regression()
    loss = lambda Y_hat, Y: ((Y_hat - Y) ** 2).mean() + 1  # noqa: E731
    model = mlp(4, 32, 2)
    assert before_training(model, loss, X, Y).failed == {"overfit": "before-training"}
    assert before_training(model, loss, X, Y, least_loss=1.0).passed
    found = before_training(model, loss, X, Y, least_loss=1.0, expected_loss=0.1)
    assert found.failed == {"first loss": "vanishing-and-exploding"}


def test_five_rows_with_equal_targets_can_be_learnt():
    X, _ = regression(D_out=1)
    Y = torch.zeros(len(X), 1)
    assert "overfit" not in before_training(mlp(4, 32, 1), nn.MSELoss(), X, Y).failed


def test_what_a_check_raises_is_its_finding():
    class Fails(nn.Linear):
        def forward(self, X):
            if len(X) == 5:
                raise ArithmeticError("five\nrows")
            return super().forward(X)

    found = before_training(Fails(4, 2), nn.MSELoss(), *regression())
    assert found.failed["overfit"] == "before-training"
    assert "ArithmeticError: five\n" in str(found)


def test_a_check_without_time_is_left_out(monkeypatch):
    monkeypatch.setattr(protocol_checks, "SECONDS", 0.0)
    (case,) = [case for case in FAULTY if case.section == "pitfall-wrong-targets"]
    found = report(case)
    passed = {finding.name: finding.passed for finding in found.findings}
    assert passed["gradient"] is passed["overfit"] is passed["shuffled targets"] is None


def test_text_and_table_say_the_same():
    model = nn.Sequential(mlp(4, 16, 2), nn.ReLU())
    found = before_training(model, nn.MSELoss(), *regression(), lr=1e-3)
    text, table = str(found), found._repr_html_()
    assert repr(found) == text
    for finding in found.findings:
        assert f"{finding.verdict:9} {finding.name}: {finding.says}" in text
        assert f"<td><b>{finding.verdict}</b></td><td>{finding.name}</td>" in table
    assert "see pitfalls.html#pitfall-last-activation" in text
    link = '<a href="pitfalls.html#pitfall-last-activation">pitfall-last-activation</a>'
    assert link in table
    assert table.count("<tr>") == 1 + len(CHECKS)


X, Y = regression()
MODEL, LOSS = nn.Linear(4, 2), nn.MSELoss()
BAD = {
    "model: expected a function": (TypeError, {"model": 3}),
    "loss: expected a function": (TypeError, {"loss": None}),
    "model: expected a function or a Module, got class Linear": (
        TypeError,
        {"model": nn.Linear},
    ),
    "loss: expected a function or a Module, got class MSELoss": (
        TypeError,
        {"loss": nn.MSELoss},
    ),
    "weights: expected None": (TypeError, {"weights": [torch.ones(4)]}),
    "weights: expected tensors of floats": (TypeError, {"model": lambda X: X}),
    "weights: expected tensors of": (
        TypeError,
        {"model": lambda X, W: X, "weights": [3]},
    ),
    "weights: expected tensors of floats, got int": (
        TypeError,
        {"model": lambda X: X, "weights": 3},
    ),
    "least_loss: expected real numbers": (TypeError, {"least_loss": "low"}),
    "least_loss: expected finite numbers": (ValueError, {"least_loss": np.nan}),
    "model: expected weights to train": (
        ValueError,
        {"model": nn.Flatten(), "loss": LOSS},
    ),
    "X: expected finite numbers": (ValueError, {"X": X / 0}),
    "X: expected dtype float32, as the weights": (TypeError, {"X": X.double()}),
    "X: expected at least 2 rows, got 1": (ValueError, {"X": X[:1], "Y": Y[:1]}),
    "X: expected at least 2 rows, got a single number": (ValueError, {"X": 3.0}),
    "Y: expected 80 rows, as X has": (ValueError, {"Y": Y[:3]}),
    "Y: expected real numbers": (TypeError, {"Y": "no"}),
    "model: expected one for float32": (ValueError, {"X": X[:, :2]}),
    "model: expected 80 rows": (
        ValueError,
        {"model": nn.Sequential(MODEL, nn.Flatten(0))},
    ),
    "model: expected a tensor": (TypeError, {"model": nn.RNN(4, 2)}),
    "loss: expected one for": (
        ValueError,
        {"loss": nn.CrossEntropyLoss(), "Y": Y[:, 0]},
    ),
    "loss: expected one number": (ValueError, {"loss": nn.MSELoss(reduction="none")}),
    "loss: expected a tensor": (TypeError, {"loss": lambda P, Y: 1.0}),
    "lr: expected a finite number above 0": (ValueError, {"lr": 0.0}),
    "expected_loss: expected a number": (TypeError, {"expected_loss": "low"}),
    "seed: expected an integer": (TypeError, {"seed": None}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_by_name(message):
    error, change = BAD[message]
    arguments = {"model": MODEL, "loss": LOSS, "X": X, "Y": Y, **change}
    with pytest.raises(error, match="^" + re.escape(message)):
        before_training(**arguments)


def test_arrays_of_other_origins_are_taken():
    X, Y = (A.numpy() for A in regression())
    foreign = X.astype(X.dtype.newbyteorder()), pd.DataFrame(X), X[::-1].copy()[::-1]
    W = torch.ones(4, 2)
    wanted = before_training(lambda X, W: X @ W, nn.MSELoss(), X, Y, weights=[W])
    for A in foreign:
        assert wanted == before_training(
            lambda X, W: X @ W, nn.MSELoss(), A, Y, weights=[W]
        )


def test_a_lazy_model_is_refused():
    message = "model: expected weights of known shapes, got lazy ones"
    with pytest.raises(ValueError, match=message):
        before_training(nn.LazyLinear(2), nn.MSELoss(), *regression())
