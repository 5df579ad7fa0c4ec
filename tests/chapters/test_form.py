"""Every chapter is in normal form, and its code is clean."""

import difflib
import re
import subprocess
import sys
from pathlib import Path

import jupytext
import pytest
from jupytext.config import load_jupytext_config

from chapter_files import CHAPTERS, NOTEBOOKS, ROOT

RUFF = [sys.executable, "-m", "ruff"]
# A lesson may import where it needs the name, show a value by its name alone, and write
# a loss as a lambda.
CODE_RULES = [
    *("--select", "E,F,W,B"),
    *("--ignore", "E402,E731,B018,B023"),
    *("--line-length", "88"),
]


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_jupytext_normal_form(chapter):
    config = load_jupytext_config(str(ROOT))
    normal = jupytext.writes(chapter.notebook, "md:myst", config=config)
    difference = "".join(
        difflib.unified_diff(
            chapter.text.splitlines(keepends=True),
            normal.splitlines(keepends=True),
            f"{chapter.name}.md as it is",
            f"{chapter.name}.md in normal form (run `make format`)",
        )
    )
    assert not difference, f"\n{difference}"


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_code_is_formatted(chapter, tmp_path):
    for number, cell in enumerate(chapter.code):
        (tmp_path / f"cell_{number}.py").write_text(cell.source + "\n", "utf-8")
    result = subprocess.run(
        [*RUFF, "format", "--isolated", "--line-length", "88", "--diff", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{chapter}: run `make format`\n{result.stdout}"


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_code_has_no_unused_or_undefined_names(chapter):
    result = subprocess.run(
        [*RUFF, "check", "--isolated", *CODE_RULES, "-"],
        input="\n\n".join(cell.source for cell in chapter.code) + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{chapter}:\n{result.stdout}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_equations_and_sections_are_referenced_by_label(chapter):
    typed = re.findall(r"\b(?:[Ee]quation|[Ss]ection|[Ff]igure)s? \(?\d+", chapter.text)
    assert not typed, f"{chapter}: typed numbers {typed}"


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_no_path_and_no_network(chapter):
    code = "\n".join(cell.source for cell in chapter.code)
    for word in ("sys.path", "load_dataset", "http://", "https://", "urlopen"):
        assert word not in code, f"{chapter}: {word} in a code cell"


def test_no_notebook_is_committed():
    listed = subprocess.run(
        ["git", "ls-files", "*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout == ""
    assert Path(ROOT / ".git").exists()
