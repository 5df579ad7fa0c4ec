"""Build a book as `make book` does, from Python."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]


def build(
    source: Path, *options: str, echo: Callable[[str], None] = lambda line: None
) -> tuple[int, str]:
    """Build with warnings as errors, each line to ``echo``; return code and log."""
    lines = []
    with subprocess.Popen(
        [*JUPYTER_BOOK, "build", "-W", "-n", "--keep-going", *options, str(source)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    ) as process:
        for line in process.stdout:
            lines.append(line)
            echo(line)
    return process.returncode, "".join(lines)
