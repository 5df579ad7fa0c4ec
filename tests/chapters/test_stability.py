"""Each failure of the chapter fails, its mend works, and the numbers are as claimed.

All names come from the chapter's own cells: the code shown is the code tested.
"""

import numpy as np
import pytest

from backprop_book import DivergenceError
from executed_cells import execute_cells


@pytest.fixture(scope="module")
def page():
    return execute_cells("stability")


class TestLearningRate:
    def test_one_weight_climbs_past_the_limit_only(self, page):
        loss = {lr: 5 * page["descend"](lr) ** 2 for lr in (0.19, 0.2, 0.21)}
        assert np.all(np.diff(loss[0.19]) < 0)
        assert loss[0.2] == pytest.approx(np.full(21, 5))
        assert np.all(np.diff(loss[0.21]) > 0)

    def test_quadratic_limit_is_2_over_the_largest_eigenvalue(self, page):
        assert page["quadratic_measured"] == pytest.approx(
            page["quadratic_predicted"], rel=2e-3
        )

    def test_a_step_past_the_limit_overflows_and_a_short_one_learns(self, page):
        assert isinstance(page["too_long_error"], DivergenceError)
        assert np.all(np.diff(page["too_long_error"].losses_tr) > 0)
        assert np.all(np.diff(page["short_losses"]) < 0)
        assert page["short_losses"][-1] < page["mean_loss"]

    @pytest.mark.parametrize("kind", ["normal", "He", "default"])
    def test_every_measured_limit_is_about_twice_the_predicted_one(self, page, kind):
        ratios = page["measured"][kind] / page["predicted"][kind]
        assert ratios.shape == (10,)
        assert np.all((ratios > 1.7) & (ratios < 2.5))

    def test_measured_limits_stand_in_the_predicted_order(self, page):
        measured = page["measured"]
        assert measured["normal"].max() < measured["He"].min()
        assert measured["He"].max() < measured["default"].min()

    @pytest.mark.parametrize("kind", ["normal", "default"])
    def test_limit_is_exact_where_the_curvature_stays(self, page, kind):
        assert page["local_ratio"][kind] == pytest.approx(1, abs=5e-3)

    def test_small_network_diverges_at_2_over_q(self, page):
        for _, measured, claimed in page["small_limits"]:
            assert measured == pytest.approx(claimed, rel=1e-5)

    def test_between_the_limits_the_loss_jumps_and_the_curvature_falls(self, page):
        _, losses, values = page["jumps"][0.9]
        assert np.all(np.diff(losses) < 0)
        _, losses, values = page["jumps"][1.6]
        assert losses.max() > 5 * losses[0]
        assert losses[-1] < page["mean_loss"]
        assert values[-1] < values[0] / 2
        t, losses, values = page["jumps"][2.6]
        assert len(t) < 21
        assert np.all(np.diff(losses) > 0)
        assert values[-1] > values[0]

    def test_curvature_rises_or_falls_to_the_edge(self, page):
        late = page["late"]
        for f in (0.6, 0.9, 1.4):
            assert late[f] == pytest.approx(1, abs=0.07)
        assert 0.25 < late[0.25] < 0.9


class TestHessianVectorProduct:
    def test_four_routes_agree(self, page):
        errors = page["hvp_errors"]
        assert errors["double backward"] < 1e-14
        assert errors["complex step"] < 1e-14
        assert errors["difference of gradients"] < 1e-8

    @pytest.mark.parametrize("kind", ["normal", "default"])
    def test_power_iteration_finds_the_largest_eigenvalue(self, page, kind):
        spectrum = page["spectra"][kind]
        assert page["power"][kind] == pytest.approx(spectrum[-1], rel=1e-3)
        assert spectrum[0] < 0
        assert -spectrum[0] < spectrum[-1]

    def test_iris_at_the_start_is_as_steep_as_known(self, page):
        assert page["power"]["normal"] == pytest.approx(9800, rel=0.02)


class TestUnits:
    def test_one_learning_rate_for_all_fails(self, page):
        runs = page["same_step"]
        assert len(runs["width in µm, centred"]) < 501
        assert runs["centimetres"][-1] == pytest.approx(page["mean_loss"])
        assert runs["standardised"][-1] < 35

    def test_safe_steps_crawl_unless_standardised(self, page):
        runs = page["own_step"]
        assert all(len(losses) == 501 for losses in runs.values())
        assert runs["standardised"][50] < 40
        for name in ("centimetres", "decimetres", "width in µm, centred"):
            assert runs[name][50] > 75
        assert runs["width in µm, centred"][-1] == pytest.approx(
            page["width_loss"], rel=0.02
        )

    def test_condition_numbers(self, page):
        condition = page["condition"]
        assert condition["standardised"] < 4
        assert all(
            value > 1000 for name, value in condition.items() if name != "standardised"
        )


class TestDeadUnits:
    def test_gradient_of_a_dead_unit_is_exactly_zero(self, page):
        for grad in (page["dead_grad_W1"], page["dead_grad_W2"].T):
            assert np.all(grad[:, [1, 3]] == 0)
            assert np.all(np.abs(grad[:, [0, 2, 4]]).max(axis=0) > 0)

    def test_none_can_be_dead_on_centred_inputs_without_bias(self, page):
        for seed in range(20):
            W1, _ = page["normal_weights"](seed)
            assert page["count_dead"](page["X"], W1) == 0
        assert page["dead_at_start"]["centimetres, with bias"] == 50

    def test_too_long_a_step_kills_all_units_for_ever(self, page):
        *_, losses, dead = page["deaths"]["centimetres, lr 1e-3"]
        assert dead[0] < 60
        assert dead[-1] == 100
        assert losses[-1] == pytest.approx(page["mean_loss"], rel=1e-14)
        assert page["frozen"]

    def test_scaled_inputs_and_a_modest_step_keep_them_alive(self, page):
        *_, losses, dead = page["deaths"]["standardised, lr 1e-3"]
        assert max(dead) <= 5
        assert losses[-1] < 40


class TestDeepNetwork:
    def test_deep_gradient_is_right(self, page):
        assert page["deep_error"] < 1e-14

    def test_one_layer_changes_the_size_as_derived(self, page):
        for mean, formula in page["gains"].values():
            assert mean == pytest.approx(formula, rel=0.02)

    @pytest.mark.parametrize(
        ("scale", "forward", "backward"),
        [
            ("normal, σ = 1", (1e13, 1e17), (1e12, 1e16)),
            ("Xavier", (1e-5, 1e-2), (1e-5, 1e-2)),
            ("He", (0.2, 2), (0.2, 2)),
        ],
    )
    def test_sizes_through_the_layers(self, page, scale, forward, backward):
        values, errors = page["layer_sizes"][scale]
        assert forward[0] < values[18] / values[0] < forward[1]
        assert backward[0] < errors[0] / errors[18] < backward[1]

    def test_only_he_learns(self, page):
        runs, mean = page["deep_runs"], page["mean_loss"]
        assert len(runs["normal, σ = 1"]) == 1
        assert np.ptp(runs["Xavier"]) < 0.01
        assert runs["Xavier"][-1] == pytest.approx(mean, rel=1e-3)
        assert len(runs["He"]) == 150
        assert runs["He"][-1] < 40

    def test_no_longer_step_rescues_xavier(self, page):
        long, longer = page["xavier_runs"].values()
        assert min(long) < 95
        assert long[-1] > 95
        assert len(longer) < 150


class TestSymmetry:
    def test_what_moves_from_zero_weights(self, page):
        moves = {name: np.array(m) > 0 for name, m in page["moves"].items()}
        # gradients in W1 and W2 at slope 0, then at slope 1
        assert list(moves["W1 = 0, W2 = 0"]) == [False, False, False, False]
        assert list(moves["W1 = 0, W2 random"]) == [False, False, True, False]
        assert list(moves["W1 random, W2 = 0"]) == [False, True, False, True]

    def test_pytorchs_two_conventions_part(self, page):
        relu, clamp = page["torch_moves"].values()
        assert relu == 0
        assert clamp == pytest.approx(page["moves"]["W1 = 0, W2 random"][2])

    def test_zero_weights_of_the_library_never_move(self, page):
        W1, W2, losses = page["train_from"]((np.zeros((2, 100)), np.zeros((100, 2))))
        assert not W1.any()
        assert not W2.any()
        assert set(losses) == {page["mean_loss"]}

    def test_equal_units_stay_one_unit_and_random_ones_learn(self, page):
        runs = page["symmetry_runs"]
        W1, W2, losses = runs["100 equal units"]
        assert np.ptp(W1, axis=1).max() == 0
        assert np.ptp(W2, axis=0).max() < 1e-12
        assert losses == pytest.approx(runs["one unit"][2], rel=1e-9)
        assert losses[-1] > 70
        for name in ("100 random units", "random W1, W2 = 0"):
            W1, _, losses = runs[name]
            assert np.linalg.matrix_rank(W1) == 2
            assert losses[-1] < 40
