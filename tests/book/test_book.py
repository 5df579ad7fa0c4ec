"""The built book: every cell executed, every output in its place."""

import ast
import re
from pkgutil import resolve_name

import nbformat
import pytest

from chapter_files import CHAPTERS, LESSONS, NOTEBOOKS
from second_execution import code_of, with_outputs

# These print or draw something whenever they are called.
PRINTING = {
    "print",
    "check_derivative",
    "check_answer",
    "check_backward",
    "show_source",
}


TAG = "nbval-ignore-output"
# A measured time or a ratio of two: a number, then its unit.
MEASURED = re.compile(r"\d\s*(?:ns|µs|ms|s|times)\b|finds no accelerator")


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
    return code_of(book.notebook(chapter.name).cells)


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
    cells = code_cells(book, chapter)
    for cell in cells:
        if expects_output(cell.source):
            assert cell.outputs, f"{chapter}: no output under\n{cell.source}"
    on_page = book.page(chapter.name).select(".cell_output")
    assert len(on_page) == sum(bool(cell.outputs) for cell in cells)


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

    named = re.findall(r"show_source\(([\w.]+)(, docstrings=False)?", chapter.text)
    if chapter.name.startswith("lab_") and chapter.name != "lab_data":
        assert named, f"{chapter}: shows no tested function"
    code = [block.get_text() for block in book.page(chapter.name).select("pre")]
    for name, short in named:
        thing = resolve_name(f"backprop_book.{name}")
        source = backprop_book.show_source(thing, docstrings=not short).data
        text = source.split("```python\n")[1].removesuffix("\n```")
        assert any(text in block for block in code), f"{chapter}: {name} differs"


def printed(cells):
    return "".join(
        output.get("text", "") + output.get("data", {}).get("text/plain", "")
        for cell in cells
        for output in cell.outputs
    )


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_an_exercise_left_empty_says_so(book, chapter, handout):
    """On the page, and in what students get, where nothing is answered."""
    executed = book.notebook(chapter.name).cells
    exercises = chapter.text.count(":::{exercise}")
    assert printed(code_of(executed)).count("Not answered yet") >= exercises
    handed_out = nbformat.read(handout / f"{chapter.name}.ipynb", as_version=4).cells
    students = with_outputs(handed_out, executed)
    assert printed(students).count("Not answered yet") == exercises
    assert len(students) - 1 < len(code_of(executed)), "no solution was left out"


# What an output says where something is not as it should be.
FAILED = re.compile(r"(?:^|[:=])\s*False$|\b(?:DIFFERENT|WRONG)\b|: wrong,|\bNot yet\b")
# Lines that a page shows in order to explain them, and says so.
SHOWN_ON_PURPOSE = {
    "lab_autograd": r"leaf: ",
    "lab_numpy": r"W1: wrong, ",
    "lab_tensor": r"associative: ",
    "matrix_derivatives": r" fits; WRONG, ",
}


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_no_verdict_contradicts_its_page(book, chapter):
    expected = re.compile(SHOWN_ON_PURPOSE.get(chapter.name, r"(?!)"))
    lines = printed(code_cells(book, chapter)).splitlines()
    verdicts = [line for line in lines if FAILED.search(line)]
    assert not [line for line in verdicts if not expected.search(line)]


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_the_tag_for_measured_times_hides_nothing_else(book, chapter):
    for cell in book.notebook(chapter.name).cells:
        tags = cell.metadata.get("tags", [])
        assert not [t for t in tags if t.startswith("nbval") and t != TAG], cell.source
        if TAG not in tags:
            continue
        assert re.search(r"perf_counter|timeit|Timer\(", cell.source), (
            f"{chapter}: tagged, but measures no time:\n{cell.source}"
        )
        for output in cell.outputs:
            if "image/svg+xml" in output.get("data", {}):
                assert "plt.show()" in cell.source, f"{chapter}: hides {output}"
                continue  # a figure drawn from the measured times
            assert output.output_type == "stream", f"{chapter}: hides {output}"
            for line in output.text.splitlines():
                assert not line.strip() or MEASURED.search(line), (
                    f"{chapter}: hides a line with no measured time in it: {line!r}"
                )
