"""Draw the graph that a value was computed from, with its numbers and gradients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

import numpy as np

from backprop_book.checks import real_array
from backprop_book.engine import Value, topological_order, unbroadcast
from backprop_book.graph_layout import Box, arrange, path

WIDE, NARROW = 688, 356  # pixels: the text column of a page, and of a phone
MOST_NODES, MOST_ENTRIES = 60, 12
LINE, LETTER, DIGIT = 16, 8.0, 7.3  # pixels a line, a letter of a name, a digit
HEAVY, LONG, LIGHT = 1e6, 1e3, 1.0
SYMBOLS = {"*": "×", "-": "−", "neg": "−", "[]": "[ ]"}
# Colours are mixed with that of the text, so that they suit a light or dark page.
STYLE = """
.bp-graph { font: 13px system-ui, sans-serif; fill: currentColor; text-anchor: middle }
.bp-graph, .bp-figure {
  --value: #1667b0; --value: color-mix(in srgb, currentColor 35%, #1784ff);
  --gradient: #b34700; --gradient: color-mix(in srgb, currentColor 30%, #f0640a);
  --dim: #767676; --dim: color-mix(in srgb, currentColor 25%, #7c7c7c);
}
.bp-graph path, .bp-graph rect { fill: none; stroke: currentColor; stroke-width: 1.3 }
.bp-graph .tip { fill: currentColor; stroke: none }
.bp-graph .op rect { fill: currentColor; fill-opacity: 0.09 }
.bp-graph .constant rect { stroke-dasharray: 4 3 }
.bp-graph .name { font-weight: 600 }
.bp-graph .v, .bp-graph .g {
  font: 12px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: pre;
}
.bp-graph .v { fill: var(--value) }
.bp-graph .g { fill: var(--gradient) }
.bp-graph .bright rect, .bp-graph .bright .line { stroke-width: 2.4 }
.bp-graph .dim { color: var(--dim); fill: var(--dim) }
.bp-graph .dim .v, .bp-graph .dim .g { fill: inherit }
@media (forced-colors: active) {
  .bp-graph { --value: CanvasText; --gradient: CanvasText; --dim: GrayText }
}
"""
FIGURE_STYLE = f"""
.bp-figure {{ container-type: inline-size; overflow-x: auto; margin: 1em 0 }}
.bp-figure svg {{ display: block; max-width: none; margin: 0 auto }}
.bp-figure figcaption {{ font: 13px system-ui, sans-serif; text-align: center }}
.bp-figure figcaption .v {{ color: var(--value) }}
.bp-figure figcaption .g {{ color: var(--gradient) }}
.bp-figure .narrow {{ display: none }}
@container (max-width: {WIDE - 1}px) {{
  .bp-figure .narrow {{ display: block }}
  .bp-figure .narrow ~ .wide {{ display: none }}
}}
"""


@dataclass(frozen=True, repr=False)
class GraphPicture:
    """The picture of a graph, which a notebook shows.

    Attributes
    ----------
    svg : str
        The picture, in rows as wide as a page.
    alt : str
        What it shows, in words.
    html : str
        A figure with the picture as it fits a page, or a phone.
    """

    svg: str
    alt: str
    html: str

    def __repr__(self) -> str:
        return self.alt

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> None:
        """Write the picture on white to a file whose name ends with ".svg"."""
        if Path(path).suffix != ".svg":
            raise ValueError(f"path: expected a name that ends with .svg, got {path}")
        on_white = self.svg.replace("<svg ", '<svg style="background:white" ', 1)
        Path(path).write_text(on_white, encoding="utf-8")


@dataclass(eq=False)
class Node(Box):
    """An operation, an input or a constant."""

    thing: object
    value: np.ndarray
    name: str | None = None
    op: str = ""
    operands: tuple["Node", ...] = ()
    gradient: np.ndarray | None = None
    depth: int = 0  # the longest way to the end of the graph
    shares: int = 0

    def __post_init__(self) -> None:
        constant = not isinstance(self.thing, Value)
        self.kind = "op" if self.op else "constant" if constant else "input"
        options = self.thing.options if self.op else {}
        if self.op == "[]":  # positions in the flat array say what any index does
            before = self.operands[0].value
            places = np.arange(before.size).reshape(before.shape)
            options = {"positions": places[options["index"]]}
        self.options, self.shape = options, self.value.shape
        self.label = SYMBOLS.get(self.op, self.op) or self.kind
        if self.op == "**":
            self.label += f"{options['exponent']:g}"
        if options.get("axis") is not None:
            self.label += f" axis {options['axis']}"


@dataclass(eq=False)
class Edge(Box):
    """A value on its way to what uses it; the last one leads out of the graph."""

    source: Node
    target: Node | None
    operand: int
    gradient: np.ndarray | None = None


def draw(
    value: Value,
    *,
    names: Mapping[str, object] | None = None,
    highlight: Iterable[object] = (),
    gradients: bool | None = None,
    values: bool = True,
) -> GraphPicture:
    """Draw the graph that ``value`` was computed from.

    Boxes are operations, inputs and constants (dashed); each arrow carries a value
    forward, written above it in blue, and a gradient backward, below it with a nabla.
    Where a value is used several times, each arrow has its share of the gradient, and
    the box of the value has the sum.

    Parameters
    ----------
    value : Value
        Its graph has at most 60 nodes.
    names : mapping of name to Value or array, optional
        Names for constant arrays, and other names than those that the values have.
    highlight : names, Values or arrays
        Their boxes and the arrows that carry them are emphasised, the rest is dimmed.
    gradients : bool, optional
        Whether to show the derivatives of ``value``; if left out, whether
        ``value.backward()`` was called. They start from ``value.grad``, or from 1.
    values : bool
        Whether to show numbers; shapes are shown in any case.

    Raises
    ------
    TypeError, ValueError
        An argument is not of this kind; a name or a highlight is not in the graph.
    """
    nodes, edges, layers = _graph(value, names, gradients, values)
    bright = _find(nodes, highlight)
    alt = _words(nodes, edges, bright, values)
    wide, narrow = (_svg(nodes, edges, layers, bright, alt, w) for w in (WIDE, NARROW))
    legend = '<span class="v">value, forward →</span>'
    if nodes[-1].gradient is not None:
        legend += ' &ensp; <span class="g">← ∇ gradient, backward</span>'
    if any(node.total for node in nodes):
        legend += ' &ensp; <span class="g">∇ in a box: the sum of its shares</span>'
    pictures = wide.replace('class="', 'class="wide ', 1)
    if narrow != wide:
        pictures = narrow.replace('class="', 'class="narrow ', 1) + pictures
    figure = '<figure class="bp-figure" tabindex="0" aria-label="Graph">'
    style, caption = (
        f"<style>{FIGURE_STYLE}</style>",
        f"<figcaption>{legend}</figcaption>",
    )
    return GraphPicture(wide, alt, f"{figure}{style}{pictures}{caption}</figure>")


def describe(
    value: Value,
    *,
    names: Mapping[str, object] | None = None,
    gradients: bool | None = None,
    values: bool = True,
    width: float = WIDE,
) -> dict:
    """Return the graph of ``value`` and its layout as lists, strings and numbers.

    Parameters are those of `draw`; ``width``, in pixels, is where rows end.

    Returns
    -------
    dict
        ``width`` and ``height`` of the picture; ``nodes`` with ``id``, ``kind`` (op,
        input or constant), ``op``, ``label``, ``name``, ``operands`` (ids),
        ``options``, ``shape``, ``value``, ``gradient``, and the box: its centre ``x``,
        ``y``, its ``width`` and ``height``; ``edges`` with ``source``, ``target`` (ids;
        the first one leads out and has none), ``operand`` (a position), ``gradient``
        (the share), ``path`` (of SVG) and the box of its label.
    """
    nodes, edges, layers = _graph(value, names, gradients, values)
    size = arrange(layers, width)
    for edge in edges:
        edge.path, *_ = path(edge.chain)
    box = ("gradient", "x", "y", "width", "height")
    keys = (
        "id",
        "kind",
        "op",
        "label",
        "name",
        "operands",
        "options",
        "shape",
        "value",
    )
    of_edge = ("source", "target", "operand", "path")
    return {
        **dict(zip(("width", "height"), size, strict=True)),
        "nodes": [{key: _plain(getattr(n, key)) for key in keys + box} for n in nodes],
        "edges": [
            {key: _plain(getattr(e, key)) for key in of_edge + box} for e in edges
        ],
    }


def _plain(thing: object) -> object:
    if isinstance(thing, Node):
        return thing.id
    if isinstance(thing, np.ndarray | np.generic):
        return thing.tolist()
    if isinstance(thing, dict):
        return {key: _plain(option) for key, option in thing.items()}
    return [_plain(one) for one in thing] if isinstance(thing, tuple | list) else thing


def _graph(
    value: Value,
    names: Mapping[str, object] | None,
    gradients: bool | None,
    values: bool,
) -> tuple[list[Node], list[Edge], list[list[Box]]]:
    """Return nodes, each before what uses it; edges, from the last; the layers."""
    if not isinstance(value, Value):
        raise TypeError(f"value: expected a Value, got {type(value).__name__}")
    if not isinstance(gradients, bool | None):
        raise TypeError(f"gradients: expected True, False or None, got {gradients!r}")
    nodes: dict[object, Node] = {}
    for thing in topological_order(value):
        operands = []
        for k, constant in enumerate(thing.operands):
            # An array that is used twice is one constant; a number is one each time.
            key = (id(thing), k) if np.isscalar(constant) else id(constant)
            if key not in nodes:
                nodes[key] = Node(constant, real_array("operand", constant))
            operands.append(nodes[key])
        nodes[id(thing)] = Node(
            thing, thing.data, thing.name, thing.op, tuple(operands)
        )
    if len(nodes) > MOST_NODES:
        expected = f"expected a graph of at most {MOST_NODES} nodes"
        raise ValueError(f"value: {expected}, got {len(nodes)}: draw a part of it")
    for name, thing in dict(names or {}).items():
        if not isinstance(name, str) or id(thing) not in nodes:
            expected = "expected a name and a Value or array of this graph"
            raise ValueError(f"names[{name!r}]: {expected}, got {type(thing).__name__}")
        nodes[id(thing)].name = name
    last = nodes[id(value)]
    if gradients or (gradients is None and value.grad is not None):
        if value.grad is None and value.data.size != 1:
            expected = "expected a single number, or a call of backward before"
            raise ValueError(f"gradients: {expected}, got shape {value.data.shape}")
        last.gradient = np.ones_like(value.data) if value.grad is None else value.grad
    edges = [Edge(last, None, 0, last.gradient)]
    for node in reversed(nodes.values()):
        steps = iter(node.thing._edges if node.op else ())
        for k, operand in enumerate(node.operands):
            edges.append(Edge(operand, node, k))
            operand.depth = max(operand.depth, node.depth + 1)
            if last.gradient is not None and isinstance(operand.thing, Value):
                _, share_of = next(steps)
                share = unbroadcast(share_of(node.gradient), operand.shape)
                total = share if not operand.shares else operand.gradient + share
                edges[-1].gradient = share
                operand.gradient = total.astype(operand.value.dtype)
                operand.shares += 1
    return list(nodes.values()), edges, _layers(list(nodes.values()), edges, values)


def _layers(nodes: list[Node], edges: list[Edge], values: bool) -> list[list[Box]]:
    """Size and link the boxes: nodes in even layers, the labels of edges in odd ones."""
    deepest = max(node.depth for node in nodes)
    layers: list[list[Box]] = [[] for _ in range(2 * deepest + 2)]
    for k, node in enumerate(nodes):
        layers[2 * (deepest - node.depth)].append(node)
        node.id, node.weight = k, HEAVY if node.op else LIGHT
        node.number = node.kind == "constant" and not node.name and not node.shape
        node.texts = [node.name, node.label] if node.op else [node.name or node.label]
        if node.number:
            node.texts = [_number(node.value)]
        node.texts = [text for text in node.texts if text]
        node.total = _lines(node.gradient, "∇ ", values) if node.shares > 1 else []
        node.width = 12 + max(
            14, _width(node.total), *(LETTER * len(t) for t in node.texts)
        )
        node.height = 10 + LINE * len(node.texts + node.total)
    for edge in edges:
        first = 2 * (deepest - edge.source.depth) + 1
        last = 2 * (deepest - edge.target.depth) if edge.target else first + 1
        edge.weight = LONG if last > first + 1 else edge.source.weight
        # A constant shows its number in its box.
        edge.above = [] if edge.source.number else _lines(edge.source.value, "", values)
        edge.below = _lines(edge.gradient, "∇ ", values)
        edge.width = max(12, _width(edge.above), _width(edge.below))
        edge.height = 10 + 2 * LINE * max(1, len(edge.above), len(edge.below))
        bends = [Box(weight=edge.weight) for _ in range(first + 1, last)]
        edge.chain = [
            edge.source,
            edge,
            *bends,
            *([edge.target] if edge.target else []),
        ]
        for layer, box in enumerate([edge, *bends], first):
            layers[layer].append(box)
        for box, following in pairwise(edge.chain):
            box.right.append(following)
            following.left.append(box)
    return layers


def _lines(array: np.ndarray | None, mark: str, values: bool) -> list[str]:
    """Return a number, or a shape and, where it is small, the rows of an array."""
    if array is None:
        return []
    if not array.ndim:
        return [mark + _number(array)] if values else [mark.strip()] * bool(mark)
    shape = f"({array.size},)" if array.ndim == 1 else "×".join(map(str, array.shape))
    if not values or array.ndim > 2 or not 0 < array.size <= MOST_ENTRIES:
        return [mark + shape]
    rows = [[_number(x, 3) for x in row] for row in np.atleast_2d(array)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (map(str.rjust, row, widths) for row in rows)
    return [mark + shape, *("  ".join(row) for row in padded)]


def _number(number: float, digits: int = 4) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return f"{float(number) + 0:.{digits}g}".replace("-", "−")


def _width(lines: list[str]) -> float:
    return max((DIGIT * len(line) for line in lines), default=0) + 8 * (len(lines) > 1)


def _find(nodes: list[Node], highlight: Iterable[object]) -> set[Node]:
    if isinstance(highlight, str | Value | np.ndarray):
        highlight = [highlight]
    bright = set()
    for wanted in highlight:
        by_name = isinstance(wanted, str)
        found = {
            n for n in nodes if (n.name == wanted if by_name else n.thing is wanted)
        }
        if not found:
            names = ", ".join(node.name for node in nodes if node.name)
            expected = f"expected Values or arrays of this graph, or names ({names})"
            came = repr(wanted) if by_name else type(wanted).__name__
            raise ValueError(f"highlight: {expected}, got {came}")
        bright |= found
    return bright


def _svg(
    nodes: list[Node],
    edges: list[Edge],
    layers: list[list[Box]],
    bright: set[Node],
    alt: str,
    width: float,
) -> str:
    width, height = arrange(layers, width)
    parts = []
    for box in (*edges, *nodes):
        source = box.source if isinstance(box, Edge) else box
        kind = "bright" if source in bright else "dim" if bright else ""
        if box is source:
            left, top = box.x - box.width / 2, box.y - box.height / 2
            size = f'width="{box.width:.1f}" height="{box.height:.1f}"'
            drawn = f'<rect x="{left:.1f}" y="{top:.1f}" {size} rx="6"/>'
            for k, text in enumerate(box.texts):
                bold = "name" if text == box.name else ""
                drawn += _text(box.x, top + 5 + LINE * k, [text], bold)
            drawn += _text(box.x, top + 5 + LINE * len(box.texts), box.total, "g")
            kind = f"{box.kind} {kind}"
        else:
            line, x, y = path(box.chain)
            drawn = f'<path class="line" d="{line}"/>'
            drawn += f'<path class="tip" d="M{x:.1f} {y:.1f}l-7-4v8z"/>'
            drawn += _text(box.x, box.y - 4 - LINE * len(box.above), box.above, "v")
            drawn += _text(box.x, box.y + 4, box.below, "g")
        parts.append(f'<g class="{kind.strip()}">{drawn}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bp-graph" role="img" '
        f'width="{width:.0f}" height="{height:.0f}" aria-label="{escape(alt)}">'
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )


def _text(x: float, top: float, lines: list[str], kind: str) -> str:
    """Return lines of text, with brackets around the rows of an array."""
    drawn = ""
    for k, line in enumerate(lines):
        place = f'x="{x:.1f}" y="{top + LINE * k + 12:.1f}"'
        drawn += f'<text {place} class="{kind}">{escape(line)}</text>'
    if len(lines) > 1:
        half, high = DIGIT * len(lines[-1]) / 2 + 4, LINE * (len(lines) - 1) - 1
        for edge, tick in ((x - half, 4), (x + half, -4)):
            low = f"h{-tick}v{high}h{tick}"
            drawn += f'<path d="M{edge + tick:.1f} {top + LINE + 1:.1f}{low}"/>'
    return drawn


def _words(
    nodes: list[Node], edges: list[Edge], bright: set[Node], values: bool
) -> str:
    """Return the picture in words: each node with its formula, value and gradient."""

    def spoken(array: np.ndarray) -> str:
        head, *rows = _lines(array, "", values) or ["a number"]
        return head + (
            f" [{'; '.join(' '.join(r.split()) for r in rows)}]" if rows else ""
        )

    called = {n: n.name or (f"step {n.id + 1}" if n.op else n.texts[0]) for n in nodes}
    sentences = [f"Graph of {called[nodes[-1]]}."]
    for node in nodes:
        if node.number:
            continue
        operands = [called[operand] for operand in node.operands]
        made = f" {node.label} ".join(operands)
        if len(operands) < 2:
            made = f"{node.label} of {made}" if node.op else node.kind
        words = f"{called[node]}: {made}, {spoken(node.value)}"
        if node.gradient is not None:
            words += f", gradient {spoken(node.gradient)}"
        if node.total:
            shares = [spoken(edge.gradient) for edge in edges if edge.source is node]
            words += f", the sum of {' and '.join(shares)}"
        sentences.append(words + ".")
    if bright:
        names = [called[node] for node in nodes if node in bright]
        sentences.append(f"Highlighted: {', '.join(names)}.")
    return " ".join(sentences)
