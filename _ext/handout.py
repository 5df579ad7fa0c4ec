"""Zip what a teacher hands out: the notebooks without solutions, and the code they use.

``python _ext/handout.py`` writes ``_build/handout.zip``. The same book gives the same
zip, to the byte.
"""

import zipfile
from pathlib import Path

import nbformat
import yaml

from addresses import Addresses
from plain_notebook import Book, plain_notebook

ROOT = Path(__file__).parents[1]
FOLDER = "backpropagation"
CODE = ["pyproject.toml", "README.md", "LICENSE", "CITATION.cff"]
README = """\
# {title}: the notebooks

These are the chapters of the book with exercises and without solutions.

## To run them

With Python 3.11, 3.12 or 3.13, in this folder:

```sh
python -m venv .venv
source .venv/bin/activate          # Windows: .venv\\Scripts\\activate
python -m pip install ./code jupyterlab
jupyter lab
```

On Linux this brings the CUDA build of PyTorch, which is several GB large. The CPU build
is enough for every chapter: before the third line,
`python -m pip install torch --index-url https://download.pytorch.org/whl/cpu`.

An exercise has a cell that begins with `answer = None` or a like line. Put your answer
there and run the cell: it says whether you are right. A notebook runs from top to
bottom with all answers empty.

## The chapters, in order

{chapters}

## Licence

The text may be shared and adapted under CC BY 4.0, the code under the MIT licence; see
`code/LICENSE`.{address}
"""


def handout_files(root: Path, addresses: Addresses) -> dict[str, bytes]:
    """Return the content of each file of the handout, by its name."""
    book = Book(root, addresses)
    files = {
        f"{chapter.name}.ipynb": nbformat.writes(
            plain_notebook(book, chapter.name, solutions=False, together=True)
        ).encode()
        for chapter in book.notebooks
    }
    chapters = [
        f"{chapter.number + '.' if chapter.number else '-'} "
        f"[{chapter.title}]({chapter.name}.ipynb)"
        for chapter in book.notebooks
    ]
    site = f" The book: <{addresses.site}/>." if addresses.site else ""
    title = next(iter(book.chapters.values())).title
    files["README.md"] = README.format(
        title=title, chapters="\n".join(chapters), address=site
    ).encode()
    library = root / "lib" / "backprop_book"
    sources = [*library.rglob("*.py"), *library.rglob("*.json")]
    for path in [*(root / name for name in CODE), *sources]:
        files[f"code/{path.relative_to(root).as_posix()}"] = path.read_bytes()
    return files


def write_handout(root: Path, target: Path) -> None:
    """Write the zip."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    settings = config["sphinx"]["config"]
    addresses = Addresses.of(settings["repository_url"], settings["site_url"])
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(handout_files(root, addresses).items()):
            # Without the time of day in it.
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}")
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


if __name__ == "__main__":
    write_handout(ROOT, ROOT / "_build" / "handout.zip")
    print("The handout is _build/handout.zip.")
