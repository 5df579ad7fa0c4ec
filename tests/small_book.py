"""A book of a few pages with this book's configuration and extensions."""

import json
import re
import shutil
from pathlib import Path

from chapter_files import ROOT

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


def make_small_book(folder: Path, pages: dict[str, str], **settings: object) -> Path:
    """Write the book with its pages, the first the root; change settings of it."""
    for part in ("_ext", "_static"):
        shutil.copytree(ROOT / part, folder / part)
    for file in ("_config.yml", "references.bib", "requirements.txt"):
        shutil.copy(ROOT / file, folder)
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    (folder / "lib").mkdir()
    (folder / "chapters").mkdir()
    for name, text in pages.items():
        (folder / "chapters" / f"{name}.md").write_text(text, encoding="utf-8")
    root, *rest = pages
    toc = f"format: jb-book\nroot: chapters/{root}\n"
    if rest:
        toc += "parts:\n  - caption: Part\n    numbered: 1\n    chapters:\n"
        toc += "".join(f"      - file: chapters/{name}\n" for name in rest)
    (folder / "_toc.yml").write_text(toc)
    config = (folder / "_config.yml").read_text(encoding="utf-8")
    for name, value in settings.items():
        config, found = re.subn(rf"(\n +{name}: ).*", rf"\1{json.dumps(value)}", config)
        assert found == 1, f"{name} stands {found} times in _config.yml"
    (folder / "_config.yml").write_text(config, encoding="utf-8")
    return folder
