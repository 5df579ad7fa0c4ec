"""The explorer: a graph of the engine that a reader steps through and changes.

Its scripts and its style sheet are the plain files in ``play/``. A page of the site
loads them once, as one file. A notebook carries them in each output, as HTML with a
script inside: JupyterLab and VS Code insert that into their own page, and Colab shows
it in a frame. It asks for no extension, no kernel and no network.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from backprop_book.arguments import (
    check_finite,
    check_integer,
    check_kind,
    check_positive,
    expect,
    real_array,
)
from backprop_book.engine import Value
from backprop_book.graph_data import Graph, Node
from backprop_book.graph_drawing import GraphPicture, draw

FOLDER = Path(__file__).with_name("play")
PARTS = (
    *("arrays", "operations", "graph", "parse", "address"),
    *("page", "rules", "layout", "practise", "tools", "explorer", "start"),
)
MOST_ENTRIES = 60


@dataclass(frozen=True, repr=False)
class Explorer:
    """What a notebook shows: the picture of a graph, which a script brings to life."""

    picture: GraphPicture
    graph: Graph
    goal: dict[str, Any]
    content: str  # what the script needs to know, as JSON

    def __repr__(self) -> str:
        return self.picture.alt

    def _repr_html_(self) -> str:
        return (
            f'<div data-backprop-play="{escape(self.content)}">{self.picture.html}'
            f"</div>\n<script data-backprop-script>{script()}</script>"
        )


def play(
    value: Value,
    *,
    names: Mapping[str, object] | None = None,
    goal: str | None = None,
    presets: Mapping[str, Mapping[str, object]] | None = None,
    learn: float | None = None,
    parameters: Iterable[str] | None = None,
    valley: Mapping[str, tuple[float, float]] | None = None,
    write: str | None = None,
    practise: int | None = None,
    seed: int = 1,
) -> Explorer:
    """Show the graph that ``value`` was computed from, to step through and to change.

    The numbers of leaves can be typed or dragged, and gradients are checked by central
    differences. Where no script runs, the picture that `draw` makes is shown.

    Parameters
    ----------
    value : Value
        A single number; its graph has at most 60 nodes, and arrays of 60 numbers.
    names : mapping of name to Value or array, optional
        As for `draw`. The other arguments name leaves and values by these names.
    goal : str, optional
        What the reader is to reach, such as ``"grad w1 == 0, L > 1"``: conditions on
        values and gradients, which hold for all entries; `check_goal` takes the answer.
    presets : mapping of label to mapping of leaf to numbers, optional
        Buttons that set leaves, and the learning rate as ``"rate"``.
    learn : float, optional
        Offers gradient descent, with this learning rate at first.
    parameters : names of leaves, optional
        What descent changes; all leaves if left out.
    valley : mapping of two leaves to (low, high), optional
        Shows the loss over two single weights.
    write : str, optional
        Offers a field for expressions with this text in it; it ought to say ``value``.
    practise : int, optional
        Asks for the gradients of random graphs instead: 1 for a chain, 2 where values
        are used twice and ReLU may block, 3 for arrays.
    seed : int
        Of the first of these graphs, from 1 to 999,999.

    Raises
    ------
    TypeError, ValueError
        An argument is not of this kind, or names what is not in the graph.
    """
    for name, given, kind, expected in (
        ("goal", goal, str, "conditions such as 'grad w == 0, L > 1'"),
        ("presets", presets, Mapping, "numbers of leaves by label"),
        ("parameters", parameters, Iterable, "names of leaves"),
        ("valley", valley, Mapping, "ranges of two leaves"),
        ("write", write, str, "an expression"),
    ):
        check_kind(name, given, kind | None, expected)
    graph = Graph(value, names)
    came = f"shape {value.data.shape}"
    expect(value.data.size == 1, "value", "a single number", came)
    options: dict[str, Any] = {}
    if goal is not None:
        options["goal"] = {"words": goal, "conditions": _conditions(graph, goal)}
    if presets is not None:
        options["presets"] = [_preset(graph, *preset) for preset in presets.items()]
    if valley is not None:
        expect(len(valley) == 2, "valley", "two leaves", len(valley))
        ids = [graph.leaf("valley", leaf, 1) for leaf in valley]
        options["valley"] = {"ids": ids, "ranges": [[*r] for r in valley.values()]}
    if learn is not None:
        check_positive("learn", learn)
        chosen = None
        if parameters is not None:
            chosen = [graph.leaf("parameters", leaf) for leaf in parameters]
        options["learn"] = {"rate": float(learn), "parameters": chosen}
    if write is not None:
        options["write"] = write
    if practise is not None:
        check_integer("practise", practise, 1, 3)
        check_integer("seed", seed, 1, 999_999)
        options["practise"] = {"grade": practise, "seed": seed}
    told = {"nodes": [_plain(node) for node in graph.nodes], "options": options}
    content = json.dumps(told, allow_nan=False)
    picture = draw(value, names=names, gradients=True)
    return Explorer(picture, graph, options.get("goal", {}), content)


def _conditions(graph: Graph, goal: str) -> list[list[object]]:
    """Return what a goal asks for: value or gradient, of what, and how large."""
    out = []
    for part in goal.split(","):
        match = re.fullmatch(r"\s*(grad )?(\w+) *(<|>|==) *(-?\d+(?:\.\d+)?)\s*", part)
        if not match:
            expected = "expected conditions such as 'grad w == 0, L > 1'"
            raise ValueError(f"goal: {expected}, got {part.strip()!r}")
        gradient, name, sign, number = match.groups()
        node = graph.find("goal", name)[-1]
        out.append(["g" if gradient else "v", node.id, sign, float(number)])
    return out


def _preset(graph: Graph, label: str, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset with places and flat numbers."""
    check_kind("presets", numbers, Mapping, "numbers of leaves by label")
    out: dict[str, Any] = {"label": label, "numbers": []}
    for name, data in numbers.items():
        if name == "rate":
            out["rate"] = float(data)
            continue
        flat = real_array("presets", data).astype(float).ravel().tolist()
        out["numbers"].append([graph.leaf("presets", name, len(flat)), flat])
    return out


def script() -> str:
    """Return the explorer as one classic script: modules don't load from a disk."""
    style = json.dumps((FOLDER / "play.css").read_text(encoding="utf-8"))
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in PARTS]
    code = "\n".join([f"const STYLE = {style};", *parts])
    return f'(() => {{\n"use strict";\n{code}}})();\n'


def _plain(node: Node) -> dict[str, object]:
    expected = f"at most {MOST_ENTRIES} numbers in an array"
    expect(node.value.size <= MOST_ENTRIES, "value", expected, f"shape {node.shape}")
    told = {
        key: np.ravel(option).tolist() if key in ("axis", "axes", "taken") else option
        for key, option in node.options.items()
        if option is not None
    }
    if not node.op:
        check_finite("value", node.value)
        told["data"] = node.value.ravel().tolist()
    return {
        "op": node.op or {"input": "leaf", "constant": "constant"}[node.kind],
        "name": node.name,
        "operands": [operand.id for operand in node.operands],
        "shape": list(node.shape),
        **told,
    }
