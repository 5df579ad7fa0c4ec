"""Steps that follow when Sphinx has written the pages of the site."""

from collections.abc import Callable

from sphinx.application import Sphinx
from sphinx.util.logging import getLogger

logger = getLogger(__name__)


def add_last_step(app: Sphinx, step: Callable[[Sphinx], None], priority: int) -> None:
    """Add a step; where it fails, the build does, with its words.

    An exception would have Sphinx call the last steps of all extensions once more, and
    report what comes of that instead.
    """

    def run(app: Sphinx, exception: Exception | None) -> None:
        if exception or app.builder.name != "html":
            return
        try:
            step(app)
        except Exception as error:
            logger.error("%s: %s: %s", step.__module__, type(error).__name__, error)

    app.connect("build-finished", run, priority=priority)
