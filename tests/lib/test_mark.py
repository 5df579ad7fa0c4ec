"""Marking: whatever one notebook does, the others are marked, and nothing is lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, writes

pytest.importorskip("nbclient")

from backprop_book import mark

HEAD = ("markdown", "# A lab")
ONE = ("markdown", "### Exercise 7.1: Add\n\nWhat is 1 + 1?")
TWO = ("markdown", "### Exercise 7.2: Double")
# Most do without the library, whose import takes longer than all the rest.
RIGHT, WRONG = ("code", "print('Right.')"), ("code", "print('Not yet: 3 is off by 1.')")
SETUP = ("code", "from backprop_book import check_answer, check_backward")
ANSWERED = ("code", "answer = 2\ncheck_answer(answer, 2)")
EMPTY = ("code", "student_gradient = None\ncheck_backward(student_gradient)")
STUBBORN = """\
import time
while True:
    try:
        time.sleep(0.1)
    except KeyboardInterrupt:
        pass"""
DELETE = """\
import shutil, pathlib
shutil.rmtree(pathlib.Path.cwd().parent, ignore_errors=True)"""
DETACHED = """\
import subprocess, sys
code = "import time; time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
import os; os.write(2, b"loud")"""
ENDLESS, DIES = ("code", "while True: pass"), ("code", "import os; os._exit(1)")
FILLS = ("code", "x = [b' ' * 10**7 for _ in range(10**6)]")
PRINTS = ("code", "while True: print('Right.' * 99)")
FOLDER = {
    "checked": ([HEAD, SETUP, ONE, ANSWERED, TWO, EMPTY], "right", "empty"),
    "right": ([HEAD, ONE, RIGHT, TWO, RIGHT], "right", "right"),
    "wrong": ([HEAD, ONE, WRONG, TWO, RIGHT, WRONG], "not yet", "partly"),
    "raises": ([HEAD, ONE, ("code", "1 / 0"), TWO, RIGHT], "error", "right"),
    "endless": ([HEAD, ONE, ENDLESS, TWO, RIGHT], "no end", "right"),
    "fills": ([HEAD, ONE, FILLS, TWO, RIGHT], "error", "right"),
    "prints": ([HEAD, ONE, RIGHT, TWO, PRINTS], "right", "not finished"),
    "dies": ([HEAD, ONE, RIGHT, TWO, DIES], "right", "not finished"),
    "deletes": ([HEAD, ONE, ("code", DELETE), RIGHT, TWO, WRONG], "right", "not yet"),
    "detached": ([HEAD, ONE, ("code", DETACHED), TWO, RIGHT], "no verdict", "right"),
    "deep/er": ([HEAD, ONE, RIGHT], "right", "-"),
    "text": (None, "-", "-"),
}
REMARKS = {
    "prints": "printed more than 0.1 MB",
    "dies": "its Python ended before the last cell",
    "text": "no notebook: NotJSONError",
}
LIMITS = ["--cell", "8", "--memory", "600", "--output", "0.1"]


def write(path, cells):
    new = {"markdown": new_markdown_cell, "code": new_code_cell}
    cells = [new[kind](source) for kind, source in cells]
    path.write_text(writes(new_notebook(cells=cells)), encoding="utf-8")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "backprop_book.mark", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("handed-in")
    (folder / "deep").mkdir()
    for name, (cells, *_) in FOLDER.items():
        if cells:
            write(folder / f"{name}.ipynb", cells)
    (folder / "text.ipynb").write_text("Dear teacher,", encoding="utf-8")
    (folder / "data.txt").write_text("7", encoding="utf-8")
    return folder


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def marked(folder):
    """The table and all that the command left behind."""
    before = contents(folder)
    csv = folder.parent / "marks.csv"
    done = run(folder, "--csv", csv, *LIMITS)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == before, "a file that was handed in has changed"
    header, *rows = [line.split(",") for line in csv.read_text("utf-8").splitlines()]
    table = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    return table, done


@pytest.mark.parametrize("name", FOLDER)
def test_each_of_twelve_notebooks_gets_its_marks(marked, name):
    table, _ = marked
    _, *expected = FOLDER[name]
    if name == "fills" and table[name]["remark"]:
        # Where the system sets no limit, it is the parent that looks.
        assert table[name]["remark"] == "held more than 600 MB"
        return
    assert [table[name]["7.1"], table[name]["7.2"]] == expected
    assert table[name]["remark"] == REMARKS.get(name, "")
    assert int(table[name]["right"]) == expected.count("right")


def test_the_table_names_every_notebook_and_nothing_is_printed_besides(marked):
    table, done = marked
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["7.1", "7.2", "right", "remark"]
    assert [row.split()[0] for row in rows] == sorted(FOLDER) == list(table)
    assert done.stderr.splitlines() == [f"running {n} ..." for n in sorted(FOLDER)]


def test_what_catches_every_interrupt_is_ended(tmp_path):
    write(tmp_path / "a.ipynb", [HEAD, ONE, ("code", STUBBORN), TWO, RIGHT])
    limits = mark.Limits(cell=1, seconds=15)
    marks = mark.mark_notebook(tmp_path / "a.ipynb", limits)
    assert marks.exercises["7.2"] == "not finished"
    assert marks.remark == "took more than 15 s"


def test_no_process_is_left(marked):
    import psutil

    lines = [p.info["cmdline"] or [] for p in psutil.process_iter(["cmdline"])]
    assert not [line for line in lines if line[-1:] == ["import time; time.sleep(600)"]]
    temporary = [line for line in lines if any("copy" in part for part in line)]
    assert not [line for line in temporary if "backprop_book.mark" in line]


@pytest.mark.parametrize("place", ["a.ipynb", "one/a.ipynb"])
def test_data_is_there_and_other_notebooks_and_links_are_not(tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    code = "import os; assert len(os.listdir()) == 2; print('Right.')"
    write(path, [HEAD, ONE, ("code", code)])
    for name in ("data.txt", "other.ipynb"):
        (path.parent / name).write_text("7", encoding="utf-8")
    (path.parent / "link").symlink_to(Path(__file__).parent)
    marks = mark.mark_notebook(path, mark.Limits())
    assert marks == mark.Marks({"7.1": "right"})


def test_an_exercise_is_what_follows_its_heading_up_to_the_next_section():
    cells = [
        *[new_markdown_cell("## Checks"), new_code_cell("before")],
        *[new_markdown_cell("### Exercise 7.1: A"), new_code_cell("a")],
        *[new_markdown_cell("#### My answer"), new_code_cell("b")],
        *[new_markdown_cell("## Exercise: yours"), new_code_cell("c")],
        *[new_markdown_cell("## After"), new_code_cell("d")],
    ]
    found = mark.exercises_of(new_notebook(cells=cells))
    sources = {name: [cell.source for cell in cells] for name, cells in found.items()}
    assert sources == {"7.1": ["a", "b"], "yours": ["c"]}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "folder: expected one with notebooks, got 'nowhere'"),
        ([".", "--memory", "0"], "memory: expected a finite number above 0, got 0.0"),
    ],
)
def test_bad_input_is_refused(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ipynb").write_text(json.dumps({}), encoding="utf-8")
    with pytest.raises(SystemExit):
        mark.main(arguments)
    assert says in capsys.readouterr().err
