"""Say where and with what something was measured, and write it where the book looks."""

import contextlib
import datetime
import json
import os
import platform
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).parents[1] / "lib" / "backprop_book" / "recorded"


def machine() -> dict[str, object]:
    """Return the processor, the number of cores and the operating system."""
    model = platform.processor()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(x.split(": ")[1] for x in lines if x.startswith("model name"))
    return {"processor": model, "cores": os.cpu_count(), "system": platform.system()}


def versions() -> dict[str, str]:
    """Return the versions of what was timed."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def write_recording(path: Path, command: str, results: list[dict], **more: object):
    """Write results in the form that ``backprop_book.load_recording`` reads.

    Parameters
    ----------
    path : path
        The file to write.
    command : str
        What makes the recording again.
    results : list of dict
        One measurement each.
    **more
        Added to what is said of the machine, under these names.
    """
    recording = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": machine() | more,
        "versions": versions(),
        "results": results,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recording, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")
