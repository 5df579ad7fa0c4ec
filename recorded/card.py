"""Draw the picture that messages show beside a link to the book: _static/card.png."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import Polygon

CARD = Path(__file__).parents[1] / "_static" / "card.png"

with plt.rc_context({"font.family": "DejaVu Sans", "mathtext.fontset": "cm"}):
    figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="#0072B2")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 12), ylim=(0, 6.3))
    ax.axis("off")
    # The favicon's nabla.
    nabla = [(0.9, 4.7), (3.3, 4.7), (2.1, 2.65)]
    ax.add_patch(Polygon(nabla, fill=False, ec="white", lw=14, joinstyle="round"))
    ax.text(4.1, 4.25, "Backpropagation,", color="white", size=44, weight="bold")
    ax.text(4.1, 3.35, "executed", color="white", size=44, weight="bold")
    ax.text(4.1, 2.4, "A book in which every claim runs", color="white", size=25)
    figure.savefig(CARD, metadata={"Software": None})
