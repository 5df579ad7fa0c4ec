"""Draw the graph that a value was computed from, with its numbers and gradients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from backprop_book.checks import real_array
from backprop_book.engine import Value, topological_order, unbroadcast
from backprop_book.graph_layout import Item, arrange, path

WIDE, NARROW = 688, 356  # pixels: the text column of a page, and of a phone
MOST_NODES, MOST_ENTRIES = 60, 12
LINE, DIGIT, LETTER = 16, 7.5, 8.0  # pixels, at a font size of 13
HEAVY, LONG, LIGHT = 1e6, 1e3, 1.0
SYMBOLS = {"*": "×", "-": "−", "neg": "−", "[]": "[ ]"}
STYLE = """
.bp-graph {
  font: 13px system-ui, sans-serif; fill: currentColor; text-anchor: middle;
}
.bp-graph, .bp-figure {
  --value: #1667b0; --value: color-mix(in srgb, currentColor 35%, #1784ff);
  --gradient: #b34700; --gradient: color-mix(in srgb, currentColor 30%, #f0640a);
  --dim: #767676; --dim: color-mix(in srgb, currentColor 25%, #7c7c7c);
}
.bp-graph path, .bp-graph rect {
  fill: none; stroke: currentColor; stroke-width: 1.3;
}
.bp-graph .tip { fill: currentColor; stroke: none; }
.bp-graph .op rect {
  fill: #8882; fill: color-mix(in srgb, currentColor 9%, transparent);
}
.bp-graph .constant rect { stroke-dasharray: 4 3; }
.bp-graph .name { font-weight: 600; }
.bp-graph .v { fill: var(--value); }
.bp-graph .g { fill: var(--gradient); }
.bp-graph .n { text-anchor: end; font-variant-numeric: tabular-nums; }
.bp-graph .bright rect, .bp-graph .bright .line { stroke-width: 2.4; }
.bp-graph .dim { color: var(--dim); fill: var(--dim); }
.bp-graph .dim .v, .bp-graph .dim .g { fill: inherit; }
@media (forced-colors: active) {
  .bp-graph { --value: CanvasText; --gradient: CanvasText; --dim: GrayText; }
}
"""
FIGURE_STYLE = f"""
.bp-figure {{ container-type: inline-size; overflow-x: auto; margin: 1em 0; }}
.bp-figure svg {{ display: block; max-width: none; margin: 0 auto; }}
.bp-figure figcaption {{ font: 13px system-ui, sans-serif; text-align: center; }}
.bp-figure figcaption .v {{ color: var(--value); }}
.bp-figure figcaption .g {{ color: var(--gradient); }}
.bp-figure .narrow {{ display: none; }}
@container (max-width: {WIDE - 1}px) {{
  .bp-figure .narrow {{ display: block; }}
  .bp-figure .narrow ~ .wide {{ display: none; }}
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
class Block:
    """A line of text, and a grid of numbers under it."""

    head: str = ""
    cells: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = zip(*self.cells, strict=True)
        self.widths = [DIGIT * max(map(len, column)) + 9 for column in columns]
        self.width = max(DIGIT * len(self.head), sum(self.widths) + 4)
        self.height = LINE * (bool(self.head) + len(self.cells))

    def svg(self, x: float, top: float, kind: str) -> str:
        parts = [_text(x, top + 12, self.head, kind)] if self.head else []
        first = top + LINE * bool(self.head)
        left = x - sum(self.widths) / 2
        ends = left + np.cumsum(self.widths) - 4
        for k, row in enumerate(self.cells):
            y = first + LINE * k + 12
            parts += [
                _text(e, y, c, kind + " n") for e, c in zip(ends, row, strict=True)
            ]
        if self.cells:
            low, right = first + LINE * len(self.cells), left + sum(self.widths)
            edge = f"M{left + 3:.1f} {first + 1}h-4V{low}h4"
            parts.append(f'<path d="{edge}M{right - 3:.1f} {first + 1}h4V{low}h-4"/>')
        return "".join(parts)


@dataclass(eq=False)
class Node:
    """An operation, an input or a constant."""

    thing: object
    data: np.ndarray
    name: str | None
    op: str = ""
    operands: list["Node"] = field(default_factory=list)
    options: dict = field(default_factory=dict)
    gradient: np.ndarray | None = None
    depth: int = 0
    uses: int = 0

    @property
    def kind(self) -> str:
        """One of op, input, constant."""
        return (
            "op"
            if self.op
            else "input"
            if isinstance(self.thing, Value)
            else "constant"
        )

    @property
    def label(self) -> str:
        """What the box says of the operation."""
        if self.op == "**":
            return f"**{self.options['exponent']:g}"
        axis = self.options.get("axis")
        return SYMBOLS.get(self.op, self.op) + (
            f" axis {axis}" if axis is not None else ""
        )


@dataclass(eq=False)
class Edge:
    """A value on its way to what uses it; the last one leads out of the graph."""

    source: Node
    target: Node | None
    operand: int
    share: np.ndarray | None = None


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
    names : mapping of name to Value or ndarray, optional
        Other names than those that the values have; names for constant arrays.
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
    nodes, edges = _graph(value, names, gradients)
    bright = _find(nodes, highlight)
    alt = _words(nodes, edges, bright, values)
    wide, narrow = (
        _svg(nodes, edges, bright, values, width, alt) for width in (WIDE, NARROW)
    )
    legend = ['<span class="v">value, forward →</span>']
    if edges[0].share is not None:
        legend.append('<span class="g">← ∇ gradient, backward</span>')
    if any(_is_sum(node) for node in nodes):
        legend.append('<span class="g">∇ in a box: the sum of its shares</span>')
    pictures = wide.replace('class="', 'class="wide ', 1)
    if narrow != wide:
        pictures = narrow.replace('class="', 'class="narrow ', 1) + pictures
    return GraphPicture(
        wide,
        alt,
        f'<figure class="bp-figure" tabindex="0" aria-label="Graph">'
        f"<style>{FIGURE_STYLE}</style>{pictures}"
        f"<figcaption>{' &ensp; '.join(legend)}</figcaption></figure>",
    )


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
        the last one leads out and has none), ``operand`` (a position), ``gradient``
        (the share), ``path`` (of SVG) and the box of its label.
    """
    nodes, edges = _graph(value, names, gradients)
    size, boxes, paths = _place(nodes, edges, values, width)
    ids = {node: k for k, node in enumerate(nodes)}

    def box(thing: Node | Edge) -> dict:
        item = boxes[thing]
        return {key: getattr(item, key) for key in ("x", "y", "width", "height")}

    return {
        **dict(zip(("width", "height"), size, strict=True)),
        "nodes": [
            {
                "id": ids[node],
                "kind": node.kind,
                "op": node.op,
                "label": node.label,
                "name": node.name,
                "operands": [ids[operand] for operand in node.operands],
                "options": _plain_options(node),
                "shape": list(node.data.shape),
                "value": node.data.tolist(),
                "gradient": _plain(node.gradient),
                **box(node),
            }
            for node in nodes
        ],
        "edges": [
            {
                "source": ids[edge.source],
                "target": ids.get(edge.target),
                "operand": edge.operand,
                "gradient": _plain(edge.share),
                "path": paths[edge][0],
                **box(edge),
            }
            for edge in edges
        ],
    }


def _graph(
    value: Value, names: Mapping[str, object] | None, gradients: bool | None
) -> tuple[list[Node], list[Edge]]:
    """Return nodes, each before what uses it, and edges, each after what it adds to."""
    if not isinstance(value, Value):
        raise TypeError(f"value: expected a Value, got {type(value).__name__}")
    if not isinstance(gradients, bool | None):
        raise TypeError(f"gradients: expected True, False or None, got {gradients!r}")
    nodes: dict[object, Node] = {}
    for thing in topological_order(value):
        operands = []
        for k, operand in enumerate(thing.operands):
            # An array that is used twice is one constant, a number each time another.
            key = (id(thing), k) if np.isscalar(operand) else id(operand)
            if key not in nodes:
                nodes[key] = Node(operand, real_array("operand", operand), None)
            operands.append(nodes[key])
        nodes[id(thing)] = Node(
            thing, thing.data, thing.name, thing.op, operands, thing.options
        )
    if len(nodes) > MOST_NODES:
        expected = f"expected a graph of at most {MOST_NODES} nodes"
        raise ValueError(f"value: {expected}, got {len(nodes)}: draw a part of it")
    for name, thing in dict(names or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"names: expected strings, got {name!r}")
        if id(thing) not in nodes:
            expected = "expected a Value or an array of this graph"
            raise ValueError(f"names[{name!r}]: {expected}, got {_short(thing)}")
        nodes[id(thing)].name = name
    last, edges = nodes[id(value)], []
    if gradients or (gradients is None and value.grad is not None):
        last.gradient = value.grad
        if value.grad is None:
            if value.data.size != 1:
                raise ValueError(
                    "gradients: expected a single number, or a value whose backward() "
                    f"was called with a gradient, got shape {value.data.shape}"
                )
            last.gradient = np.ones_like(value.data)
    edges.append(Edge(last, None, 0, last.gradient))
    for node in reversed(nodes.values()):
        steps = iter(node.thing._edges if node.op else ())
        for k, operand in enumerate(node.operands):
            edge = Edge(operand, node, k)
            if isinstance(operand.thing, Value):
                _, share_of = next(steps)
                if node.gradient is not None:
                    edge.share = unbroadcast(
                        share_of(node.gradient), operand.data.shape
                    )
                    total = (
                        edge.share
                        if operand.gradient is None
                        else operand.gradient + edge.share
                    )
                    operand.gradient = total.astype(operand.data.dtype)
            operand.depth = max(operand.depth, node.depth + 1)
            operand.uses += 1
            edges.append(edge)
    return list(nodes.values()), edges


def _place(
    nodes: list[Node], edges: list[Edge], values: bool, width: float
) -> tuple[tuple[float, float], dict, dict]:
    """Return the size of the picture, the boxes of nodes and labels, the edges' paths."""
    deepest = max(node.depth for node in nodes)
    # Nodes stand in the even layers, labels of edges in the odd ones.
    layers: list[list[Item]] = [[] for _ in range(2 * deepest + 2)]
    boxes, chains = {}, {}

    def add(layer: int, width: float, height: float, weight: float) -> Item:
        layers[layer].append(Item(width, height, weight))
        return layers[layer][-1]

    for node in reversed(nodes):
        layer = 2 * (deepest - node.depth)
        boxes[node] = add(layer, *_node_size(node, values), HEAVY if node.op else LIGHT)
    for edge in edges:
        first = 2 * (deepest - edge.source.depth) + 1
        last = 2 * (deepest - edge.target.depth) if edge.target else first + 1
        weight = LONG if last > first + 1 else HEAVY if edge.source.op else LIGHT
        above, below = _labels(edge, values)
        size = (
            max(above.width, below.width, 12),
            2 * max(above.height, below.height, LINE) + 10,
        )
        boxes[edge] = add(first, *size, weight)
        bends = [add(layer, 0, 12, weight) for layer in range(first + 1, last)]
        ends = [boxes[edge.target]] if edge.target else []
        chains[edge] = [boxes[edge.source], boxes[edge], *bends, *ends]
        for item, following in zip(chains[edge], chains[edge][1:], strict=False):
            item.right.append(following)
            following.left.append(item)
    size = arrange(layers, width)
    return size, boxes, {edge: path(chain) for edge, chain in chains.items()}


def _is_sum(node: Node) -> bool:
    return node.uses > 1 and node.gradient is not None


def _node_texts(node: Node) -> list[str]:
    """Return the lines of a box: its name, and the operation or what it is."""
    if node.kind == "constant" and not node.name and not node.data.ndim:
        return [_number(node.data)]
    texts = [node.name, node.label] if node.op else [node.name or node.kind]
    return [text for text in texts if text]


def _node_size(node: Node, values: bool) -> tuple[float, float]:
    texts = _node_texts(node)
    total = _block(node.gradient, "∇ ", values) if _is_sum(node) else Block()
    width = max(total.width, *(LETTER * len(text) for text in texts))
    return max(width + 12, 26), LINE * len(texts) + total.height + 10


def _labels(edge: Edge, values: bool) -> tuple[Block, Block]:
    """Return what stands above and below an edge."""
    source = edge.source
    in_box = source.kind == "constant" and not source.name and not source.data.ndim
    above = Block() if in_box else _block(source.data, "", values)
    return above, Block() if edge.share is None else _block(edge.share, "∇ ", values)


def _block(array: np.ndarray, mark: str, values: bool) -> Block:
    if not array.ndim:
        return Block(mark + _number(array) if values else mark.strip())
    shape = f"({array.size},)" if array.ndim == 1 else "×".join(map(str, array.shape))
    if not values or array.ndim > 2 or not 0 < array.size <= MOST_ENTRIES:
        return Block(mark + shape)
    rows = np.atleast_2d(array)
    return Block(mark + shape, [[_number(x, 3) for x in row] for row in rows])


def _number(number: float, digits: int = 4) -> str:
    # Adding 0 turns -0.0 into 0.0.
    return f"{float(number) + 0:.{digits}g}".replace("-", "−")


def _short(thing: object) -> str:
    return repr(thing) if isinstance(thing, str | int | float) else type(thing).__name__


def _find(nodes: list[Node], highlight: Iterable[object]) -> set[Node]:
    if isinstance(highlight, str | Value | np.ndarray):
        highlight = [highlight]
    bright = set()
    for wanted in highlight:
        found = [
            node
            for node in nodes
            if (
                node.name == wanted if isinstance(wanted, str) else node.thing is wanted
            )
        ]
        if not found:
            names = ", ".join(node.name for node in nodes if node.name)
            expected = f"expected Values of this graph, or names ({names})"
            raise ValueError(f"highlight: {expected}, got {_short(wanted)}")
        bright.update(found)
    return bright


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.4g}" y="{y:.4g}" class="{kind}">{escape(text)}</text>'


def _svg(nodes, edges, bright, values, width, alt) -> str:
    (width, height), boxes, paths = _place(nodes, edges, values, width)
    parts = []
    for edge in edges:
        box, (above, below) = boxes[edge], _labels(edge, values)
        line, (x, y) = paths[edge]
        drawn = f'<path class="line" d="{line}"/><path class="tip" d="M{x:g} {y:g}l-7-4v8z"/>'
        drawn += above.svg(box.x, box.y - 4 - above.height, "v")
        drawn += below.svg(box.x, box.y + 4, "g")
        parts.append(f'<g class="{_emphasis(edge.source, bright)}">{drawn}</g>')
    for node in nodes:
        box, texts = boxes[node], _node_texts(node)
        left, top = box.x - box.width / 2, box.y - box.height / 2
        drawn = (
            f'<rect x="{left:g}" y="{top:g}" width="{box.width:g}" '
            f'height="{box.height:g}" rx="6"/>'
        )
        for k, text in enumerate(texts):
            kind = "name" if text == node.name else ""
            drawn += _text(box.x, top + 5 + LINE * k + 12, text, kind)
        if _is_sum(node):
            block = _block(node.gradient, "∇ ", values)
            drawn += block.svg(box.x, top + 5 + LINE * len(texts), "g")
        parts.append(f'<g class="{node.kind} {_emphasis(node, bright)}">{drawn}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bp-graph" role="img" '
        f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" '
        f'aria-label="{escape(alt)}"><style>{STYLE}</style>{"".join(parts)}</svg>'
    )


def _emphasis(node: Node, bright: set[Node]) -> str:
    return "bright" if node in bright else "dim" if bright else ""


def _words(nodes, edges, bright, values) -> str:
    """Return the picture in words: each node with its formula, value and gradient."""
    called = {node: node.name or f"step {k + 1}" for k, node in enumerate(nodes)}
    for node in nodes:
        if node.kind == "constant" and not node.name:
            called[node] = _number(node.data) if not node.data.ndim else "a constant"
    sentences = [f"Graph of {called[nodes[-1]]}."]
    for node in nodes:
        operands = [called[operand] for operand in node.operands]
        if node.op in ("+", "-", "*", "/", "@"):
            made = f" {SYMBOLS.get(node.op, node.op)} ".join(operands)
        elif node.op == "**":
            made = f"{operands[0]} {node.label}"
        elif node.op:
            made = f"{node.label} of {operands[0]}"
        else:
            made = node.kind
        words = f"{called[node]}: {made}"
        if values or node.data.ndim:
            words += f", {_spoken(node.data, values)}"
        if node.gradient is not None:
            words += f", gradient {_spoken(node.gradient, values)}"
        if _is_sum(node):
            shares = [_spoken(e.share, values) for e in edges if e.source is node]
            words += f", the sum of {' and '.join(shares)}"
        sentences.append(words + ".")
    if bright:
        names = [called[node] for node in nodes if node in bright]
        sentences.append(f"Highlighted: {', '.join(names)}.")
    return " ".join(sentences)


def _spoken(array: np.ndarray, values: bool) -> str:
    block = _block(array, "", values)
    rows = "; ".join(" ".join(row) for row in block.cells)
    return f"{block.head} [{rows}]" if rows else block.head


def _plain(array: np.ndarray | None) -> object:
    return None if array is None else array.tolist()


def _plain_options(node: Node) -> dict:
    if node.op == "[]":
        places = np.arange(node.operands[0].data.size).reshape(
            node.operands[0].data.shape
        )
        return {"positions": places[node.options["index"]].tolist()}
    return {
        key: list(np.ravel(option)) if isinstance(option, tuple) else option
        for key, option in node.options.items()
    }
