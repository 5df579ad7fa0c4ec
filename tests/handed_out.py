"""The handout as a student unpacks it, for all tests that look into it."""

import zipfile
from pathlib import Path

import pytest

from chapter_files import ROOT


@pytest.fixture(scope="session")
def handout(tmp_path_factory) -> Path:
    """The unpacked folder."""
    from handout import FOLDER, write_handout  # tests of lib/ do without

    target = tmp_path_factory.mktemp("handout")
    write_handout(ROOT, target / "handout.zip")
    with zipfile.ZipFile(target / "handout.zip") as archive:
        archive.extractall(target)
    return target / FOLDER
