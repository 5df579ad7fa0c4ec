"""Plots show what they were given, and draw the same file twice."""

import io
import os
import re
import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from IPython.core.interactiveshell import InteractiveShell

from backprop_book import (
    plot_curves,
    plot_losses,
    use_book_style,
)


@pytest.fixture(autouse=True)
def book_style():
    mpl.use("Agg")
    with mpl.rc_context():
        use_book_style()
        yield
    plt.close("all")


def test_the_style_starts_no_shell_in_a_plain_script(tmp_path):
    code = """
import sys, backprop_book
backprop_book.use_book_style()
shell = sys.modules.get("IPython.core.interactiveshell")
print(shell is not None and shell.InteractiveShell.initialized())
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "False\n"
    assert list(tmp_path.iterdir()) == []


def test_the_style_draws_svg_in_a_notebook():
    shell = InteractiveShell.instance()
    try:
        use_book_style()
        figure, _ = plt.subplots()
        formats, _ = shell.display_formatter.format(figure)
        assert "image/svg+xml" in formats
    finally:
        InteractiveShell.clear_instance()


def test_losses():
    ax = plot_losses([3.0, 2.0, 1.0], [4.0, 3.0, 2.5])
    training, validation = ax.get_lines()
    assert list(training.get_ydata()) == [3.0, 2.0, 1.0]
    assert list(validation.get_xdata()) == [0, 1, 2]
    assert ax.get_yscale() == "log"
    assert "iteration" in ax.get_xlabel()
    assert "sum of squared errors" in ax.get_ylabel()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "training",
        "validation",
    ]
    assert training.get_linestyle() != validation.get_linestyle()


def test_levels_are_lines_with_names():
    ax = plot_losses([300.0, 20.0], [400.0, 30.0], levels={"mean": 99.0, "line": 46.0})
    *_, mean, line = ax.get_lines()
    assert (set(mean.get_ydata()), set(line.get_ydata())) == ({99.0}, {46.0})
    assert mean.get_linestyle() != line.get_linestyle()
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["training", "validation", "mean", "line"]


@pytest.mark.parametrize(
    ("first", "ticks"),
    [(8000, {"50", "100", "200", "5,000"}), (300, {"50", "100"}), (60, {"42.5"})],
)
def test_a_loss_axis_is_in_one_notation(first, ticks):
    ax = plot_losses([first, 42.0], [first, 50.0])
    ax.figure.canvas.draw()
    bottom, top = ax.get_ylim()
    labels = [
        tick.label1.get_text()
        for tick in [*ax.yaxis.get_major_ticks(), *ax.yaxis.get_minor_ticks()]
        if bottom <= tick.get_loc() <= top
    ]
    seen = [label for label in labels if label]
    assert ticks <= set(seen)
    assert all(re.fullmatch(r"[\d,.]+", label) for label in seen)


def test_losses_on_given_axes():
    _, ax = plt.subplots()
    assert plot_losses([1.0], [2.0], ax=ax) is ax


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"losses_val": [1.0]}, "losses_val: expected 2 losses, as losses_tr, got 1"),
        ({"losses_tr": 3.0}, "losses_tr: expected one number for each iteration, got "),
        ({"losses_val": None}, "losses_val: expected real numbers, got NoneType"),
        ({"levels": 3}, "levels: expected losses by name, got int"),
        ({"levels": {"mean": "a"}}, "levels['mean']: expected real numbers, got str"),
        ({"ax": 3}, "ax: expected Matplotlib's Axes, got int"),
        ({"curves": {}}, "curves: expected at least one, got none"),
        ({"curves": 3}, "curves: expected numbers by name, got int"),
        ({"curves": {"a": "1"}}, "curves['a']: expected real numbers, got str"),
        ({"curves": {n: [1.0] for n in "abcdefgh"}}, "curves: expected at most 7"),
    ],
)
def test_what_is_no_curve_is_refused_by_name(wrong, message):
    losses = {"losses_tr": [2.0, 1.0], "losses_val": [3.0, 2.0]}
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
        plot_curves(**wrong) if "curves" in wrong else plot_losses(**losses | wrong)
    assert not plt.get_fignums()


def test_a_figure_drawn_twice_is_the_same_to_the_letter():
    def svg():
        ax = plot_losses([3.0, 2.0], [4.0, 3.0])
        file = io.BytesIO()
        ax.figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()

    assert svg() == svg()
