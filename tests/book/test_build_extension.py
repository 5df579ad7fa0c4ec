"""An edit under lib/ re-executes the pages; an unchanged book executes nothing."""

import re
import shutil

import nbformat
import pytest
from sphinx.errors import ExtensionError

from chapter_files import ROOT
from jupyter_book_build import build
from light_assets import MEASURES, THEME_SCRIPT, write_script
from small_book import HEADER, make_small_book

PAGE = f"""{HEADER}
# A page with one value from the library

The value doubles: $y = 2 x$.

```{{code-cell}} ipython3
import importlib.util

spec = importlib.util.spec_from_file_location("value", "../lib/small/value.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print("the library says", module.VALUE)
```
"""


@pytest.fixture
def small_book(tmp_path):
    """A book of one page, with a library that the page reads from."""
    make_small_book(tmp_path, {"page": PAGE})
    library = tmp_path / "lib" / "small" / "value.py"
    library.parent.mkdir(parents=True)
    library.write_text("VALUE = 1\n")
    return tmp_path


def test_an_edit_under_lib_reexecutes_the_pages(small_book):
    page = small_book / "_build" / "html" / "chapters" / "page.html"
    library = small_book / "lib" / "small" / "value.py"

    code, log = build(small_book)
    assert code == 0, log
    assert "the library says 1" in page.read_text()

    code, log = build(small_book)
    assert code == 0, log
    assert "Executing notebook" not in log

    library.write_text("VALUE = 2\n")
    code, log = build(small_book)
    assert code == 0, log
    assert "the library says 2" in page.read_text()
    caches = list((small_book / "_build" / ".jupyter_cache").iterdir())
    assert len(caches) == 1, "the cache of the old library is still there"


def cell(code):
    return f"```{{code-cell}} ipython3\n{code}\n```"


# Found while the pages are read or written, so that one build names them all.
FAULTS = {
    "warns": (cell("import warnings\nwarnings.warn('planted')"), "stderr"),
    "reference": ("See {ref}`no-such-place`.", "no-such-place"),
    "equation": ("See {eq}`no-such-equation`.", "no-such-equation"),
    "anchor": ("See [there](#no-such-anchor).", "no-such-anchor"),
    "citation": ("See {cite:t}`nobody1900nothing`.", "nobody1900nothing"),
}
# Each ends the build.
ENDS = {
    "raises": (cell("raise RuntimeError('planted')"), "planted"),
    "formula": (r"The formula $\frac{1$ is broken.", "KaTeX"),
}


@pytest.fixture(scope="module")
def log_of_faults(tmp_path_factory):
    """What the build says of a book with one fault on each page but the first."""
    pages = {name: f"{HEADER}\n# Page\n\n{FAULTS[name][0]}\n" for name in FAULTS}
    folder = make_small_book(
        tmp_path_factory.mktemp("faults"), {"page": f"{HEADER}\n# Page\n", **pages}
    )
    (folder / "chapters" / "forgotten.md").write_text("# Forgotten\n")
    code, log = build(folder)
    assert code != 0, f"built without complaint:\n{log}"
    return log


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_a_page_fails_the_build_and_is_named(log_of_faults, name):
    message = FAULTS[name][1]
    assert re.search(rf"{name}\.md.*(WARNING|ERROR).*{message}", log_of_faults), (
        log_of_faults
    )


def test_a_page_outside_the_table_of_contents_is_named(log_of_faults):
    assert re.search(r"forgotten\.md.*WARNING.*toc", log_of_faults), log_of_faults


@pytest.mark.parametrize("name", ENDS)
def test_a_fault_that_ends_the_build_is_named(small_book, name):
    fault, message = ENDS[name]
    page = small_book / "chapters" / "page.md"
    page.write_text(f"{PAGE}\n{fault}\n")
    code, log = build(small_book)
    assert code != 0, f"built without complaint:\n{log}"
    assert message in log


def test_missing_katex_is_named(small_book):
    (small_book / "node_modules").unlink()
    code, log = build(small_book)
    assert code != 0
    assert "npm ci" in log


def test_katex_of_another_release_is_named(small_book):
    modules = small_book / "node_modules"
    modules.unlink()
    shutil.copytree(ROOT / "node_modules" / "katex", modules / "katex")
    package = modules / "katex" / "package.json"
    package.write_text('{"version": "0.19.0"}')
    code, log = build(small_book)
    assert code != 0
    assert "npm has the style sheet of 0.19.0" in log


def test_missing_purgecss_is_named(small_book):
    modules = small_book / "node_modules"
    modules.unlink()
    shutil.copytree(ROOT / "node_modules" / "katex", modules / "katex")
    code, log = build(small_book)
    assert code != 0
    assert "PurgeCSS is not installed" in log
    assert "npm ci" in log


@pytest.mark.parametrize("times", [0, 2])
def test_a_theme_that_measures_boxes_otherwise_is_named(tmp_path, times):
    script = tmp_path / "scripts" / THEME_SCRIPT
    script.parent.mkdir()
    script.write_text(f"first();{MEASURES};" * times)
    with pytest.raises(ExtensionError, match=f"{THEME_SCRIPT}.*that is there {times}"):
        write_script(tmp_path, tmp_path)
    assert not (tmp_path / THEME_SCRIPT).exists()


def test_style_sheets_follow_the_pages(small_book):
    site = small_book / "_build" / "html"
    page, sheet = site / "chapters" / "page.html", site / "_static/light/book.css"
    assert build(small_book)[0] == 0
    first, written = page.read_text(), sheet.stat().st_mtime_ns
    assert "light/maths.css" in first
    assert f"light/{THEME_SCRIPT}" in first
    assert f"scripts/{THEME_SCRIPT}" not in first
    assert "pydata-sphinx-theme.css" not in first
    assert "details.sd-dropdown" not in sheet.read_text()

    assert build(small_book)[0] == 0
    assert page.read_text() == first
    assert sheet.stat().st_mtime_ns == written, "written again, and nothing changed"

    dropdown = ":::{dropdown} A question?\nAn answer.\n:::\n"
    text = PAGE.replace(" $y = 2 x$", "") + "\n" + dropdown
    (small_book / "chapters" / "page.md").write_text(text)
    assert build(small_book)[0] == 0
    assert "light/maths.css" not in page.read_text()
    assert "details.sd-dropdown" in sheet.read_text()
    versions = [
        re.search(r"light/book\.css\?v=(\w+)", file.read_text())[1]
        for file in (page, site / "genindex.html")
    ]
    assert versions[0] == versions[1], "a page names the style sheet of before"
    assert versions[0] not in first


def test_prints_that_arrive_in_pieces_are_one_output(small_book):
    pieces = cell(
        "import sys, time\n"
        "for k in range(3):\n"
        "    print('piece', k)\n"
        "    sys.stdout.flush()\n"
        "    time.sleep(0.3)"
    )
    (small_book / "chapters" / "page.md").write_text(f"{PAGE}\n{pieces}\n")
    code, log = build(small_book)
    assert code == 0, log
    executed = small_book / "_build" / "jupyter_execute" / "chapters" / "page.ipynb"
    (output,) = nbformat.read(executed, as_version=4).cells[-1].outputs
    assert output.text == "piece 0\npiece 1\npiece 2\n"


WAITS = """
import pathlib
import time

pathlib.Path("{own}").touch()
end = time.monotonic() + 60
while not pathlib.Path("{other}").exists():
    assert time.monotonic() < end, "the other page is not executed meanwhile"
    time.sleep(0.05)
"""
LISTS = "import pathlib\n\nprint(*sorted(pathlib.Path().glob('*.at')))"


def test_pages_are_executed_at_a_time_but_those_that_want_to_be_alone(tmp_path):
    pages = {
        "alone": cell(LISTS),
        "one": cell(WAITS.format(own="one.at", other="two.at")),
        "two": cell(WAITS.format(own="two.at", other="one.at")),
    }
    pages = {name: f"{HEADER}\n# Page {name}\n\n{pages[name]}\n" for name in pages}
    folder = make_small_book(tmp_path, pages, execute_alone=["chapters/alone"])
    code, log = build(folder)
    assert code == 0, log
    page = folder / "_build" / "html" / "chapters" / "alone.html"
    assert "one.at two.at" in page.read_text()
