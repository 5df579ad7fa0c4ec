"""What Parts I and II compute under a name of the notation has its kind and shape."""

import re
import sys

import numpy as np
import pytest

from backprop_book import Value
from chapter_files import CHAPTERS
from executed_cells import chapter_named, execute_cell, in_chapters_folder

THEORY = [
    *("chain_rule", "vector_derivatives", "matrix_derivatives"),
    *("backpropagation", "cost_and_modes"),
]
LABS = [
    *("lab_data", "lab_numpy", "lab_tensor", "lab_autograd", "lab_engine"),
    *("lab_nn", "lab_optim"),
]


def network_rows():
    """Return name to kind and shape, of the notation's table of the network."""
    (page,) = [chapter for chapter in CHAPTERS if chapter.name == "notation"]
    table = page.text.split("## The network")[1].split("\n## ")[0]
    rows = {}
    for line in re.findall(r"^\| \$.*\|$", table, re.MULTILINE):
        _, names, kind, shape, _ = re.split(r"\s*\|\s*", line)[1:-1]
        sizes = tuple(re.findall(r"[^(), $]+", shape)) if shape else None
        for name in re.findall(r"`(\w+)`", names):
            rows[name] = kind, sizes
    return rows


ROWS = network_rows()


def complaints(values):
    """Return what is wrong with the values that one cell or one call gave to names."""
    found, sizes = [], {}
    for name, value in values.items():
        kind, shape = ROWS.get(name, ROWS.get(upper(name), (None, None)))
        one_sample = name not in ROWS
        data = value.data if isinstance(value, Value) else value
        if kind is None or callable(data):
            continue
        if name in ("g", "G") and "X" not in values:
            continue  # the upstream gradient of some other step
        if kind == "arrays by layer":
            if one_sample or not isinstance(data, dict | list):
                continue  # without layers these letters are the section's own
            layers = data.values() if isinstance(data, dict) else data
            ranks = {np.ndim(layer) for layer in layers}
            if ranks != {len(shape)}:
                found.append(f"{name}: {ranks} dimensions, not {shape}")
            continue
        came = np.shape(data)
        if kind.startswith("number"):
            if came:
                found.append(f"{name}: shape {came}, not one number")
            continue
        expected = tuple(s for s in shape if s != "N") if one_sample else shape
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


def executed(name):
    """Yield, of a chapter, the names that each cell uses and that each call has.

    Calls are those of functions that the chapter or a file ``train_*.py`` defines.
    """
    calls, namespace = [], {}

    def on_return(frame, event, _):
        file = frame.f_code.co_filename
        inside = frame.f_code.co_name != "<module>"
        if event == "return" and inside and (file == name or "/train_" in file):
            # A check may change a bias for each sample, or pass one sample.
            known = ROWS.keys() - {"W", "b", "H", "delta"}
            calls.append({k: v for k, v in frame.f_locals.items() if k in known})

    with in_chapters_folder():
        for cell in chapter_named(name).code:
            sys.setprofile(on_return)
            try:
                execute_cell(cell, name, namespace)
            finally:
                sys.setprofile(None)
            used = compile(cell.source, name, "exec").co_names
            yield {k: namespace[k] for k in used if k in namespace}
            yield from calls
            calls.clear()


def test_the_table_is_read_whole():
    letters = {"X", "Y", "W1", "W2", "Z1", "H1", "Y_hat", "E", "L", "G"}
    gradients = {"grad_W2", "grad_H1", "grad_Z1", "grad_W1"}
    assert letters | gradients <= ROWS.keys()
    assert ROWS["grad_W1"] == ("array", (r"D_{\mathrm{in}}", "H"))
    assert ROWS["lr"] == ("number", ())
    assert ROWS["W"] == ("arrays by layer", (r"D_{\ell-1}", r"D_\ell"))


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("W1", np.zeros((3, 4)), True),  # its transpose, beside X of 5 samples
        ("W1", np.zeros((2, 4)), False),
        ("Z1", np.zeros((4, 5)), True),
        ("y_hat", np.zeros((1, 2)), True),
        ("lr", np.zeros(1), True),
        ("grad_W1", np.zeros((4, 2)), True),
        ("W", {1: np.zeros((2, 4)), 2: np.zeros(4)}, True),
        ("W", [np.zeros((2, 4)), np.zeros((4, 3))], False),
        ("H", 4, False),
    ],
)
def test_a_wrong_shape_is_found(name, value, wrong):
    values = {"X": np.zeros((5, 2)), "H1": np.zeros((5, 4)), name: value}
    assert bool(complaints(values)) == wrong


@pytest.mark.parametrize("name", THEORY + LABS)
def test_names_have_the_kind_and_shape_of_the_notation(name):
    seen, found = set(), []
    for values in executed(name):
        seen |= values.keys() & ROWS.keys()
        found += complaints(values)
    assert not found
    letters = {"lab_data": {"X", "Y"}, "vector_derivatives": {"W1", "W2", "L"}}
    assert letters.get(name, {"X", "Y", "W1", "W2"}) <= seen
