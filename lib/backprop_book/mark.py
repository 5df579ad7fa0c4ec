"""Mark a folder of notebooks: ``python -m backprop_book.mark FOLDER``.

Each notebook is run from top to bottom, in a process of its own with limits of time,
memory and output, and in a copy of its folder without the other notebooks. An exercise
is what follows a heading that begins with "Exercise", up to the next section; it is
right where its checkers say "Right" and nothing else.

What this does not protect against: a notebook runs with your rights. It can read and
change files outside the copy, use the network, start processes that hide from their
parents, and print "Right." itself. What strangers hand in belongs in a container, or
on a machine that holds nothing else.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, fields
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from backprop_book.arguments import check_positive

if TYPE_CHECKING:
    import pandas as pd

EXERCISE = re.compile(r"^#+ +Exercise[ :]+([\d.]*\d|.+)", re.MULTILINE)
SECTION = re.compile(r"^#{1,2} ", re.MULTILINE)
VERDICT = re.compile(r"^\W*(Right|Not yet|Not answered yet)[.:]", re.MULTILINE)
PAUSE = 0.1  # seconds between two looks at the processes


@dataclass(frozen=True)
class Limits:
    """What one notebook may use.

    Attributes
    ----------
    cell, seconds : float
        Seconds for one cell, which is interrupted then, and for all of it.
    memory, output : float
        Megabytes that all its processes hold together, and that it prints and shows.
    """

    cell: float = 60
    seconds: float = 300
    memory: float = 4000
    output: float = 10

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            check_positive(name, value)


@dataclass
class Marks:
    """What became of each exercise, by its number or title, and of the whole."""

    exercises: dict[str, str] = field(default_factory=dict)
    remark: str = ""


def mark_notebook(path: Path, limits: Limits) -> Marks:
    """Run one notebook within its limits, and return what its checkers say."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        try:
            copy = _copy(path, Path(folder, "copy"))
        except OSError as error:  # shutil.Error is one
            return Marks(remark=f"can't be copied: {type(error).__name__}")
        process = context.Process(target=_run, args=(copy, limits, theirs))
        process.start()
        theirs.close()
        family = {psutil.Process(process.pid)}
        marks, end = Marks(), time.monotonic() + limits.seconds
        try:
            while not _ended(ours, marks) and not marks.remark:
                if _look_at(family) > limits.memory * 1e6:
                    marks.remark = f"held more than {limits.memory:g} MB"
                elif time.monotonic() > end:
                    marks.remark = f"took more than {limits.seconds:g} s"
        finally:
            _look_at(family)
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
            process.join()
    if (process.exitcode or 0) > 0 and not marks.remark:
        marks.remark = f"its process ended with code {process.exitcode}"
    return marks


def _copy(path: Path, target: Path) -> Path:
    def unwanted(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if not wanted(Path(folder, name))]

    def wanted(path: Path) -> bool:
        # A link could lead out of the copy, and a pipe is never read to its end.
        data = path.is_file() and path.suffix != ".ipynb"
        return not path.is_symlink() and (path.is_dir() or data)

    shutil.copytree(path.parent, target, ignore=unwanted)
    return Path(shutil.copy(path, target))


def _ended(reports: Connection, marks: Marks) -> bool:
    """Wait a moment for a report, and tell whether the process has closed the pipe."""
    try:
        if reports.poll(PAUSE):
            marks.exercises, marks.remark = reports.recv()
    except (EOFError, OSError):
        return True
    return False


def _look_at(family: set[psutil.Process]) -> int:
    """Add new descendants to the family, and return the bytes that all of it holds."""
    memory = 0
    for member in list(family):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            family.update(member.children(recursive=True))
    for member in family:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory += member.memory_info().rss
    return memory


def exercises_of(notebook: nbformat.NotebookNode) -> dict[str, list]:
    """Return the code cells of each exercise, by its number or else its title."""
    found: dict[str, list] = {}
    name = ""
    for cell in notebook.cells:
        if cell.cell_type == "code" and name:
            found.setdefault(name, []).append(cell)
        elif cell.cell_type == "markdown":
            if heading := EXERCISE.search(cell.source):
                name = heading[1].strip()
            elif SECTION.search(cell.source):
                name = ""
    return found


def outcome(cells: list[nbformat.NotebookNode]) -> str:
    """Return in a word or two what became of an exercise with these cells."""
    if not all(cell.metadata.get("finished") for cell in cells):
        return "not finished"
    outputs = [output for cell in cells for output in cell.outputs]
    errors = {output.ename for output in outputs if output.output_type == "error"}
    if errors:
        return "no end" if "KeyboardInterrupt" in errors else "error"
    texts = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    said = {verdict for text in texts for verdict in VERDICT.findall(text)}
    names = {"Right": "right", "Not yet": "not yet", "Not answered yet": "empty"}
    if len(said) > 1:
        return "partly"
    return names[said.pop()] if said else "no verdict"


def _run(path: Path, limits: Limits, reports: Connection) -> None:
    """Run the notebook and report after each cell: what the process of its own does."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # which the notebook's kernel inherits
        os.dup2(nothing, stream)
    os.environ["IPYTHONDIR"] = str(path.parents[1] / "ipython")
    with suppress(ImportError):  # on Windows, where only the parent looks
        import resource

        # Of data, not of addresses: CUDA reserves more of these than a machine has.
        most = int(limits.memory * 1e6)
        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE):
            resource.setrlimit(kind, (most, most))
    try:
        notebook = nbformat.read(path, as_version=4)
        exercises = exercises_of(notebook)
        for cells in exercises.values():
            for cell in cells:
                cell.outputs, cell.metadata = [], {}
    except Exception as error:
        reports.send(({}, f"no notebook: {type(error).__name__}"))
        return

    def report(remark: str = "", **executed: Any) -> None:
        if executed:
            executed["cell"].metadata["finished"] = True
        reports.send(({n: outcome(cells) for n, cells in exercises.items()}, remark))

    left = limits.output * 1e6

    class Client(NotebookClient):
        def process_message(self, msg: dict, *where: Any) -> Any:
            nonlocal left
            left -= len(str(msg["content"]))
            if left < 0:
                report(f"printed more than {limits.output:g} MB")
                os._exit(0)  # nbclient would wait for the cell's end
            return super().process_message(msg, *where)

    report()
    client = Client(
        notebook,
        kernel_name="python3",
        timeout=limits.cell,
        interrupt_on_timeout=True,
        allow_errors=True,
        on_cell_executed=report,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute()
    except DeadKernelError:
        report("its Python ended before the last cell")
    except Exception as error:
        report(f"can't be run: {type(error).__name__}: {error}")


def table(marks: dict[str, Marks]) -> "pd.DataFrame":
    """Return a row for each notebook: its exercises, how many are right, the remark."""
    import pandas as pd

    rows = [mark.exercises for mark in marks.values()]
    frame = pd.DataFrame(rows, index=list(marks)).fillna("-")
    remarks = [mark.remark for mark in marks.values()]
    return frame.assign(right=(frame == "right").sum(axis=1), remark=remarks)


def main(arguments: list[str] | None = None) -> None:
    """Mark a folder and print the table."""
    parser = argparse.ArgumentParser("backprop_book.mark", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", type=Path, help="of notebooks, at any depth")
    parser.add_argument("--csv", type=Path, help="also write the table to this file")
    for limit in fields(Limits):
        parser.add_argument(f"--{limit.name}", type=float, default=limit.default)
    options = vars(parser.parse_args(arguments))
    folder, csv = options.pop("folder"), options.pop("csv")
    paths = [
        path
        for path in sorted(folder.rglob("*.ipynb"))
        if path.is_file() and not any(part[0] == "." for part in path.parts[1:])
    ]
    if not paths:
        parser.error(f"folder: expected one with notebooks, got {str(folder)!r}")
    try:
        limits = Limits(**options)
    except ValueError as error:
        parser.error(str(error))
    marks = {}
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        print(f"running {name} ...", file=sys.stderr)
        marks[name] = mark_notebook(path, limits)
    result = table(marks)
    if csv:
        result.to_csv(csv, index_label="notebook")
    print(result.to_string())


if __name__ == "__main__":
    main()
