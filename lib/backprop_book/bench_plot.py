"""Draw what `make bench` recorded: time against size, with the libraries' floors."""

import math
from typing import TYPE_CHECKING

from backprop_book.plots import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colour, dashes and marker: each line is told apart by two of them.
LINES = {
    "floor numpy": ("black", "--", ""),
    "numpy": ("blue", "-", "o"),
    "engine": ("sky", "-", "D"),
    "scikit-learn": ("green", ":", "P"),
    "jax scan": ("green", ":", "X"),
    "floor torch": ("black", "-.", ""),
    "tensor": ("vermilion", "-", "s"),
    "autograd": ("orange", "-", "^"),
    "nn": ("purple", "-", "v"),
    "optim": ("purple", "--", "<"),
}
LABEL_STEP = 0.1  # least distance of two labels, in powers of ten


def plot_bench(
    recording: dict, *, threads: int = 1, ax: "Axes | None" = None
) -> "Axes":
    """Draw time against size, both by the multiplications, a line for each backend.

    The time of an iteration is divided by its multiplications: over six powers of ten
    all lines would look alike otherwise.

    Parameters
    ----------
    recording : dict
        As `load_recording` returns it for ``"bench"``.
    threads : int
        Which of the recorded numbers of threads to show.
    ax : Axes, optional
        Where to draw; a new figure where left out.

    Returns
    -------
    Axes
        Both axes are logarithmic; the lines are named at their left ends.

    Raises
    ------
    ValueError
        Nothing was recorded with so many threads.
    """
    import matplotlib.pyplot as plt

    work = recording["multiplications"]
    rows = [row for row in recording["results"] if row["threads"] == threads]
    if not rows:
        known = sorted({row["threads"] for row in recording["results"]})
        raise ValueError(f"threads: expected one of {known}, got {threads}")
    if ax is None:
        _, ax = plt.subplots(figsize=(7.0, 5.5))
    smallest, ends = min(work.values()), {}
    for case, (color, dashes, marker) in LINES.items():
        points = sorted(
            (work[row["size"]], 1e9 * row["median_s"] / work[row["size"]])
            for row in rows
            if row["case"] == case
        )
        if points:
            ax.plot(*zip(*points, strict=True), dashes, marker=marker, label=case,
                    color=COLORS[color])  # fmt: skip
            ends[case] = math.log10(points[0][1])
    ax.set_xscale("log")
    ax.set_yscale("log")
    for case, height in _spread(ends).items():
        ax.annotate(
            case,
            xy=(smallest, 10 ** ends[case]),
            xytext=(smallest / 2.5, 10**height),
            color="black",
            ha="right",
            va="center",
            arrowprops={"arrowstyle": "-", "color": COLORS[LINES[case][0]]},
        )
    ax.set_xlim(left=smallest / 200)
    ax.set_xlabel("multiplications in one iteration")
    ax.set_ylabel("time for each multiplication (ns)")
    return ax


def _spread(heights: dict[str, float]) -> dict[str, float]:
    """Move labels apart that would overlap, as little as it takes, order kept."""
    names = sorted(heights, key=lambda name: heights[name])
    groups: list[list[str]] = []

    def bottom(group: list[str]) -> float:
        middle = sum(heights[name] for name in group) / len(group)
        return middle - LABEL_STEP * (len(group) - 1) / 2

    for name in names:
        groups.append([name])
        while len(groups) > 1:
            below, above = groups[-2:]
            if bottom(below) + LABEL_STEP * len(below) <= bottom(above):
                break
            groups[-2:] = [below + above]
    return {
        name: bottom(group) + LABEL_STEP * place
        for group in groups
        for place, name in enumerate(group)
    }
