"""What a teacher hands out: no solution is anywhere in it, and the code is complete.

That it runs, with every answer empty, is in `tests/second_execution.py`.
"""

import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest

from chapter_files import LESSONS, ROOT
from handout import handout_files, write_handout

PARTS = ("_config.yml", "_toc.yml", "references.bib", "requirements.txt", "LICENSE")


def links_of(text):
    return set(re.findall(r"\]\((\w+)\.ipynb", text))


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_nothing_that_the_page_folds_is_handed_out(book, handout, chapter):
    page = book.page(chapter.name)
    folds = page.select("article details.sd-dropdown .sd-summary-content")
    # Lines with markup in them read otherwise in the notebook; most have none.
    hidden = {line for fold in folds for line in fold.get_text().splitlines()}
    shown = page.select_one("article").get_text()
    secret = {s for s in hidden if len(s) > 20 and shown.count(s) == 1}
    notebook = nbformat.read(handout / f"{chapter.name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    assert len(folds) >= 5
    assert len(secret) >= 8, f"{chapter}: found {len(secret)} lines of solutions"
    assert not [line for line in secret if line in text]


def wheel_of(folder):
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_wheel_beside_the_notebooks_is_all_of_the_library(handout):
    library = ROOT / "lib" / "backprop_book"
    files = [p for p in library.rglob("*") if p.is_file() and p.suffix != ".pyc"]
    with zipfile.ZipFile(wheel_of(handout)) as wheel:
        packed = {n for n in wheel.namelist() if n.startswith("backprop_book/")}
        assert {p.relative_to(library.parent).as_posix() for p in files} == packed
        for path in files:
            name = path.relative_to(library.parent).as_posix()
            assert wheel.read(name) == path.read_bytes(), name


def test_what_it_says_about_itself_is_true(handout):
    readme = (handout / "README.md").read_text(encoding="utf-8")
    notebooks = {path.stem for path in handout.glob("*.ipynb")}
    assert notebooks == links_of(readme) == {chapter.name for chapter in LESSONS}
    files = r"[\w.-]+\.whl|LICENSE|requirements\.txt"
    named = set(re.findall(rf"(?:\./|`)({files})", readme))
    assert named == {wheel_of(handout).name, "LICENSE", "requirements.txt"}
    assert all((handout / name).exists() for name in named)
    assert not re.search(r"\bmake\b|\bsite\b|repository", readme)


def test_pip_takes_its_versions_and_finds_every_package_among_them(handout):
    """What the README's command would install, in an environment that has it all."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index"]
    command += ["-c", handout / "requirements.txt"]
    result = subprocess.run(
        [*command, f"{wheel_of(handout)}[lab,torch]"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    # The second where this environment has the wheel's version.
    said = r"Would install backprop-book|backprop-book is already installed"
    assert re.search(said, result.stdout)


def test_chapters_can_be_chosen():
    files = handout_files(ROOT, ["lab_numpy", "chain_rule"])
    readme = files["README.md"].decode()
    chosen = {"chain_rule", "lab_numpy"}
    assert {name[:-6] for name in files if name.endswith(".ipynb")} == chosen
    assert readme.index("\n1. [The chain rule") < readme.index("\n7. [NumPy")
    for name in (*chosen, "README"):
        assert (
            links_of(files.get(f"{name}.ipynb", files["README.md"]).decode()) <= chosen
        )
    with pytest.raises(ValueError, match="no chapter 'index'; there are: chain_rule, "):
        handout_files(ROOT, ["index"])


def test_a_shortened_table_of_contents_makes_a_shorter_handout(tmp_path):
    for name in (*PARTS, "pyproject.toml", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "chapters", tmp_path / "chapters")
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    shorter, gone = re.subn(r".*/(?:stability|scale|lab_data)\n", "", toc)
    (tmp_path / "_toc.yml").write_text(shorter, encoding="utf-8")
    files = handout_files(tmp_path, [])
    left = {name[:-6] for name in files if name.endswith(".ipynb")}
    assert len(left) == len(LESSONS) - gone == len(LESSONS) - 3
    texts = [t.decode() for name, t in files.items() if not name.endswith(".whl")]
    assert links_of("".join(texts)) == left
    assert "\n6. [NumPy" in files["README.md"].decode()


def test_the_same_book_gives_the_same_zip(tmp_path):
    for name in ("one.zip", "two.zip"):
        write_handout(ROOT, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
