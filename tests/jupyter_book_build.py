"""Build a book as `make book` does, from Python."""

import os
import subprocess
import sys
from pathlib import Path

# As the command does, which may lie in a folder that the PATH doesn't name.
START = "from jupyter_book.cli.main import main; main()"
JUPYTER_BOOK = [sys.executable, "-c", START, "build", "-q", "-W", "-n"]


def build(
    source: Path,
    *options: str,
    environment: dict[str, str] | None = None,
    limit: float = 900,
) -> tuple[int, str]:
    """Build with warnings as errors; return code and log, or fail after a limit."""
    done = subprocess.run(
        [*JUPYTER_BOOK, "--keep-going", *options, str(source)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
        timeout=limit,
        check=False,
    )
    return done.returncode, done.stdout
