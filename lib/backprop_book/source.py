"""Show in a chapter the very text of the code that the tests test."""

import ast
import inspect
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.display import Markdown


def show_source(thing: Any, *, docstrings: bool = True) -> "Markdown":
    """Return the source of a function, class or module, to be displayed with colours.

    Parameters
    ----------
    thing : function, class or module
        Of this book or of any installed package.
    docstrings : bool
        Whether they are shown; without them a page has room for the code.

    Returns
    -------
    IPython.display.Markdown
        The file's name and the text as the file has it.

    Raises
    ------
    TypeError
        The thing has no Python source.
    """
    from IPython.display import Markdown

    thing = inspect.unwrap(thing) if callable(thing) else thing
    try:
        text = textwrap.dedent(inspect.getsource(thing))
        path = Path(inspect.getfile(thing))
    except (TypeError, OSError) as error:
        raise TypeError(
            f"thing: expected a function, class or module written in Python, "
            f"got {thing!r}"
        ) from error
    if not docstrings:
        text = _without_docstrings(text)
    name = "" if isinstance(thing, ModuleType) else f"`{thing.__qualname__}` in "
    return Markdown(f"{name}`{path.name}`:\n\n```python\n{text.strip()}\n```")


def _without_docstrings(text: str) -> str:
    """Drop the lines of all docstrings but those that are a whole body."""
    lines = text.splitlines()
    definitions = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    first = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, definitions) and ast.get_docstring(node, clean=False)
        if len(node.body) > 1
    ]
    for docstring in sorted(first, key=lambda node: -node.lineno):
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines)
