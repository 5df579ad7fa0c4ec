"""Say where and with what something was measured, and write it where the book looks."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_info

FOLDER = Path(__file__).parents[1] / "lib" / "backprop_book" / "recorded"
ENVIRONMENT = "OPENBLAS_", "MKL_", "OMP_", "GOMP_", "KMP_", "ATEN_"


def machine() -> dict[str, object]:
    """Return the processor, and what the libraries make of it."""
    model = platform.processor()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(x.split(": ")[1] for x in lines if x.startswith("model name"))
    kernels = {
        library.get("architecture")
        for library in threadpool_info()
        if library["internal_api"] == "openblas"
    }
    built_with = torch.__config__.show().splitlines()
    products = [line.strip(" -") for line in built_with if "Math Kernel" in line]
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "kernels of NumPy's OpenBLAS": ", ".join(sorted(filter(None, kernels))),
        "products of PyTorch": ", ".join(products) or torch.__config__.parallel_info(),
        "loops of PyTorch": torch.backends.cpu.get_cpu_capability(),
        **{k: v for k, v in sorted(os.environ.items()) if k.startswith(ENVIRONMENT)},
    }


def versions() -> dict[str, str]:
    """Return the versions of what was timed."""
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__.partition("+")[0],
    }
    for package in ("scikit-learn", "jax", "micrograd"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def write_recording(
    path: Path,
    command: str,
    results: list[dict],
    *,
    beside: dict[str, object] | None = None,
    **more: object,
) -> None:
    """Write results in the form that ``backprop_book.load_recording`` reads.

    Parameters
    ----------
    path : path
        The file to write.
    command : str
        What makes the recording again.
    results : list of dict
        One measurement each.
    beside : dict, optional
        More that was found, under names of its own beside the results.
    **more
        Added to what is said of the machine, under these names.
    """
    recording = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": machine() | more,
        "versions": versions(),
        "results": results,
        **(beside or {}),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recording, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")
