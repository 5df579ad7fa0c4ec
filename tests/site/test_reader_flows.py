"""What a reader takes away from a page: its notebook, and the page on paper."""

import nbformat
from nbclient import NotebookClient


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
    assert "d-numpy-w1: proved" in printed
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
