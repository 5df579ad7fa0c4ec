"""Each lesson opens and closes in the same way, and its exercises can be done."""

import ast
import re

import pytest

from chapter_files import LESSONS

OPENING = re.compile(
    r"^\([a-z-]+\)=\n# [^\n]+\n\n"
    r":::\{admonition\} Before you start\n:class: opening\n\n"
    r"\*\*You will be able to\*\* .+?\n\n"
    r"\*\*You need\*\* .+?\n\n"
    r"\*\*It takes\*\* .+?\n:::\n",
    re.DOTALL,
)
CLOSING = ["Exercises", "Three questions", "What to remember", "Where to go next"]


def section(chapter, title):
    """Return the text from one second-level heading to the next."""
    parts = re.split(r"^## ", chapter.prose, flags=re.MULTILINE)
    found = [part for part in parts if part.startswith(f"{title}\n")]
    assert len(found) == 1, f"{chapter}: {len(found)} sections named {title!r}"
    return found[0]


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_opening(chapter):
    assert OPENING.match(chapter.notebook.cells[0].source), (
        f"{chapter}: the opening block with its three parts is not there"
    )


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_closing_sections_in_order(chapter):
    headings = re.findall(r"^## (.+)$", chapter.prose, re.MULTILINE)
    assert headings[-4:] == CLOSING, f"{chapter}: ends with {headings[-4:]}"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_two_to_four_exercises_with_solutions(chapter):
    text = section(chapter, "Exercises")
    exercises = re.findall(
        r"^:::\{exercise\} [^\n]+\n:label: (ex-[a-z0-9-]+)\n", text, re.MULTILINE
    )
    solutions = re.findall(
        r"^:::\{solution-start\} (ex-[a-z0-9-]+)\n:class: dropdown\n:::$",
        text,
        re.MULTILINE,
    )
    assert 2 <= len(exercises) <= 4, f"{chapter}: {len(exercises)} exercises"
    assert exercises == solutions, f"{chapter}: exercises and hidden solutions differ"
    assert text.count("\n:::{solution-end}\n:::") == len(solutions)


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_each_exercise_has_an_empty_answer_and_an_executed_solution(chapter):
    """Between exercise and solution stands a checked answer; the solution has code."""
    kinds = []
    for cell in chapter.notebook.cells:
        if cell.cell_type == "markdown":
            kinds += re.findall(
                r"^:::\{(exercise|solution-start|solution-end)\}", cell.source, re.M
            )
        else:
            kinds.append("empty answer" if is_empty_answer(cell.source) else "code")
    order = " ".join(k for k in kinds)
    exercises = kinds.count("exercise")
    assert order.count("exercise empty answer solution-start") == exercises, (
        f"{chapter}: an exercise without a cell for the answer"
    )
    assert (
        len(re.findall(r"solution-start (?:code )+solution-end", order)) == exercises
    ), f"{chapter}: a solution that is not executed"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_solutions_are_closed_in_jupyterlab(chapter):
    """It shows the first line of a closed cell, which then should be no answer."""
    gates = {"code": "#", "markdown": ":::{solution-start}"}
    inside = False
    for cell in chapter.notebook.cells:
        starts = ":::{solution-start}" in cell.source
        ends = ":::{solution-end}" in cell.source
        closed = (inside or starts) and not cell.source.startswith(":::{solution-end}")
        settings = cell.metadata.get("jupyter", {})
        assert settings.get("source_hidden", False) == closed, cell.source
        if starts or (closed and cell.cell_type == "code"):
            assert cell.source.startswith(gates[cell.cell_type]), cell.source
        assert not (closed and ends) or cell.source.endswith(":::{solution-end}\n:::")
        inside = (inside or starts) and not ends


def is_empty_answer(source):
    """Return whether a cell sets a name to None and hands it to a checker."""
    tree = ast.parse(source)
    empty = {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value is None
        and isinstance(node.targets[0], ast.Name)
    }
    used = {
        argument.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "").startswith("check_")
        for argument in call.args
        if isinstance(argument, ast.Name)
    }
    return bool(empty & used)


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_three_questions_with_hidden_answers(chapter):
    text = section(chapter, "Three questions")
    questions = re.findall(
        r"^:::\{dropdown\} (\d)\. [^\n]+\?[^\n]*\n\S.*?\n:::$", text, re.M | re.DOTALL
    )
    assert questions == ["1", "2", "3"], f"{chapter}: questions {questions}"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_what_to_remember_is_a_short_list(chapter):
    bullets = re.findall(r"^- \S", section(chapter, "What to remember"), re.MULTILINE)
    assert 3 <= len(bullets) <= 5, f"{chapter}: {len(bullets)} things to remember"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_where_to_go_next_has_a_link(chapter):
    assert "{ref}`" in section(chapter, "Where to go next")
