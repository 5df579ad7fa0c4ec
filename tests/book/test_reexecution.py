"""Executed a second time, every chapter prints what its page shows; times apart."""

import os
import re
import subprocess
import sys
from contextlib import suppress

import pytest

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


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_second_execution_prints_the_same(book, chapter, tmp_path):
    result = execute_again(book.notebook_path(chapter.name), tmp_path)
    assert result.returncode == 0, f"{chapter}:\n{result.stdout[-6000:]}{result.stderr}"
    compared = sum(
        cell.cell_type == "code" for cell in book.notebook(chapter.name).cells
    )
    assert f"{compared} passed" in result.stdout


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
