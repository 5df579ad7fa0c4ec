"""The explorer: a graph of the engine that a reader steps through and changes.

Its scripts and its style sheet are the plain files in ``play/``. A page of the site
loads them once, as one file; a notebook carries them in the output.
"""

from pathlib import Path

import numpy as np

from backprop_book.engine import Value, topological_order

FOLDER = Path(__file__).with_name("play")
PARTS = ("arrays", "operations", "graph", "parse", "address")


def script() -> str:
    """Return the explorer as one classic script: modules don't load from a disk."""
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in PARTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"


def graph_nodes(value: Value) -> list[dict[str, object]]:
    """Return the graph of a value, as the explorer takes it."""
    places: dict[object, int] = {}
    nodes: list[dict[str, object]] = []

    def add(key: object, **node: object) -> None:
        places[key] = len(nodes)
        nodes.append(node)

    for node in topological_order(value):
        if not node.op:
            add(node, op="leaf", name=node.name, **_data(node.data))
            continue
        for operand in node.operands:
            if not isinstance(operand, Value) and id(operand) not in places:
                add(id(operand), op="constant", **_data(np.asarray(operand, float)))
        operands = [places[x if isinstance(x, Value) else id(x)] for x in node.operands]
        add(node, op=node.op, name=node.name, operands=operands, **_told(node))
    return nodes


def _data(array: np.ndarray) -> dict[str, object]:
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def _told(node: Value) -> dict[str, object]:
    """Return what an operation was told; an index as the entries that it takes."""
    options = dict(node.options)
    if node.op == "[]":
        before = node.operands[0].data
        taken = np.arange(before.size).reshape(before.shape)[options["index"]]
        return {"shape": list(node.data.shape), "taken": taken.ravel().tolist()}
    if node.op == "reshape":
        return {"shape": list(node.data.shape)}
    if node.op == "T":
        return {"axes": np.ravel(options["axes"]).astype(int).tolist()}
    if node.op == "sum" and options["axis"] is not None:
        options["axis"] = np.ravel(options["axis"]).tolist()
    return options
