"""A recording says where and when it was made, or it isn't shown."""

import json

import pytest

from backprop_book import recordings
from backprop_book.recordings import REQUIRED, load_recording

COMPLETE = dict.fromkeys(REQUIRED, "here")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(recordings, "FOLDER", tmp_path)
    (tmp_path / "speed.json").write_text(json.dumps(COMPLETE), encoding="utf-8")
    return tmp_path


def test_a_recording_is_read_as_it_is(folder):
    assert load_recording("speed") == COMPLETE


def test_an_unknown_name_is_answered_with_the_known_ones(folder):
    with pytest.raises(ValueError, match=r"^name: expected .*one of speed, got 'sped'"):
        load_recording("sped")


@pytest.mark.parametrize("key", REQUIRED)
def test_a_recording_that_hides_where_it_is_from_is_refused(folder, key):
    incomplete = {other: "here" for other in REQUIRED if other != key}
    (folder / "secret.json").write_text(json.dumps(incomplete), encoding="utf-8")
    with pytest.raises(ValueError, match=f"'secret' lacks {key}"):
        load_recording("secret")


def test_names_are_listed(folder):
    (folder / "memory.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"one of memory, speed, got 'sped'"):
        load_recording("sped")
    with pytest.raises(ValueError, match=f"'memory' lacks {', '.join(REQUIRED)}"):
        load_recording("memory")


@pytest.mark.parametrize("path", sorted(recordings.FOLDER.glob("*.json")), ids=str)
def test_what_the_book_ships_is_complete(path):
    assert load_recording(path.stem)["results"]
