"""The graph that a value was computed from: what is in it, and where it is drawn."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

import numpy as np

from backprop_book.arguments import check_kind, expect, real_array
from backprop_book.engine import Value, topological_order, unbroadcast
from backprop_book.graph_layout import Box

MOST_NODES, MOST_ENTRIES = 60, 12
LINE, LETTER, DIGIT = 16, 8.0, 7.3  # pixels a line, a letter of a name, a digit
HEAVY, LIGHT, LONG = 1e6, 1.0, 1e3
Array = np.ndarray | None
SYMBOLS = {"*": "×", "-": "−", "neg": "−", "[]": "[ ]"}


class Node(Box):
    """An operation, an input or a constant."""

    def __init__(self, id: int, thing: object, operands: Iterable["Node"] = ()) -> None:
        self.id, self.thing, self.operands = id, thing, tuple(operands)
        self.name, self.op, self.options, self.kind = None, "", {}, "constant"
        if isinstance(thing, Value):
            self.value, self.name = thing.data, thing.name
            self.op, self.options = thing.op, thing.options
            self.kind = "op" if self.op else "input"
        else:
            self.value = real_array("operand", thing)
        super().__init__(HEAVY if self.op else LIGHT)
        self.shape = self.value.shape
        self.depth = 0  # the length of the longest way to the end of the graph
        self.gradient: Array = None
        self.shares: list[np.ndarray] = []  # of the gradient, one for each use
        self.label = SYMBOLS.get(self.op, self.op) or self.kind
        if self.op == "**":
            self.label += f"{self.options['exponent']:g}"
        elif self.op == "sum" and self.options["axis"] is not None:
            self.label += f" axis {self.options['axis']}"
        elif self.op == "[]":  # positions in the flat array say what any index takes
            before = self.operands[0].value
            places = np.arange(before.size).reshape(before.shape)
            self.options = {"taken": places[self.options["index"]]}

    def write(self) -> None:
        """Set the lines of the box, and its size."""
        self.is_number = self.kind == "constant" and not self.name and not self.shape
        if self.is_number:
            self.label = number_text(self.value)
        self.texts = [self.name or self.label]
        if self.op and self.name:
            self.texts.append(self.label)
        self.total = array_lines(self.gradient, "∇ ") if len(self.shares) > 1 else []
        letters = max(map(len, self.texts))
        self.width = 12 + max(14, LETTER * letters, lines_width(self.total))
        self.height = 10 + LINE * len(self.texts + self.total)


class Edge(Box):
    """A value on its way to what uses it; the one without a target leads out."""

    def __init__(self, source: Node, target: Node | None, share: Array) -> None:
        super().__init__()
        self.source, self.target, self.gradient = source, target, share

    def write(self) -> None:
        """Set the lines of the label, above and below the arrow, and its size."""
        # A constant that is a number shows it in its box.
        shown = None if self.source.is_number else self.source.value
        self.above = array_lines(shown)
        self.below = array_lines(self.gradient, "∇ ")
        self.width = 4 + max(8, lines_width(self.above), lines_width(self.below))
        self.height = 10 + 2 * LINE * max(1, len(self.above), len(self.below))


class Graph:
    """All that a value was computed from, its gradients, and its place in a picture.

    ``nodes`` are sorted, each before what uses it; ``edges`` begin at the end.
    """

    def __init__(
        self,
        value: Value,
        names: Mapping[str, object] | None = None,
        gradients: bool | None = False,
    ) -> None:
        check_kind("value", value, Value, "a Value")
        check_kind("names", names, Mapping | None, "a mapping of names to values")
        check_kind("gradients", gradients, bool | None, "True, False or None")
        self.nodes = _nodes(value)
        expected = f"a graph of at most {MOST_NODES} nodes"
        came = f"{len(self.nodes)}: take a part of it"
        expect(len(self.nodes) <= MOST_NODES, "value", expected, came)
        for name, thing in (names or {}).items():
            check_kind("names", name, str, "strings as names")
            self.find(f"names[{name!r}]", thing)[0].name = name
        start = value.grad
        if gradients and start is None:
            expected = "False, or backward() to be called with a gradient before"
            came = f"True for a value of shape {value.data.shape}"
            expect(value.data.size == 1, "gradients", expected, came)
            start = np.ones_like(value.data)
        self.nodes[-1].gradient = None if gradients is False else start
        self.edges = list(_edges(self.nodes))
        for box in (*self.nodes, *self.edges):
            box.write()
        self.layers = _layers(self.nodes, self.edges)

    def find(self, argument: str, wanted: object) -> list[Node]:
        """Return the nodes of a Value, an array or a name; refuse what isn't there."""
        by_name = isinstance(wanted, str)
        if by_name:
            found = [node for node in self.nodes if node.name == wanted]
        else:
            found = [node for node in self.nodes if node.thing is wanted]
        named = ", ".join(node.name for node in self.nodes if node.name)
        expected = f"a Value or an array of this graph (named are: {named})"
        came = repr(wanted) if by_name else type(wanted).__name__
        expect(found, argument, expected, came)
        return found

    def leaf(self, argument: str, wanted: object, size: int | None = None) -> int:
        """Return the place of a leaf; refuse other nodes, and other sizes."""
        node = self.find(argument, wanted)[-1]
        right = node.kind == "input" and size in (None, node.value.size)
        expected = "the name of a leaf" + (f" of size {size}" if size else "")
        expect(right, argument, expected, repr(wanted))
        return node.id


def _nodes(value: Value) -> list[Node]:
    nodes: dict[int, Node] = {}
    for thing in topological_order(value):
        # Two equal numbers are still two constants.
        operands = [np.asarray(x) if np.isscalar(x) else x for x in thing.operands]
        for operand in operands:
            if id(operand) not in nodes:
                nodes[id(operand)] = Node(len(nodes), operand)
        used = [nodes[id(operand)] for operand in operands]
        nodes[id(thing)] = Node(len(nodes), thing, used)
    return list(nodes.values())


def _edges(nodes: list[Node]) -> Iterator[Edge]:
    """Yield all edges, backwards, and add up the gradients on the way."""
    yield Edge(nodes[-1], None, nodes[-1].gradient)
    for node in reversed(nodes):
        steps = iter(node.thing._edges if node.op else ())
        for operand in node.operands:
            operand.depth = max(operand.depth, node.depth + 1)
            share = None
            if node.gradient is not None and operand.kind != "constant":
                _, share_of = next(steps)
                share = unbroadcast(share_of(node.gradient), operand.shape)
                operand.shares.append(share)
                operand.gradient = sum(operand.shares).astype(operand.value.dtype)
            yield Edge(operand, node, share)


def _layers(nodes: list[Node], edges: list[Edge]) -> list[list[Box]]:
    """Link the boxes: nodes in the even layers, the labels of edges in the odd ones."""
    deepest = max(node.depth for node in nodes)
    layers: list[list[Box]] = [[] for _ in range(2 * deepest + 2)]
    for node in nodes:
        layers[2 * (deepest - node.depth)].append(node)
    for edge in edges:
        length = edge.source.depth - edge.target.depth if edge.target else 1
        edge.weight = edge.source.weight / (LONG if length > 1 else 1)
        on_the_way = [edge, *(Box(edge.weight) for _ in range(2 * length - 2))]
        first = 2 * (deepest - edge.source.depth) + 1
        for layer, box in zip(layers[first:], on_the_way, strict=False):
            layer.append(box)
        edge.chain = [edge.source, *on_the_way, *[edge.target] * bool(edge.target)]
        for box, following in pairwise(edge.chain):
            box.right.append(following)
            following.left.append(box)
    return layers


def array_lines(array: Array, mark: str = "") -> list[str]:
    """Return a number, or a shape and, where it is small, the rows of an array."""
    if array is None:
        return []
    if not array.ndim:
        return [mark + number_text(array)]
    shape = f"({array.size},)" if array.ndim == 1 else "×".join(map(str, array.shape))
    if array.ndim > 2 or not 0 < array.size <= MOST_ENTRIES:
        return [mark + shape]
    rows = [[number_text(x, 3) for x in row] for row in np.atleast_2d(array)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # Pictures and pages keep no-break spaces where they would merge others.
    padded = ("  ".join(map(str.rjust, row, widths)) for row in rows)
    return [mark + shape, *(row.replace(" ", "\N{NO-BREAK SPACE}") for row in padded)]


def lines_width(lines: list[str]) -> float:
    """Return how wide lines are, with brackets where they are an array's."""
    return max((DIGIT * len(line) for line in lines), default=0) + 8 * (len(lines) > 1)


def number_text(number: float, digits: int = 4) -> str:
    """Return a number as it is written in pictures."""
    # Adding 0 turns -0.0 into 0.0.
    return f"{float(number) + 0:.{digits}g}".replace("-", "−")
