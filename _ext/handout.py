"""Zip what a teacher hands out: the notebooks without solutions, and their library.

``python _ext/handout.py`` writes ``_build/handout.zip``: all chapters, or those that it
is given the names of. The same book gives the same zip, to the byte.
"""

import re
import sys
import zipfile
from pathlib import Path

import nbformat

from plain_notebook import Book, plain_notebook
from wheels import build_wheel

ROOT = Path(__file__).parents[1]
FOLDER = "backpropagation"
PAPERS = ("LICENSE", "CITATION.cff")
README = """\
# {title}: the notebooks

These are chapters of the book, with exercises and without solutions.

## To run them

With Python 3.11, 3.12, 3.13 or 3.14, in this folder:

```sh
python -m venv .venv
source .venv/bin/activate          # Windows: .venv\\Scripts\\activate
python -m pip install -c requirements.txt "./{wheel}[lab,torch]"
jupyter lab
```

The wheel (`.whl`) is the library that the notebooks import; `[lab]` in place of
`[lab,torch]` is enough for those that don't use PyTorch. `requirements.txt` names the
versions that the book was tested with. On Linux this is the CUDA build of PyTorch,
which is several GB large. The CPU build is enough for every chapter; it is there
already if you run this before the third line:

```sh
python -m pip install {torch} --index-url https://download.pytorch.org/whl/cpu
```

An exercise has a cell that begins with `answer = None` or a like line. Put your answer
there and run the cell: it says whether you are right. A notebook runs from top to
bottom with all answers empty.

## The chapters, in order

{chapters}

## Licence

The text may be shared and adapted under CC BY 4.0, the code under the MIT licence; see
`LICENSE`.{address}
"""


def handout_files(root: Path, names: list[str]) -> dict[str, bytes]:
    """Return the content of each file of the handout, by its name.

    The book's first page is about the site; the README takes its place.

    Raises
    ------
    ValueError
        If a name is none of a chapter with code.
    """
    book, (wheel, content) = Book(root), build_wheel()
    site = book.addresses.site
    all_names = [c.name for c in book.notebooks if c is not book.root_page]
    if unknown := [name for name in names if name not in all_names]:
        there = ", ".join(all_names)
        raise ValueError(f"no chapter {unknown[0]!r}; there are: {there}")
    chapters = [c for c in book.notebooks if c.name in (names or all_names)]
    handout, lines, files = [c.name for c in chapters], [], {}
    for name, chapter in zip(handout, chapters, strict=True):
        notebook = plain_notebook(book, name, wheel, handout)
        files[f"{name}.ipynb"] = nbformat.writes(notebook)
        number = f"{chapter.number}." if chapter.number else "-"
        lines.append(f"{number} [{chapter.title}]({name}.ipynb)")
    # Versions alone: pip takes no folder (-e .) among those that it shall keep to.
    lock = (root / "requirements.txt").read_text(encoding="utf-8")
    versions = re.findall(r"^\w\S*==[^\\\n]*", lock, re.MULTILINE)
    files["requirements.txt"] = "\n".join(versions) + "\n"
    files["README.md"] = README.format(
        title=book.root_page.title,
        wheel=wheel,
        torch=re.search(r"^torch==\S+", lock, re.MULTILINE)[0],
        chapters="\n".join(lines),
        address=f" The book: <{site}/>." if site else "",
    )
    for name in PAPERS:
        files[name] = (root / name).read_text(encoding="utf-8")
    texts = {name: text.encode() for name, text in files.items()}
    return dict(sorted({**texts, wheel: content}.items()))


def write_handout(root: Path, target: Path, names: list[str] = ()) -> None:
    """Write the zip."""
    files = handout_files(root, names)
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            # Without the time of day in it.
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    try:
        write_handout(ROOT, ROOT / "_build" / "handout.zip", sys.argv[1:])
    except ValueError as error:
        sys.exit(f"handout: {error}")
    print("The handout is _build/handout.zip.")
