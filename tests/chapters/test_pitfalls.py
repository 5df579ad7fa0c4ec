"""Each pitfall's wrong run is wrong and its corrected run right, in the chapter's code.

The cells of the chapter are executed once, in order; the tests look at what they left.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from backprop_book import load_iris_regression, two_layer_regression_numpy_train
from executed_cells import execute_cells


@pytest.fixture(scope="module")
def chapter():
    """The names that the chapter's cells define."""
    return SimpleNamespace(**execute_cells("pitfalls"))


@pytest.fixture(scope="module")
def reference():
    """Training losses of the tested function, from the chapter's starting weights."""
    d = load_iris_regression(seed=0, dtype="float64")
    _, _, losses, _ = two_layer_regression_numpy_train(
        d.X, d.Y, d.X_val, d.Y_val, 1e-4, 101, seed=0, log_every=0
    )
    return np.array(losses)


def paired(differences):
    return differences.mean() / (differences.std(ddof=1) / np.sqrt(len(differences)))


def test_the_protocol_passes_the_model_of_the_lab_and_warns_of_normal_weights(chapter):
    assert chapter.default.passed
    assert all(finding.passed for finding in chapter.default.findings)
    assert chapter.normal.failed == {
        "first loss": "vanishing-and-exploding",
        "learning rate": "learning-rate-and-curvature",
    }


def test_the_corrected_loop_is_the_tested_function(chapter, reference):
    np.testing.assert_allclose(chapter.corrected, reference, rtol=1e-9)


def test_not_zeroed(chapter, reference):
    wrong = chapter.unzeroed
    # The first update is the same, the second one is not.
    np.testing.assert_allclose(wrong[:2], reference[:2], rtol=1e-9)
    assert abs(wrong[2] / reference[2] - 1) > 0.05
    assert wrong[-1] > 10 * wrong[0]
    assert chapter.same
    rises = np.diff(wrong) > 0
    assert not rises[:20].all(), "it falls"
    assert np.sum(np.diff(rises)) >= 2, "and swings"


def test_graph_from_before_the_loop(chapter, reference):
    reported, true = np.array(chapter.stale_reported), np.array(chapter.stale_true)
    assert reported[0] == pytest.approx(reference[0])
    assert true[0] == pytest.approx(reference[0])
    assert (np.diff(reported) < 0).all(), "the wrong run is to look as if it learnt"
    assert true[-1] > 2 * true[0]
    assert (reported[1:] > reference[1:]).all()
    W1, W2 = chapter.fresh_weights()
    Z1 = chapter.X @ W1
    (torch.relu(Z1) @ W2).sum().backward()
    again = (torch.relu(Z1) @ W2).sum()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        again.backward()


def test_in_place(chapter, reference):
    assert (chapter.mask_lost[10:] > 1.1 * reference[10:]).all()
    assert 10 < chapter.angle < 90, "so that the wrong run's loss falls too"
    assert chapter.mask_lost[-1] < chapter.mask_lost[0] / 10
    # The loss of one pass is right: the gradient alone is wrong.
    weights = chapter.fresh_weights()
    wrong, right = chapter.loss_in_place(*weights), chapter.loss_of(*weights)
    assert wrong.item() == pytest.approx(right.item())


def test_validation_in_the_graph(chapter):
    wrong, right = (np.diff(chapter.added[k])[:, 0] for k in ("wrong", "corrected"))
    assert wrong.shape == (20,)
    assert paired(wrong - right) > 3
    untouched = {name: scores[:, 1].mean() for name, scores in chapter.added.items()}
    assert untouched["wrong"] < untouched["corrected"]
    assert np.diff(chapter.flattery, axis=0).any()
    np.testing.assert_allclose(chapter.flattery[:, 0], wrong - right)


def test_train_and_eval(chapter):
    evaluated, train, afterwards = chapter.mode_scores.values()
    assert len(set(evaluated)) == len(set(afterwards)) == 1
    assert abs(afterwards[0] / evaluated[0] - 1) > 0.01
    assert len(set(train)) > 100
    assert max(train) > 1.1 * min(train)


def test_mixed_rows(chapter):
    own, past = torch.eye(5, dtype=torch.bool), torch.ones(5, 5).tril().bool()
    reach = {name: matrix > 0 for name, matrix in chapter.mixed.items()}
    assert torch.equal(reach["right: permute"], own)
    assert not torch.equal(reach["wrong: view"], own)
    assert (reach["wrong: view"] & ~own).any(1).all()
    assert torch.equal(reach["right: mask"], past)
    assert reach["wrong: no mask"].all()


def test_softmax(chapter):
    losses, floor = chapter.softmax_losses, chapter.softmax_floor
    assert losses["scores"][-1] < 0.1 < floor < losses["softmax twice"][-1] < 0.65
    assert losses["softmax twice"][0] == pytest.approx(np.log(3), rel=0.1)
    assert losses["no softmax"][0] < np.log(3) / 3
    assert losses["no softmax"][-1] < -100


def test_last_activation(chapter):
    losses, floor = chapter.end_losses, chapter.end_floor
    assert (losses["ReLU at the end"] >= floor).all()
    assert losses["no activation"][-1] < floor


def test_broadcast(chapter):
    y, runs = chapter.y.numpy(), chapter.predictions_of_y
    assert np.isnan(runs["wrong"]).all()
    # Converged, to the mean of the targets for everyone.
    assert np.abs(runs["wrong, lr / 50"] - y.mean()).max() < 0.25
    assert np.corrcoef(runs["corrected"][:, 0], y)[0, 1] > 0.8


def test_scaler_leak_is_small_here_and_large_elsewhere(chapter):
    mean, linear, network = range(3)
    wrong, right = chapter.leak["halves"]
    assert wrong.shape == (20, 3)
    assert -0.02 < (wrong - right)[:, mean].mean() / right[:, mean].mean() < 0
    assert np.abs(wrong - right)[:, linear].max() < 1e-9
    assert abs(paired((wrong - right)[:, network])) < 2
    wrong, right = (scores.mean(axis=0) for scores in chapter.leak["species"])
    assert wrong[mean] < 0.5 * right[mean]
    assert wrong[linear] == pytest.approx(right[linear])
    assert wrong[network] > 1.2 * right[network]
    assert wrong.argsort().tolist() == [mean, linear, network]
    assert right.argsort().tolist() == [linear, network, mean]


def test_scaler_leak_is_found_by_its_gradient(chapter):
    assert chapter.leak_gradient["corrected"] is None
    assert chapter.leak_gradient["wrong"].norm() > 100


def test_wrong_targets(chapter):
    wrong, right = np.array(chapter.targets_wrong), np.array(chapter.targets_right)
    mean, network, linear = range(3)
    assert (wrong.argmin(axis=1) == mean).all()
    assert chapter.best == 20
    assert (right[:, linear] < right[:, mean]).all()
    assert right[:, network].mean() < right[:, mean].mean()
    assert np.mean(chapter.not_above["wrong"]) > 10
    assert np.sum(chapter.not_above["corrected"]) == 0


def test_an_exercise_tells_right_from_wrong(chapter, capsys):
    chapter.check_model(chapter.Broken())
    said = capsys.readouterr().out
    assert said.startswith("Not yet: ")
    assert "dependence" in said
    assert "overfit" in said

    class OneLeft(chapter.Broken):
        def forward(self, X):
            H1 = torch.relu(self.first(X))
            return self.second(H1 - H1.mean(0))

    chapter.check_model(OneLeft())
    assert capsys.readouterr().out == "Not yet: dependence.\n"
    chapter.check_model(chapter.Corrected())
    assert capsys.readouterr().out == "Right.\n"
    assert chapter.truth == pytest.approx(0.503, abs=1e-3)
