"""The benchmark's figure shows the recorded times, each line with its name."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from backprop_book import plot_bench
from backprop_book.bench_plot import LABEL_STEP, LINES, _spread

WORK = {"iris": 100, "tutorial": 10_000, "large": 1_000_000}


def recording(threads=1):
    return {
        "multiplications": WORK,
        "results": [
            {"size": size, "threads": threads, "case": case, "median_s": m * (i + 1)}
            for size, m in WORK.items()
            for i, case in enumerate([*LINES, "plain numpy"])
        ],
    }


@pytest.fixture(autouse=True)
def no_window():
    mpl.use("Agg")
    yield
    plt.close("all")


def test_every_line_is_drawn_and_named():
    ax = plot_bench(recording())
    drawn = {line.get_label(): line for line in ax.get_lines()}
    assert list(drawn) == list(LINES)
    assert list(drawn["engine"].get_xdata()) == [100, 10_000, 1_000_000]
    assert list(drawn["engine"].get_ydata()) == [3e9, 3e9, 3e9]
    assert {text.get_text() for text in ax.texts} == set(LINES)
    assert ax.get_xscale() == ax.get_yscale() == "log"


def test_no_two_lines_look_alike():
    looks = [(line.get_color(), line.get_linestyle(), line.get_marker())
             for line in plot_bench(recording()).get_lines()]  # fmt: skip
    assert len(set(looks)) == len(looks)


def test_a_peer_that_was_not_installed_is_left_out():
    alone = recording()
    alone["results"] = [r for r in alone["results"] if r["case"] != "jax scan"]
    names = {line.get_label() for line in plot_bench(alone).get_lines()}
    assert names == LINES.keys() - {"jax scan"}


def test_a_number_of_threads_that_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match=r"threads: expected one of \[2\], got 1"):
        plot_bench(recording(threads=2))


def test_labels_keep_their_order_and_their_distance():
    before = {"a": 0.0, "b": 0.01, "c": 0.02, "d": 5.0}
    after = _spread(before)
    assert list(after) == ["a", "b", "c", "d"]
    assert after["d"] == 5.0
    gaps = [after[y] - after[x] for x, y in ("ab", "bc")]
    assert gaps == pytest.approx([LABEL_STEP, LABEL_STEP])
    assert sum(after[x] for x in "abc") == pytest.approx(0.03)
