"""A chapter opened as a notebook in JupyterLab runs to its end."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from chapter_files import ROOT

pytestmark = pytest.mark.weekly

OUTPUTS = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.model.toJSON().cells;
    return cells.filter((cell) => cell.cell_type === "code");
}"""


@pytest.fixture
def lab(tmp_path):
    """JupyterLab on a copy of the chapters, with no settings but its own."""
    chapters = tmp_path / "chapters"
    shutil.copytree(ROOT / "chapters", chapters)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {
        f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower())
        for kind in ("CONFIG", "RUNTIME")
    }
    log = tmp_path / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                *(f"--port={port}", "--ServerApp.port_retries=0"),
                *("--IdentityProvider.token=", "--LabApp.news_url="),
                *("--LabApp.extension_manager=readonly", "--expose-app-in-browser"),
                f"--notebook-dir={chapters}",
            ],
            env={**os.environ, **folders},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while True:
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=5).close()
                    break
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    assert process.poll() is None, log.read_text(encoding="utf-8")
                    assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                    time.sleep(0.3)
            yield address
        finally:
            # Ends the kernels too, which killing the server would not.
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def open_and_run(browser, lab, name):
    """Open a notebook and execute it."""
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/lab?reset")
    page.wait_for_function("window.jupyterapp")
    page.evaluate(
        """async (name) => {
            const app = window.jupyterapp;
            await app.restored;
            const factory = "Notebook";
            const open = {path: name, factory};
            const widget = await app.commands.execute("docmanager:open", open);
            await widget.context.ready;
            await widget.sessionContext.ready;
        }""",
        name,
    )
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    return page


def test_a_chapter_runs_in_jupyterlab(browser, lab):
    page = open_and_run(browser, lab, "lab_numpy.md")
    cells = page.evaluate(OUTPUTS)
    page.close()
    assert len(cells) > 10
    for cell in cells:
        assert cell["execution_count"], f"not executed:\n{cell['source']}"
        kinds = [output["output_type"] for output in cell["outputs"]]
        assert "error" not in kinds, cell["outputs"]
    assert any("image/svg+xml" in str(cell["outputs"]) for cell in cells)


EXPLORER = """from backprop_book import Value, play
w = Value(2.0, name="w")
play((w * 3.0 - 1.0).relu() ** 2, write="x = 1")"""


def test_an_explorer_steps_and_its_numbers_move_in_jupyterlab(browser, lab, tmp_path):
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(EXPLORER)], metadata=kernel)
    nbformat.write(notebook, tmp_path / "chapters" / "explorer.ipynb")
    page = open_and_run(browser, lab, "explorer.ipynb")
    explorer = page.locator("section.play")
    explorer.get_by_role("button", name="To the start").click()
    explorer.get_by_role("button", name="Step", exact=True).click()
    assert "v1 = w × 3 = 2 × 3 = 6" in explorer.locator(".rule").inner_text()
    explorer.locator('.spot[aria-label^="w, value"]').click()
    # In JupyterLab's command mode, a 2 makes a heading of the cell and dd deletes it.
    page.keyboard.type("2")
    page.keyboard.press("Tab")
    page.keyboard.type("-2")
    explorer.get_by_role("button", name="To the end").click()
    assert explorer.locator('.spot[aria-label="w, gradient: 0"]').count() == 1
    rule = explorer.locator(".rule").inner_text()
    assert "central difference 0, as the gradient" in rule
    field = explorer.get_by_role("textbox", name="Expression")
    field.fill("")
    field.press_sequentially("ab2 dd")
    assert field.input_value() == "ab2 dd"
    assert page.locator(".jp-Notebook .jp-CodeCell").count() == 1
    assert page.locator(".jp-Notebook .jp-Cell").count() == 1
    page.close()
