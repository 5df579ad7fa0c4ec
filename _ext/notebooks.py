"""Put each chapter into the site as a plain notebook, and the library as a wheel.

Once the book has an address, the folder is also what the branch for Colab and Binder
holds: with the packages that the notebooks need, and the Python that Binder shall take.
"""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

from wheels import build_wheel

REQUIREMENTS = """\
# What these notebooks need, in this folder: pip install -r requirements.txt
# On Linux, PyPI's torch is the CUDA build, several GB large; this index has the CPU's.
--extra-index-url https://download.pytorch.org/whl/cpu
{torch}
./{wheel}[lab,torch]
"""
# On the menu of what can be had of a page.
SHEET = {
    "type": "javascript",
    "javascript": "printWithoutSolutions()",
    "text": "Exercises",
    "icon": "fas fa-file-pdf",
    "tooltip": "Print this page without solutions and answers",
}


def write_notebooks(app: Sphinx) -> None:
    """Write the plain notebooks."""
    import nbformat

    from plain_notebook import Book, plain_notebook

    source, target = Path(app.srcdir), Path(app.outdir) / "notebooks"
    book = Book(source)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    wheel, content = build_wheel()
    (target / wheel).write_bytes(content)
    for chapter in book.notebooks:
        notebook = plain_notebook(book, chapter.name, wheel)
        nbformat.write(notebook, target / f"{chapter.name}.ipynb")
    if book.addresses.repository:
        lock = (source / "requirements.txt").read_text(encoding="utf-8")
        torch = re.search(r"^torch==\S+", lock, re.MULTILINE)[0]
        requirements = REQUIREMENTS.format(torch=torch, wheel=wheel)
        (target / "requirements.txt").write_text(requirements, "utf-8")
        (target / "runtime.txt").write_text("python-3.11\n", "utf-8")


def link(text: str, url: str, icon: str, tooltip: str) -> dict[str, str]:
    """Return a button as the theme describes it."""
    return {"type": "link", "url": url, "text": text, "icon": icon, "tooltip": tooltip}


def add_buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Offer to download the notebook, and to open it on a machine that has Jupyter."""
    if not doctree or "kernelspec" not in app.env.metadata[pagename]:
        return
    name, groups = pagename.rsplit("/", 1)[-1], context["header_buttons"]
    url = context["pathto"](f"notebooks/{name}.ipynb", 1)
    tooltip = "Download this page as a notebook for Jupyter"
    download = link(".ipynb", url, "fas fa-code", tooltip)
    download["label"] = "download-notebook-button"
    url = context["pathto"](f"notebooks/{build_wheel()[0]}", 1)
    library = link(".whl", url, "fas fa-box", "Download the library that it imports")
    library["label"] = "download-library-button"
    for group in groups:
        if group.get("label") == "download-buttons":
            group["buttons"] = [download, library, *group["buttons"], SHEET]
    if app.addresses.repository:
        places = [
            ("Colab", app.addresses.colab(name), "_static/images/logo_colab.png"),
            ("Binder", app.addresses.binder(name), "_static/images/logo_binder.svg"),
        ]
        launch = {
            "type": "group",
            "tooltip": "Run this page elsewhere",
            "icon": "fas fa-rocket",
            "buttons": [
                link(*place, f"Open this page as a notebook in {place[0]}")
                for place in places
            ],
            "label": "launch-buttons",
        }
        groups.insert(0, launch)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    # After the theme has made its list of buttons, at 501.
    app.connect("html-page-context", add_buttons, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
