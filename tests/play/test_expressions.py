"""The page reads what the engine would compute, and answers all else with its place."""

import numpy as np
import pytest

from backprop_book import Value
from play_in_node import run_in_node
from play_texts import BROKEN, WRONG

PARSE = """
const run = (text) => {
  try {
    const graph = parse(text);
    const leaves = graph.leaves.map((leaf) => [leaf.label, graph.gradients[leaf.id]]);
    return {loss: graph.loss, gradients: Object.fromEntries(leaves)};
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {at: error.at, message: error.message};
  }
};
"""
NUMBERS = {
    "x": [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]],
    "w": [[0.5, -1.0], [2.0, 1.0], [-0.25, 0.75]],
    "b": [0.1, -0.2],
    "t": 1.5,
    "c": [[[1.0, 2.0], [3.0, 4.0]], [[-1.0, 0.5], [0.0, 2.0]]],
}
RIGHT = [
    "((x @ w + b).relu() ** 2).sum()",
    "-t ** 2 + 3 * -t / (2 - t)",
    "t ** -1.5 + 2 ** 3 - t ** 2.0",
    "(x.T @ x).mean() - x.mean()",
    "(c @ c + b).sum() + (c @ b).sum() + (b @ w.T).sum()",
    "(t * t + t * t * t + 0.5).log()",
    "(x.sum(0) * [[1], [2]] + x.mean(axis=-1).sum()).mean() / x.sum(axis=1).mean()",
    "(c @ c.T.sum(0)).exp().sum() * 1e-9",
    "((x + [[1, 0, -1]]) * [[2], [-0.5]]).relu().sum()",
    "x.sum() - (1 - t) - (2 / t) + t",
]


def as_text(value):
    return str(np.asarray(value).tolist()).replace(" ", "")


@pytest.fixture(scope="module")
def read():
    lines = "\n".join(f"{k} = {as_text(v)}" for k, v in NUMBERS.items())
    texts = [f"{lines}\n{expression}" for expression in RIGHT]
    return dict(zip(RIGHT, run_in_node(PARSE, texts), strict=True))


@pytest.mark.parametrize("expression", RIGHT)
def test_an_expression_is_what_python_makes_of_it(read, expression):
    values = {name: Value(data) for name, data in NUMBERS.items()}
    L = eval(expression, {}, values)
    L.backward()
    found = read[expression]
    assert "message" not in found, found
    assert found["loss"] == pytest.approx(float(L.data), rel=1e-12)
    used = {name: v.grad for name, v in values.items() if v.grad is not None}
    assert found["gradients"].keys() == used.keys()
    for name, grad in used.items():
        assert np.allclose(grad.ravel(), found["gradients"][name], rtol=1e-12)


def test_functions_are_written_both_ways_and_new_names_get_numbers():
    pair = ["relu(x * w + b)", "(x * w + b).relu()"]
    one, other = run_in_node(PARSE, pair)
    assert one == other
    assert one["gradients"] == {"x": [-1.0], "w": [2.0], "b": [1.0]}


@pytest.fixture(scope="module")
def refused():
    return dict(zip(WRONG, run_in_node(PARSE, list(WRONG)), strict=True))


@pytest.mark.parametrize("text", WRONG, ids=lambda text: ascii(text)[:40])
def test_a_wrong_expression_is_answered_with_its_place(refused, text):
    at, words = WRONG[text]
    found = refused[text]
    assert words in found.get("message", ""), found
    assert len(found["message"]) < 140
    if at is not None:
        assert found["at"] == at, found


STATE = """
const run = (text) => {
  const graph = parse("w = [1, 2]\\nb = 3\\n(w * b).sum()");
  try {
    const state = decodeState(text);
    graph.setLeaves(state.leaves);
    const {leaves, ...rest} = state;
    return {...rest, again: encodeState(state), loss: graph.loss};
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {message: error.message, loss: graph.loss};
  }
};
"""


def test_broken_addresses_are_answered_and_change_nothing():
    for text, found in zip(BROKEN, run_in_node(STATE, list(BROKEN)), strict=True):
        if BROKEN[text]:
            assert BROKEN[text] in found["message"], (text[:40], found)
        assert found["loss"] == 9


def test_an_address_says_again_what_it_said():
    text = "g2_17*v0_0.5_-1e-7*v1_-2*r0.05*o1*s12*ex * x + e * 2"
    (found,) = run_in_node(STATE, [text])
    assert found.pop("again") == text
    assert found.pop("loss") == pytest.approx((0.5 - 1e-7) * -2)
    assert found == {
        "step": 12,
        "rate": 0.05,
        "optimiser": 1,
        "exercise": {"grade": 2, "seed": 17},
        "text": "x * x + e * 2",
    }
