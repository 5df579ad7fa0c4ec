"""The book's plots, in one style that reads on a light and on a dark page."""

import sys
from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

from backprop_book.arguments import check_kind, expect, real_array

# It takes long to import: the functions that need it do it.
if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart under the common forms of colour blindness.
# Its yellow is left out: too pale for lines on white.
COLORS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}
SPECIES_COLORS = {
    "setosa": COLORS["green"],
    "versicolor": COLORS["blue"],
    "virginica": COLORS["vermilion"],
}
SPECIES_MARKERS = {"setosa": "o", "versicolor": "s", "virginica": "^"}
LOSS_LABEL = "loss (sum of squared errors,\nin units of the standard deviation²)"


def use_book_style() -> None:
    """Set Matplotlib's defaults, and have a notebook draw SVG, where there is one.

    Two runs give the same SVG to the letter: its identifiers are salted with a constant
    and it carries no date.
    """
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 4.0),
            "figure.constrained_layout.use": True,
            "font.size": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#DDDDDD",
            "axes.prop_cycle": plt.cycler(color=list(COLORS.values())),
            "lines.linewidth": 2.0,
            "legend.framealpha": 1,  # a level would cross out an entry
            "svg.hashsalt": "backprop-book",
        }
    )
    # Without this question a plain script would start a shell, with its history's file.
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})


def plot_losses(
    losses_tr: Sequence[float],
    losses_val: Sequence[float],
    *,
    levels: Mapping[str, float] | None = None,
    ax: "Axes | None" = None,
) -> "Axes":
    """Draw the training and the validation loss against the iteration.

    Parameters
    ----------
    losses_tr, losses_val : sequence of float, one length
        As a training function returns them.
    levels : mapping of name to float, optional
        Losses of other predictors, as `IrisRegression.baselines` returns them, drawn as
        horizontal lines.
    ax : Axes, optional
        Where to draw; a new figure where left out.

    Returns
    -------
    Axes
        With a logarithmic loss axis.

    Raises
    ------
    TypeError, ValueError
        An argument is not of this kind, or the two differ in length.
    """
    losses_tr = _numbers("losses_tr", losses_tr)
    losses_val = _numbers("losses_val", losses_val)
    check_kind("levels", levels, Mapping | None, "losses by name")
    expected = f"{len(losses_tr)} losses, as losses_tr"
    alike = len(losses_tr) == len(losses_val)
    expect(alike, "losses_val", expected, len(losses_val))
    levels = {
        name: float(real_array(f"levels[{name!r}]", loss))
        for name, loss in (levels or {}).items()
    }
    ax = plot_curves({"training": losses_tr, "validation": losses_val}, ax=ax)
    for (name, loss), linestyle in zip(levels.items(), cycle(["-.", ":"])):
        ax.axhline(loss, color="black", linewidth=1, linestyle=linestyle, label=name)
    ax.legend()
    ax.set_ylabel(LOSS_LABEL)
    return ax


def plot_curves(
    curves: Mapping[str, Sequence[float]], *, ax: "Axes | None" = None
) -> "Axes":
    """Draw named curves against the iteration, told apart by colour and dashes.

    Parameters
    ----------
    curves : mapping of name to sequence of float
        At most seven.
    ax : Axes, optional
        Where to draw; a new figure where left out.

    Returns
    -------
    Axes
        With a logarithmic vertical axis and a legend.

    Raises
    ------
    TypeError, ValueError
        An argument is not of this kind; there is no curve, or there are more than
        colours.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    check_kind("curves", curves, Mapping, "numbers by name")
    check_kind("ax", ax, plt.Axes | None, "Matplotlib's Axes")
    expect(curves, "curves", "at least one", "none")
    fit = len(curves) <= len(COLORS)
    expect(fit, "curves", f"at most {len(COLORS)}", len(curves))
    curves = {name: _numbers(f"curves[{name!r}]", c) for name, c in curves.items()}
    if ax is None:
        _, ax = plt.subplots()
    dashes = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1))]
    for (name, values), linestyle, color in zip(
        curves.items(), dashes, COLORS.values(), strict=False
    ):
        ax.plot(values, linestyle=linestyle, color=color, label=name)
    ax.set_yscale("log")
    if min(min(values, default=0) for values in curves.values()) >= 1:
        # Matplotlib mixes 4×10¹ and 10²; a loss reads better as 50, 100, 200.
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:,.10g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("iteration")
    ax.legend()
    return ax


def _numbers(name: str, curve: Sequence[float]) -> Any:
    numbers = real_array(name, curve)
    expected = "one number for each iteration"
    expect(numbers.ndim == 1, name, expected, f"shape {numbers.shape}")
    return numbers
