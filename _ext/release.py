"""Build all that a release consists of, from a tag: ``python _ext/release.py v2.0``.

The tag is cloned into a folder of its own, so nothing that is not in it gets in. The
files are in ``_build/release`` then; nothing is uploaded.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "_build" / "release"
BOOK = "from jupyter_book.cli.main import main; main()"
BUILD = {
    "site": ("-c", BOOK, "build", "-q", "-W", "-n", "--keep-going", "."),
    "handout": ("_ext/handout.py",),
    "PDF": ("_ext/pdf_book.py",),
    "EPUB": ("_ext/epub_book.py",),
}
# What is installed is that of these.
LOCKS = ("requirements.txt", "package-lock.json")
# Where the version is said, and how.
VERSIONS = {
    "pyproject.toml": r'^version = "(.+)"$',
    "CITATION.cff": r'^version: "(.+)"$',
    "CHANGELOG.md": r"^## (.+)$",
    "chapters/index.md": r"backprop_book-(.+?)-py3-none-any\.whl",
    "README.md": r"backprop_book-(.+?)-py3-none-any\.whl",
}


def version_of(folder: Path) -> str:
    """Return the version of the book in a folder, after a look at where it is said.

    Raises
    ------
    ValueError
        If a file names another one.
    """
    found = {}
    for name, form in VERSIONS.items():
        said = re.search(form, (folder / name).read_text("utf-8"), re.MULTILINE)
        found[name] = said and said[1]
    if len({*found.values()}) > 1:
        raise ValueError(f"expected one version in all files, got {found}")
    return found["pyproject.toml"]


def build_release(tag: str) -> list[Path]:
    """Build the files of a tag, and return them.

    Raises
    ------
    ValueError
        If the tag isn't there, or isn't the version's, or the environment isn't its.
    RuntimeError
        If a part can't be built. The release that was there before stays then.
    """
    clone = ["git", "clone", "--quiet", "--branch", tag, str(ROOT)]
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder, "book")
        cloned = subprocess.run([*clone, book], capture_output=True, check=False)
        if cloned.returncode:
            raise ValueError(f"TAG: expected a tag of this repository, got {tag!r}")
        version = version_of(book)
        if tag != f"v{version}":
            raise ValueError(f"TAG: expected v{version}, as the files say, got {tag!r}")
        for lock in LOCKS:
            if (book / lock).read_bytes() != (ROOT / lock).read_bytes():
                form = f"expected that of {tag}; check the tag out first"
                raise ValueError(f"{lock}: {form}")
        (book / "node_modules").symlink_to(ROOT / "node_modules")
        environment = {**os.environ, "PYTHONPATH": str(book / "lib")}
        for part, command in BUILD.items():
            command = [sys.executable, *command]
            done = subprocess.run(command, cwd=book, env=environment, check=False)
            if done.returncode:
                raise RuntimeError(f"{part}: not built, for the reason given above")
        built, name = book / "_build", f"backpropagation-{version}"
        made = Path(folder, "release")
        made.mkdir()
        shutil.make_archive(str(made / f"{name}-site"), "zip", built / "html")
        shutil.copy(built / "handout.zip", made / f"{name}-handout.zip")
        for kind in ("pdf", "epub"):
            shutil.copy(built / f"book.{kind}", made / f"{name}.{kind}")
        (wheel,) = (built / "html" / "notebooks").glob("*.whl")
        shutil.copy(wheel, made)
        files = sorted(made.iterdir())
        sums = [f"{sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in files]
        (made / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(made, TARGET)
    return [*(TARGET / f.name for f in files), TARGET / "SHA256SUMS"]


if __name__ == "__main__":
    try:
        files = build_release(*sys.argv[1:2] or [""])
    except (ValueError, RuntimeError) as error:
        sys.exit(f"release: {error}")
    for file in files:
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file.relative_to(ROOT)}")
