"""Execute every chapter a second time and compare with its page; measured times apart.

It begins as a student does who was handed the chapter: in the handout's folder, without
a solution, and with every answer empty. Then come the chapter's exercises once more,
now with their solutions. nbval compares, two chapters at a time.

Where nothing has changed since it last passed, it is skipped; with CI set, never.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

import nbformat
from nbformat.v4 import new_code_cell

from built_book import Book
from chapter_files import NOTEBOOKS, ROOT

FOLDER = ROOT / "_build" / "second"
LIMIT = 1200
NBVAL = [
    *(sys.executable, "-m", "pytest", "-q", "--no-header", "-n", "logical"),
    *("--dist", "loadfile", "--nbval", "--nbval-cell-timeout", "120"),
    *("--timeout", "150", "--rootdir", str(FOLDER), "-c", os.devnull),
    *("-p", "nbval.plugin", "-p", "xdist", "-p", "pytest_timeout"),
    *("-p", "no:cacheprovider"),
]


def code_of(cells: list) -> list:
    """Return the code cells."""
    return [cell for cell in cells if cell.cell_type == "code"]


def with_outputs(handed_out: list, executed: list) -> list:
    """Return the handout's code cells with the outputs that the page shows."""
    setup, *cells = code_of(handed_out)
    assert setup.source.startswith("try:\n    import backprop_book\n")
    page = iter(code_of(executed))
    found = [next((c for c in page if c.source == cell.source), None) for cell in cells]
    assert None not in found, "the handout has a cell that the page has not, there"
    return [setup, *found]


def exercises_of(executed: list) -> list:
    """Return the chapter's code cells from its first exercise on."""
    inside = ["::{exercise}" in cell.source for cell in executed]
    return code_of(executed[inside.index(True) :]) if any(inside) else []


def prepare() -> str:
    """Write the notebooks with what they shall print; return a digest of all of it."""
    import handout

    folder = FOLDER / handout.FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    handout.write_handout(ROOT, FOLDER / "handout.zip")
    with zipfile.ZipFile(FOLDER / "handout.zip") as archive:
        archive.extractall(FOLDER)
    book, total = Book(ROOT), hashlib.sha256()
    for chapter in NOTEBOOKS:
        path = folder / f"{chapter.name}.ipynb"
        if not path.exists():  # the book's first page isn't handed out
            shutil.copy(book.html / "notebooks" / path.name, path)
        notebook = nbformat.read(path, as_version=4)
        executed = book.notebook(chapter.name).cells
        students = with_outputs(notebook.cells, executed)
        notebook.cells = [
            new_code_cell(**(cell | {"id": f"cell-{k}"}))
            for k, cell in enumerate(students + exercises_of(executed))
        ]
        text = nbformat.writes(notebook)
        path.write_text(text, encoding="utf-8")
        total.update(text.encode())
    # The cache's folder is named by what outputs depend on.
    total.update(book.cache.name.encode())
    return total.hexdigest()


def main() -> None:
    """Execute, unless that has passed before."""
    passed = FOLDER / "passed"
    FOLDER.mkdir(parents=True, exist_ok=True)
    digest = prepare()
    if (
        not os.environ.get("CI")
        and passed.exists()
        and passed.read_text("utf-8") == digest
    ):
        print("Second execution: skipped, nothing has changed since it passed.")
        return
    passed.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        # The reader's own history is left alone, and its lock can't hold a kernel up.
        "IPYTHONDIR": str(FOLDER / "ipython"),
        # The others take seconds, or shuffle the cells.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [*NBVAL, *(str(next(FOLDER.glob(f"*/{c}.ipynb"))) for c in NOTEBOOKS)]
    status = subprocess.run(command, env=environment, timeout=LIMIT, check=False)
    if status.returncode:
        sys.exit(f"The second execution differs, or failed ({status.returncode}).")
    passed.write_text(digest, "utf-8")


if __name__ == "__main__":
    sys.path.append(str(ROOT / "_ext"))
    main()
