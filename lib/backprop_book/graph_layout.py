"""Place the boxes of a layered graph in rows, left to right, so that none overlap."""

from itertools import pairwise
from operator import attrgetter

import numpy as np

GAP, ROW_GAP, MARGIN = 8, 26, 12  # pixels
TIP = 7  # a straight end for the tip of an arrow


class Box:
    """A box in one layer, linked to boxes in the layers beside it.

    What is heavy keeps its height, so that the main chain of a graph is straight; what
    is light makes room. `arrange` sets ``x`` and ``y``, the centre, ``column``, the
    horizontal extent of the whole layer, and ``row``, the upper end of the row.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self.weight, self.width, self.height = weight, 0.0, 12.0
        self.left: list[Box] = []
        self.right: list[Box] = []


def arrange(layers: list[list[Box]], width: float) -> tuple[float, float]:
    """Give each box its place, in rows of at most ``width`` where the graph lets them.

    A row ends only where a single link leads on: several would tangle. Returned are
    width and height of the whole.
    """
    for sweep in range(9):  # the last one from the right, where the order began
        beside = attrgetter("left" if sweep % 2 else "right")
        for layer in layers if sweep % 2 else layers[::-1]:
            place = {box: k for boxes in layers for k, box in enumerate(boxes)}
            layer.sort(key=lambda x: np.mean([place[y] for y in beside(x) or [x]]))
    for layer in reversed(layers):
        _set_heights(layer)
    widths = np.array([max(box.width for box in layer) for layer in layers])
    gaps = np.array([_gap(layer) for layer in layers])
    starts = _row_starts(layers, np.cumsum(widths + gaps), width - 2 * MARGIN)
    right, bottom = 0.0, 4.0 - ROW_GAP
    for first, last in pairwise([*starts, len(layers)]):
        boxes = [box for layer in layers[first:last] for box in layer]
        x, top = MARGIN, bottom + ROW_GAP
        down = top - min(box.y - box.height / 2 for box in boxes)
        for k in range(first, last):
            for box in layers[k]:
                box.x, box.column = x + widths[k] / 2, (x, x + widths[k])
                box.y, box.row = box.y + down, top
            right = max(right, x + widths[k] + MARGIN)
            x += widths[k] + gaps[k]
        bottom = max(box.y + box.height / 2 for box in boxes)
    return right, bottom + 4


def path(boxes: list[Box]) -> tuple[str, tuple[float, float]]:
    """Return an SVG path from the right side of the first box, and where it ends.

    That is the left side of the last box, or its right side where nothing follows it.
    """
    first, last = boxes[0], boxes[-1]
    d = f"M{first.x + first.width / 2:.1f} {first.y:.1f}"
    for box, following in pairwise(boxes):
        start, end, y = box.column[1], following.column[0], following.y
        if box.row != following.row:
            d += f"H{start:.1f}a6 6 0 0 1 6 6V{following.row - ROW_GAP / 2 - 6:.1f}"
            d += f"a6 6 0 0 1 -6 6H{end - 4}a6 6 0 0 0 -6 6V{y - 6:.1f}a6 6 0 0 0 6 6"
        elif box.y != y:
            end -= TIP * (following is last)
            half = (start + end) / 2
            d += f"H{start:.1f}C{half:.1f} {box.y} {half:.1f} {y} {end:.1f} {y}"
    x = last.x + last.width / 2 * (-1 if last.right else 1)
    return f"{d}H{x:.1f}", (x, last.y)


def _set_heights(layer: list[Box]) -> None:
    """Put each box level with what it leads to, as far as its neighbours let it."""
    blocks, offset = [], 0.0
    for box in layer:
        weights = [other.weight for other in box.right] or [1]
        wish = np.average([other.y for other in box.right] or [0], weights=weights)
        offset += box.height / 2
        blocks.append((box.weight, wish - offset, [(box, offset)]))
        offset += box.height / 2 + GAP
        # Boxes that would overlap become one block, at the mean of their wishes.
        while len(blocks) > 1 and blocks[-2][1] > blocks[-1][1]:
            (w, y, members), (v, z, more) = blocks[-2:]
            blocks[-2:] = [(w + v, (w * y + v * z) / (w + v), members + more)]
    for _, y, members in blocks:
        for box, offset in members:
            box.y = float(round(y + offset))


def _gap(layer: list[Box]) -> float:
    """Return the room that links need to bend on their way to the next layer."""
    steps = [abs(box.y - other.y) for box in layer for other in box.right]
    return min(9 + 0.1 * max(steps, default=0), 44)


def _row_starts(layers: list[list[Box]], ends: np.ndarray, width: float) -> list[int]:
    def starts(width: float) -> list[int]:
        rows, cut = [0], 0
        for k in range(2, len(layers)):
            if k % 2 == 0 and sum(len(box.left) for box in layers[k]) == 1:
                cut = k
            start = ends[rows[-1] - 1] if rows[-1] else 0
            if ends[k] - start > width and cut > rows[-1]:
                rows.append(cut)
        return rows

    # The narrowest rows of the same number look balanced.
    fewest = len(starts(width))
    return next(
        s for w in np.arange(0, width + 20, 20) if len(s := starts(w)) <= fewest
    )
