"""A site as its host serves it."""

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class DeadEnds(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing and answers dead links with the site's page."""

    def log_message(self, *args: object) -> None:
        """Drop the line."""

    def handle(self) -> None:
        """Answer; a page that is closed meanwhile wants no answer any more."""
        with suppress(ConnectionError):
            super().handle()

    def send_error(self, code: int, *args: object) -> None:
        """Send the page for dead links in place of the server's own."""
        text = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder, and give its address."""
    handler = functools.partial(DeadEnds, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
