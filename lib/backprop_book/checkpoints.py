"""Save a training run so that it, and no other run, can go on from there."""

import hashlib
import os
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile, ZipFile

import numpy as np
import torch

from backprop_book.arguments import check_kind, dtype_name, expect
from backprop_book.initial_weights import to_tensors


def digest(*arrays: np.ndarray | torch.Tensor) -> str:
    """Return dtype, shapes and a hash of all numbers, short enough for a message."""
    plain = [tensor.numpy() for tensor in to_tensors(torch.device("cpu"), *arrays)]
    sha = hashlib.sha256(b"".join(array.tobytes() for array in plain))
    shapes = " and ".join(str(array.shape) for array in plain)
    return f"{dtype_name(plain[0])} {shapes} {sha.hexdigest()[:12]}"


def differences(run: dict[str, object], other: dict[str, object]) -> list[str]:
    """Return the names of what two runs do not have in common, in order."""
    return [name for name in run | other if run.get(name) != other.get(name)]


def save_checkpoint(
    path: str | os.PathLike, run: dict[str, object], state: dict[str, object]
) -> None:
    """Write the state of a run, and what run it is.

    The file is replaced in one step: a process that is killed while it writes leaves
    the old one.

    Parameters
    ----------
    path : str or path
        The file to write.
    run : dict of str to str, int, float or None
        What the run is, by the names of its settings.
    state : dict
        All that the run needs in order to go on: weights and losses; with an optimiser
        its ``state_dict()``; where random numbers are drawn, the ``get_state()`` of
        their generator.

    Raises
    ------
    TypeError, ValueError
        It is not a path, or its folder is missing.
    """
    path = _path(path)
    unfinished = Path(f"{path}.unfinished")
    with unfinished.open("wb") as file:
        torch.save({"run": run, "state": state}, file)
        file.flush()
        os.fsync(file.fileno())  # on the disk before it gets its name
    os.replace(unfinished, path)


def load_checkpoint(
    path: str | os.PathLike, run: dict[str, object]
) -> dict[str, object] | None:
    """Return the saved state, its tensors on the CPU, or None where no file is yet.

    Parameters
    ----------
    path : str or path
        A file that `save_checkpoint` wrote.
    run : dict
        What the run is; it must be what it was when the file was written.

    Raises
    ------
    TypeError, ValueError
        The path is of another type, or its folder is missing; the file belongs to
        another run, the message names what differs; or it is damaged, or no
        checkpoint.
    """
    path = _path(path)
    name = f"checkpoint: {str(path)!r}"
    try:
        with ZipFile(path) as file:
            if damaged := file.testzip():  # torch.load does not look at the checksums
                raise BadZipFile(f"{damaged} has another checksum")
        saved = torch.load(path, map_location="cpu", weights_only=True)
        theirs, state = saved["run"], saved["state"]
    except FileNotFoundError:
        return None
    except (BadZipFile, UnpicklingError, RuntimeError, KeyError, TypeError) as error:
        raise ValueError(f"{name} is damaged, or no checkpoint: {error}") from error
    if names := differences(theirs, run):
        what = (f"{n} is {theirs.get(n)} there and {run.get(n)} here" for n in names)
        raise ValueError(
            f"{name} belongs to another run: {'; '.join(what)}. "
            "Name another file, or remove this one"
        )
    return state


def _path(path: str | os.PathLike) -> Path:
    check_kind("checkpoint", path, str | os.PathLike, "a path")
    path = Path(path)
    there = path.parent.is_dir() and not path.is_dir()
    expect(there, "checkpoint", "a file in a folder that is there", repr(str(path)))
    return path
