"""A recording is what its file holds; the book's say where and when they were made."""

import json

import pytest

from backprop_book import load_recording, recordings


def test_a_recording_is_read_by_name_and_others_are_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    for name in ("speed", "memory"):
        (tmp_path / f"{name}.json").write_text(json.dumps([name]), encoding="utf-8")
    assert load_recording("speed") == ["speed"]
    message = r"^name: expected .*one of memory, speed, got 'sped'$"
    with pytest.raises(ValueError, match=message):
        load_recording("sped")


@pytest.mark.parametrize("path", sorted(recordings.FOLDER.glob("*.json")), ids=str)
def test_what_the_book_ships_says_where_and_when(path):
    recording = load_recording(path.stem)
    for key in ("command", "date", "machine", "versions", "results"):
        assert recording[key], key
