"""What make says and does when it installs, with a Python that only notes its calls."""

import os
import re
import shutil
import subprocess

import pytest

from chapter_files import ROOT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="needs make")

# Without what the make that may have started the tests hands down.
ALONE = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL"}}
INDEX = "https://index.invalid/cpu"
PYTHON = """#!/bin/sh
echo "$@" >> calls
case "$*" in
  -V) echo Python {version} ;;
  "-m venv "*) mkdir -p .venv/bin; cp "$0" .venv/bin/python; cp "$0" .venv/bin/npm ;;
  *importlib*) exit {without_torch} ;;
  *--index-url*) echo "a long story about retries" >&2; exit {unreachable} ;;
esac
"""


@pytest.fixture
def make(tmp_path):
    """Return what runs make in a folder with no environment: exit code, text, calls."""
    for name in ("requirements.txt", "pyproject.toml", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "calls").touch()

    def run(*arguments, version="3.12.1", without_torch=1, unreachable=0):
        python = tmp_path / f"python-{version}"
        text = PYTHON.format(
            version=version, without_torch=without_torch, unreachable=unreachable
        )
        python.write_text(text, encoding="utf-8")
        python.chmod(0o755)
        result = subprocess.run(
            ["make", "-f", str(ROOT / "Makefile"), f"PYTHON={python}", *arguments],
            cwd=tmp_path,
            env=ALONE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
        return result.returncode, result.stdout, [c for c in calls if " install " in c]

    return run


def test_the_index_of_the_cpu_build_gives_the_locked_torch_and_nothing_else(make):
    code, text, calls = make(".venv/installed", f"TORCH_INDEX={INDEX}")
    torch = re.search(
        r"^torch==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.M
    ).group()
    assert code == 0, text
    cpu, everything = calls
    assert "--no-deps" in cpu
    assert cpu.endswith(f"--index-url {INDEX} {torch}")
    assert everything.endswith("install -r requirements.txt")
    assert len(text.splitlines()) == 4, text


def test_one_line_says_that_the_index_is_out_of_reach(make):
    code, text, calls = make(".venv/installed", f"TORCH_INDEX={INDEX}", unreachable=1)
    assert code == 0, text
    assert f"It can't be had from {INDEX}: PyTorch will come from PyPI.\n" in text
    assert len(text.splitlines()) == 5, text
    assert calls[-1].endswith("install -r requirements.txt")


@pytest.mark.parametrize(
    ("index", "without_torch"),
    [("", 1), (INDEX, 0)],
    ids=["no index", "torch is there"],
)
def test_the_index_is_left_alone(make, index, without_torch):
    code, text, calls = make(
        ".venv/installed", f"TORCH_INDEX={index}", without_torch=without_torch
    )
    assert code == 0, text
    assert len(calls) == 1


def test_an_environment_of_another_python_is_noticed(make):
    assert make(".venv/installed", "TORCH_INDEX=")[0] == 0
    assert make(".venv/installed", "TORCH_INDEX=")[0] == 0
    code, text, calls = make(".venv/installed", "TORCH_INDEX=", version="3.13.0")
    assert code != 0
    assert "is Python 3.13.0, but the environment in .venv has Python 3.12.1" in text
    assert len(calls) == 1, "nothing is installed"


def test_help_lists_every_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = subprocess.check_output(
        ["make", "help"], cwd=ROOT, env=ALONE, encoding="utf-8"
    )
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", makefile, re.M).group(1)
    commands = {*phony.replace("\\\n", " ").split()} - {"named-python"}
    assert {*re.findall(r"^  make ([a-z-]+)  ", text, re.M)} == commands
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = {*re.findall(r"^\| `make ([a-z-]+)", readme, re.M)}
    assert listed == commands - {"help"}
