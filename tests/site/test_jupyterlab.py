"""A chapter opened as a notebook in JupyterLab runs to its end."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

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


def test_a_chapter_runs_in_jupyterlab(browser, lab):
    page = browser.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/lab?reset")
    page.wait_for_function("window.jupyterapp")
    page.evaluate(
        """async () => {
            const app = window.jupyterapp;
            await app.restored;
            const factory = "Notebook";
            const open = {path: "lab_numpy.md", factory};
            const widget = await app.commands.execute("docmanager:open", open);
            await widget.context.ready;
            await widget.sessionContext.ready;
        }"""
    )
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    cells = page.evaluate(OUTPUTS)
    page.close()
    assert len(cells) > 10
    for cell in cells:
        assert cell["execution_count"], f"not executed:\n{cell['source']}"
        kinds = [output["output_type"] for output in cell["outputs"]]
        assert "error" not in kinds, cell["outputs"]
    assert any("image/svg+xml" in str(cell["outputs"]) for cell in cells)
