"""Zip what a teacher hands out: the notebooks without solutions, and the code they use.

``python _ext/handout.py`` writes ``_build/handout.zip``: all chapters, or those that it
is given the names of. The same book gives the same zip, to the byte.
"""

import re
import sys
import zipfile
from pathlib import Path

import nbformat
import yaml

from addresses import Addresses
from plain_notebook import Book, plain_notebook

ROOT = Path(__file__).parents[1]
FOLDER = "backpropagation"
CODE = ("pyproject.toml", "LICENSE", "CITATION.cff")
CODE_README = """\
# backprop_book

The code that the notebooks in the folder above this one import.
`python -m pip install .` installs it; the README there says how to do that in an
environment of its own, with versions that are known to work together.
"""
README = """\
# {title}: the notebooks

These are chapters of the book, with exercises and without solutions.

## To run them

With Python 3.11, 3.12, 3.13 or 3.14, in this folder:

```sh
python -m venv .venv
source .venv/bin/activate          # Windows: .venv\\Scripts\\activate
python -m pip install -c requirements.txt ./code jupyterlab
jupyter lab
```

`requirements.txt` names the versions that the book was tested with. On Linux this is
the CUDA build of PyTorch, which is several GB large. The CPU build is enough for every
chapter: before the third line,
`python -m pip install -c requirements.txt torch --index-url {cpu}`.

An exercise has a cell that begins with `answer = None` or a like line. Put your answer
there and run the cell: it says whether you are right. A notebook runs from top to
bottom with all answers empty.

## The chapters, in order

{chapters}

## Licence

The text may be shared and adapted under CC BY 4.0, the code under the MIT licence; see
`code/LICENSE`.{address}
"""


def handout_files(root: Path, names: list[str]) -> dict[str, bytes]:
    """Return the content of each file of the handout, by its name.

    The book's first page is about the site; the README takes its place.

    Raises
    ------
    ValueError
        If a name is none of a chapter with code.
    """
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings = config["sphinx"]["config"]
    addresses = Addresses.of(settings["repository_url"], settings["site_url"])
    book = Book(root, addresses)
    chapters = {c.name: c for c in book.notebooks if c is not book.root_page}
    if unknown := [name for name in names if name not in chapters]:
        raise ValueError(f"no chapter {unknown[0]!r}; there are: {', '.join(chapters)}")
    chapters = {
        name: chapters[name] for name in chapters if name in (names or chapters)
    }
    files = {
        f"{name}.ipynb": nbformat.writes(plain_notebook(book, name, handout=chapters))
        for name in chapters
    }
    files["README.md"] = README.format(
        title=book.root_page.title,
        cpu="https://download.pytorch.org/whl/cpu",
        chapters="\n".join(
            f"{c.number + '.' if c.number else '-'} [{c.title}]({c.name}.ipynb)"
            for c in chapters.values()
        ),
        address=f" The book: <{addresses.site}/>." if addresses.site else "",
    )
    lock = (root / "requirements.txt").read_text(encoding="utf-8")
    # Versions alone: pip takes no folder (-e .) among those that it shall keep to.
    versions = re.findall(r"^\w\S*==[^\\\n]*", lock, re.MULTILINE)
    files["requirements.txt"] = "\n".join(versions) + "\n"
    files["code/README.md"] = CODE_README
    library = root / "lib" / "backprop_book"
    sources = [*library.rglob("*.py"), *library.rglob("*.json")]
    for path in [*(root / name for name in CODE), *sources]:
        name = f"code/{path.relative_to(root).as_posix()}"
        files[name] = path.read_text(encoding="utf-8")
    return {name: content.encode() for name, content in sorted(files.items())}


def write_handout(root: Path, target: Path, names: list[str] = ()) -> None:
    """Write the zip."""
    files = handout_files(root, names)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # Without the time of day in it.
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


if __name__ == "__main__":
    try:
        write_handout(ROOT, ROOT / "_build" / "handout.zip", sys.argv[1:])
    except ValueError as error:
        sys.exit(f"handout: {error}")
    print("The handout is _build/handout.zip.")
