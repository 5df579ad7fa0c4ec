"""Execute chapters, a process each, as many at a time as there are cores.

Before Sphinx reads the pages, those that jupyter-cache doesn't hold are executed and
put into it, where myst-nb finds them. Each has a clock of its own, after which it is
ended with all that it started. Chapters named in ``execute_alone`` wait until the
others are done: they measure times or start processes of their own.

jupyter-cache compares code cells alone, so the cache's folder is named by a digest of
all else that an output depends on. Where that changes, the site begins anew.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.read import create_nb_reader
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

HERE = Path(__file__).parent
WORKER = HERE / "execute_chapter.py"
COLOURS = re.compile(r"\x1b\[[\d;]*m")
# Seconds that a kernel has to go once its chapter is done.
GRACE = 5


def digest(root: Path, files: list[Path], *more: object) -> str:
    """Return a digest of files, by name and content, and of what else is given."""
    total = hashlib.sha256(repr(more).encode())
    for path in sorted(files):
        total.update(f"\0{os.path.relpath(path, root)}\0".encode() + path.read_bytes())
    return total.hexdigest()[:16]


def begin_anew_where_needed(app: Sphinx, config: Config) -> None:
    """Name the cache by what outputs depend on; drop a site that was made otherwise."""
    root, out = Path(app.srcdir), Path(app.outdir)
    library = [
        path
        for path in (root / "lib").rglob("*")
        if path.is_file()
        and not {"__pycache__", "backprop_book.egg-info"} & {*path.parts}
    ]
    packages = Path(sysconfig.get_path("purelib")).glob("*.dist-info")
    outputs = digest(
        root,
        [*library, root / "requirements.txt", WORKER],
        *(sys.version, sorted(path.name for path in packages)),
        *(config.nb_execution_timeout, config.nb_execution_allow_errors),
        os.environ["OMP_NUM_THREADS"],
    )
    caches = out.parent / ".jupyter_cache"
    for old in caches.glob("*"):
        if old.name != outputs:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(caches / outputs)
    # Of a page that is no more, or of another style, nothing may be left.
    names = ("_toc.yml", "_config.yml", "references.bib", "package-lock.json")
    makers = [*HERE.glob("*.*"), *root.glob("_static/*"), *(root / n for n in names)]
    config.site_digest = digest(root, [m for m in makers if m.is_file()], outputs)
    memory = Path(app.doctreedir) / "site.digest"
    if not memory.is_file() or memory.read_text("utf-8") != config.site_digest:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(config.site_digest, "utf-8")


def end(process: subprocess.Popen) -> None:
    """End a process and all that it started."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.kill()
    process.wait()


class Executions:
    """The executions of one build, which end with it."""

    def __init__(self, timeout: float, limit: float):
        self.timeout, self.limit = timeout, limit
        self.broken_off = threading.Event()

    def execute(self, name: str, notebook: NotebookNode, folder: Path) -> dict:
        """Execute one chapter; return its result, with ``error`` in words or ""."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own:
            source, result = Path(own, "notebook.ipynb"), Path(own, "result.json")
            nbformat.write(notebook, source)
            start = time.monotonic()
            with open(Path(own, "log"), "w+", encoding="utf-8") as log:
                process = subprocess.Popen(
                    [sys.executable, WORKER, source, result, folder, str(self.timeout)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # Neither the reader's settings of IPython, nor its history's lock.
                    env={**os.environ, "IPYTHONDIR": own},
                )
                try:
                    self.wait(process, result, start + self.limit)
                finally:
                    end(process)
                log.seek(0)
                said = log.read()[-2000:]
            if result.exists():
                outcome = json.loads(result.read_text(encoding="utf-8"))
            elif time.monotonic() - start >= self.limit:
                outcome = {"error": f"no end within {self.limit} seconds"}
            else:
                outcome = {"error": f"ended with status {process.returncode}\n{said}"}
        if not outcome["error"]:
            # In one write, or lines of two threads run into each other.
            print(f"{name}: {outcome['seconds']:.1f} s\n", end="", flush=True)
        return outcome

    def wait(self, process: subprocess.Popen, result: Path, deadline: float) -> None:
        """Wait until a chapter has ended, or has to."""
        while process.poll() is None and time.monotonic() < deadline:
            if self.broken_off.wait(0.05):
                return
            if result.exists():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                return


def to_execute(env: BuildEnvironment, name: str) -> NotebookNode | None:
    """Return a page's notebook if it has one that the cache doesn't hold."""
    config, path = env.mystnb_config, Path(env.doc2path(name))
    text = path.read_text(encoding="utf-8")
    reader = create_nb_reader(str(path), env.myst_config, config, text)
    if reader is None:
        return None
    notebook = reader.read(text)
    with suppress(KeyError):
        get_cache(config.execution_cache_path).match_cache_notebook(notebook)
        return None
    return notebook


def execute_chapters(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Execute the chapters to be read that the cache doesn't hold, and put them there.

    Raises
    ------
    ExtensionError
        Naming each chapter that failed, and why.
    """
    config = env.mystnb_config
    found = {name: to_execute(env, name) for name in sorted(docnames)}
    notebooks = {name: notebook for name, notebook in found.items() if notebook}
    alone = [name for name in notebooks if name in app.config.execute_alone]
    together = [name for name in notebooks if name not in alone]
    cache = get_cache(config.execution_cache_path)
    executions = Executions(config.execution_timeout, app.config.execute_limit)

    def execute(name: str) -> dict:
        folder = Path(env.doc2path(name)).parent
        return executions.execute(name, notebooks[name], folder)

    if notebooks:
        print(f"Executing {len(notebooks)} chapters", flush=True)
    outcomes = {}
    with ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        try:
            outcomes.update(zip(together, pool.map(execute, together), strict=True))
            outcomes.update((name, execute(name)) for name in alone)
        finally:
            executions.broken_off.set()
    for name, outcome in outcomes.items():
        if not outcome["error"]:
            notebook = nbformat.from_dict(outcome["notebook"])
            data = {"execution_seconds": outcome["seconds"]}
            bundle = CacheBundleIn(notebook, env.doc2path(name), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            # Or myst-nb would not find it, and execute it again.
            cache.match_cache_notebook(notebooks[name])
    failed = {name: o["error"] for name, o in outcomes.items() if o["error"]}
    for name, error in failed.items():
        print(f"\n{name}.md: {COLOURS.sub('', error)}", flush=True)
    if failed:
        # Where in Sphinx that happens tells nobody what is wrong with the chapter.
        sys.tracebacklimit = 0
        raise ExtensionError(f"Not executed: {', '.join(failed)}")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # Two threads round otherwise than one, and small arrays gain nothing by them.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app.add_config_value("execute_alone", [], "")
    app.add_config_value("execute_limit", 300, "")
    # "env": where the digest differs from the last build's, all pages are read again.
    app.add_config_value("site_digest", "", "env")
    app.connect("config-inited", begin_anew_where_needed, priority=100)
    app.connect("env-before-read-docs", execute_chapters)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
