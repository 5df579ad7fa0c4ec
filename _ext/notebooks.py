"""Put each chapter into the site as a plain notebook, with a button to download it.

The notebooks are made where something that goes into them changed: Jupytext takes as
long to import as an unchanged book takes to build.

Once the book has an address, the folder is also what the branch for Colab and Binder
holds: with the packages that the notebooks need, and the Python that Binder shall take.
"""

import hashlib
import re
from pathlib import Path

from sphinx.application import Sphinx

from repository import addresses_of

HERE = Path(__file__).parent
REQUIREMENTS = """\
# What these notebooks need: pip install -r requirements.txt
# On Linux, PyPI's torch is the CUDA build, several GB large; this index has the CPU's.
--extra-index-url https://download.pytorch.org/whl/cpu
{torch}
jupyterlab
{book}
"""


def is_notebook(app: Sphinx, page: str) -> bool:
    """Whether a page is a chapter with code."""
    return "kernelspec" in app.env.metadata.get(page, {})


def digest(app: Sphinx) -> str:
    """Return a digest of all that goes into the notebooks."""
    source = Path(app.srcdir)
    files = [
        *sorted((source / "chapters").glob("*.md")),
        *(source / name for name in ("_toc.yml", "references.bib", "requirements.txt")),
        *(HERE / "plain_notebook.py", HERE / "addresses.py", Path(__file__)),
    ]
    total = hashlib.sha256(repr(addresses_of(app)).encode())
    for file in files:
        total.update(file.name.encode() + b"\0" + file.read_bytes())
    return total.hexdigest()


def write_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Write the plain notebooks that are not there as they should be."""
    if exception or app.builder.format != "html":
        return
    target = Path(app.outdir) / "notebooks"
    memory = Path(app.doctreedir) / "notebooks.digest"
    now = digest(app)
    if target.is_dir() and memory.is_file() and memory.read_text() == now:
        return
    import nbformat

    from plain_notebook import Book, plain_notebook

    book = Book(Path(app.srcdir), addresses_of(app))
    target.mkdir(exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    for chapter in book.notebooks:
        notebook = plain_notebook(book, chapter.name)
        nbformat.write(notebook, target / f"{chapter.name}.ipynb")
    if book.addresses.repository:
        lock = (Path(app.srcdir) / "requirements.txt").read_text(encoding="utf-8")
        torch = re.search(r"^torch==\S+", lock, re.MULTILINE)[0]
        requirements = REQUIREMENTS.format(
            torch=torch, book=book.addresses.requirement()
        )
        (target / "requirements.txt").write_text(requirements)
        (target / "runtime.txt").write_text("python-3.11\n")
    memory.write_text(now)


def add_download_button(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Put the notebook at the head of the theme's list of downloads."""
    if not (doctree and is_notebook(app, pagename)):
        return
    name = pagename.rsplit("/", 1)[-1]
    for group in context["header_buttons"]:
        if group.get("label") == "download-buttons":
            group["buttons"].insert(
                0,
                {
                    "type": "link",
                    "url": context["pathto"](f"notebooks/{name}.ipynb", 1),
                    "text": ".ipynb",
                    "icon": "fas fa-code",
                    "tooltip": "Download this page as a notebook for Jupyter",
                    "label": "download-notebook-button",
                },
            )


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # After the theme has made its list of buttons, at 501.
    app.connect("html-page-context", add_download_button, priority=900)
    app.connect("build-finished", write_notebooks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
