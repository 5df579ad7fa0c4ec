"""What the chapter `compare` says of its numbers is so."""

import numpy as np
import pytest

from executed_cells import execute_cells


@pytest.fixture(scope="module")
def page():
    """Return all that the chapter's cells define, as it is after the last one."""
    return execute_cells("compare")


@pytest.mark.parametrize(("dtype", "bound"), [("float64", 1e-13), ("float32", 1e-3)])
def test_six_backends_draw_one_curve(page, dtype, bound):
    assert len(page["backends"]) == 6
    for name in page["backends"]:
        assert page["differences"][dtype, name][-1] <= bound, name
        assert page["curves"][dtype, name].shape == (2, 1000)
    # The tensors' products round otherwise: a difference of 0 would compare NumPy with
    # itself.
    assert page["differences"][dtype, "tensor"][-1] > 0


def test_a_difference_grows_like_the_root_of_the_number_of_roundings(page):
    ratio = page["always"] / (page["u"] * np.sqrt(1 + np.arange(5000)))
    for begin, end in ((0, 100), (100, 500), (500, 1000), (1000, 2000)):
        assert 0.8 < ratio[begin:end].min() <= np.median(ratio[begin:end]) < 1.25
    assert 10 < ratio.max() < 200  # the spikes of which the text speaks
    once = page["once"] / page["u"]
    assert once[:1900] == pytest.approx(1, abs=0.05)
    assert np.median(once[3000:]) > 3


def test_jumps_come_right_after_an_update_with_two_masks(page):
    excess, jump = page["excess"], page["jump"]
    assert page["opposite"][1].sum() >= 1
    assert excess[jump] > 5 > excess[jump - 1]
    assert len(page["begins"]) > 10
    assert page["after_two_masks"] > 0.9 * len(page["begins"])
    assert page["two_masks"].mean() < 0.5  # else the line above would say nothing


def test_mlp_regressor_reports_one_loss_and_follows_another(page):
    for D_out, (of_loss, of_gradient) in page["factors"].items():
        assert of_loss == pytest.approx(2 * 50 * D_out, rel=1e-9)
        assert of_gradient == pytest.approx(2 * 50, rel=1e-9)
    assert set(page["factors"]) == {1, 2, 3}


def test_mlp_regressor_draws_our_curves(page):
    for theirs, ours in (("theirs", "ours"), ("theirs_biased", "ours_biased")):
        theirs, ours = np.array(page[theirs]), np.array(page[ours])
        assert theirs.shape == ours.shape == (1000,)
        np.testing.assert_allclose(theirs, ours, rtol=1e-13)
    assert page["ours_biased"][-1] != pytest.approx(page["ours"][-1], rel=1e-2)


def test_training_loss_falls_while_validation_loss_rises(page):
    for training, flowers in page["runs"].values():
        mean_tr, mean_val = training.mean(axis=0), flowers.sum(axis=2).mean(axis=0)
        assert mean_tr[50] > mean_tr[500] > mean_tr[5000]
        best = mean_val.argmin()
        assert 50 < best < 1000
        assert mean_val[5000] > 1.03 * mean_val[best]
        assert mean_val.min() > page["line_val"].mean()
        assert page["mean_val"].mean() > mean_val[5000]


def test_a_promise_made_on_the_set_that_chose_is_optimistic(page):
    line = page["line_val"].mean()
    for promised, honest, _ in page["early"].values():
        assert np.all(honest >= promised)
        assert np.mean(honest - promised) > 1
        assert honest.mean() > line
    _, flowers = page["runs"]["default weights"]
    at = flowers.sum(axis=2)
    lead = line - at.min(axis=1).mean()
    promised, honest, _ = page["early"]["default weights"]
    assert 0 < 2 * lead < np.mean(honest - promised)
    assert at[:, 50].mean() < honest.mean()
    _, flowers = page["runs"]["normal weights"]
    at = flowers.sum(axis=2).mean(axis=0)
    _, honest, _ = page["early"]["normal weights"]
    assert honest.mean() < at[5000]
    assert honest.mean() == pytest.approx(at[500], rel=0.05)


def test_halves_are_equal_stratified_and_apart(page):
    for d in page["splits"]:
        half = page["in_half_A"](d.labels_val)
        counts = [np.sum(half & (d.labels_val == label)) for label in (1, 2)]
        assert sorted(counts) == [12, 13]


def test_each_species_is_pulled_towards_the_other(page):
    assert page["residuals"][1].shape == page["residuals"][2].shape == (500, 2)
    assert np.all(page["residuals"][1].mean(axis=0) > 0.15)
    assert np.all(page["residuals"][2].mean(axis=0) < -0.15)


def test_near_neighbours_differ_by_as_much_as_the_network_is_wrong(page):
    rms = np.sqrt(np.mean(page["both"] ** 2, axis=0))
    floors = page["floors"]
    np.testing.assert_allclose(floors["any two flowers"], rms, rtol=0.15)
    assert np.all(floors["two of one species"] < 0.65 * floors["any two flowers"])


def test_the_species_takes_off_more_than_a_third_of_the_error(page):
    assert np.all(page["rms"][True] < 2 / 3 * page["rms"][False])
    assert np.mean(page["of_line"]) < np.mean(page["of_network"]) < 30


def test_multiplications_are_those_of_the_five_products(page):
    for (N, D_in, H, D_out), count in zip(page["sizes"], page["work"], strict=True):
        products = [
            (N, D_in, H),  # X W1
            (N, H, D_out),  # H1 W2
            (H, N, D_out),  # H1^T G
            (N, D_out, H),  # G W2^T
            (D_in, N, H),  # X^T times the gradient in Z1
        ]
        assert count == sum(map(np.prod, products))
