"""Build this commit twice from nothing and compare the sites to the byte.

What the outputs tagged as measured show is left out: the outputs themselves, and
figures drawn from them.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import lxml.html

from chapter_files import ROOT
from jupyter_book_build import build

MEASURED = "//div[contains(@class, 'tag_nbval-ignore-output')]"
OUTPUTS = f"{MEASURED}/div[contains(@class, 'cell_output')]"


def build_commit(folder: Path) -> Path:
    """Return the site of a fresh clone."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    shutil.copytree(ROOT / "node_modules", folder / "node_modules")
    code, log = build(folder)
    if code:
        sys.exit(log)
    return folder / "_build" / "html"


def without_measured(path: Path, images: set[str]) -> bytes:
    """Return a page without its measured outputs; note their images."""
    page = lxml.html.document_fromstring(path.read_text(encoding="utf-8"))
    for output in page.xpath(OUTPUTS):
        images.update(Path(source).name for source in output.xpath(".//img/@src"))
        output.drop_tree()
    return lxml.html.tostring(page)


def compare(one: Path, two: Path) -> tuple[list[str], list[str]]:
    """Return the files that differ in measured outputs alone, and the others."""
    images = set()
    pages = {
        (site, path.relative_to(site)): without_measured(path, images)
        for site in (one, two)
        for path in site.rglob("*.html")
    }
    measured, others = [], []
    files = {p.relative_to(s) for s in (one, two) for p in s.rglob("*") if p.is_file()}
    for file in sorted(files):
        here, there = one / file, two / file
        if here.exists() and there.exists():
            if here.read_bytes() == there.read_bytes():
                continue
            alike = file.suffix == ".html" and pages[one, file] == pages[two, file]
        else:
            alike = file.name in images
        (measured if alike else others).append(file.as_posix())
    return measured, others


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sites = [build_commit(Path(folder, name)) for name in ("one", "two")]
        measured, others = compare(*sites)
    print(f"differ in measured outputs alone: {', '.join(measured) or 'none'}")
    if others:
        sys.exit(f"differ otherwise: {', '.join(others)}")
    print("All other bytes of the two sites are the same.")
