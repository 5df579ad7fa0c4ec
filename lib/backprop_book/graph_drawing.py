"""Draw the graph that a value was computed from, with its numbers and gradients."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from backprop_book.arguments import expect
from backprop_book.engine import Value
from backprop_book.graph_data import DIGIT, LINE, Edge, Graph, Node, array_lines
from backprop_book.graph_layout import arrange, path

WIDE, NARROW = 680, 356  # pixels: the text column of a page, of a phone


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
        """Write the picture, on white, to a file whose name ends with ".svg"."""
        right = Path(path).suffix == ".svg"
        expect(right, "path", "a name that ends with .svg", path)
        on_white = self.svg.replace("<svg ", '<svg style="background:white" ', 1)
        Path(path).write_text(on_white, encoding="utf-8")


def draw(
    value: Value,
    *,
    names: Mapping[str, object] | None = None,
    highlight: Iterable[object] = (),
    gradients: bool | None = None,
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

    Raises
    ------
    TypeError, ValueError
        An argument is not of this kind; a name or a highlight is not in the graph.
    """
    graph = Graph(value, names, gradients)
    one = isinstance(highlight, str | Value | np.ndarray)
    highlight = [highlight] if one or not isinstance(highlight, Iterable) else highlight
    bright = {node for x in highlight for node in graph.find("highlight", x)}
    alt = _words(graph, bright)
    css = Path(__file__).with_name("graph.css").read_text(encoding="utf-8")
    style = f"<style>{css}</style>"
    wide, _ = _svg(graph, bright, alt, WIDE)
    narrow, width = _svg(graph, bright, alt, NARROW)
    pictures = wide.replace('class="', 'class="wide ', 1)
    if narrow != wide:
        # A little too wide for its column it shrinks, as far as it can be read.
        size = f'style="max-width:max(100%,{0.8 * width:.0f}px)" class="narrow '
        pictures = narrow.replace('class="', size, 1) + pictures
    legend = '<span class="v">value, forward →</span>'
    if graph.nodes[-1].gradient is not None:
        legend += ' &ensp; <span class="g">← ∇ gradient, backward</span>'
    if any(node.total for node in graph.nodes):
        legend += ' &ensp; <span class="g">∇ in a box: the sum of its shares</span>'
    # What scrolls has to be reached by keyboard.
    scrolls = ' tabindex="0" aria-label="Graph"' if width > NARROW else ""
    html = f'<figure class="bp-figure"{scrolls}>{style}{pictures}'
    html += f"<figcaption>{legend}</figcaption></figure>"
    return GraphPicture(wide.replace(">", f">{style}", 1), alt, html)


def _svg(graph: Graph, bright: set[Node], alt: str, width: float) -> tuple[str, float]:
    """Return the picture, and how wide it is."""
    width, height = arrange(graph.layers, width)
    size = f'width="{width:.0f}" height="{height:.0f}"'
    size += f' viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bp-graph" role="img" {size} '
        f'aria-label="{escape(alt)}">'
    ]
    for box in (*graph.edges, *graph.nodes):
        source = box.source if isinstance(box, Edge) else box
        kind = "bright" if source in bright else "dim" if bright else "plain"
        parts.append(f'<g class="{source.kind} {kind}">')
        parts += _edge(box) if isinstance(box, Edge) else _node(box)
        parts.append("</g>")
    return "".join([*parts, "</svg>"]), width


def _edge(edge: Edge) -> list[str]:
    line, (x, y) = path(edge.chain)
    above = edge.y - 4 - LINE * len(edge.above)
    return [
        f'<path class="line" d="{line}"/>',
        f'<path class="tip" d="M{x:.1f} {y:.1f}l-7-4v8z"/>',
        *_text(edge.x, above, edge.above, "v"),
        *_text(edge.x, edge.y + 4, edge.below, "g"),
    ]


def _node(node: Node) -> list[str]:
    left, top = node.x - node.width / 2, node.y - node.height / 2
    size = f'width="{node.width:.1f}" height="{node.height:.1f}"'
    parts = [f'<rect x="{left:.1f}" y="{top:.1f}" {size} rx="6"/>']
    for k, text in enumerate(node.texts):
        kind = "name" if text == node.name else "op"
        parts += _text(node.x, top + 5 + LINE * k, [text], kind)
    return parts + _text(node.x, top + 5 + LINE * len(node.texts), node.total, "g")


def _text(x: float, top: float, lines: list[str], kind: str) -> list[str]:
    """Return lines of text, with brackets around the rows of an array."""
    parts = [
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(line)}</text>'
        for y, line in zip(np.arange(len(lines)) * LINE + top + 12, lines, strict=True)
    ]
    if len(lines) > 1:
        half, high = DIGIT * len(lines[-1]) / 2 + 4, LINE * (len(lines) - 1) - 1
        for edge, tick in ((x - half, 4), (x + half, -4)):
            start = f"M{edge + tick:.1f} {top + LINE + 1:.1f}"
            parts.append(f'<path d="{start}h{-tick}v{high}h{tick}"/>')
    return parts


def _words(graph: Graph, bright: set[Node]) -> str:
    """Return the picture in words: each node with its formula, value and gradient."""

    def spoken(array: np.ndarray) -> str:
        head, *rows = array_lines(array)
        return " ".join([head, *(f"[{' '.join(row.split())}]" for row in rows)])

    called = {
        node: node.name or (f"step {node.id + 1}" if node.op else node.label)
        for node in graph.nodes
    }
    sentences = [f"Graph of {called[graph.nodes[-1]]}."]
    for node in graph.nodes:
        if node.is_number:
            continue
        operands = [called[operand] for operand in node.operands]
        made = f" {node.label} ".join(operands) or node.kind
        if len(operands) == 1:
            made = f"{node.label} of {made}"
        words = f"{called[node]}: {made}, {spoken(node.value)}"
        if node.gradient is not None:
            words += f", gradient {spoken(node.gradient)}"
        if node.total:
            words += f", the sum of {' and '.join(map(spoken, node.shares))}"
        sentences.append(words + ".")
    if bright:
        names = ", ".join(called[node] for node in graph.nodes if node in bright)
        sentences.append(f"Highlighted: {names}.")
    return " ".join(sentences)
