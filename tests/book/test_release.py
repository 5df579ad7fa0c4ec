"""A version is said in one way, and a link into the first edition still arrives."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

import release
from chapter_files import CHAPTERS, ROOT
from release import LOCKS, VERSIONS, build_release, version_of

SETTINGS = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
OLD = json.loads((ROOT / "recorded" / "anchors.json").read_text("utf-8"))
LABELS = {c.name: re.findall(r"^\(([\w-]+)\)=$", c.text, re.M) for c in CHAPTERS}


def test_all_files_say_one_version(tmp_path):
    version = version_of(ROOT)
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", version)
    for name in VERSIONS:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    changes = (tmp_path / "CHANGELOG.md").read_text("utf-8")
    for other, got in (("## 9.9", "'9\\.9'"), ("Nothing", "None")):
        changed = re.sub(r"(?m)^## .*", other, changes)
        (tmp_path / "CHANGELOG.md").write_text(changed, "utf-8")
        with pytest.raises(ValueError, match=f"one version in all files.*: {got}"):
            version_of(tmp_path)


@pytest.mark.parametrize("tag", ["", "v0.0.1-no-such-tag"])
def test_no_release_is_built_of_what_is_no_tag(tag):
    with pytest.raises(ValueError, match="TAG: expected a tag of this repository, got"):
        build_release(tag)


WRITE = """
import pathlib
for name in ("html/notebooks/x-2.whl", "handout.zip", "book.pdf", "book.epub"):
    file = pathlib.Path("_build", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(name)
"""


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with the files that say the version, and a build that is quick."""
    for name in (*VERSIONS, *LOCKS):
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "here" / name)
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "All"]):
        subprocess.run(["git", *identity, *command], cwd=tmp_path / "here", check=True)
    monkeypatch.setattr(release, "ROOT", tmp_path / "here")
    monkeypatch.setattr(release, "TARGET", tmp_path / "release")
    monkeypatch.setattr(release, "BUILD", {"all": ("-c", WRITE)})
    return lambda tag: subprocess.run(
        ["git", "tag", tag], cwd=tmp_path / "here", check=True
    )


def test_a_release_is_of_the_tag_and_complete(repository):
    tag = f"v{version_of(ROOT)}"
    repository(tag)
    (release.ROOT / "CHANGELOG.md").write_text("not committed", "utf-8")
    *files, sums = build_release(tag)
    ends = ["-handout.zip", "-site.zip", ".epub", ".pdf", "x-2.whl"]
    assert len(files) == len(ends)
    assert all(f.name.endswith(end) for f, end in zip(files, ends, strict=True))
    assert sums.read_text("utf-8").count("\n") == len(files)


def test_a_tag_of_another_version_is_refused(repository):
    repository("v9.9")
    with pytest.raises(ValueError, match=r"as the files say, got 'v9\.9'"):
        build_release("v9.9")


@pytest.mark.parametrize("lock", LOCKS)
def test_an_environment_of_another_lock_is_refused(repository, lock):
    tag = f"v{version_of(ROOT)}"
    repository(tag)
    (release.ROOT / lock).write_text("torch==1.0", "utf-8")
    with pytest.raises(ValueError, match=f"{lock}: expected that of v"):
        build_release(tag)


def test_a_part_that_fails_leaves_the_release_before(repository, monkeypatch):
    tag = f"v{version_of(ROOT)}"
    repository(tag)
    before = [file.read_bytes() for file in build_release(tag)]
    parts = {"all": ("-c", WRITE), "EPUB": ("-c", "raise SystemExit(3)")}
    monkeypatch.setattr(release, "BUILD", parts)
    with pytest.raises(RuntimeError, match="EPUB: not built"):
        build_release(tag)
    after = sorted(release.TARGET.iterdir())
    assert sorted(file.read_bytes() for file in after) == sorted(before)


@pytest.mark.parametrize("page", OLD)
def test_a_link_to_a_section_of_the_first_edition_arrives(page):
    """On its page, or led on by the setting `moved`."""
    moved = SETTINGS["moved"]
    gone = set(OLD[page]) - {*LABELS[page]}
    assert not {f"chapters/{page}#{label}" for label in gone} - moved.keys()


def test_what_is_led_on_arrives_at_a_label():
    for place in SETTINGS["moved"].values():
        page, label = re.fullmatch(r"chapters/(\w+)#([\w-]+)", place).groups()
        assert label in LABELS[page], place
