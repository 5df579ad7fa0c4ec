"""The drawn graph shows the numbers it was given, where they belong, and no others."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from backprop_book import COLORS, Edge, draw_graph, use_book_style

NODES = {"x": (0, 0), "w": (1, -1), "mul": (1, 0), "L": (2, 0)}
EDGES = [
    Edge("x", "mul", 2.0, -6.0),
    Edge("w", "mul", 1.5, -8.0),
    Edge("mul", "L", 3.0, -4.0),
]


@pytest.fixture(autouse=True)
def _own_figures():
    with plt.rc_context():
        mpl.use("agg", force=True)
        use_book_style()
        yield
        plt.close("all")


def texts(ax):
    """Return every text on the axes that is not empty, by its string."""
    return {text.get_text(): text for text in ax.texts if text.get_text()}


def box(ax, text):
    return text.get_window_extent(ax.figure.canvas.get_renderer())


def drawn(*arguments, **keywords):
    ax = draw_graph(*arguments, **keywords)
    ax.figure.canvas.draw()
    return ax


def test_shows_every_name_value_and_gradient():
    ax = drawn(NODES, EDGES)
    numbers = {"2", "1.5", "3", "∇ −6", "∇ −8", "∇ −4"}
    assert set(texts(ax)) == set(NODES) | numbers


def test_edges_may_come_from_a_generator():
    shown = texts(drawn(NODES, (edge for edge in EDGES)))
    assert set(shown) == set(texts(drawn(NODES, EDGES)))


def test_values_and_gradients_differ_in_colour_and_slant():
    shown = texts(drawn(NODES, EDGES))
    assert to_hex(shown["2"].get_color()) == COLORS["blue"].lower()
    assert to_hex(shown["∇ −6"].get_color()) == COLORS["vermilion"].lower()
    assert shown["2"].get_style() == "normal"
    assert shown["∇ −6"].get_style() == "italic"


@pytest.mark.parametrize(
    "target", [(2, 0), (-2, 0), (2, 1), (-2, 1), (-1, -2), (2, -1)]
)
def test_the_value_stands_above_the_gradient_in_every_direction(target):
    ax = drawn({"a": (0, 0), "b": target}, [Edge("a", "b", 1, 2)])
    shown = texts(ax)
    value, gradient = box(ax, shown["1"]), box(ax, shown["∇ 2"])
    assert value.y0 + value.y1 > gradient.y0 + gradient.y1
    assert not value.overlaps(gradient)


@pytest.mark.parametrize("target", [(0, 1), (0, -1)])
def test_on_a_vertical_arrow_the_value_stands_left(target):
    ax = drawn({"a": (0, 0), "b": target}, [Edge("a", "b", 1, 2)])
    shown = texts(ax)
    assert box(ax, shown["1"]).x1 < box(ax, shown["∇ 2"]).x0


def test_no_two_texts_overlap():
    ax = drawn(NODES, EDGES)
    boxes = [box(ax, text) for text in texts(ax).values()]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])


def test_forward_alone_shows_no_gradient():
    ax = drawn(NODES, [Edge("x", "mul", 2.0)])
    assert not any("∇" in text for text in texts(ax))
    assert ax.get_title(loc="left") == "value, forward"
    assert ax.get_title(loc="right") == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.0, "0"),
        (1 / 3, "0.3333"),
        (np.float64(-2.5), "−2.5"),
        (np.array(7.0), "7"),
        ("(1, 2)", "(1, 2)"),
        (True, "1"),
    ],
)
def test_numbers_get_four_digits_and_strings_stay(value, shown):
    assert shown in texts(drawn(NODES, [Edge("x", "L", value)]))


def test_labels_replace_names():
    shown = texts(drawn(NODES, EDGES, labels={"mul": "×"}))
    assert "×" in shown
    assert "mul" not in shown


def test_inputs_are_white_and_the_others_are_not():
    shown = texts(drawn(NODES, EDGES))
    white = {
        name
        for name in NODES
        if to_hex(shown[name].get_bbox_patch().get_facecolor()) == "#ffffff"
    }
    assert white == {"x", "w"}


def test_bends_separate_two_arrows_between_the_same_nodes():
    # To the left of an arrow that points right is up.
    nodes = {"x": (0, 0), "mul": (2, 0)}
    edges = [Edge("x", "mul", 5, bend=0.4), Edge("x", "mul", 7, bend=-0.4)]
    ax = drawn(nodes, edges)
    shown = texts(ax)
    middle = box(ax, shown["x"]).y0
    assert box(ax, shown["5"]).y0 > middle > box(ax, shown["7"]).y1
    tips = [arrow.arrow_patch.get_path().vertices for arrow in arrows(ax)]
    heights = [v[:, 1].mean() for v in tips]
    assert heights[0] > heights[1]
    assert all(ax.bbox.contains(*box(ax, shown[text]).min) for text in "57")


def arrows(ax):
    return [text for text in ax.texts if getattr(text, "arrow_patch", None)]


def test_arrows_start_and_end_outside_the_boxes():
    ax = drawn(NODES, EDGES)
    shown = texts(ax)
    for arrow, edge in zip(arrows(ax), EDGES, strict=True):
        ends = arrow.arrow_patch.get_transform().transform(
            arrow.arrow_patch.get_path().vertices
        )
        for name in (edge.source, edge.target):
            assert not box(ax, shown[name]).contains(*ends[0])
            assert not any(box(ax, shown[name]).contains(*end) for end in ends)


def test_draws_on_given_axes_and_returns_them():
    _, ax = plt.subplots()
    assert draw_graph(NODES, EDGES, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_reads_on_a_phone():
    ax = drawn({str(k): (k, 0) for k in range(5)}, [Edge("0", "1", 3)])
    phone = 340 / 96  # inches between the margins of a phone of 390 px
    shrink = phone / ax.figure.get_figwidth()
    sizes = [text.get_fontsize() for text in texts(ax).values()]
    assert min(sizes) * shrink >= 8.5


def test_two_drawings_are_the_same_svg():
    def svg():
        with io.StringIO() as stream:
            draw_graph(NODES, EDGES).figure.savefig(
                stream, format="svg", metadata={"Date": None}
            )
            return stream.getvalue()

    assert svg() == svg()


def test_nothing_is_modified():
    nodes, edges, labels = dict(NODES), list(EDGES), {"x": "X"}
    draw_graph(nodes, edges, labels=labels)
    assert (nodes, edges, labels) == (NODES, EDGES, {"x": "X"})


@given(value=st.floats(-1e6, 1e6), gradient=st.floats(-1e6, 1e6))
@settings(max_examples=10, deadline=None)
def test_what_is_shown_reads_back(value, gradient):
    ax = draw_graph({"a": (0, 0), "b": (1, 0)}, [Edge("a", "b", value, gradient)])
    numbers = [t.get_text() for t in ax.texts if t.get_text() not in {"", "a", "b"}]
    plt.close(ax.figure)
    back = [float(n.replace("−", "-").removeprefix("∇ ")) for n in numbers]
    assert back == pytest.approx([value, gradient], rel=1e-3)


@pytest.mark.parametrize(
    ("nodes", "edges", "labels", "message"),
    [
        ({}, [], {}, r"nodes: expected at least one"),
        ({"a": (0, 0, 0)}, [], {}, r"nodes\['a'\]: expected two finite numbers"),
        ({"a": (0, np.nan)}, [], {}, r"nodes\['a'\]: expected two finite numbers"),
        ({"a": (1, 0), "b": (1.0, 0)}, [], {}, r"nodes\['b'\].*where 'a' stands"),
        (NODES, [Edge("y", "L", 1)], {}, r"expected a source in .*got 'y'"),
        (NODES, [Edge("x", "M", 1)], {}, r"expected a target in .*got 'M'"),
        (NODES, [Edge("x", "x", 1)], {}, r"expected two nodes, got 'x' twice"),
        (NODES, [Edge("x", "L", 1)] * 2, {}, r"expected a bend of its own"),
        (
            NODES,
            [Edge("x", "L", 1, bend=0.2), Edge("L", "x", 1, bend=-0.2)],
            {},
            r"expected a bend of its own",
        ),
        (NODES, [], {"z": "Z"}, r"labels: expected names in .*got 'z'"),
    ],
)
def test_bad_input_is_refused_before_a_figure_is_made(nodes, edges, labels, message):
    with pytest.raises(ValueError, match=message):
        draw_graph(nodes, edges, labels=labels)
    assert not plt.get_fignums()
