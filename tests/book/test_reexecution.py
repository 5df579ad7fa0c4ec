"""Executed a second time, every chapter prints what its page shows; times apart."""

import os
import re
import subprocess
import sys

import pytest

from chapter_files import NOTEBOOKS

TAG = "nbval-ignore-output"
# A measured time or a ratio of two: a number, then its unit.
MEASURED = re.compile(r"\d\s*(?:ns|µs|ms|s|times)\b")


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_second_execution_prints_the_same(book, chapter, tmp_path):
    # The reader's own history is left alone, and its lock can't hold a kernel up.
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--nbval", "-q", "--no-header"),
            *("-p", "no:cacheprovider", "-o", "addopts=", "-o", "filterwarnings="),
            *("--nbval-cell-timeout", "120", "--timeout", "150"),
            str(book.notebook_path(chapter.name)),
        ],
        env=environment,
        timeout=400,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
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
