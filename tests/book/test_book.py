"""The built book: every page there, every cell executed, every output in its place."""

import ast
import re
from operator import attrgetter

import pytest

from chapter_files import CHAPTERS, LESSONS, NOTEBOOKS, toc_files

# These print or draw something whenever they are called.
PRINTING = {"print", "prove", "check_answer", "check_backward", "show_source"}


def expects_output(source):
    """Return whether a cell's own statements, function bodies apart, print or draw."""
    pending = list(ast.parse(source).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in PRINTING or ast.unparse(node.func) == "plt.show":
                return True
        pending.extend(ast.iter_child_nodes(node))
    return False


def code_cells(book, chapter):
    cells = book.notebook(chapter.name).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def test_no_warning_in_the_log(book):
    warnings = [line for line in book.log.splitlines() if "WARNING:" in line]
    assert not warnings
    assert "build succeeded" in book.log


@pytest.mark.parametrize("file", toc_files())
def test_page_is_there(book, file):
    assert (book.html / f"{file}.html").is_file()


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_every_cell_is_executed_without_error(book, chapter):
    cells = code_cells(book, chapter)
    assert len(cells) == len(chapter.code)
    for cell in cells:
        assert cell.execution_count, f"{chapter}: not executed:\n{cell.source}"
        for output in cell.outputs:
            assert output.output_type != "error", f"{chapter}: {output.ename}"
            assert output.get("name") != "stderr", f"{chapter}: {output.text}"
    assert not book.page(chapter.name).select(".output.traceback")


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_every_cell_that_prints_or_draws_has_its_output(book, chapter):
    for cell in code_cells(book, chapter):
        if expects_output(cell.source):
            assert cell.outputs, f"{chapter}: no output under\n{cell.source}"


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_every_figure_is_on_the_page_with_its_alt_text(book, chapter):
    drawn = [
        output
        for cell in code_cells(book, chapter)
        for output in cell.outputs
        if any(kind.startswith("image/") for kind in output.get("data", {}))
    ]
    shown = book.page(chapter.name).select(".cell_output img")
    assert len(shown) == len(drawn)
    for image in shown:
        path = book.html / "chapters" / image["src"]
        assert path.is_file()
        assert path.stat().st_size > 1000, f"{chapter}: {image['src']} is empty"
        assert len(image.get("alt", "").split()) >= 8, f"{chapter}: {image['src']}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_maths_is_rendered(book, chapter):
    page = book.page(chapter.name)
    assert len(page.select(".math")) == len(page.select(".math .katex, .math.katex"))
    assert not page.select(".katex-error")


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_page_shows_the_librarys_own_text(book, chapter):
    import backprop_book

    named = re.findall(r"show_source\(([a-z_0-9.]+)\)", chapter.text)
    if chapter.name.startswith("lab_") and chapter.name != "lab_data":
        assert named, f"{chapter}: shows no tested function"
    code = [block.get_text() for block in book.page(chapter.name).select("pre")]
    for name in named:
        source = backprop_book.show_source(attrgetter(name)(backprop_book)).data
        text = source.split("```python\n")[1].removesuffix("\n```")
        assert any(text in block for block in code), f"{chapter}: {name} differs"


def test_an_exercise_left_empty_says_so(book):
    for chapter in LESSONS:
        printed = "".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "")
            for cell in code_cells(book, chapter)
            for output in cell.outputs
        )
        exercises = chapter.text.count(":::{exercise}")
        assert printed.count("Not answered yet") >= exercises, chapter.name
