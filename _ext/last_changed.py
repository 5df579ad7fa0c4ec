"""Say on each page when its file was last changed: by the history, else by the build.

Sphinx by itself shows the day of the build on every page.
"""

import os
import subprocess
import time
from pathlib import Path

from sphinx.application import Sphinx


def committed_dates(folder: Path) -> dict[str, str]:
    """Return the day of the last commit of each file that is as it was committed."""

    def git(*arguments: str) -> list[str]:
        command = ["git", "-c", "core.quotePath=off", *arguments]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, encoding="utf-8", check=True
        )
        return done.stdout.splitlines()

    dates: dict[str, str] = {}
    try:
        history = git("log", "--relative", "--name-only", "--format=%x00%cs", "--", ".")
        changed = git("diff", "--relative", "--name-only", "HEAD", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return {}
    day = ""
    for line in history:
        if line.startswith("\0"):
            day = line[1:]
        elif line:
            dates.setdefault(line, day)
    return {file: day for file, day in dates.items() if file not in changed}


def build_date() -> str:
    """Return the day of the build, or the one that reproducible builds ask for."""
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def read_history(app: Sphinx) -> None:
    """Ask git once for all pages."""
    app.committed_dates = committed_dates(Path(app.srcdir))


def last_changed(app: Sphinx, page: str) -> str:
    """Return the day of a page, or "" for a page that no file makes."""
    if page not in app.env.found_docs:
        return ""
    file = Path(app.env.doc2path(page)).relative_to(app.srcdir).as_posix()
    return app.committed_dates.get(file) or build_date()


def date_page(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Tell the theme."""
    context["last_updated"] = last_changed(app, pagename)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    app.connect("builder-inited", read_history)
    app.connect("html-page-context", date_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
