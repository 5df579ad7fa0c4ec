"""Save a training run so that it can be gone on with, and only with itself."""

import hashlib
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from backprop_book.checks import check_integer, dtype_name


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs in order to go on.

    Attributes
    ----------
    W1, W2 : ndarray, shapes (D_in, H) and (H, D_out)
        The weights after ``len(losses_tr)`` updates.
    losses_tr, losses_val : list of float
        All losses until then.
    """

    W1: np.ndarray
    W2: np.ndarray
    losses_tr: list[float]
    losses_val: list[float]


def check_checkpoint_arguments(checkpoint: object, checkpoint_every: object) -> None:
    """Refuse a path that no file can be written to, and an interval below 1.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    check_integer("checkpoint_every", checkpoint_every, 1)
    if checkpoint is None:
        return
    if not isinstance(checkpoint, str | os.PathLike):
        raise TypeError(
            f"checkpoint: expected a path, got {checkpoint!r} "
            f"({type(checkpoint).__name__})"
        )
    path = Path(checkpoint)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(
            f"checkpoint: expected a file in a folder that is there, got {str(path)!r}"
        )


def digest(*arrays: np.ndarray | torch.Tensor) -> str:
    """Return dtype, shapes and a hash of all numbers, short enough for a message."""
    plain = [
        a.detach().cpu().numpy() if isinstance(a, torch.Tensor) else a for a in arrays
    ]
    sha = hashlib.sha256()
    for array in plain:
        sha.update(np.ascontiguousarray(array).tobytes())
    shapes = " and ".join(str(tuple(array.shape)) for array in plain)
    return f"{dtype_name(plain[0])} {shapes} {sha.hexdigest()[:12]}"


def save_checkpoint(
    path: str | os.PathLike, facts: dict[str, object], state: Checkpoint
) -> None:
    """Write the state, and the facts that say whose it is.

    The file is replaced in one step: whoever is killed on the way leaves the old one.

    Parameters
    ----------
    path : str or path
        The file to write.
    facts : dict of str to str, int, float or None
        What the run is, by the names of the arguments.
    state : Checkpoint
        To be saved.
    """
    path = Path(path)
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("wb") as file:
        np.savez(
            file,
            facts=json.dumps(facts),
            iteration=len(state.losses_tr),
            W1=state.W1,
            W2=state.W2,
            losses_tr=np.array(state.losses_tr, dtype=float),
            losses_val=np.array(state.losses_val, dtype=float),
        )
        file.flush()
        os.fsync(file.fileno())  # on the disk before it gets its name
    unfinished.replace(path)


def load_checkpoint(
    path: str | os.PathLike, facts: dict[str, object], nite: int
) -> Checkpoint | None:
    """Return the saved state, or None where there is no file yet.

    Parameters
    ----------
    path : str or path
        A file that `save_checkpoint` wrote.
    facts : dict
        What the run is; it must be what it was when the file was written.
    nite : int
        The state may hold so many iterations at most.

    Raises
    ------
    ValueError
        The file belongs to another run, the message names what differs; or it is no
        checkpoint; or it is ahead of ``nite``.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            saved = json.loads(str(file["facts"]))
            state = Checkpoint(
                file["W1"],
                file["W2"],
                file["losses_tr"].tolist(),
                file["losses_val"].tolist(),
            )
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, TypeError) as error:
        raise ValueError(
            f"checkpoint: {str(path)!r} is no checkpoint, or a damaged one ({error})"
        ) from error
    differences = [
        f"{name} is {saved.get(name)} there and {facts.get(name)} here"
        for name in saved | facts
        if saved.get(name) != facts.get(name)
    ]
    if differences:
        raise ValueError(
            f"checkpoint: {str(path)!r} belongs to another run: "
            f"{'; '.join(differences)}. Name another file, or remove this one"
        )
    if len(state.losses_tr) > nite:
        raise ValueError(
            f"checkpoint: {str(path)!r} holds {len(state.losses_tr)} iterations, "
            f"more than nite = {nite}"
        )
    return state
