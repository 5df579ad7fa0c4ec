"""What a teacher hands out: no solution is anywhere in it, and the code is complete.

That it runs, with every answer empty, is in `tests/book/test_reexecution.py`.
"""

import re
import subprocess
import sys
import tomllib

import nbformat
import pytest

from chapter_files import LESSONS, NOTEBOOKS, ROOT
from handout import write_handout


def solutions(chapter):
    """Yield text and code of each solution and of each answer to a question."""
    inside = False
    for cell in chapter.notebook.cells:
        if cell.cell_type == "code":
            if inside:
                yield cell.source
            continue
        gates = re.split(r"^:::\{solution-(start|end)\}.*\n", cell.source, flags=re.M)
        for part in gates:
            if part in ("start", "end"):
                inside = part == "start"
            elif inside:
                yield part.split(":::\n", 1)[-1].strip()
    yield from re.findall(r"^:::\{dropdown\}.*\n(.*?)\n:::$", chapter.text, re.M | re.S)


def sentences(chapter):
    """Return all lines that solutions have and the rest of the chapter has not."""
    lines = {line.strip() for text in solutions(chapter) for line in text.splitlines()}
    counts = chapter.text.splitlines()
    stripped = [line.strip() for line in counts]
    return {
        line
        for line in lines
        if len(line) > 20 and not line.startswith(":") and stripped.count(line) == 1
    }


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_no_solution_and_no_answer_is_handed_out(handout, chapter):
    notebook = nbformat.read(handout / f"{chapter.name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    secret = sentences(chapter)
    assert len(secret) >= 8, f"{chapter}: found {len(secret)} lines of solutions"
    assert not [line for line in secret if line in text]
    for word in ("Solution", "Answer</b>", "<details>"):
        assert word not in text


def test_no_file_of_the_handout_holds_a_whole_solution(handout):
    files = [path for path in handout.rglob("*") if path.is_file()]
    everything = "\n".join(path.read_text(encoding="utf-8") for path in files)
    cells = [
        text for chapter in LESSONS for text in solutions(chapter) if len(text) > 40
    ]
    assert len(cells) > 2 * sum(c.text.count(":::{exercise}") for c in LESSONS)
    for text in cells:
        assert text not in everything
        # As it would stand in a notebook's file.
        assert (
            nbformat.v4.writes_json(
                nbformat.v4.new_notebook(cells=[nbformat.v4.new_raw_cell(text)])
            )
            .split('"source": [')[1]
            .split("]")[0]
            .strip()
            not in everything
        )


def test_the_code_beside_the_notebooks_is_all_that_the_package_needs(handout, tmp_path):
    settings = tomllib.loads((handout / "code" / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "backprop-book"
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--target", str(tmp_path), str(handout / "code")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    library = ROOT / "lib" / "backprop_book"
    for path in [*library.rglob("*.py"), *library.rglob("*.json")]:
        installed = tmp_path / "backprop_book" / path.relative_to(library)
        assert installed.read_bytes() == path.read_bytes()


def test_the_readme_names_every_notebook(handout):
    readme = (handout / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"\]\((\w+)\.ipynb\)", readme)
    assert sorted(named) == sorted(chapter.name for chapter in NOTEBOOKS)
    assert "pip install ./code" in readme


def test_the_same_book_gives_the_same_zip(tmp_path):
    for name in ("one.zip", "two.zip"):
        write_handout(ROOT, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
