"""What `play` refuses, and what it hands to the page."""

import html
import json
import re

import numpy as np
import pytest

from backprop_book import Value, draw, play


@pytest.fixture
def L():
    w, b = Value(2.0, "w"), Value([1.0, -1.0], "b")
    L = (w * b).relu().sum()
    L.name = "L"
    return L


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"goal": "w = 1"}, "goal: expected conditions such as"),
        ({"goal": "grad v == 0"}, "goal: expected .*named are: w, b, L.*got 'v'"),
        ({"goal": ""}, "goal: expected conditions"),
        ({"presets": {"dead": {"v": 1}}}, "presets: expected .* got 'v'"),
        ({"presets": {"dead": {"b": 1}}}, "presets: .* leaf of size 1, got 'b'"),
        ({"presets": {"dead": {"L": 1}}}, "presets: expected the name of a leaf"),
        ({"learn": 0.1, "parameters": ["L"]}, "parameters: expected .* got 'L'"),
        ({"learn": -0.1}, "learn: expected .*got -0.1"),
        ({"valley": {"w": (0, 1)}}, "valley: expected two leaves, got 1"),
        ({"valley": {"w": (0, 1), "b": (0, 1)}}, "valley: .* leaf of size 1, got 'b'"),
        ({"practise": 4}, "practise: expected an integer of at most 3, got 4"),
        ({"practise": 1, "seed": 0}, "seed: expected an integer of at least 1, got 0"),
        ({"goal": 3}, "goal: expected conditions .* got int"),
        ({"presets": [1]}, "presets: expected numbers of leaves by label, got list"),
        ({"presets": {"dead": 1}}, "presets: expected numbers of leaves .* got int"),
        ({"presets": {"dead": {"w": "a"}}}, "presets: expected real numbers, got str"),
        ({"parameters": 3}, "parameters: expected names of leaves, got int"),
        ({"valley": 3}, "valley: expected ranges of two leaves, got int"),
        ({"write": 3}, "write: expected an expression, got int"),
        ({"names": {"X": np.ones(2)}}, "names"),
    ],
)
def test_wrong_arguments_are_named(L, given, words):
    with pytest.raises((TypeError, ValueError), match=words):
        play(L, **given)


def test_what_the_page_has_no_room_for_is_refused():
    with pytest.raises(TypeError, match="value: expected a Value, got float"):
        play(1.0)
    with pytest.raises(ValueError, match=r"single number, .*got shape \(2,\)"):
        play(Value([1.0, 2.0]) * 2.0)
    with pytest.raises(ValueError, match=r"at most 60 numbers in an array, .*\(61,\)"):
        play(Value(np.ones(61)).sum())
    with pytest.raises(ValueError, match="value: expected finite numbers"):
        play(Value([1.0, np.inf]).sum())


def test_the_output_holds_the_graph_and_what_was_asked_for(L):
    shown = play(
        L,
        goal="grad w == 0, L > -1.5",
        presets={"dead": {"b": [-1, -2], "rate": 1}},
        learn=0.1,
        parameters=iter(["w"]),
    )._repr_html_()
    (content,) = re.findall(r'data-backprop-play="([^"]*)"', shown)
    found = json.loads(html.unescape(content))
    names = [node["name"] for node in found["nodes"]]
    w, b, root = names.index("w"), names.index("b"), names.index("L")
    assert found["options"] == {
        "goal": {
            "words": "grad w == 0, L > -1.5",
            "conditions": [["g", w, "==", 0.0], ["v", root, ">", -1.5]],
        },
        "presets": [{"label": "dead", "rate": 1.0, "numbers": [[b, [-1.0, -2.0]]]}],
        "learn": {"rate": 0.1, "parameters": [w]},
    }


def test_names_and_text_are_no_markup():
    w = Value(1.0, '"><img src=x>')
    shown = play(w * w, write="</textarea><img src=y>")._repr_html_()
    assert "<img" not in shown.partition("<script")[0]


def test_its_text_is_the_same_at_every_run(L):
    assert repr(play(L)) == repr(play(L)) == repr(draw(L, gradients=True))
