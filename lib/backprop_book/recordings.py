"""Measurements that were made once and are shown as recorded."""

import json
from pathlib import Path

from backprop_book.arguments import expect

FOLDER = Path(__file__).parent / "recorded"
REQUIRED = ("command", "date", "machine", "versions", "results")


def load_recording(name: str) -> dict:
    """Return what was measured once, with where and when.

    Parameters
    ----------
    name : str
        The name of a file in ``backprop_book/recorded/``, without ``.json``.

    Returns
    -------
    dict
        ``command`` makes the recording again, ``date`` is the day of the measurement,
        ``machine`` and ``versions`` say what was measured on and with, ``results`` is
        a list of dicts with one measurement each.

    Raises
    ------
    ValueError
        There is no such recording, or it doesn't say where and when it was made.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    expected = f"a recording, one of {', '.join(known)}"
    expect(name in known, "name", expected, repr(name))
    recording = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    missing = [key for key in REQUIRED if key not in recording]
    if missing:
        raise ValueError(f"name: the recording {name!r} lacks {', '.join(missing)}")
    return recording
