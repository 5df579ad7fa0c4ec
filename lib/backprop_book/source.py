"""Show in a chapter the very text of the code that the tests test."""

import inspect
from pathlib import Path
from types import ModuleType

from IPython.display import Markdown


def show_source(thing: object) -> Markdown:
    """Return the source of a function, class or module, to be displayed with colours.

    Parameters
    ----------
    thing : function, class or module
        Of this book or of any installed package.

    Returns
    -------
    IPython.display.Markdown
        The file's name and the text as it stands in the file.

    Raises
    ------
    TypeError
        The thing has no Python source.
    """
    thing = inspect.unwrap(thing) if callable(thing) else thing
    try:
        text, path = inspect.getsource(thing), Path(inspect.getsourcefile(thing))
    except (TypeError, OSError) as error:
        raise TypeError(
            f"thing: expected a function, class or module written in Python, "
            f"got {thing!r}"
        ) from error
    name = "" if isinstance(thing, ModuleType) else f"`{thing.__qualname__}` in "
    return Markdown(f"{name}`{path.name}`:\n\n```python\n{text.rstrip()}\n```")
