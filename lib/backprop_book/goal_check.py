"""Check numbers that a reader found in an explorer against its goal."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

from backprop_book.arguments import check_finite, check_kind, expect, real_array
from backprop_book.engine import Value
from backprop_book.graph_data import Node
from backprop_book.play import Explorer

FUNCTIONS: dict[str, Callable] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "@": operator.matmul,
    "neg": operator.neg,
    "**": lambda a, exponent: a**exponent,
    "T": lambda a, axes: a.transpose(*axes),
    "[]": lambda a, taken: a.reshape(-1)[taken],
}
COMPARE: dict[str, Callable] = {
    "<": np.less,
    ">": np.greater,
    "==": lambda a, b: abs(a - b) <= 1e-3,
}
LEAF = re.compile(r"v(\d+)((?:_-?[\d.]+(?:e[+-]?\d+)?)+)")  # a place, numbers
Leaves = dict[int, np.ndarray]


def check_goal(answer: object, explorer: Explorer) -> None:
    """Print whether the numbers that a reader found reach an explorer's goal.

    Parameters
    ----------
    answer : None, str or mapping of leaf to numbers
        The address of the page, which holds the numbers, or the numbers by name, such
        as ``{"w1": -1}``; other leaves stay as they were. None stands for a cell that
        was left empty.
    explorer : Explorer
        What `play` returned for a goal.

    Raises
    ------
    TypeError, ValueError
        There is no explorer, or it has no goal: the exercise is wrong.
    """
    check_kind("explorer", explorer, Explorer, "an Explorer")
    expect(explorer.goal, "explorer", "one with a goal", "one without")
    if answer is None:
        print("Not answered yet: put what you found in place of None.")
        return
    try:
        found: Callable = _from_address if isinstance(answer, str) else _from_names
        misses = [_missed(explorer, leaves) for leaves in found(answer, explorer)]
    except (TypeError, ValueError) as error:
        print(f"Not yet: {str(error).removeprefix('answer: ')}.")
        return
    # A page may have several explorers: its address holds what was changed in each.
    print("Right." if None in misses else f"Not yet: {misses[0]}.")


def recompute(nodes: list[Node], leaves: Leaves) -> list[Value]:
    """Return the values of a graph for other numbers in its leaves."""
    values: list = []
    for node in nodes:
        operands = [values[operand.id] for operand in node.operands]
        if node.kind == "constant":
            made: Any = node.value
        elif not node.op:
            made = Value(leaves.get(node.id, node.value))
        elif node.op == "reshape":
            made = operands[0].reshape(node.shape)
        else:
            function = FUNCTIONS.get(node.op) or getattr(Value, node.op)
            made = function(*operands, **node.options)
        values.append(made)
    return values


def _from_names(answer: Any, explorer: Explorer) -> Iterator[Leaves]:
    expected = "the page's address, or numbers by name such as {'w': 1.0}"
    check_kind("answer", answer, Mapping, expected)
    leaves = {}
    for name, numbers in answer.items():
        k = explorer.graph.leaf("answer", name)
        leaves[k] = real_array(name, numbers).astype(float)
        check_finite(name, leaves[k])
        shape, found = explorer.graph.nodes[k].shape, leaves[k].shape
        expect(found == shape, name, f"shape {shape}", found)
    yield leaves


def _from_address(address: str, explorer: Explorer) -> Iterator[Leaves]:
    found = re.findall(r"[?&]play\d+=([^&#]*)", address[:20_000])
    if not found:
        raise ValueError("expected an address with the explorer's numbers, ?play1=…")
    nodes = explorer.graph.nodes
    for state in found:
        leaves, fields = {}, unquote(state).partition("*e")[0].split("*")
        for match in filter(None, map(LEAF.fullmatch, fields)):
            k, numbers = int(match[1]), [float(x) for x in match[2][1:].split("_")]
            fits = k < len(nodes) and nodes[k].value.size == len(numbers)
            if fits and np.isfinite(numbers).all():
                leaves[k] = np.reshape(numbers, nodes[k].shape)
        yield leaves


def _missed(explorer: Explorer, leaves: Leaves) -> str | None:
    """Return the first condition that doesn't hold, in words."""
    with np.errstate(all="ignore"):
        values = recompute(explorer.graph.nodes, leaves)
        values[-1].backward()
    for kind, k, sign, number in explorer.goal["conditions"]:
        found = values[k].data if kind == "v" else values[k].grad
        wrong = found[~(COMPARE[sign](found, number) & np.isfinite(found))]
        if wrong.size:
            name = f"{'grad ' if kind == 'g' else ''}{explorer.graph.nodes[k].name}"
            entry = "" if found.size == 1 else "an entry of "
            return f"{entry}{name} is {wrong[0]:.4g}, and the goal is {sign} {number:g}"
    return None
