"""What a teacher hands out: no solution is anywhere in it, and the code is complete.

That it runs, with every answer empty, is in `tests/book/test_reexecution.py`.
"""

import re
import shutil
import subprocess
import sys

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


def test_the_code_beside_the_notebooks_is_all_that_the_package_needs(handout, tmp_path):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(tmp_path), handout / "code"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    library = ROOT / "lib" / "backprop_book"
    for path in library.rglob("*"):
        if path.is_dir() or path.parent.name == "__pycache__":
            continue
        installed = tmp_path / "backprop_book" / path.relative_to(library)
        assert installed.read_bytes() == path.read_bytes()


def test_what_it_says_about_itself_is_true(handout):
    readme = (handout / "README.md").read_text(encoding="utf-8")
    notebooks = {path.stem for path in handout.glob("*.ipynb")}
    assert notebooks == links_of(readme) == {chapter.name for chapter in LESSONS}
    named = set(re.findall(r"(?:\./|`)(code(?:/LICENSE)?|requirements\.txt)\b", readme))
    assert named == {"code", "code/LICENSE", "requirements.txt"}
    assert all((handout / name).exists() for name in named)
    for text in (readme, (handout / "code" / "README.md").read_text(encoding="utf-8")):
        assert not re.search(r"\bmake\b|\bsite\b|repository", text)


def test_pip_takes_its_versions_and_finds_every_package_among_them(handout):
    """What the README's command would install, in an environment that has it all."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index"]
    command += ["--no-build-isolation", "-c", handout / "requirements.txt"]
    result = subprocess.run(
        [*command, handout / "code", "jupyterlab"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Would install backprop-book" in result.stdout


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
    assert links_of("".join(content.decode() for content in files.values())) == left
    assert "\n6. [NumPy" in files["README.md"].decode()


def test_the_same_book_gives_the_same_zip(tmp_path):
    for name in ("one.zip", "two.zip"):
        write_handout(ROOT, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
