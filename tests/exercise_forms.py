"""Answer a chapter's exercises in its own namespace, as a student would.

A test file names the forms of each answer and takes three names from here:

    replies, test_reply, test_every_exercise = answer_tests("lab_data", {...})
"""

import ast
import contextlib
import io
import re
import textwrap
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from executed_cells import chapter_named, execute_cell, in_chapters_folder

EXERCISE = re.compile(r"^:::\{exercise\}[^\n]*\n:label: (\S+)", re.MULTILINE)
SOLUTION = re.compile(r"^:::\{solution-(start|end)\}", re.MULTILINE)
EMPTY = re.compile(r"^(\w+) = None\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Forms:
    """What students might put in place of None in one exercise.

    Attributes
    ----------
    right : list of str
        Python expressions, or statements that define the answer's name.
    wrong : dict of str to str
        The same, each with a part of the reply that it is to get.
    accepted : str
        A part of the reply to what is right.
    """

    right: list[str]
    wrong: dict[str, str] = field(default_factory=dict)
    accepted: str = "Right."


def answered(cell: str, form: str) -> str:
    """Return the answer's cell with a form in place of None."""
    form = textwrap.dedent(form).strip()
    try:
        ast.parse(form, mode="eval")
        form = f"{EMPTY.search(cell)[1]} = (\n{form}\n)"
    except SyntaxError:
        pass
    return EMPTY.sub(lambda _: form, cell, count=1)


def reply(cell: str, namespace: dict) -> str:
    """Return what a cell prints and shows, and the error if it stops.

    It runs on a copy of the namespace. The copy is shallow: a form must not change an
    array of the chapter in place.
    """
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            names, tree = dict(namespace), ast.parse(cell)
            shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "the answer's cell", "exec"), names)
            if shown:
                value = eval(compile(ast.Expression(shown.value), "it", "eval"), names)
                print("" if value is None else value)
        except Exception:
            print(traceback.format_exc(limit=-1))
    return printed.getvalue()


def exercises_of(name: str) -> Iterator[tuple[str, str, dict]]:
    """Yield each exercise's label, its empty cell and the names known before it.

    The chapter's cells are executed on the way, its solutions apart: a student has none
    of their names.
    """
    namespace = {"__name__": f"exercises_of_{name}"}
    label, solved = None, False
    with in_chapters_folder():
        for cell in chapter_named(name).notebook.cells:
            if cell.cell_type == "markdown":
                label = (EXERCISE.findall(cell.source) or [label])[-1]
                for mark in SOLUTION.findall(cell.source):
                    solved = mark == "start"
            elif label and EMPTY.search(cell.source):
                yield label, cell.source, namespace
                label = None
            if cell.cell_type == "code" and not solved:
                with contextlib.redirect_stdout(io.StringIO()):
                    execute_cell(cell, f"{name}.md", namespace)


def answer_tests(
    name: str, forms: dict[str, Forms]
) -> tuple[Callable, Callable, Callable]:
    """Return a fixture and two tests, which a test file binds to names of its own.

    Parameters
    ----------
    name : str
        The chapter's file name without its ending.
    forms : dict of str to Forms
        For each exercise of the chapter, by its label.
    """
    cases = [
        pytest.param(label, form, expected, id=f"{label}: {form}"[:70])
        for label, asked in forms.items()
        for form, expected in [
            *((form, None) for form in asked.right), *asked.wrong.items()
        ]
    ]  # fmt: skip

    @pytest.fixture(scope="module")
    def replies() -> dict[tuple[str, str], str]:
        return {
            (label, form): reply(answered(cell, form), namespace)
            for label, cell, namespace in exercises_of(name)
            for form in [*forms[label].right, *forms[label].wrong]
        }

    @pytest.mark.parametrize(("label", "form", "expected"), cases)
    def test_reply(replies, label, form, expected):
        said = replies[label, form]
        accepted = forms[label].accepted
        assert (expected or accepted) in said, said
        assert (accepted in said) == (expected is None), said
        # What is right is right in all its parts.
        assert expected or not re.search(r"Not yet|wrong|Error", said), said

    def test_every_exercise():
        """Three right answers in other forms, and three mistakes, to each."""
        labels = EXERCISE.findall(chapter_named(name).text)
        assert labels == list(forms)
        for label, asked in forms.items():
            assert len({*asked.right}) >= 3, label
            assert len(asked.wrong) >= 3, label

    return replies, test_reply, test_every_exercise
