"""Put each chapter into the site as a plain notebook, with a button to download it.

Once the book has an address, the folder is also what the branch for Colab and Binder
holds: with the packages that the notebooks need, and the Python that Binder shall take.
"""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

from last_steps import add_last_step

REQUIREMENTS = """\
# What these notebooks need: pip install -r requirements.txt
# On Linux, PyPI's torch is the CUDA build, several GB large; this index has the CPU's.
--extra-index-url https://download.pytorch.org/whl/cpu
{torch}
jupyterlab
{book}
"""


def write_notebooks(app: Sphinx) -> None:
    """Write the plain notebooks, where a page was written."""
    if not app.pages_written:
        return
    import nbformat

    from plain_notebook import Book, plain_notebook

    source, target = Path(app.srcdir), Path(app.outdir) / "notebooks"
    book = Book(source)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for chapter in book.notebooks:
        notebook = plain_notebook(book, chapter.name)
        nbformat.write(notebook, target / f"{chapter.name}.ipynb")
    if requirement := book.addresses.requirement():
        lock = (source / "requirements.txt").read_text(encoding="utf-8")
        torch = re.search(r"^torch==\S+", lock, re.MULTILINE)[0]
        requirements = REQUIREMENTS.format(torch=torch, book=requirement)
        (target / "requirements.txt").write_text(requirements)
        (target / "runtime.txt").write_text("python-3.11\n")


def add_download_button(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Put the notebook at the head of the theme's list of downloads."""
    if not doctree or "kernelspec" not in app.env.metadata[pagename]:
        return
    name = pagename.rsplit("/", 1)[-1]
    button = {
        "type": "link",
        "url": context["pathto"](f"notebooks/{name}.ipynb", 1),
        "text": ".ipynb",
        "icon": "fas fa-code",
        "tooltip": "Download this page as a notebook for Jupyter",
        "label": "download-notebook-button",
    }
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            group["buttons"].insert(0, button)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # After the theme has made its list of buttons, at 501.
    app.connect("html-page-context", add_download_button, priority=900)
    add_last_step(app, write_notebooks, priority=500)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
