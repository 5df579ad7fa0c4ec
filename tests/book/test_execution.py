"""Chapters are executed right, or fail with their name, and never hold the build."""

import json
import re
import sys

import psutil
import pytest
from bs4 import BeautifulSoup

from execution import digest
from jupyter_book_build import build
from small_book import HEADER, cell, make_small_book, write_pages

LIMIT = 12  # seconds for each of these chapters
# Deaf to all signals that can be ignored, as a kernel is that hangs in compiled code.
DEAF = """
import os, signal, sys, time
for name in ("SIGINT", "SIGTERM", "SIGHUP"):
    if hasattr(signal, name):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
"""
SILENT = f"{DEAF}time.sleep(3600)"
# Answers, and then hangs when it shall go.
STAYS = f"""
from ipykernel.kernelapp import launch_new_instance
try:
    launch_new_instance()
finally:{DEAF.replace(chr(10), chr(10) + "    ")}
    time.sleep(3600)
"""
# Doesn't come up the first time; kernels start in the folder of their chapter.
STUMBLES = """
import pathlib
from ipykernel.kernelapp import launch_new_instance
stumbled = pathlib.Path("stumbled")
if not stumbled.exists():
    stumbled.touch()
    raise SystemExit(1)
launch_new_instance()
"""
LISTS = "import pathlib\nprint(*sorted(p.name for p in pathlib.Path().glob('*.at')))"
WAITS = """
import pathlib, time
pathlib.Path("{own}").touch()
end = time.monotonic() + 60
while not pathlib.Path("{other}").exists():
    assert time.monotonic() < end, "the other page is not executed meanwhile"
    time.sleep(0.05)
"""
PIECES = """
import sys, time
for k in range(3):
    print("piece", k)
    sys.stdout.flush()
    time.sleep(0.2)
"""
SAME = cell("print('the output of A and B')")


def page(name, *content, kernel="python3"):
    header = HEADER.replace("name: python3", f"name: {kernel}")
    return "\n".join([f"{header}\n# Page {name}\n", *content])


RIGHT = {
    "first": page("first"),
    "alone": page("alone", cell(LISTS)),
    "meets_a": page("one", cell(WAITS.format(own="one.at", other="two.at"))),
    "meets_b": page("two", cell(WAITS.format(own="two.at", other="one.at"))),
    "same_a": page("A", "Text.", SAME),
    "same_b": page("B", "Text,\n\n+++\n\nsplit otherwise.", SAME, "And more."),
    "pieces": page("pieces", cell(PIECES)),
    "stays": page("stays", cell("print('done')"), kernel="stays"),
    "stumbles": page("stumbles", cell("print('up')"), kernel="stumbles"),
}
FAULTS = {
    "raises": (
        page("r", cell("raise RuntimeError('planted')")),
        "RuntimeError: planted",
    ),
    "dies": (page("d", cell("import os\nos._exit(1)")), "died"),
    "endless": (page("e", cell("while True:\n    pass")), f"no end within {LIMIT} s"),
    "silent": (page("s", cell("1"), kernel="silent"), f"no end within {LIMIT} s"),
    "absent": (page("a", cell("1"), kernel="absent"), "No such kernel named absent"),
}


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """The environment in which there are the kernels that make trouble."""
    folder = tmp_path_factory.mktemp("jupyter")
    kernels = {"silent": SILENT, "stays": STAYS, "stumbles": STUMBLES}
    for name, code in kernels.items():
        spec = {
            "argv": [sys.executable, "-c", code, "-f", "{connection_file}"],
            "display_name": name,
            "language": "python",
        }
        file = folder / "kernels" / name / "kernel.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(spec), encoding="utf-8")
    return {"JUPYTER_PATH": str(folder)}


def running(folder):
    """Return what still runs in a folder, or with a file of it."""
    processes = psutil.process_iter(["cmdline", "cwd"])
    return [p.info for p in processes if str(folder) in str(p.info)]


def test_chapters_come_out_right(tmp_path, kernels):
    make_small_book(tmp_path, RIGHT, execute_alone=["chapters/alone"])
    code, log = build(tmp_path, environment=kernels)
    assert code == 0, log
    names = re.findall(r"^chapters/(\w+): \d+\.\d s$", log, re.MULTILINE)
    assert sorted(names) == sorted(RIGHT)
    assert "WARNING" not in log

    def outputs(name):
        html = tmp_path / "_build" / "html" / "chapters" / f"{name}.html"
        soup = BeautifulSoup(html.read_text(encoding="utf-8"), "html.parser")
        return [found.get_text() for found in soup.select(".cell_output pre")]

    assert outputs("same_a") == outputs("same_b") == ["the output of A and B\n"]
    assert outputs("pieces") == ["piece 0\npiece 1\npiece 2\n"]
    assert outputs("alone") == ["one.at two.at\n"], "it was not alone"
    assert outputs("stays") == ["done\n"]
    assert outputs("stumbles") == ["up\n"]
    assert not running(kernels["JUPYTER_PATH"])


def test_each_chapter_that_fails_is_named_and_none_holds_the_build(tmp_path, kernels):
    pages = {"first": page("first"), **{name: FAULTS[name][0] for name in FAULTS}}
    make_small_book(tmp_path, pages, execute_limit=LIMIT)
    code, log = build(tmp_path, environment=kernels, limit=10 * LIMIT)
    assert code != 0, f"built without complaint:\n{log}"
    reports = r"^chapters/(\w+)\.md: (.*?)(?=^\S+\.md: |^Extension|\Z)"
    said = dict(re.findall(reports, log, re.MULTILINE | re.DOTALL))
    assert said.keys() == FAULTS.keys(), log
    for name, (_, message) in FAULTS.items():
        assert message in said[name], log
    assert "Traceback (most recent call last):\n  File" not in log
    assert not running(kernels["JUPYTER_PATH"])
    assert not running(tmp_path)


def test_what_outputs_depend_on_decides_what_is_executed(tmp_path):
    library, lock = tmp_path / "lib" / "value.py", tmp_path / "requirements.txt"
    reads = cell("import pathlib\nprint(pathlib.Path('../lib/value.py').read_text())")
    pages = {"first": page("first", reads), "gone": page("gone", cell("1"))}
    make_small_book(tmp_path, pages)
    html = tmp_path / "_build" / "html" / "chapters"

    def executed(**environment):
        code, log = build(tmp_path, environment=environment)
        assert code == 0, log
        return re.findall(r"^chapters/(\w+): ", log, re.MULTILINE)

    library.write_text("VALUE = 1", encoding="utf-8")
    assert sorted(executed()) == ["first", "gone"]
    before = {path: path.read_bytes() for path in html.rglob("*.html")}
    assert executed() == []
    assert before == {path: path.read_bytes() for path in html.rglob("*.html")}

    with open(tmp_path / "_static" / "book.css", "a", encoding="utf-8") as style:
        style.write("body { tab-size: 7 }")
    assert executed() == []
    (sheet,) = (html.parent / "_static" / "light").glob("*.css")
    assert "tab-size: 7" in sheet.read_text("utf-8"), "the site has the old style"

    library.write_text("VALUE = 2", encoding="utf-8")
    assert sorted(executed()) == ["first", "gone"]
    assert "VALUE = 2" in (html / "first.html").read_text(encoding="utf-8")
    lock.write_text("numpy==1.0", encoding="utf-8")
    write_pages(tmp_path, {"first": pages["first"], "next": "# Next\n"})
    (tmp_path / "chapters" / "gone.md").unlink()
    assert executed() == ["first"]
    assert not (html / "gone.html").exists(), "a page that is no more"
    assert executed(OMP_NUM_THREADS="2") == ["first"]
    caches = list((tmp_path / "_build" / ".jupyter_cache").iterdir())
    assert len(caches) == 1, "the caches of older states are still there"


def test_a_digest_tells_files_and_their_content_apart(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    seen = set()
    for texts in [("a", "b"), ("ab", ""), ("b", "a"), ("", "ab")]:
        for path, text in zip((one, two), texts, strict=True):
            path.write_text(text, encoding="utf-8")
        seen |= {digest(tmp_path, files) for files in ([one, two], [one], [two])}
        seen.add(digest(tmp_path, [one, two], "3.13"))
    # Each of the files alone holds one of four texts: "a", "ab", "b" and "".
    assert len(seen) == 4 + 4 + 4 + 4
