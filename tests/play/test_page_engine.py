"""The page's engine computes what the book's engine computes."""

from collections import Counter
from contextlib import suppress
from itertools import chain, combinations, islice, product

import numpy as np
import pytest

from backprop_book import Value
from backprop_book.engine import topological_order
from play_graphs import MOST_USES, forty_nodes, graph_nodes, random_graph
from play_in_node import run_in_node, run_in_page

RUN = """
const run = (nodes) => {
  const {values, gradients, shares, nodes: wired} = new Graph(nodes);
  return {values, gradients, shares, shapes: wired.map((node) => node.shape)};
};
"""
LIMIT = 1e-12


def small_graphs(rng):
    """Yield random graphs with their nodes for the page, where it has room for them."""
    while True:
        L = random_graph(rng, int(rng.integers(3, 12)))
        with suppress(ValueError):
            yield L, graph_nodes(L)


def compare(L, nodes, found):
    """Return the largest norm-wise difference over all values and gradients."""
    L.backward()
    worst, operations = 0.0, iter(topological_order(L))
    for node, *answer in zip(
        nodes,
        *(found[key] for key in ("values", "gradients", "shapes")),
        strict=True,
    ):
        if node["op"] == "constant":
            assert answer[1] is None
            continue
        value = next(operations)
        assert tuple(answer[2]) == value.data.shape
        for own, theirs in zip((value.data, value.grad), answer, strict=False):
            theirs = np.array(theirs, float)
            scale = np.linalg.norm(own) or 1.0
            difference = np.linalg.norm(own.ravel() - theirs) / scale
            # NaN, too, is too large.
            worst = max(worst, difference if difference <= LIMIT else np.inf)
    return worst


def worst(pairs, answers):
    """Return the largest difference over all graphs."""
    return max(compare(*p, found) for p, found in zip(pairs, answers, strict=True))


def test_1200_random_graphs_agree_with_the_engine():
    pairs = list(islice(small_graphs(np.random.default_rng(3)), 1200))
    assert worst(pairs, run_in_node(RUN, [nodes for _, nodes in pairs])) <= LIMIT
    nodes = [node for L, _ in pairs for node in topological_order(L)]
    seen = Counter(node.op for node in nodes)
    assert len(seen) == 16  # with the leaves, whose operation is empty
    assert min(seen.values()) > 100, seen
    assert {node.data.ndim for node in nodes} == {0, 1, 2, 3}
    uses = Counter(id(x) for node in nodes for x in node.operands)
    assert max(uses.values()) >= MOST_USES
    # Ties: entries of ReLU's input that are exactly 0.
    inputs = [node.operands[0].data for node in nodes if node.op == "relu"]
    assert sum((a == 0).sum() for a in inputs) > 100


def test_a_sample_agrees_in_chromium_too(browser):
    pairs = list(islice(small_graphs(np.random.default_rng(4)), 120))
    page = browser.new_page()
    answers = run_in_page(page, RUN, [nodes for _, nodes in pairs])
    page.close()
    assert worst(pairs, answers) <= LIMIT


PLACES = """
const run = (nodes) => {
  const graph = new Graph(nodes);
  const sizes = graph.nodes.map(({shape}) => ({
    width: 20 + 54 * (shape.at(-1) ?? 1), height: 30 + 24 * sizeOf(shape.slice(0, -1)),
  }));
  return [false, true].map((vertical) => {
    const {nodes: at, edges, width, height} =
      layOut(graph.nodes, sizes, () => WRITTEN, vertical);
    const boxes = at.map((point, k) => ({...point, ...sizes[k]}));
    const labels = edges.map(({x, y}) => ({x, y, ...WRITTEN}));
    const lines = edges.map(({path}) => path.match(/-?[\\d.]+/g).map(Number));
    return {boxes: [...boxes, ...labels], nodes: boxes, lines, width, height};
  });
};
"""


def overlap(a, b):
    return all(
        abs(a[at] - b[at]) < (a[size] + b[size]) / 2 - 1
        for at, size in (("x", "width"), ("y", "height"))
    )


def crosses(line, box):
    """Return whether a corner or a handle of a line is inside a box."""
    return any(
        abs(x - box["x"]) < box["width"] / 2 - 1
        and abs(y - box["y"]) < box["height"] / 2 - 1
        for x, y in zip(line[::2], line[1::2], strict=True)
    )


def test_boxes_and_labels_of_random_graphs_never_overlap():
    graphs = [n for _, n in islice(small_graphs(np.random.default_rng(6)), 150)]
    graphs.append(graph_nodes(forty_nodes()))
    for layout in chain.from_iterable(run_in_node(PLACES, graphs)):
        assert not any(overlap(*pair) for pair in combinations(layout["boxes"], 2))
        pairs = product(layout["lines"], layout["nodes"])
        assert not any(crosses(*pair) for pair in pairs)
        for box in layout["boxes"]:
            assert box["width"] / 2 <= box["x"] <= layout["width"] - box["width"] / 2
            assert box["height"] / 2 <= box["y"] <= layout["height"] - box["height"] / 2


def test_shares_are_those_of_each_edge_and_add_up_to_the_gradient():
    w, x = Value(2.0, "w"), Value(3.0, "x")
    y = w * x
    L = (y * y + y * w).sum()
    (found,) = run_in_node(RUN, [graph_nodes(L)])
    operands = [node.get("operands") for node in graph_nodes(L)]
    product = operands.index([0, 1])
    square = operands.index([product, product])
    # y is 6: each of its two places in y * y gets 6, and y * w sends it w.
    assert found["shares"][square] == [[6.0], [6.0]]
    assert found["shares"][operands.index([product, 0])] == [[2.0], [6.0]]
    L.backward()
    assert found["gradients"][product] == [float(y.grad)] == [14.0]


CHECKS = """
const run = (text) => {
  const graph = parse(text);
  return graph.leaves.map(({id}) => graph.check(id, 0));
};
"""


def test_the_check_is_a_central_difference_between_the_slopes_of_both_sides():
    texts = ["w = 3\nw ** 2", "w = 0.5\nb = -2\nexp(w) * b + tanh(w * b)"]
    for check in chain.from_iterable(run_in_node(CHECKS, texts)):
        # A slope of one side is wrong by the step, 1e-5, this one by its square.
        assert check["central"] == pytest.approx(check["gradient"], rel=1e-9)
        assert check["left"] != check["right"] or check["gradient"] == 0
    (kink,) = run_in_node(CHECKS, ["w = 0\n3 * relu(w)"])[0]
    found = [kink[side] for side in ("left", "central", "right")]
    assert found == pytest.approx([0, 1.5, 3])


@pytest.mark.parametrize(("x", "p"), [(0.0, 0), (0.0, 1), (-2.0, 3), (2.0, -1.5)])
def test_powers_are_the_engines(x, p):
    L = Value(x) ** p
    (found,) = run_in_node(RUN, [graph_nodes(L)])
    assert compare(L, graph_nodes(L), found) <= LIMIT


def test_an_infinite_gradient_stops_at_a_closed_relu():
    with np.errstate(all="ignore"):
        x = Value([-1.0, 1e308])
        L = (x.relu() * 1e308 * 10.0).sum()
        (found,) = run_in_node(RUN, [graph_nodes(L)])
        L.backward()
    assert x.grad.tolist() == [float(g) for g in found["gradients"][0]]
    assert x.grad[0] == 0


def test_a_result_that_is_no_single_number_is_refused():
    run = """const run = (nodes) => {
      try { new Graph(nodes); } catch (error) { return error.message; }
    };"""
    (message,) = run_in_node(run, [graph_nodes(Value([1.0, 2.0]) * 2.0)])
    assert message == (
        "expected a single number as the result, such as its .sum(), got shape (2,)"
    )
