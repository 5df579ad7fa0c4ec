"""The page reads what the engine would compute, and answers all else with its place."""

import numpy as np
import pytest

from backprop_book import Value
from play_in_node import run_in_node

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


# Each with the place, counted from 0, and words of the answer.
WRONG = {
    "": (0, 'expected a number, a name, "(" or "[", got the end'),
    "x +": (3, 'a name, "(" or "[", got the end'),
    "x * / y": (4, 'got "/"'),
    "(x + y": (6, 'expected an operator or ")", got the end'),
    "x + y)": (5, "expected an operator or the end of the line"),
    "x y": (2, "expected an operator or the end of the line"),
    "x ^ 2": (2, "a power is written **"),
    "x ** y": (4, "expected a number as the exponent"),
    "x ** x ** 2": (4, "expected a number as the exponent"),
    "sin(x)": (0, "expected one of exp, log, tanh, relu"),
    "x.sin()": (2, "expected one of exp"),
    "x.constructor()": (2, "expected one of exp"),
    "x.__proto__": (11, 'expected "("'),
    "constructor(1)": (0, "expected one of exp"),
    "relu": (4, 'expected "(" after relu'),
    "relu()": (5, "expected a number, a name"),
    "relu(x, y)": (6, 'expected ")"'),
    "x.sum(axis=2)": (2, "axes 2: expected different axes of 0"),
    "x.sum(colour=1)": (6, "expected an axis"),
    "x[0]": (1, "expected an operator or the end of the line"),
    "x.reshape(1)": (2, "expected one of exp"),
    "x.sum(axis=0, 1)": (12, 'expected ")"'),
    "x.sum(0.5)": (6, "expected a whole number"),
    "[1, 2] + x": (10, "the result has shape (2,): expected a single number"),
    "a=[1,2]\nb=[1,2,3]\n(a*b).sum()": (20, "shapes (2,) and (3,) don't fit together"),
    "a=[[1,2]]\n(a @ a).sum()": (13, "as many columns left as rows"),
    "x @ 2": (2, "expected as many columns"),
    "[[1, 2], [3]].sum()": (0, "rows of the same length"),
    "[[[[1]]]].sum()": (3, "lists at most three deep"),
    "[].sum()": (1, "expected a number"),
    "[1, y].sum()": (4, "expected a number"),
    "[1, 2": (5, 'expected "," or "]"'),
    "x = 1\nx = 2": (6, "a name that isn't taken yet"),
    "= 2": (0, 'got "="'),
    "1e999 * x": (0, "expected a finite number"),
    "x = 1 / 0": (2, "finite numbers"),
    "x + 'a'": (4, "unexpected character"),
    'x + "a"': (4, "unexpected character"),
    "x; alert(1)": (3, "expected one of exp"),
    "<script>alert(1)</script>": (0, "unexpected character"),
    "x<img src=x onerror=alert(1)>": (1, "unexpected character"),
    "${alert(1)}": (0, "unexpected character"),
    "`x`": (0, "unexpected character"),
    "x => x": (3, "unexpected character"),
    "x && y": (2, "unexpected character"),
    "x\\u0041": (1, "unexpected character"),
    "λ + 1": (0, "unexpected character"),
    "\U0001d4b3 + 1": (0, 'unexpected character "\U0001d4b3"'),
    "x\u202e + 1": (1, "unexpected character"),
    "\x00": (0, "unexpected character"),
    "x?.y": (1, "unexpected character"),
    "{}": (0, "unexpected character"),
    "x.y.z": (3, 'expected "("'),
    "x..sum()": (2, "a method such as"),
    "x.sum": (5, 'expected "("'),
    "1 2": (2, "expected an operator"),
    "2 x": (2, "expected an operator"),
    "x" * 21: (0, "a name of at most 20 letters"),
    "y" * 21 + " = 1": (0, "a name of at most 20 letters"),
    "x" * 1_000_000: (0, "at most 2000 characters, got 1000000"),
    "(" * 1000 + "x" + ")" * 900: (40, "at most 40 levels of nesting"),
    "-" * 1500 + "x": (40, "at most 40 levels of nesting"),
    "x" + "**2" * 5 + "**x": (18, "expected a number as the exponent"),
    "x + +x": (4, 'got "+"'),
    "x" + " + x" * 400: (None, "at most 60 operations"),
    "+".join(["relu(x)"] * 45): (None, "at most 60 nodes, got"),
    "a = [" + "1," * 99 + "1]\na.sum()": (4, "at most 60 numbers in an array"),
}


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
    setLeaves(graph, state.leaves);
    const {leaves, ...rest} = state;
    return {...rest, again: encodeState(state), loss: graph.loss};
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return {message: error.message, loss: graph.loss};
  }
};
"""
BROKEN = {
    "x": "unknown part",
    "s": "unknown part",
    "s-1": "unknown part",
    "s1e3": "unknown part",
    "s99999": "unknown part",
    "snan": "unknown part",
    "v0": "unknown part",
    "v0_": "unknown part",
    "v0_1": "don't fit",
    "v0_1_2_3": "don't fit",
    "v0_NaN_1": "unknown part",
    "v0_Infinity_1": "unknown part",
    "v0_1e999_1": "out of range",
    "v0_1.2.3_1": "out of range",
    "v2_1": "don't fit",
    "v77_1": "don't fit",
    "v999_1": "unknown part",
    "r": "unknown part",
    "r1e999": "out of range",
    "r--": "out of range",
    "o10": "unknown part",
    "g4_1": "unknown part",
    "g1": "unknown part",
    "g1_1234567890": "unknown part",
    "__proto__": "unknown part",
    "s1*constructor": "unknown part",
    "s1*<script>alert(1)</script>": "unknown part",
    "%00": "unknown part",
    "s1**": "",
    "s" * 1_000_000: "at most 4000 characters",
}


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
