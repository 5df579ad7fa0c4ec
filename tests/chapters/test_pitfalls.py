"""Each pitfall's wrong run is wrong and its mended run right, in the chapter's code.

The cells of the chapter are executed once, in order; the tests look at what they left.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from backprop_book import (
    complex_step_gradient,
    load_iris_regression,
    two_layer_regression_numpy_train,
)
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


def test_not_zeroed(chapter, reference):
    np.testing.assert_allclose(chapter.unzeroed_mended, reference, rtol=1e-9)
    wrong = chapter.unzeroed_wrong
    # The first update is the same, the second one is not.
    np.testing.assert_allclose(wrong[:2], reference[:2], rtol=1e-9)
    assert abs(wrong[2] / reference[2] - 1) > 0.05
    assert (wrong[10:] > 5 * reference[10:]).all()
    assert wrong[-1] > 10 * wrong[0]
    assert chapter.momentum_gap < 1e-12
    slow = chapter.unzeroed_slow
    assert slow.argmin() < 50
    assert slow[slow.argmin() :].max() > 3 * slow.min()


def test_backward_twice(chapter, reference):
    assert "a second time" in chapter.twice_message
    assert "retain_graph=True" in chapter.twice_message
    reported, true = chapter.stale_reported, chapter.stale_true
    assert reported[0] == pytest.approx(reference[0])
    assert true[0] == pytest.approx(reference[0])
    assert (np.diff(reported) < 0).all(), "the wrong run is to look as if it learnt"
    assert true[-1] > 2 * true[0]
    assert (reported[1:] > reference[1 : len(reported)]).all()
    assert chapter.stale_gradient_error > 0.5


def test_validation_in_the_graph_costs_memory(chapter):
    H1, errors = 50 * 100 * 8, 50 * 2 * 8
    steps = np.diff(chapter.held_wrong)
    np.testing.assert_allclose(steps, (H1 + errors) / 1000)
    assert (chapter.held_mended == 0).all()
    assert [loss.item() for loss in chapter.kept_losses] == chapter.item_losses


def test_validation_in_the_graph_falsifies_the_score(chapter):
    gaps = {}
    for name in ("added_wrong", "added_mended"):
        scores = getattr(chapter, name)
        assert scores.shape == (20, 2)
        gap = scores[:, 1] - scores[:, 0]
        gaps[name] = gap.mean() / (gap.std(ddof=1) / np.sqrt(20))
    assert gaps["added_wrong"] > 3
    assert abs(gaps["added_mended"]) < 2
    assert chapter.added_wrong[:, 0].mean() < 0.8 * chapter.added_mended[:, 0].mean()


def test_in_place(chapter, reference):
    np.testing.assert_allclose(chapter.in_place_mended, reference[:50], rtol=1e-9)
    assert (chapter.in_place_wrong[10:] > 1.2 * reference[10:50]).all()
    assert chapter.in_place_error[True] > 0.5
    assert chapter.in_place_error[False] < 1e-12
    assert 10 < chapter.in_place_angle < 90, "so that the wrong run's loss falls too"


@pytest.mark.parametrize(
    ("operation", "kept"),
    [
        ("exp", "result"),
        ("sin", "input"),
        ("square", "input"),
        ("relu", "result"),
        ("times 3", None),
    ],
)
def test_in_place_is_refused_where_backward_needs_the_value(chapter, operation, kept):
    for changed in ("input", "result"):
        message = chapter.messages[operation, changed]
        assert ("modified by an inplace operation" in message) == (changed == kept)


def test_float64_by_accident(chapter):
    for name, array in chapter.float_mended.items():
        assert array.dtype == np.float32, name
        double = chapter.float_wrong[name].dtype == np.float64
        assert double == (name not in ("X", "Y")), name
        np.testing.assert_allclose(
            array, chapter.float_wrong[name], rtol=1e-3, atol=1e-3
        )
    data = 2 * 50 * 2 * 4
    assert chapter.bytes_wrong - data == 2 * (chapter.bytes_mended - data)
    assert list(chapter.update_dtypes.values()) == [np.float64, np.float32]
    assert "same dtype" in chapter.dtype_message


def test_broadcast(chapter):
    y = load_iris_regression(seed=0, dtype="float64").Y[:, 0]
    assert not np.isfinite(chapter.broadcast_overflow)
    wrong, mended = chapter.broadcast_wrong.numpy(), chapter.broadcast_mended.numpy()
    assert wrong.shape == mended.shape == (50, 1)
    # Converged, to the mean of the targets for everyone.
    assert chapter.broadcast_loss == pytest.approx(
        50 * np.sum((y - y.mean()) ** 2), 0.01
    )
    assert np.abs(wrong - y.mean()).max() < 0.2
    mean_score = np.sum((y - y.mean()) ** 2)
    assert chapter.broadcast_wrong_sse == pytest.approx(mean_score, 0.02)
    assert chapter.broadcast_mended_sse < 0.3 * mean_score
    assert np.corrcoef(mended[:, 0], y)[0, 1] > 0.8
    assert "target size" in chapter.broadcast_warning


def test_sum_or_mean(chapter, reference):
    once = reference[:50] / 100
    np.testing.assert_allclose(chapter.copies_wrong[1], once, rtol=1e-9)
    for losses in chapter.copies_mended.values():
        np.testing.assert_allclose(losses, once, rtol=1e-9)
    assert chapter.copies_gap < 1e-9
    assert np.abs(chapter.copies_wrong[4] / once - 1).max() > 0.2
    assert not chapter.copies_wrong[20][-1] < 1e100


def test_scaler_leak_is_found_by_its_gradient(chapter):
    assert chapter.leak_gradient["mended"] is None
    assert chapter.leak_gradient["wrong"].norm() > 100


def test_scaler_leak_is_small_here_and_large_elsewhere(chapter):
    mean, linear, network = range(3)
    difference = chapter.leak_wrong - chapter.leak_mended
    error = difference.std(axis=0, ddof=1) / np.sqrt(20)
    assert difference.shape == (20, 3)
    assert -0.02 < difference[:, mean].mean() / chapter.leak_mended[:, mean].mean() < 0
    assert difference[:, mean].mean() < -3 * error[mean]
    assert np.abs(difference[:, linear]).max() < 1e-9
    assert abs(difference[:, network].mean()) < 2 * error[network]

    np.testing.assert_allclose(chapter.leak_ratio, chapter.leak_predicted, rtol=0.02)
    assert chapter.leak_ratio[0] < 0.7

    drift = chapter.drift_wrong.mean(axis=0) / chapter.drift_mended.mean(axis=0)
    assert drift[mean] < 0.5
    assert drift[linear] == pytest.approx(1)
    assert drift[network] > 1.2
    order = [
        drift.mean(axis=0).argsort().tolist()
        for drift in (chapter.drift_wrong, chapter.drift_mended)
    ]
    assert order == [[mean, linear, network], [linear, network, mean]]


def test_wrong_targets(chapter):
    assert chapter.targets_models == ["mean predictor", "network", "linear regression"]
    assert (chapter.targets_wrong.argmin(axis=1) == 0).all()
    assert (chapter.targets_wrong.argmax(axis=1) != 0).all()
    mended = chapter.targets_mended
    assert (mended[:, 2] < mended[:, 0]).all()
    assert mended[:, 1].mean() < mended[:, 0].mean()
    for name, expected in {"wrong": 0, "mended": 20}.items():
        as_is, mean, lowest = np.transpose(chapter.shuffled[name])
        assert np.sum(as_is < lowest) == expected
        assert (as_is.mean() < 0.5 * mean.mean()) == (name == "mended")


def test_step_of_a_gradient_check(chapter):
    passed = {step: check.passed for step, check in chapter.step_checks.items()}
    assert passed == {1e-1: False, 1e-5: True, 1e-12: False}

    for name, scale in {"forward": 2e-8, "central": 6e-6}.items():
        predicted, measured = chapter.step_predicted[name], chapter.step_measured[name]
        assert scale / 3 < predicted < scale * 3
        assert 1 / 4 < measured / predicted < 4
    errors, steps = chapter.step_errors, chapter.steps
    assert errors["central"].min() < 1e-9 < errors["forward"].min() < 1e-6
    # A V: a right arm of slope 1 or 2, and a left arm of slope -1.
    arms = {
        ("forward", 1e-6, 1e-2): 1,
        ("central", 1e-4, 1e-2): 2,
        ("forward", 1e-14, 1e-9): -1,
        ("central", 1e-14, 1e-7): -1,
    }
    for (name, low, high), slope in arms.items():
        arm = (steps > low) & (steps < high)
        found = np.polyfit(np.log(steps[arm]), np.log(errors[name][arm]), 1)[0]
        assert found == pytest.approx(slope, abs=0.15), (name, low)
    assert errors["complex"][steps < 1e-8].max() < 1e-14


def test_step_of_a_gradient_check_is_predicted_from_right_derivatives(chapter):
    """The first derivatives behind the prediction are those of the complex step."""
    first = chapter.derivatives[:, 0].reshape(2, 10)
    np.testing.assert_allclose(first, chapter.tanh_gradient, rtol=1e-10)
    W1, h = chapter.tanh_W1, 1e-4
    for column, order in ((1, 1), (2, 2)):
        for j in (0, 7):
            unit = np.zeros((2, 10))
            unit[0, j] = h

            def slope(s, unit=unit, j=j):
                return complex_step_gradient(chapter.tanh_loss, W1 + s * unit)[0, j]

            if order == 1:
                found = (slope(1) - slope(-1)) / (2 * h)
            else:
                found = (slope(1) - 2 * slope(0) + slope(-1)) / h**2
            assert chapter.derivatives[j, column] == pytest.approx(found, rel=1e-4)


def test_gradient_check_across_a_kink(chapter):
    passed = {step: check.passed for step, check in chapter.kink_checks.items()}
    assert passed == {1e-2: False, 1e-5: True}
    assert chapter.by_difference == pytest.approx(0.6)
    steps, errors = chapter.kink_steps, chapter.kink_errors
    before, behind = steps < chapter.kink_predicted, steps > chapter.kink_predicted
    assert errors[before & (steps > 1e-5)].max() < 1e-9
    assert errors[behind].min() > 1e-4


def test_exercises_know_right_from_wrong(chapter, capsys):
    chapter.check_guard(chapter.guarded_loss)
    assert capsys.readouterr().out == "Right.\nRefused.\nRefused.\nRefused.\n"
    chapter.check_guard(lambda Y_hat, Y: np.sum((Y_hat - Y) ** 2))
    assert capsys.readouterr().out.count("Not yet") == 3
