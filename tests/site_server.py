"""A site as its host serves it."""

import functools
import http.server
from contextlib import suppress
from pathlib import Path


class DeadEnds(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing and answers dead links with the site's page."""

    @classmethod
    def serving(cls, folder: Path) -> functools.partial:
        """Return a handler for a folder."""
        return functools.partial(cls, directory=str(folder))

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
