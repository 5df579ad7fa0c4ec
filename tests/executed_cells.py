"""Run a chapter's own code cells, so that a test asserts on what its page shows."""

import contextlib
import warnings
from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
from nbformat import NotebookNode

from chapter_files import NOTEBOOKS, ROOT, Chapter


def chapter_named(name: str) -> Chapter:
    """Return the chapter whose file has that name."""
    (chapter,) = [c for c in NOTEBOOKS if c.name == name]
    return chapter


@contextlib.contextmanager
def in_chapters_folder() -> Iterator[None]:
    """Be where a chapter's kernel is, with figures that open no window."""
    settings = mpl.rcParams.copy()
    plt.switch_backend("agg")
    try:
        with contextlib.chdir(ROOT / "chapters"), warnings.catch_warnings():
            # plt.show() on a backend that shows nothing
            warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-inter")
            yield
    finally:
        mpl.rcParams.update(settings)


def execute_cell(cell: NotebookNode, where: str, namespace: dict) -> None:
    """Execute one code cell and close what it has drawn."""
    exec(compile(cell.source, where, "exec"), namespace)
    plt.close("all")


def execute_cells(name: str) -> dict[str, object]:
    """Execute the code cells of one chapter in order, and return their names.

    Parameters
    ----------
    name : str
        The chapter's file name without its ending.

    Returns
    -------
    dict
        All that the cells define at top level, as it is after the last one. A name that
        a later cell gives to something else holds the later value.
    """
    namespace = {"__name__": f"cells_of_{name}"}
    with in_chapters_folder():
        for number, cell in enumerate(chapter_named(name).code, start=1):
            execute_cell(cell, f"{name}.md, code cell {number}", namespace)
    return namespace
