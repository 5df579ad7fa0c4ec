"""Execute as many chapters at a time as there are cores.

myst-nb executes a chapter when it reads it, so one after the other, and each on one
core (``book_build`` says why). Here the chapters to read are begun ahead, and myst-nb
gets the result where it would have executed; its cache, log and errors stay its own.

Chapters named in ``execute_alone`` wait until the others are done, and then have the
machine for themselves: they measure times or start processes of their own.
"""

import functools
import os
import queue
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.execute import cache as myst_nb_cache
from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def code(notebook: NotebookNode) -> str:
    """Return what tells a chapter from the others: its cells."""
    return "\n".join(c.source for c in notebook.cells if c.cell_type == "code")


def execute_in_turn(jobs: queue.SimpleQueue) -> None:
    """Execute one chapter after the other, until there are none."""
    with suppress(queue.Empty):
        while True:
            future, execute = jobs.get_nowait()
            try:
                future.set_result(execute())
            except BaseException as error:
                future.set_exception(error)


def to_execute(app: Sphinx, name: str) -> NotebookNode | None:
    """Return a page's notebook if it has one that the cache doesn't hold."""
    config, path = app.env.mystnb_config, Path(app.env.doc2path(name))
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), app.env.myst_config, config, text)
    if reader is None:
        return None
    notebook = reader.read(text)
    with suppress(KeyError):
        get_cache(config.execution_cache_path).match_cache_notebook(notebook)
        return None
    return notebook


def begin_ahead(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Begin the chapters that are to be executed, those that run alone excepted."""
    alone = [name for name in docnames if name in app.config.execute_alone]
    docnames[:] = [name for name in docnames if name not in alone] + alone
    config, jobs, begun = env.mystnb_config, queue.SimpleQueue(), {}
    for name in docnames[: len(docnames) - len(alone)]:
        notebook = to_execute(app, name)
        if notebook is None:
            continue
        job = functools.partial(
            single_nb_execution,
            notebook,
            cwd=str(Path(env.doc2path(name)).parent),
            allow_errors=config.execution_allow_errors,
            timeout=config.execution_timeout,
        )
        begun[code(notebook)] = Future()
        jobs.put((begun[code(notebook)], job))

    def result_or_execution(nb, **options):
        if code(nb) not in begun:
            wait(begun.values())
            return single_nb_execution(nb, **options)
        result = begun[code(nb)].result()
        nb.cells, nb.metadata = result.nb.cells, result.nb.metadata
        return result

    myst_nb_cache.single_nb_execution = result_or_execution
    for _ in range(max(2, os.cpu_count() or 2)):
        # As daemons: a build that is broken off ends at once, and the kernels with it.
        threading.Thread(target=execute_in_turn, args=[jobs], daemon=True).start()


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    app.add_config_value("execute_alone", [], "")
    app.connect("env-before-read-docs", begin_ahead)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
