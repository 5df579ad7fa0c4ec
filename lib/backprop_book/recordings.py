"""Measurements that were made once and are shown as recorded."""

import json
from pathlib import Path

from backprop_book.arguments import expect

FOLDER = Path(__file__).parent / "recorded"


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
        There is no such recording.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.json"))
    expected = f"a recording, one of {', '.join(known)}"
    expect(name in known, "name", expected, repr(name))
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
