"""The library as a wheel, which lies beside the notebooks that import it."""

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE")
BUILD = "from setuptools import build_meta; build_meta.build_wheel('dist')"
# The oldest time that a zip can hold: the same library gives the same wheel.
EPOCH = "315532800"


@functools.cache
def build_wheel() -> tuple[str, bytes]:
    """Return the wheel's name and content.

    Raises
    ------
    RuntimeError
        If setuptools can't build it; the message is what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        # A build leaves its traces beside the sources.
        for part in PARTS:
            shutil.copy(ROOT / part, folder)
        unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / "lib", Path(folder, "lib"), ignore=unwanted)
        done = subprocess.run(
            [sys.executable, "-c", BUILD],
            cwd=folder,
            env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the library's wheel can't be built:\n{done.stdout}")
        (wheel,) = Path(folder, "dist").glob("*.whl")
        return wheel.name, wheel.read_bytes()
