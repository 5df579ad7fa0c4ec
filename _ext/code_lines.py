"""Let a long line of code wrap on a phone, with a hanging indent."""

import re
from collections.abc import Iterator

from pygments.formatters import HtmlFormatter
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

# Columns of a phone of 390 pixels in an answer, in the size of code.
PHONE = 38


class CodeLines(HtmlFormatter):
    """Say of a line that is longer than a phone is wide how far it is indented."""

    def wrap(self, source: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
        """Put such a line into an element of its own."""

        def mark(line: str) -> str:
            text = re.sub(
                r"&\w+;|&#\d+;", "x", re.sub(r"<[^>]*>", "", line.rstrip("\n"))
            )
            if len(text) <= PHONE:
                return line
            indent = len(text) - len(text.lstrip())
            return f'<span class="long" style="--indent: {indent}">{line}</span>'

        return super().wrap((kind, mark(line)) for kind, line in source)


def setup(app: Sphinx) -> dict[str, object]:
    """Have Sphinx write code this way."""
    PygmentsBridge.html_formatter = CodeLines
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
