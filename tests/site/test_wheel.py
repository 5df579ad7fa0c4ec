"""The site alone, an empty environment and two commands: the NumPy lab runs."""

import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from chapter_files import CHAPTERS, ROOT
from handout import handout_files
from plain_notebook import Book, plain_notebook
from wheels import build_wheel

pytestmark = pytest.mark.weekly
LIMIT = 540


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a reader downloads from the page: the notebook and the wheel."""
    target = tmp_path_factory.mktemp("downloads")
    wheel, content = build_wheel()
    (target / wheel).write_bytes(content)
    notebook = plain_notebook(Book(ROOT), "lab_numpy", wheel)
    nbformat.write(notebook, target / "lab_numpy.ipynb")
    return target


def commands():
    """Return the two commands that the first page names."""
    (index,) = [chapter for chapter in CHAPTERS if chapter.name == "index"]
    section = re.search(r"^## How to run it.*?^```$", index.text, re.M | re.S)[0]
    install, start = re.search(r"```sh\n(.*)\n```", section, re.S)[1].splitlines()
    return install, start


def test_two_commands_run_the_numpy_lab_without_pytorch_and_without_git(folder):
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    programs = folder / "venv" / "bin"
    environment = {"PATH": str(programs), "HOME": str(folder)}
    locked = handout_files(ROOT, [])["requirements.txt"]
    (folder / "locked.txt").write_bytes(locked)
    environment["PIP_CONSTRAINT"] = str(folder / "locked.txt")
    assert not shutil.which("git", path=environment["PATH"])
    install, start = commands()
    # JupyterLab would wait for a reader: the notebook is run from top to bottom.
    start = start.replace("jupyter lab ", "jupyter execute --inplace ")
    assert start == "jupyter execute --inplace lab_numpy.ipynb"
    for command in (install, start):
        subprocess.run(
            command, shell=True, cwd=folder, env=environment, check=True, timeout=LIMIT
        )
    python = [str(programs / "python"), "-c", "import torch"]
    assert subprocess.run(python, capture_output=True, check=False).returncode
    notebook = nbformat.read(folder / "lab_numpy.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = "".join(o.get("text", "") for c in cells for o in c.outputs)
    assert all(cell.execution_count for cell in cells)
    assert printed.count("Not answered yet") >= 2
