"""Run a chapter's own code cells, so that a test asserts on what its page shows."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt

from chapter_files import NOTEBOOKS


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
    (chapter,) = [c for c in NOTEBOOKS if c.name == name]
    namespace = {"__name__": f"cells_of_{name}"}
    settings = mpl.rcParams.copy()
    plt.switch_backend("agg")
    try:
        with warnings.catch_warnings():
            # plt.show() on a backend that shows nothing
            warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-inter")
            for number, cell in enumerate(chapter.code, start=1):
                code = compile(cell.source, f"{name}.md, code cell {number}", "exec")
                exec(code, namespace)
                plt.close("all")
    finally:
        mpl.rcParams.update(settings)
    return namespace
