"""The chapters as the tests read them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Chapter:
    """One file of ``chapters/``."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def text(self) -> str:
        """All of the file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def is_notebook(self) -> bool:
        """Whether Jupyter opens it as a notebook."""
        return "\nkernelspec:\n" in self.text

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """The chapter without outputs."""
        return jupytext.reads(self.text, "md:myst")

    @property
    def code(self) -> list[nbformat.NotebookNode]:
        """The code cells, in order."""
        return [cell for cell in self.notebook.cells if cell.cell_type == "code"]

    @cached_property
    def prose(self) -> str:
        """The text without its code cells and its header."""
        return "\n".join(
            cell.source for cell in self.notebook.cells if cell.cell_type == "markdown"
        )

    @property
    def labelled_equations(self) -> dict[str, str]:
        """Label to formula, of all numbered equations."""
        blocks = re.findall(
            r"^\$\$\n(.*?)\n\$\$ \(([^)]+)\)$", self.text, re.MULTILINE | re.DOTALL
        )
        return {label: formula for formula, label in blocks}

    def __str__(self) -> str:
        return self.name


CHAPTERS = [Chapter(path) for path in sorted((ROOT / "chapters").glob("*.md"))]
NOTEBOOKS = [chapter for chapter in CHAPTERS if chapter.is_notebook]
# The index has cells, but teaches no idea of its own: no exercises, no questions.
LESSONS = [chapter for chapter in NOTEBOOKS if chapter.name != "index"]


def toc_files() -> list[str]:
    """Return the files that ``_toc.yml`` names, in order, without their ending."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"]] + [
        chapter["file"] for part in toc["parts"] for chapter in part["chapters"]
    ]
