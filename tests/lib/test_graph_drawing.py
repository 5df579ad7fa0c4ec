"""The picture of a graph shows what the engine computed, each thing once."""

import json
import re
from collections import Counter
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from backprop_book import Value, draw, relative_error
from backprop_book.engine import topological_order
from backprop_book.graph_data import Graph, Node
from backprop_book.graph_drawing import WIDE
from backprop_book.graph_layout import arrange, path

SVG = "{http://www.w3.org/2000/svg}"


def network():
    """Return L and the arrays of the book's network, three samples."""
    X = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.25]])
    Y = np.array([[1.0], [0.0], [2.0]])
    W1 = Value([[1.0, -1.0, 0.5], [0.5, 2.0, -1.0]], "W1")
    W2 = Value([[1.0], [-2.0], [0.5]], "W2")
    Z1 = X @ W1
    H1 = Z1.relu()
    Y_hat = H1 @ W2
    E = Y_hat - Y
    L = (E**2).sum()
    names = {"X": X, "Y": Y, "Z1": Z1, "H1": H1, "Y_hat": Y_hat, "E": E, "L": L}
    return L, names, (W1, W2)


def random_graph(seed, size, shape=()):
    rng = np.random.default_rng(seed)
    values = [Value(rng.uniform(0.5, 1.5, shape)) for _ in range(4)]
    while len(values) < size:
        a, b = (
            values[k] for k in rng.integers(max(0, len(values) - 7), len(values), 2)
        )
        made = (a + b, a * b, a - 2.0, a / (b * b + 1.0), a.tanh(), a * a, a.relu())
        values.append(made[rng.integers(len(made))])
    return sum(v.sum() for v in values[-3:])


IN_BOTH = ("gradient", "x", "y", "width", "height")
IN_EDGES = ("source", "target", "path")
IN_NODES = (
    "id", "kind", "op", "label", "name", "operands", "options", "shape", "value"
)  # fmt: skip


def describe(value, *, names=None, gradients=None, width=WIDE):
    """Return a graph and its layout as lists, strings and numbers."""
    graph = Graph(value, names, gradients)
    size = arrange(graph.layers, width)
    for edge in graph.edges:
        edge.path, _ = path(edge.chain)
    return {
        **dict(zip(("width", "height"), size, strict=True)),
        "nodes": [_plain(node, IN_NODES) for node in graph.nodes],
        "edges": [_plain(edge, IN_EDGES) for edge in graph.edges],
    }


def _plain(thing, keys=()):
    if keys:
        return {key: _plain(getattr(thing, key)) for key in keys + IN_BOTH}
    if isinstance(thing, Node):
        return thing.id
    if isinstance(thing, dict):
        return {key: _plain(option) for key, option in thing.items()}
    if isinstance(thing, tuple | list):
        return [_plain(one) for one in thing]
    return thing.tolist() if isinstance(thing, np.ndarray | np.generic) else thing


def texts(picture, kind):
    """Return the texts of one kind that stand in the picture, in their order."""
    found = ElementTree.fromstring(picture.svg).iter(f"{SVG}text")
    return [text.text for text in found if text.get("class") == kind]


def groups(picture, part):
    """Return the classes of the groups that hold a kind of shape."""
    groups = ElementTree.fromstring(picture.svg).iter(f"{SVG}g")
    return [
        g.get("class").split() for g in groups if g.find(f"{SVG}{part}") is not None
    ]


# --- what the engine computed ---------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (2, 3), (2, 1, 2)], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_values_and_gradients_are_the_engines(seed, shape):
    L = random_graph(seed, 25, shape)
    L.backward()
    nodes = describe(L)["nodes"]
    shown = [node for node in nodes if node["kind"] != "constant"]
    for node, value in zip(shown, topological_order(L), strict=True):
        assert node["shape"] == list(value.data.shape)
        assert node["op"] == value.op
        np.testing.assert_array_equal(node["value"], value.data)
        assert relative_error(np.array(node["gradient"]), value.grad) <= 1e-12
    assert all(n["gradient"] is None for n in nodes if n["kind"] == "constant")


@pytest.mark.parametrize("seed", range(5))
def test_each_use_is_one_edge_and_the_shares_add_up(seed):
    L = random_graph(seed, 25, (2,))
    L.backward()
    graph = describe(L)
    uses = [
        (operand, node["id"]) for node in graph["nodes"] for operand in node["operands"]
    ]
    edges = [(e["source"], e["target"]) for e in graph["edges"]]
    assert Counter(edges) == Counter([*uses, (len(graph["nodes"]) - 1, None)])
    for node in graph["nodes"]:
        shares = [e["gradient"] for e in graph["edges"] if e["source"] == node["id"]]
        if node["kind"] == "constant":
            assert shares == [None] * len(shares)
        else:
            total = np.sum(shares, axis=0)
            assert relative_error(total, np.array(node["gradient"])) <= 1e-12
    lines = ElementTree.fromstring(draw(L).svg).findall(f".//{SVG}path[@class='line']")
    assert len(lines) == len(edges)


@pytest.mark.parametrize(
    ("function", "at", "shares"),
    [
        (lambda x: x * x, 3.0, [3, 3]),
        (lambda x: x + x, 3.0, [1, 1]),
        (lambda x: x - x, 3.0, [1, -1]),
        (lambda x: x / x, 2.0, [0.5, -0.5]),
        (lambda x: (x * 2.0) * (x + 1.0), 3.0, [8, 6]),
        (
            lambda x: (x @ x).sum(),
            [[1, 2], [3, 4]],
            [[[3, 7], [3, 7]], [[4, 4], [6, 6]]],
        ),
    ],
)
def test_a_value_used_twice_has_its_shares_on_the_edges(function, at, shares):
    x = Value(at, "x")
    graph = describe(function(x), gradients=True)
    found = [e["gradient"] for e in graph["edges"] if e["source"] == 0]
    assert sorted(map(str, np.array(found, float).tolist())) == sorted(
        map(str, np.array(shares, float).tolist())
    )
    np.testing.assert_allclose(graph["nodes"][0]["gradient"], np.sum(shares, axis=0))
    picture = draw(function(x), gradients=True)
    if not np.ndim(at):
        total, *_ = (f"∇ {np.sum(shares):g}".replace("-", "−"),)
        assert texts(picture, "g").count(total) >= 1
        words = " and ".join(f"{share:g}" for share in found).replace("-", "−")
        assert f"the sum of {words}." in picture.alt


def test_ties_and_negative_zeros():
    x = Value(0.0, "x")
    L = -(x.relu())
    L.backward()
    assert texts(draw(L), "g") == ["∇ 1", "∇ −1", "∇ 0"]
    assert texts(draw(L), "v") == ["0", "0", "0"]


def test_drawing_leaves_the_gradients_alone():
    x = Value(2.0)
    L = x * x
    draw(L, gradients=True)
    assert x.grad is None
    assert L.grad is None
    L.backward()
    draw(L)
    describe(L)
    assert x.grad == 4
    assert L.grad == 1


def test_gradients_are_shown_once_backward_was_called():
    x = Value([1.0, 2.0])
    L = (x * x).sum()
    assert not texts(draw(L), "g")
    assert "gradient" not in draw(L).alt + draw(L).html.split("</style>")[1]
    L.backward()
    assert texts(draw(L), "g")
    assert not texts(draw(L, gradients=False), "g")
    L.backward()
    nodes = describe(L)["nodes"]
    assert nodes[0]["gradient"] == x.grad.tolist() == [4, 8]
    assert nodes[-1]["gradient"] == 2


def test_an_upstream_gradient_of_an_array():
    x = Value([1.0, 2.0])
    y = x * 3
    with pytest.raises(ValueError, match=r"^gradients: expected .* shape \(2,\)$"):
        draw(y, gradients=True)
    y.backward([1.0, 10.0])
    assert describe(y)["nodes"][0]["gradient"] == [3, 30]


def test_gradients_keep_their_dtype():
    x = Value(np.float32(0.1))
    L = x * np.float64(0.3)
    L.backward()
    assert describe(L)["nodes"][0]["gradient"] == float(x.grad)


# --- constants, names, numbers --------------------------------------------------------


def test_constants():
    X = np.ones((2, 2))
    v = Value([1.0, 2.0])
    nodes = describe(X @ (X @ v) + 1 - v * 1)["nodes"]
    constants = [n["value"] for n in nodes if n["kind"] == "constant"]
    # The array is one node, whose place is known; each number is one of its own.
    assert sorted(map(str, constants)) == sorted(["1", "1", str(X.tolist())])
    picture = draw(2.5 * Value(4.0))
    assert texts(picture, "v") == ["10", "4"]  # the constant's is in its box
    assert texts(picture, "op") == ["input", "2.5", "×"]
    assert [c[0] for c in groups(picture, "rect")].count("constant") == 1


@pytest.mark.parametrize("constant", [[1.0, 2.0], np.float64(2), True, np.array(3.0)])
def test_constants_of_all_kinds(constant):
    graph = describe(constant * Value([1.0, 2.0]))
    assert [n["value"] for n in graph["nodes"] if n["kind"] == "constant"] == [
        np.asarray(constant).tolist()
    ]


def test_names_are_in_the_boxes_and_of_this_picture_only():
    L, names, (W1, _) = network()
    assert texts(draw(L), "name") == ["W1", "W2"]
    everyone = ["W1", "X", "Z1", "H1", "W2", "Y_hat", "Y", "E", "L"]
    assert texts(draw(L, names=names), "name") == everyone
    assert L.name is None
    assert texts(draw(L, names={"V": W1}), "name") == ["V", "W2"]
    W1.name = "<W&1>"
    picture = draw(L)
    assert texts(picture, "name") == ["<W&1>", "W2"]
    assert "<W&" not in picture.html


def test_numbers():
    number = draw(Value(1234.5678), names={})
    assert texts(number, "v") == ["1235"]
    row = draw(Value([1 / 3, -2.0]))
    assert texts(row, "v") == ["(2,)", "0.333\u00a0\u00a0−2"]
    grid = draw(Value([[1.0, 20.0], [-3.0, 0.5]]))
    assert texts(grid, "v") == [
        "2×2",
        "\u00a01\u00a0\u00a0\u00a020",
        "−3\u00a0\u00a00.5",
    ]
    for data, shape in (
        (np.ones((13, 1)), "13×1"),
        (np.ones((1, 2, 3)), "1×2×3"),
        (np.ones((0, 3)), "0×3"),
    ):
        assert texts(draw(Value(data)), "v") == [shape]
    assert "nan" in draw(Value(np.nan)).alt


def test_operations_and_their_options():
    v = Value(np.arange(6.0).reshape(2, 3) + 1)
    made = [
        (v**2, "**2", {"exponent": 2}),
        (v.sum(1), "sum axis 1", {"axis": 1, "keepdims": False}),
        (v.sum((0, 1)), "sum axis (0, 1)", {"axis": [0, 1], "keepdims": False}),
        (v.sum(), "sum", {"axis": None, "keepdims": False}),
        (v[1, ::2], "[ ]", {"taken": [3, 5]}),
        (v[v.data > 4], "[ ]", {"taken": [4, 5]}),
        (v.transpose(1, 0), "T", {"axes": [1, 0]}),
        (v.T, "T", {"axes": []}),
        (v.reshape(3, 2), "reshape", {}),
        (-v, "−", {}),
        (v.exp(), "exp", {}),
    ]
    for value, label, options in made:
        node = describe(value)["nodes"][-1]
        assert (node["label"], node["options"]) == (label, options)
        assert node["op"] == value.op
        json.dumps(node)


# --- words, emphasis, output ----------------------------------------------------------


def test_the_picture_in_words():
    x, w = Value(3.0, "x"), Value([1.0, -2.0], "w")
    L = ((x * w) ** 2).sum()
    L.name = "L"
    L.backward()
    picture = draw(L, highlight="w")
    assert picture.alt == (
        "Graph of L. "
        "x: input, 3, gradient 30. "
        "w: input, (2,) [1 −2], gradient (2,) [18 −36]. "
        "step 3: x × w, (2,) [3 −6], gradient (2,) [6 −12]. "
        "step 4: **2 of step 3, (2,) [9 36], gradient (2,) [1 1]. "
        "L: sum of step 4, 45, gradient 1. "
        "Highlighted: w."
    )
    assert repr(picture) == picture.alt
    image = ElementTree.fromstring(picture.svg)
    assert image.get("role") == "img"
    assert image.get("aria-label") == picture.alt
    assert picture._repr_html_() is picture.html


def test_highlighted_values_and_the_arrows_that_carry_them():
    L, names, (W1, _) = network()
    plain = draw(L, names=names)
    assert {c[1] for c in groups(plain, "rect") + groups(plain, "path")} == {"plain"}
    for wanted in (
        ["W1", "Z1", "X"],
        [W1, names["Z1"], names["X"]],
        (x for x in ("X", W1, "Z1")),
        {"W1", "Z1", "X"},
    ):
        picture = draw(L, names=names, highlight=wanted)
        boxes = [c[1] for c in groups(picture, "rect")]
        assert boxes == ["bright"] * 3 + ["dim"] * 7
        assert [c[1] for c in groups(picture, "path")].count("bright") == 3
    for wanted in ("W1", W1):
        picture = draw(L, highlight=wanted)
        assert [c[1] for c in groups(picture, "rect")].count("bright") == 1
        assert "Highlighted: W1." in picture.alt


def test_the_figure():
    small, large = draw(Value(1.0) * Value(2.0)), draw(network()[0])
    for picture in (small, large):
        figure = ElementTree.fromstring(picture.html.replace("&ensp;", ""))
        assert figure.tag == "figure"
        assert "<script" not in picture.html
        ElementTree.fromstring(picture.svg)
    # One picture where it fits a phone, else one more for the phone.
    assert small.html.count("<svg") == 1
    assert large.html.count("<svg") == 2
    assert "tabindex" not in small.html
    long = Value(1.0)
    for _ in range(9):
        long = long * long  # two links everywhere: no row can end
    assert "tabindex" in draw(long).html


def test_the_picture_for_a_phone_can_shrink():
    L, names, _ = network()
    html = draw(L, names=names).html
    (narrow,) = re.findall(r"<svg [^>]*narrow[^>]*>", html)
    size = re.search(r'width="(\d+)" height="(\d+)" viewBox="0 0 (\d+) (\d+)"', narrow)
    width, height, *shown = size.groups()
    assert [width, height] == shown
    assert f'style="max-width:max(100%,{0.8 * int(width):.0f}px)"' in narrow
    assert int(width) < 356 / 0.8, "or the end of the network is cut off"


def test_a_picture_is_saved(tmp_path):
    picture = draw(Value(2.0, "x"))
    picture.save(tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).get("style") == "background:white"
    assert ".bp-graph" in text
    with pytest.raises(ValueError, match=r"^path: expected .*\.svg, got .*x\.png$"):
        picture.save(tmp_path / "x.png")


# --- layout ---------------------------------------------------------------------------


def boxes(graph):
    for box in graph["nodes"] + graph["edges"]:
        left, top = box["x"] - box["width"] / 2, box["y"] - box["height"] / 2
        yield left, top, left + box["width"], top + box["height"]


def assert_tidy(graph):
    for a, b in combinations(boxes(graph), 2):
        apart = (a[2] < b[0], b[2] < a[0], a[3] + 7 < b[1], b[3] + 7 < a[1])
        assert any(apart), (a, b)
    for left, top, right, bottom in boxes(graph):
        assert 0 <= left < right <= graph["width"]
        assert 0 <= top < bottom <= graph["height"]


@pytest.mark.parametrize("width", [688, 356])
@pytest.mark.parametrize("size", [5, 12, 25, 35])
@pytest.mark.parametrize("seed", range(3))
def test_nothing_overlaps_and_all_is_inside(seed, size, width):
    graph = describe(random_graph(seed, size), gradients=True, width=width)
    assert_tidy(graph)


@pytest.mark.parametrize("seed", range(3))
def test_every_arrow_leads_to_the_right(seed):
    graph = describe(random_graph(seed, 35), width=10_000)
    right = [node["x"] + node["width"] / 2 for node in graph["nodes"]]
    for edge in graph["edges"][1:]:
        target = graph["nodes"][edge["target"]]
        left = target["x"] - target["width"] / 2
        assert right[edge["source"]] < edge["x"] < left
        assert float(edge["path"].rpartition("H")[2]) == pytest.approx(left, abs=0.1)
    leaving = graph["edges"][0]
    end = leaving["x"] + leaving["width"] / 2
    assert float(leaving["path"].rpartition("H")[2]) == pytest.approx(end, abs=0.1)


def test_the_way_forward_of_the_network_is_straight():
    L, names, _ = network()
    graph = describe(L, names=names, width=10_000)
    at = {node["name"]: node for node in graph["nodes"]}
    chain = [at[name] for name in ("Z1", "H1", "Y_hat", "E", None, "L")]
    assert len({node["y"] for node in chain}) == 1
    assert [n["x"] for n in chain] == sorted(n["x"] for n in chain)
    assert at["X"]["x"] == at["W1"]["x"] < at["Z1"]["x"]
    assert at["X"]["y"] < at["Z1"]["y"] < at["W1"]["y"]
    assert at["W2"]["x"] == at["H1"]["x"]


@pytest.mark.parametrize("width", [356, 500, 688])
def test_a_long_chain_is_wrapped_into_rows(width):
    x = Value(1.0)
    for _ in range(25):
        x = x.tanh()
    graph = describe(x, width=width)
    assert graph["width"] <= width
    assert_tidy(graph)
    rows = {}
    for node in graph["nodes"]:
        rows.setdefault(node["y"], []).append(node["x"])
    assert len(rows) > 2
    assert [x for row in rows.values() for x in row] == [
        x for y in sorted(rows) for x in sorted(rows[y])
    ]
    assert len({round(row[0]) for row in rows.values()}) <= 2


def test_a_skip_connection_goes_around():
    x = Value(1.0, "x")
    graph = describe((x.tanh() * 2).tanh() + x)
    heights = Counter(node["y"] for node in graph["nodes"])
    assert heights.most_common(1)[0][1] == 5
    last = graph["nodes"][-1]["id"]
    skip = next(e for e in graph["edges"] if (e["source"], e["target"]) == (0, last))
    assert skip["y"] != graph["nodes"][0]["y"]


def test_the_same_graph_is_the_same_picture():
    assert draw(random_graph(0, 30)).html == draw(random_graph(0, 30)).html


# --- refusals -------------------------------------------------------------------------


def test_graphs_too_large_to_read_are_refused():
    x = Value(1.0)
    for _ in range(59):
        x = -x
    assert len(describe(x)["nodes"]) == 60
    for deeper in (1, 1200, 20_000):
        for _ in range(deeper):
            x = -x
        with pytest.raises(ValueError, match=r"^value: expected .* at most 60 nodes"):
            draw(x)


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, "value: expected a Value, got float", {"value": 1.0}),
        (TypeError, "value: expected a Value, got ndarray", {"value": np.ones(2)}),
        (TypeError, "names: expected a mapping .*, got list", {"names": ["x"]}),
        (TypeError, "names: expected strings as names, got int", {"names": {1: "x"}}),
        (ValueError, r"names\['y'\]: expected .*, got float", {"names": {"y": 2.0}}),
        (
            ValueError,
            r"names\['y'\]: expected .*, got Value",
            {"names": {"y": Value(1)}},
        ),
        (ValueError, r"highlight: .*named are: x.*, got 'y'", {"highlight": ["y"]}),
        (ValueError, "highlight: expected .*, got 'xx'", {"highlight": "xx"}),
        (ValueError, "highlight: expected .*, got Value", {"highlight": Value(1.0)}),
        (ValueError, "highlight: expected .*, got int", {"highlight": 3}),
        (
            TypeError,
            "gradients: expected True, False or None, got int",
            {"gradients": 1},
        ),
    ],
)
def test_bad_arguments(error, message, arguments):
    arguments = {"value": Value(2.0, "x") * 2.0, **arguments}
    with pytest.raises(error, match=f"^{message}"):
        draw(arguments.pop("value"), **arguments)
