"""Answers to the exercises of the lab on the engine, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests


def sigmoid(share, data="1 / (1 + np.exp(-number.data))", edge="(number, {})"):
    return f"""
import math, operator
from functools import partial
def answer(number):
    a = number.data
    c = {data}
    out = Number(c, {edge.format(share)})
    return out
"""


replies, test_reply, test_every_exercise = answer_tests(
    "lab_engine",
    {
        "ex-engine-sigmoid": Forms(
            right=[
                sigmoid("lambda G: G * c * (1 - c)"),
                sigmoid("lambda G: G * c * (1 - c)", "1 / (1 + math.exp(-a))"),
                sigmoid("lambda G, c=c: c * (1 - c) * G", "0.5 * (1 + np.tanh(a / 2))"),
                sigmoid("lambda G: out.data * (1 - out.data) * G"),
                sigmoid("partial(lambda c, G: c * (1 - c) * G, c)"),
                sigmoid("partial(operator.mul, c * (1 - c))"),
                sigmoid("partial(lambda G, c: c * (1 - c) * G, c=c)"),
                "lambda n: (lambda c: Number(c, (n, lambda G: (c - c * c) * G)))"
                "(1 / (1 + np.exp(-n.data)))",
            ],
            wrong={
                sigmoid("lambda G: G * np.exp(-a) * c**2"): "keeps the input",
                sigmoid("lambda G: G * c * (1 - 1 / (1 + np.exp(-number.data)))"): (
                    "keeps the input"
                ),
                sigmoid("lambda G, a=a: G * np.exp(-a) * c**2"): "keeps the input",
                sigmoid(
                    "partial(lambda a, G: G * np.exp(-a) / (1 + np.exp(-a))**2, a)"
                ): ("keeps the input"),
                sigmoid(
                    "partial(lambda G, n: n.data * G, n=number)"
                ): "keeps the input",
                sigmoid("lambda G: c * (1 - c)"): "the closure leaves G out",
                sigmoid("lambda G: G * c * (1 + c)"): "entries are off",
                sigmoid("lambda G: G * c * (1 - c)", "np.tanh(a)"): "as its data",
                sigmoid("", edge=""): "expected one edge, to the input",
                sigmoid("lambda G: G * c * (1 - c)", edge="*(number, {})"): (
                    "a pair with it"
                ),
                "lambda number: 1 / (1 + np.exp(-number.data))": "expected a Number",
            },
        ),
        "ex-engine-order": Forms(
            right=[
                "[4, 24]",
                "(4.0, 24.0)",
                "np.array([4, 24])",
                "torch.tensor([4, 24])",
            ],
            wrong={
                "[24, 24]": "24 is right, but the friend misses it once",
                "[24, 4]": "the two are the other way round",
                "[4, 4]": "1 of 2 entries are off",
                "4": "expected shape (2,)",
            },
        ),
    },
)
