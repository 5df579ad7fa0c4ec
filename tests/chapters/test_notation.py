"""What Part I computes under a name of the notation has the kind and shape given."""

import ast
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from backprop_book import Value
from chapter_files import CHAPTERS, ROOT

THEORY = [
    *("chain_rule", "vector_derivatives", "matrix_derivatives"),
    *("backpropagation", "cost_and_modes"),
]
BY_NAME = {chapter.name: chapter for chapter in CHAPTERS}
SIZE = r"[A-Z](?:_\{\\mathrm\{\w+\}\})?"


def network_rows():
    """Return name to kind and shape, of the notation's table of the network."""
    table = BY_NAME["notation"].text.split("## The network")[1].split("\n## ")[0]
    rows = {}
    for line in re.findall(r"^\| \$.*\|$", table, re.MULTILINE):
        _, names, kind, shape, _ = re.split(r"\s*\|\s*", line)[1:-1]
        sizes = tuple(re.findall(SIZE, shape)) if shape else None
        for name in re.findall(r"`(\w+)`", names):
            rows[name] = kind, sizes
    return rows


ROWS = network_rows()


def complaints(names, namespace):
    """Return what is wrong with the values that one cell gave to these names."""
    found, sizes = [], {}
    for name in names:
        kind, shape = ROWS.get(name, ROWS.get(upper(name), (None, None)))
        value = namespace[name]
        data = value.data if isinstance(value, Value) else value
        if kind is None or callable(data):
            continue
        if name in ("g", "G") and "X" not in names:
            continue  # the upstream gradient of some other step
        if kind == "arrays by layer":
            # H and b without an index are numbers in other sections.
            if not isinstance(data, dict | list | int | float | np.ndarray):
                found.append(f"{name}: {type(data).__name__}, not {kind}")
            continue
        came = np.shape(data)
        if kind.startswith("number"):
            if came:
                found.append(f"{name}: shape {came}, not one number")
            continue
        one_sample = name not in ROWS
        expected = shape if not one_sample else tuple(s for s in shape if s != "N")
        if one_sample and not came:
            continue  # chain_rule: every letter is a number
        if len(came) != len(expected):
            found.append(f"{name}: shape {came}, not {expected}")
            continue
        for symbol, size in zip(expected, came, strict=True):
            if sizes.setdefault(symbol, size) != size:
                found.append(f"{name}: {symbol} is {size} and {sizes[symbol]}")
    return found


def upper(name):
    """Return the name for a batch, of a name for one sample."""
    head, _, tail = name.rpartition("grad_")
    return f"{'grad_' if head or name.startswith('grad_') else ''}" + (
        tail[:1].upper() + tail[1:]
    )


def assigned(source):
    """Return the names that a cell sets outside of functions."""
    return {
        node.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        for node in ast.walk(target)
        if isinstance(node, ast.Name)
    }


def test_the_table_is_read_whole():
    letters = {"X", "Y", "W1", "W2", "Z1", "H1", "Y_hat", "E", "L", "G"}
    gradients = {"grad_W2", "grad_H1", "grad_Z1", "grad_W1"}
    assert letters | gradients <= ROWS.keys()
    assert ROWS["grad_W1"] == ("array", (r"D_{\mathrm{in}}", "H"))
    assert ROWS["lr"] == ("number", ())


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("W1", np.zeros((3, 4)), True),  # its transpose, beside X of 5 samples
        ("W1", np.zeros((2, 4)), False),
        ("Z1", np.zeros((4, 5)), True),
        ("y_hat", np.zeros((1, 2)), True),
        ("lr", np.zeros(1), True),
        ("grad_W1", np.zeros((4, 2)), True),
    ],
)
def test_a_wrong_shape_is_found(name, value, wrong):
    values = {"X": np.zeros((5, 2)), "H1": np.zeros((5, 4)), name: value}
    assert bool(complaints(values, values)) == wrong


@pytest.mark.parametrize("name", THEORY)
def test_names_have_the_kind_and_shape_of_the_notation(name, monkeypatch):
    monkeypatch.chdir(ROOT / "chapters")
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    namespace, seen, found = {}, set(), []
    for cell in BY_NAME[name].code:
        exec(compile(cell.source, name, "exec"), namespace)
        names = sorted(assigned(cell.source) & namespace.keys())
        seen |= {n for n in names if n in ROWS}
        found += complaints(names, namespace)
    assert not found
    assert {"X", "W1", "W2", "Y", "L"} <= seen or name == "vector_derivatives"
