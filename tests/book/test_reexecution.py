"""Executed a second time, every chapter prints what its page shows; times apart.

The second time begins as a student does who was handed the chapter: in the handout's
folder, without a solution, and with every answer empty. Then come the chapter's
exercises once more, now with their solutions.
"""

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from chapter_files import NOTEBOOKS

TAG = "nbval-ignore-output"
LIMIT = 280  # seconds; the longest chapter takes a third of that on a slow machine
# A measured time or a ratio of two: a number, then its unit.
MEASURED = re.compile(r"\d\s*(?:ns|µs|ms|s|times)\b")


def execute_again(path, ipython_folder):
    """Execute a notebook and compare with what it holds; return what nbval says.

    A kernel that never answers says nothing of the chapter: it gets a second chance.
    """
    command = [
        *(sys.executable, "-m", "pytest", "-p", "nbval.plugin", "-p", "pytest_timeout"),
        *("-p", "no:cacheprovider", "-o", "addopts=", "-o", "filterwarnings="),
        *("--nbval", "-q", "--no-header", "--nbval-cell-timeout", "120"),
        *("--timeout", "150", str(path)),
    ]
    # The reader's own history is left alone, and its lock can't hold a kernel up.
    environment = os.environ | {"IPYTHONDIR": str(ipython_folder)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the others take seconds
    for _ in range(2):
        with suppress(subprocess.TimeoutExpired):
            return subprocess.run(
                command,
                env=environment,
                timeout=LIMIT,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )
    pytest.fail(f"{path.name}: twice no end within {LIMIT} s")


def code_of(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


def with_outputs(handed_out, executed):
    """Return the handout's code cells with the outputs that the page shows."""
    setup, *cells = code_of(handed_out.cells)
    assert setup.source.startswith("try:\n    import backprop_book\n")
    page = iter(code_of(executed.cells))
    found = [next((c for c in page if c.source == cell.source), None) for cell in cells]
    assert None not in found, "the handout has a cell that the page has not, there"
    return [setup, *found]


def exercises_of(executed):
    """Return the chapter's code cells from its first exercise on."""
    inside = ["::{exercise}" in cell.source for cell in executed.cells]
    return code_of(executed.cells[inside.index(True) :]) if any(inside) else []


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_second_execution_prints_the_same(book, chapter, handout, tmp_path):
    folder = shutil.copytree(handout, tmp_path / "handout")
    path, executed = folder / f"{chapter.name}.ipynb", book.notebook(chapter.name)
    notebook = nbformat.read(path, as_version=4)
    students = with_outputs(notebook, executed)
    printed = "".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in students
        for output in cell.outputs
    )
    exercises = chapter.text.count(":::{exercise}")
    assert printed.count("Not answered yet") == exercises

    notebook.cells = [
        new_code_cell(**{k: v for k, v in cell.items() if k != "id"})  # some come twice
        for cell in students + exercises_of(executed)
    ]
    nbformat.write(notebook, path)
    result = execute_again(path, tmp_path / "ipython")
    assert result.returncode == 0, f"{chapter}:\n{result.stdout[-6000:]}{result.stderr}"
    assert f"{len(notebook.cells)} passed" in result.stdout
    withheld = len(code_of(executed.cells)) - (len(students) - 1)
    assert (withheld > 0) == (exercises > 0)


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_the_tag_for_measured_times_hides_nothing_else(book, chapter):
    for cell in book.notebook(chapter.name).cells:
        tags = cell.metadata.get("tags", [])
        assert not [t for t in tags if t.startswith("nbval") and t != TAG], cell.source
        if TAG not in tags:
            continue
        assert re.search(r"perf_counter|timeit", cell.source), (
            f"{chapter}: tagged, but measures no time:\n{cell.source}"
        )
        for output in cell.outputs:
            if "image/svg+xml" in output.get("data", {}):
                assert "plt.show()" in cell.source, f"{chapter}: hides {output}"
                continue  # a figure drawn from the measured times
            assert output.output_type == "stream", f"{chapter}: hides {output}"
            for line in output.text.splitlines():
                assert not line.strip() or MEASURED.search(line), (
                    f"{chapter}: hides a line with no measured time in it: {line!r}"
                )
