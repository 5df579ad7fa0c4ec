"""Each failure of the chapter fails, its correction works, the numbers are as claimed.

All names come from the chapter's own cells: the code shown is the code tested.
"""

import numpy as np
import pytest

from executed_cells import execute_cells


@pytest.fixture(scope="module")
def page():
    return execute_cells("stability")


def test_linear_regression_settles_below_2_over_lambda_only(page):
    assert page["ends"][0.99] < 1
    assert page["ends"][1.01] > 1e10


def test_power_iteration_finds_the_largest_eigenvalue(page):
    weights = page["W1"][:, :3], page["W2"][:3]
    columns = []
    for unit in np.eye(12):
        V = [unit[:6].reshape(2, 3), unit[6:].reshape(3, 2)]
        columns.append(page["flat"](*page["hvp"](page["X"], page["Y"], weights, V)))
    values = np.linalg.eigvalsh(np.stack(columns))
    found = page["largest_eigenvalue"](page["X"], page["Y"], weights)
    assert found == pytest.approx(values[np.abs(values).argmax()], rel=1e-3)
    # 2/λ of normal weights on iris, as it is known.
    assert page["power"]["normal"] == pytest.approx(9800, rel=0.02)


def test_between_the_limits_the_loss_jumps_and_the_curvature_falls(page):
    jumps, edge = page["jumps"], page["edge"]
    assert (np.diff(jumps["normal", 0.9]) < 0).all()
    catapult = jumps["normal", 1.6]
    assert catapult.max() > 5 * catapult[0]
    assert catapult[-1] < jumps["normal", 0.9][-1] < page["mean_loss"]
    assert edge["normal", 1.6] < 1.6 / 2
    assert len(jumps["normal", 2.6]) < 21
    assert (np.diff(jumps["normal", 2.6]) > 0).all()


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.4])
def test_curvature_moves_to_the_edge(page, factor):
    assert page["edge"]["default", factor] == pytest.approx(1, abs=0.07)


def test_inputs_far_from_0_are_slow_unless_standardised(page):
    condition, runs = page["condition"], page["own_step"]
    assert condition.pop("standardised") < 4
    assert all(value > 1000 for value in condition.values())
    assert runs["standardised"][50] < 40
    assert all(runs[name][50] > 80 for name in condition)


def test_too_large_a_step_kills_all_units(page):
    at_start, at_end, losses = page["deaths"]["cm"]
    assert (at_start, at_end) == (50, 100)
    assert losses[-1] == losses[-2] == pytest.approx(page["mean_loss"], rel=1e-14)
    at_start, at_end, losses = page["deaths"]["standardised"]
    assert (at_start, at_end) == (0, 0)
    assert losses[-1] < 40


def test_a_saturated_unit_learns_by_cross_entropy_only(page):
    (tiny, wrong), (first, few) = page["saturated"].values()
    assert tiny < 0.01
    assert wrong == 25
    assert first > 10
    assert few < 20


@pytest.mark.parametrize(
    ("scale", "forward", "backward"),
    [
        ("normal, σ = 1", (1e13, 1e17), (1e12, 1e16)),
        ("Xavier", (1e-5, 1e-2), (1e-5, 1e-2)),
        ("He", (0.2, 2), (0.2, 2)),
    ],
)
def test_sizes_through_the_layers(page, scale, forward, backward):
    _, (values, errors) = page["deep_runs"][scale]
    assert forward[0] < values[18] / values[0] < forward[1]
    assert backward[0] < errors[0] / errors[18] < backward[1]


def test_only_he_learns(page):
    runs = {name: losses for name, (losses, _) in page["deep_runs"].items()}
    assert len(runs["normal, σ = 1"]) == 1
    assert np.ptp(runs["Xavier"]) < 0.01
    assert runs["Xavier"][-1] == pytest.approx(page["mean_loss"], rel=1e-3)
    assert len(runs["He"]) == 150
    assert runs["He"][-1] < 40


def test_equal_units_stay_one_unit_and_zeros_never_move(page):
    runs = page["symmetry_runs"]
    W1, W2, losses = runs["all weights 0"]
    assert not W1.any()
    assert not W2.any()
    assert set(losses) == {page["mean_loss"]}
    W1, _, losses = runs["100 equal units"]
    assert np.ptp(W1, axis=1).max() == 0
    assert losses == pytest.approx(runs["one unit"][2], rel=1e-9)
    assert losses[-1] > 70
    W1, _, losses = runs["100 random units"]
    assert np.linalg.matrix_rank(W1) == 2
    assert losses[-1] < 40


def test_clipping_and_warm_up_save_a_run(page):
    constant, clipped, warm = page["rescues"].values()
    assert len(constant) < 10
    assert (np.diff(clipped) < 0).mean() > 0.5
    assert clipped.max() == clipped[0]
    for losses in (clipped, warm):
        assert len(losses) == 300
        assert losses[-1] < 40


def test_a_schedule_removes_the_noise(page):
    constant, cosine = page["above"].values()
    assert (cosine < constant).all()


def test_loss_scaling_saves_what_underflows(page):
    plain, scaled, _, too_large = page["half_errors"].values()
    assert plain[0] > 0.03
    assert plain[1] > 0.2
    assert scaled[0] < 1e-3
    assert scaled[1] < 0.01
    assert too_large[0] == np.inf


def test_nan_is_made_found_and_corrected(page):
    for name, gradient in page["nan_gradients"].items():
        assert np.isfinite(gradient).all() == ("corrected" in name), name
    assert "SqrtBackward0" in page["anomaly"]
