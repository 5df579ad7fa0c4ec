"""Draw a computational graph from the values and gradients that the code computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from backprop_book.plots import COLORS

# 7 inches shrink to half on a phone. This width with this size stays near 12 px there.
WIDTH = 5.6
FONT_SIZE = 14
LARGEST_UNIT = 1.3  # inches between neighbours, where there is room
MARGIN = np.array([0.45, 0.35])  # around the outermost nodes, in units


@dataclass(frozen=True)
class Edge:
    """One arrow of a graph, from the node that makes a value to the node that uses it.

    Attributes
    ----------
    source, target : str
        Names of nodes.
    value : float or str
        What flows forward.
    gradient : float or str, optional
        What flows backward. Where left out, only the forward value is drawn.
    bend : float
        How far the arrow bows out to the left of its direction, as a share of its
        length (negative: to the right). Two arrows between the same nodes need two
        different bends.
    """

    source: str
    target: str
    value: float | str
    gradient: float | str | None = None
    bend: float = 0.0


def draw_graph(
    nodes: Mapping[str, tuple[float, float]],
    edges: Iterable[Edge],
    *,
    ax: Axes | None = None,
    labels: Mapping[str, str] | None = None,
) -> Axes:
    """Draw nodes as boxes and edges as arrows with a value above, a gradient below.

    Values are blue and upright, gradients vermilion and slanted behind a nabla. On a
    vertical arrow the value stands to the left. Nodes that no arrow enters, inputs and
    parameters, are white; the others are grey. At most five nodes in a row fit a phone.

    Parameters
    ----------
    nodes : mapping of name to (x, y)
        Positions; one unit is the distance between two neighbours, y points upwards.
    edges : iterable of Edge
        Numbers are shown with four digits, strings as they are.
    ax : Axes, optional
        Where to draw; a new figure of fitting height where left out.
    labels : mapping of name to str, optional
        What stands in a node instead of its name.

    Returns
    -------
    Axes
        With both directions in one scale. Its left and right titles are the legend.

    Raises
    ------
    ValueError
        No nodes; a position that is not two finite numbers, or is taken twice; an edge
        or a label that names an unknown node; an edge from a node to itself; two edges
        that would cover each other.
    """
    labels, edges = dict(labels or {}), list(edges)
    _check(nodes, edges, labels)
    places = {name: np.array(position, float) for name, position in nodes.items()}
    xy = np.array([*places.values(), *(_middle(places, edge) for edge in edges)])
    low, high = xy.min(axis=0) - MARGIN, xy.max(axis=0) + MARGIN
    if ax is None:
        unit = min(LARGEST_UNIT, WIDTH / (high - low)[0])
        height = unit * (high - low)[1] + 0.4  # the legend's line
        _, ax = plt.subplots(figsize=(WIDTH, height))
        spare = WIDTH / unit - (high - low)[0]
        low[0], high[0] = low[0] - spare / 2, high[0] + spare / 2
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.axis("off")

    targets = {edge.target for edge in edges}
    boxes = {}
    for name, position in nodes.items():
        face = "#E8E8E8" if name in targets else "white"
        box = {"boxstyle": "round,pad=0.28", "facecolor": face, "edgecolor": "black"}
        text = ax.text(
            *position, labels.get(name, name), bbox=box, **_style("black"), zorder=2
        )
        boxes[name] = text.get_bbox_patch()
    for edge in edges:
        ax.annotate(
            "",
            xy=nodes[edge.target],
            xytext=nodes[edge.source],
            # Above the boxes: their frames get their place only when they are drawn.
            zorder=3,
            arrowprops={
                "arrowstyle": "-|>",
                "mutation_scale": 16,
                "color": "#555555",
                # arc3 bows to the right for a positive number.
                "connectionstyle": f"arc3,rad={-edge.bend}",
                "patchA": boxes[edge.source],
                "patchB": boxes[edge.target],
                "shrinkA": 1,
                "shrinkB": 1,
            },
        )
        _write(ax, places, edge, _format(edge.value), +1, _style(COLORS["blue"]))
        if edge.gradient is not None:
            style = {**_style(COLORS["vermilion"]), "style": "italic"}
            _write(ax, places, edge, "∇ " + _format(edge.gradient), -1, style)
    legend = {"fontsize": FONT_SIZE, "pad": 4}
    ax.set_title("value, forward", loc="left", color=COLORS["blue"], **legend)
    if any(edge.gradient is not None for edge in edges):
        text = "∇ gradient, backward"
        color = COLORS["vermilion"]
        ax.set_title(text, loc="right", color=color, style="italic", **legend)
    return ax


def _style(color: str) -> dict:
    return {"color": color, "fontsize": FONT_SIZE, "ha": "center", "va": "center"}


def _format(value: float | str) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return value if isinstance(value, str) else f"{value + 0:.4g}".replace("-", "−")


def _middle(places: Mapping[str, np.ndarray], edge: Edge) -> np.ndarray:
    start, end = places[edge.source], places[edge.target]
    # A quadratic Bézier curve goes half as far as its control point.
    return (start + end + edge.bend * _left(end - start)) / 2


def _left(way: np.ndarray) -> np.ndarray:
    return np.array([-way[1], way[0]])


def _write(
    ax: Axes,
    places: Mapping[str, np.ndarray],
    edge: Edge,
    text: str,
    side: int,
    style: dict,
) -> None:
    up = _left(places[edge.target] - places[edge.source])
    up /= np.hypot(*up)
    if up[1] < 0 or (up[1] == 0 and up[0] > 0):
        up = -up
    # Far enough that the text's rectangle clears the line, whatever its angle.
    half = np.array([0.3 * len(text), 0.6]) * FONT_SIZE
    away = side * up * (4 + np.abs(up) @ half)
    ax.annotate(
        text,
        _middle(places, edge),
        away,
        textcoords="offset points",
        annotation_clip=False,
        zorder=4,
        **style,
    )


def _check(
    nodes: Mapping[str, tuple[float, float]],
    edges: Sequence[Edge],
    labels: Mapping[str, str],
) -> None:
    if not nodes:
        raise ValueError("nodes: expected at least one node, got none")
    taken = {}
    for name, position in nodes.items():
        if np.shape(position) != (2,) or not np.isfinite(position).all():
            raise ValueError(
                f"nodes[{name!r}]: expected two finite numbers (x, y), got {position}"
            )
        other = taken.setdefault(tuple(position), name)
        if other != name:
            raise ValueError(
                f"nodes[{name!r}]: expected a place of its own, got {position}, "
                f"where {other!r} stands"
            )
    for name in labels:
        if name not in nodes:
            raise ValueError(f"labels: expected names in {list(nodes)}, got {name!r}")
    seen = set()
    for edge in edges:
        for end in ("source", "target"):
            if getattr(edge, end) not in nodes:
                raise ValueError(
                    f"{edge}: expected a {end} in {list(nodes)}, "
                    f"got {getattr(edge, end)!r}"
                )
        if edge.source == edge.target:
            raise ValueError(f"{edge}: expected two nodes, got {edge.source!r} twice")
        # The way back bows to the other side: with -bend it covers the way there.
        there = (edge.source, edge.target, edge.bend)
        key = min(there, (edge.target, edge.source, -edge.bend))
        if key in seen:
            raise ValueError(f"{edge}: expected a bend of its own, got {edge.bend}")
        seen.add(key)
