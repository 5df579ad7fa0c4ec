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
        assert page["differences"][dtype, name].shape == (1000,)
        assert page["differences"][dtype, name].max() <= bound, name
    # The tensors' products round otherwise: a difference of 0 would compare NumPy with
    # itself.
    assert page["differences"][dtype, "tensor"].max() > np.finfo(dtype).eps


def test_a_difference_grows_like_the_root_of_the_number_of_roundings(page):
    ratio = page["always"] / (page["u"] * np.sqrt(1 + np.arange(2000)))
    for begin, end in ((0, 100), (100, 500), (500, 1000)):
        assert 0.8 < ratio[begin:end].min() <= np.median(ratio[begin:end]) < 1.25
    assert page["once"][:1500] == pytest.approx(page["u"], rel=0.05)


def test_jumps_come_right_after_an_update_with_two_masks(page):
    assert len(page["begins"]) > 10
    assert page["after_two_masks"] > 0.9 * len(page["begins"])
    assert page["two_masks"].mean() < 0.5  # else the line above would say nothing


def test_mlp_regressor_reports_one_loss_and_follows_another(page):
    for D_out, (of_loss, of_gradient) in page["factors"].items():
        assert of_loss == pytest.approx(2 * 50 * D_out, rel=1e-9)
        assert of_gradient == pytest.approx(2 * 50, rel=1e-9)
    assert set(page["factors"]) == {1, 2, 3}
    np.testing.assert_allclose(page["theirs"], page["ours"], rtol=1e-13)


def test_paired_gives_the_two_standard_errors(page):
    mean, of_splits, of_flowers = page["paired"](np.array([1.0, 2.0, 3.0, 6.0]))
    variance = ((-2) ** 2 + (-1) ** 2 + 0 + 3**2) / 3
    assert mean == 3
    assert of_splits**2 == pytest.approx(variance / 4)
    assert of_flowers**2 == pytest.approx(variance * (1 / 4 + 1))


def worse(page, scores):
    """Return mean over error of both kinds, and the number of splits."""
    differences = scores - page["line_val"]
    mean, *errors = page["paired"](differences)
    return mean / np.array(errors), np.sum(differences > 0)


def test_what_the_differences_show_and_what_not(page):
    scores = page["scores"]
    ratios, count = worse(page, scores["mean predictor"])
    assert min(ratios) > 2.5
    assert count == 20
    for t in (50, 500, 5000):
        ratios, count = worse(page, scores[f"normal weights, {t}"])
        assert ratios[0] > 3
        assert ratios[1] < 2
        assert count >= 18
    ratios, count = worse(page, scores["default weights, 50"])
    assert max(abs(ratios)) < 2


def test_a_promise_made_on_the_set_that_chose_is_optimistic(page):
    for promised, honest in page["early"].values():
        assert np.all(honest >= promised)
    promised, honest = page["early"]["default"]
    ratios, count = worse(page, promised)
    assert ratios[0] < -2
    assert count <= 4
    ratios, _ = worse(page, honest)
    assert ratios[0] > 0
    for t, sure in ((50, True), (5000, False)):
        at_t = page["scores"][f"normal weights, {t}"]
        mean, error, _ = page["paired"](page["early"]["normal"][1] - at_t)
        assert mean < 0
        assert (abs(mean) > 2 * error) == sure


def test_training_loss_falls_while_validation_loss_rises(page):
    for training, flowers in page["runs"].values():
        mean_tr, mean_val = training.mean(axis=0), flowers.sum(axis=2).mean(axis=0)
        assert np.all(np.diff(mean_tr[[50, 500, 5000]]) < 0)
        best = mean_val.argmin()
        assert 50 < best < 1000
        assert mean_val[5000] > 1.03 * mean_val[best]
        assert mean_val[best] > page["line_val"].mean()


def test_halves_are_equal_stratified_and_apart(page):
    for d in page["splits"]:
        half = page["in_half_A"](d.labels_val)
        counts = [np.sum(half & (d.labels_val == label)) for label in (1, 2)]
        assert sorted(counts) == [12, 13]


def test_each_species_is_pulled_towards_the_other(page):
    assert page["residuals"][1].shape == page["residuals"][2].shape == (500, 2)
    assert np.all(page["residuals"][1].mean(axis=0) > 0.15)
    assert np.all(page["residuals"][2].mean(axis=0) < -0.15)


def test_neighbours_give_an_estimate_that_the_line_lies_below(page):
    value, error = page["estimates"]["neighbours, any"]
    of_line = page["rms"][False].mean(axis=0)
    assert np.all(of_line < value)
    assert np.all(np.abs(value - of_line) < 2 * error)
    assert np.all(page["estimates"]["neighbours, one species"][0] < 0.65 * value)


def test_the_jackknife_s_error_is_rather_too_large(page):
    """Where no two pairs share a flower, the error is known: it counts each twice."""
    i, j = page["i"], page["j"]
    alone = (i % 2 == 0) & (j == i + 1)
    value, error = page["noise"](alone)
    halves = page["halves"][alone]
    of_mean = np.sqrt(halves.var(axis=0, ddof=1) / len(halves))
    assert error == pytest.approx(np.sqrt(2) * of_mean / (2 * value), rel=0.1)


def test_the_species_takes_off_more_than_a_third_of_the_error(page):
    rms = {known: values.mean(axis=0) for known, values in page["rms"].items()}
    assert np.all(rms[True] < 2 / 3 * rms[False])
    mean, of_splits, _ = page["paired"](np.array(page["worse"]))
    assert mean > 2 * of_splits
