"""Numbers from an explorer are judged as the page judges them."""

import numpy as np
import pytest

from backprop_book import Value, check_goal, play
from backprop_book.goal_check import recompute
from backprop_book.graph_data import Graph
from play_graphs import four_boxes, network, random_graph


@pytest.fixture(scope="module")
def dead():
    return play(four_boxes(), goal="grad w1 == 0, L > 0.5")


ADDRESS = "https://book.example/chapters/chain_rule.html?play1={}#four-boxes"
TOO_FEW = "grad w1 is 5, and the goal is == 0."


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (None, "Not answered yet"),
        ({"w1": -1}, "Right."),
        ({"w1": np.float32(-1), "y": 2}, "Right."),
        ({"w1": 0}, "Right."),
        (ADDRESS.format("v1_-1*s3"), "Right."),
        (ADDRESS.format("v1_-1.5e-3*v4_0.5_2*s14"), "Right."),
        (ADDRESS.format("s3&play2=v1_-1*s14"), "Right."),
        (ADDRESS.format("v1_-1*s0*e%2F*v1_2"), "Right."),
        ({}, TOO_FEW),
        (ADDRESS.format("s14"), TOO_FEW),
        (ADDRESS.format("v1_nan*v99_1*v1_2_3"), TOO_FEW),
        ({"w1": -1, "y": 0}, "L is 0, and the goal is > 0.5."),
        ({"w1": [1, 2]}, "w1: expected shape (), got (2,)."),
        ({"w1": "no"}, "w1: expected"),
        ({"w1": np.nan}, "w1: expected finite numbers only, got nan at index ()."),
        ({"w1": -np.inf}, "w1: expected finite numbers only, got -inf at index ()."),
        (ADDRESS.format("v1_-1e999"), TOO_FEW),
        ({"w1": -1, "y": 1e200}, "L is inf, and the goal is > 0.5."),
        ({"z": 1}, "Not yet: expected the name of a leaf, got 'z'."),
        ({"v": 1}, "Not yet: expected a Value or an array of this graph (named"),
        (-1, "expected the page's address, or numbers by name such as {'w': 1.0}"),
        ("w1 = -1", "expected an address with the explorer's numbers"),
        ("?play1=" + "9" * 1_000_000, TOO_FEW),
    ],
)
def test_replies(dead, capsys, answer, reply):
    check_goal(answer, dead)
    (line,) = capsys.readouterr().out.splitlines()
    assert reply in line
    assert (line == "Right.") == (reply == "Right.")
    assert len(line) < 150


def test_a_goal_for_an_array_holds_for_all_entries(capsys):
    L, names = network()
    shut = play(L, names=names, goal="grad W1 == 0")
    check_goal({"W1": [[0.5, 0.5, 1], [-1, -1, 1]]}, shut)
    assert "an entry of grad W1 is" in capsys.readouterr().out
    check_goal({"W1": np.outer([0.5, -1], [1, 2, 3])}, shut)
    assert capsys.readouterr().out == "Right.\n"


def test_an_explorer_without_a_goal_is_refused():
    with pytest.raises(ValueError, match="expected one with a goal"):
        check_goal({}, play(four_boxes()))
    with pytest.raises(TypeError, match="expected an Explorer, got NoneType"):
        check_goal({}, None)


def test_graphs_are_computed_again_as_the_engine_did():
    rng = np.random.default_rng(5)
    seen = set()
    for _ in range(60):
        L = random_graph(rng, 12)
        try:
            nodes = Graph(L).nodes
        except ValueError:  # more nodes than a picture has room for
            continue
        again = recompute(nodes, {})
        again[-1].backward()
        L.backward()
        for node, value in zip(nodes, again, strict=True):
            seen.add(node.op)
            if isinstance(node.thing, Value):
                assert np.array_equal(node.thing.data, value.data)
                assert np.array_equal(node.thing.grad, value.grad)
    assert len(seen) == 16
