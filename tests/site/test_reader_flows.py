"""What a reader takes away from a page: its notebook, and the page on paper."""

import nbformat
import pypdfium2
import pytest
from nbclient import NotebookClient

from chapter_files import NOTEBOOKS
from site_visits import PAPER


def test_a_downloaded_notebook_runs_in_an_empty_folder(page, site, tmp_path):
    page.goto(f"{site}/chapters/lab_numpy.html")
    page.get_by_role("button", name="Download this page").click()
    with page.expect_download() as download:
        page.get_by_role("link", name=".ipynb").click()
    assert download.value.suggested_filename == "lab_numpy.ipynb"
    path = tmp_path / "lab_numpy.ipynb"
    download.value.save_as(path)
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=120).execute(cwd=str(tmp_path))
    printed = "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    assert "W1 to 1e-14: True" in printed
    assert "Not answered yet" in printed
    assert [file.name for file in tmp_path.iterdir()] == ["lab_numpy.ipynb"]


def test_the_download_is_reached_by_keyboard(page, site):
    page.goto(f"{site}/chapters/lab_numpy.html")
    page.get_by_role("button", name="Download this page").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "lab_numpy.ipynb"


def words_on_paper(page, target):
    """Print a page, and return its text without spaces: lines break elsewhere."""
    page.pdf(path=target, format="A4", print_background=True)
    with pypdfium2.PdfDocument(target) as pages:
        texts = [page.get_textpage().get_text_range() for page in pages]
    return "".join("".join(texts).split())


@pytest.fixture
def paper(page):
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    return page


def test_a_printed_chapter_shows_solutions_and_answers_and_no_furniture(paper, site):
    paper.goto(f"{site}/chapters/lab_numpy.html")
    solutions = paper.locator("details.solution .cell_input")
    answers = paper.locator("details.sd-dropdown p")
    assert solutions.count() >= 4
    assert answers.count() >= 3
    for part in [*solutions.all(), *answers.all()]:
        assert part.is_visible()
        assert part.bounding_box()["height"] > 10
    for furniture in (
        *("#pst-primary-sidebar", "#pst-secondary-sidebar", ".bd-header-article"),
        *(".prev-next-footer", "a.headerlink", ".copybtn"),
        *("details.hide > summary", ".sd-summary-state-marker"),
    ):
        for part in paper.locator(furniture).all():
            assert not part.is_visible(), furniture


def test_the_printed_file_holds_the_solutions_in_light_colours(page, site, tmp_path):
    page.add_init_script("localStorage.mode = localStorage.theme = 'dark'")
    page.goto(f"{site}/chapters/lab_numpy.html")
    text = words_on_paper(page, tmp_path / "page.pdf")
    chapter = next(c for c in NOTEBOOKS if c.name == "lab_numpy")
    for line in (
        "Dividing the loss by a constant divides every gradient by it.",
        "One weight of",
        "When a step crosses a kink: some entry of",
        "V2_new = V2 - 0.01 * (H1.T @ G)",
    ):
        assert line in chapter.text
        assert "".join(line.split()) in text, f"not on paper: {line}"
    for word in ("Search this book", "Skip to main content", "Theory"):
        assert "".join(word.split()) not in text, f"on paper: {word}"
    # Back on the screen all is as it was.
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert not page.locator("details.sd-dropdown p").first.is_visible()


def test_a_sheet_is_printed_without_solutions_and_answers(page, site, tmp_path):
    page.add_init_script("window.print = () => {}")
    page.goto(f"{site}/chapters/lab_numpy.html")
    page.get_by_role("button", name="Download this page").click()
    page.get_by_role("button", name="Exercises").click()
    text = words_on_paper(page, tmp_path / "page.pdf")
    for line, there in {
        "Many libraries minimise the mean": True,
        "Solution to Exercise": False,
        "Dividing the loss by a constant divides every gradient by it.": False,
    }.items():
        assert ("".join(line.split()) in text) == there, line
    # The next print has them again.
    assert "SolutiontoExercise" in words_on_paper(page, tmp_path / "page.pdf")
