"""What the chapter `speed` says holds of the recording that it draws from."""

import importlib
import sys

import numpy as np
import pytest

from chapter_files import ROOT
from executed_cells import chapter_named, execute_cells
from exercise_forms import answered, reply


@pytest.fixture(scope="module")
def page():
    """Return all that the chapter's cells define, as it is after the last one."""
    return execute_cells("speed")


def test_the_steps_shown_are_those_that_the_bench_times(page):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        programs = importlib.import_module("cases").programs()
        sys.modules.pop("cases")
    before, *after = programs.values()
    assert page["bench"]["notebook"] == before
    text = before.splitlines()
    for step, program in zip(page["bench"]["steps"], after, strict=True):
        kept = [line for line in text if f"- {line}" not in step["changed"]]
        added = [line[2:] for line in step["changed"] if line[0] == "+"]
        text = program.splitlines()
        assert sorted(kept + added) == sorted(text)
    assert list(programs)[1:] == [step["step"] for step in page["bench"]["steps"]]


def test_no_program_lies_below_its_floor(page):
    rows = page["rows"]
    compared = [r for r in rows.values() if r["floor"] and r["library"] != "jax"]
    assert len(compared) > 60
    for row in compared:
        assert row["median_s"] >= rows[row["size"], row["floor"]]["low_s"], row


def test_calls_count_on_iris_and_the_dtype_at_the_larger_sizes(page):
    us = page["us"]
    for size in ("tutorial", "large"):
        by_dtype = us(size, "the notebook's loop") / us(size, "the dtype of the data")
        assert by_dtype > us(size, "the dtype of the data") / us(size, "fast")
        assert us(size, "prepared") < 1.25 * us(size, "floor, NumPy")
    assert us("iris", "prepared") > 1.5 * us("iris", "floor, NumPy")


def test_the_lessons_draw_together_as_the_work_grows(page):
    lessons = ("NumPy", "tensor", "autograd", "nn", "SGD")
    floors, spans = page["floors"], []
    for size in page["main_sizes"]:
        found = [floors(size, case) for case in lessons]
        spans.append(max(found) / min(found))
    assert spans[0] > spans[1] > spans[2]
    assert spans[0] > 2
    assert max(found) < 1.3
    at_iris = [floors("iris", case) for case in page["shown"]]
    assert 5 < max(at_iris) / min(at_iris) < 12
    for recorded, by_hand in (("engine", "NumPy"), ("autograd", "tensor")):
        assert floors("iris", recorded) > floors("iris", by_hand)
    at_large = [floors("large", case) for case in page["shown"]]
    assert 0.5 < min(at_large) < max(at_large) < 1.5
    assert page["us"]("iris", "Adam, fused") < page["us"]("iris", "Adam")
    assert page["us"]("iris", "micrograd") > 1000 * page["us"]("iris", "NumPy")


def test_autograd_s_overhead_fades(page):
    us, squares = page["us"], page["squares"]
    ratios = [us(s, "autograd") / us(s, "floor, PyTorch") for s in squares]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 5
    assert ratios[-1] < 1.25
    parts = page["work"] / (page["overhead"] * page["rate"])
    assert parts[0] < 0.1
    assert parts[-1] > 10


def test_operations_lie_under_the_roofs_as_the_text_says(page):
    peak, roofs = page["peak"], page["roofs"]
    assert roofs["cache"] > 2 * roofs["main memory"]
    for (size, name), row in page["operations"].items():
        reached, intensity = row["flops"] / row["seconds"], row["flops"] / row["bytes"]
        assert reached <= peak
        if size == "iris":
            assert reached < 0.5 * peak
        if name in ("ReLU", "update of W1"):
            assert intensity == pytest.approx(1 / 12)
            assert intensity < peak / roofs["cache"]
        elif size == "large":
            assert reached > 0.6 * peak, name


def test_the_loop_that_keeps_z1_draws_the_same_curves(page):
    assert page["same"]
    assert np.ndim(page["truth"]) == 0
    assert page["tutorial"] == page["multiplications"](64, 64, 1000, 100, 10)


def test_one_unit_too_few_is_refused(page):
    cells = [cell.source for cell in chapter_named("speed").code]
    (cell,) = [source for source in cells if "needed = 100" in source]
    for answer, part in {"1087": "Right", "1086.96": "Right", "1086": "Not"}.items():
        assert reply(answered(cell, answer), page).startswith(part), answer
