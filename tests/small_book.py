"""A book of a few pages with this book's configuration and extensions."""

import json
import re
import shutil
from pathlib import Path

from chapter_files import ROOT
from jupyter_book_build import build

HEADER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""


def cell(code: str) -> str:
    """Return a code cell."""
    return f"```{{code-cell}} ipython3\n{code}\n```\n"


def make_small_book(folder: Path, pages: dict[str, str], **settings: object) -> Path:
    """Write the book with its pages, the first the root; change settings of it."""
    folder.mkdir(exist_ok=True)
    shutil.copytree(ROOT / "_static", folder / "_static")
    for file in ("references.bib", "requirements.txt"):
        shutil.copy(ROOT / file, folder)
    for name in ("lib", "chapters"):
        (folder / name).mkdir()
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace(": _ext\n", f": {json.dumps(str(ROOT / '_ext'))}\n")
    config = re.sub(r"\n    moved:(\n      .*)+", "\n    moved: {}", config)
    # Few pages have something for each of them.
    for name, value in {"corrections_apply": False, **settings}.items():
        config, found = re.subn(
            rf"(\n +{name}: ).*", rf"\g<1>{json.dumps(value)}", config
        )
        assert found == 1, f"{name} stands {found} times in _config.yml"
    (folder / "_config.yml").write_text(config, encoding="utf-8")
    write_pages(folder, pages)
    return folder


def write_pages(folder: Path, pages: dict[str, str]) -> None:
    """Write pages and the table of contents that names them."""
    for name, text in pages.items():
        (folder / "chapters" / f"{name}.md").write_text(text, encoding="utf-8")
    root, *rest = pages
    toc = f"format: jb-book\nroot: chapters/{root}\n"
    if rest:
        toc += "parts:\n  - caption: Part\n    numbered: 1\n    chapters:\n"
        toc += "".join(f"      - file: chapters/{name}\n" for name in rest)
    (folder / "_toc.yml").write_text(toc, encoding="utf-8")


def build_small_book(folder: Path, pages: dict[str, str], **settings: object) -> Path:
    """Write the book, build it without complaint, and return its site."""
    code, log = build(make_small_book(folder, pages, **settings))
    assert code == 0, log
    return folder / "_build" / "html"
