"""Place the items of a layered graph in rows, left to right, so that none overlap."""

from dataclasses import dataclass, field

import numpy as np

GAP, ROW_GAP, MARGIN, SWEEPS = 8, 26, 12, 8
TIP = 7  # a straight end for the arrow's tip


@dataclass(eq=False)
class Item:
    """A box in one layer, linked to boxes in the two layers beside it.

    What is heavy keeps its height, so that the main chain of a graph is straight; what
    is light makes room. ``x`` and ``y`` are the centre, ``column`` is the horizontal
    extent of the whole layer, ``row`` the upper end of the row.
    """

    width: float
    height: float
    weight: float
    left: list["Item"] = field(default_factory=list)
    right: list["Item"] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0
    row: float = 0.0
    column: tuple[float, float] = (0.0, 0.0)


def arrange(layers: list[list[Item]], width: float) -> tuple[float, float]:
    """Give each item its place, in rows of at most ``width`` where the graph lets them.

    A row ends only where a single link leads on: several would tangle.

    Returns
    -------
    width, height : float
        The size of the whole.
    """
    _order(layers)
    _set_heights(layers)
    gaps = [_gap(layer) for layer in layers]
    ends = np.cumsum(
        [max(i.width for i in a) + g for a, g in zip(layers, gaps, strict=True)]
    )
    starts = _row_starts(layers, ends, width - 2 * MARGIN)
    right = bottom = 0.0
    for first, last in zip(starts, [*starts[1:], len(layers)], strict=True):
        items = [item for layer in layers[first:last] for item in layer]
        top = bottom + ROW_GAP if first else 4.0
        down = top - min(item.y - item.height / 2 for item in items)
        x = MARGIN
        for layer, gap in zip(layers[first:last], gaps[first:last], strict=True):
            end = x + max(item.width for item in layer)
            for item in layer:
                item.x, item.column, item.row = (x + end) / 2, (x, end), top
                item.y += down
            right, x = max(right, end + MARGIN), end + gap
        bottom = max(item.y + item.height / 2 for item in items)
    return right, bottom + 4


def _order(layers: list[list[Item]]) -> None:
    """Sort each layer by the barycentre of its neighbours, to and fro; keep the best."""
    fewest, best = np.inf, []
    for sweep in range(SWEEPS):
        to_right = sweep % 2 == 1
        for layer in layers if to_right else layers[::-1]:
            place = {i: k for items in layers for k, i in enumerate(items)}
            centre = {
                item: np.mean([place[o] for o in beside] or [place[item]])
                for item in layer
                for beside in [item.left if to_right else item.right]
            }
            layer.sort(key=centre.get)
        crossings = sum(
            _crossings(a, b) for a, b in zip(layers, layers[1:], strict=False)
        )
        if crossings < fewest:
            fewest, best = crossings, [list(layer) for layer in layers]
    layers[:] = best


def _crossings(layer: list[Item], after: list[Item]) -> int:
    place = {item: k for k, item in enumerate(after)}
    # Links of one item don't cross each other; sorted, they count as none.
    ends = [k for item in layer for k in sorted(place[o] for o in item.right)]
    return sum(a > b for k, a in enumerate(ends) for b in ends[k + 1 :])


def _set_heights(layers: list[list[Item]]) -> None:
    """Put each item level with what it leads to, as far as its neighbours let it."""
    for layer in reversed(layers):
        blocks, offset = [], 0.0
        for item in layer:
            weights = [other.weight for other in item.right]
            wish = (
                np.average([o.y for o in item.right], weights=weights) if weights else 0
            )
            offset += item.height / 2
            blocks.append((item.weight, wish - offset, [(item, offset)]))
            offset += item.height / 2 + GAP
            # Items that would overlap become one block, at the mean of their wishes.
            while len(blocks) > 1 and blocks[-2][1] > blocks[-1][1]:
                (w, y, members), (v, z, more) = blocks[-2:]
                blocks[-2:] = [(w + v, (w * y + v * z) / (w + v), members + more)]
        for _, y, members in blocks:
            for item, offset in members:
                item.y = float(round(y + offset))


def _gap(layer: list[Item]) -> float:
    """Return the room that links need to bend to the next layer."""
    steps = [abs(item.y - other.y) for item in layer for other in item.right]
    return min(9 + 0.1 * max(steps, default=0), 44)


def _row_starts(layers: list[list[Item]], ends: np.ndarray, width: float) -> list[int]:
    def starts(width: float) -> list[int]:
        rows, cut = [0], 0
        for k in range(1, len(layers)):
            if k % 2 == 0 and sum(len(item.left) for item in layers[k]) == 1:
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


def path(items: list[Item]) -> tuple[str, tuple[float, float]]:
    """Return an SVG path from the right side of the first item, and where it ends.

    That is the left side of the last item, or its right side where nothing follows it.
    """
    first, last = items[0], items[-1]
    parts = [f"M{first.x + first.width / 2:g} {first.y:g}"]
    for item, following in zip(items, items[1:], strict=False):
        (_, start), (end, _) = item.column, following.column
        if item.row != following.row:
            middle = following.row - ROW_GAP / 2
            parts.append(
                f"H{start}a6 6 0 0 1 6 6V{middle - 6:g}a6 6 0 0 1 -6 6"
                f"H{end - 4:g}a6 6 0 0 0 -6 6V{following.y - 6:g}a6 6 0 0 0 6 6"
            )
        elif item.y != following.y:
            end -= TIP * (following is last)
            half = (start + end) / 2
            parts.append(
                f"H{start:g}C{half:g} {item.y:g} {half:g} {following.y:g} "
                f"{end:g} {following.y:g}"
            )
    x = last.x + last.width / 2 * (-1 if last.right else 1)
    return f"{''.join(parts)}H{x:g}", (x, last.y)
