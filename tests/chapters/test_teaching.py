"""The course plan says what the chapters say: their minutes, exercises and order."""

import re

import pytest
from nbformat.v4 import new_code_cell, new_output

import sizes
from backprop_book.mark import outcome
from chapter_files import CHAPTERS, LESSONS, toc_files

PLAN = next(chapter for chapter in CHAPTERS if chapter.name == "teaching")


def label(chapter):
    return re.search(r"^\(([a-z-]+)\)=\n# ", chapter.text, re.MULTILINE)[1]


def minutes(chapter):
    """Return what the chapter's opening says that it takes."""
    said = re.search(r"\*\*It takes\*\* about (\d+) minutes", chapter.text)
    assert said, f"{chapter}: `It takes` names no time"
    return int(said[1])


def exercises(chapter):
    pattern = r"^:::\{exercise\} .+\n:label: (\S+)$"
    return re.findall(pattern, chapter.text, re.MULTILINE)


def in_order():
    names = [file.rsplit("/", 1)[-1] for file in toc_files()]
    return sorted(LESSONS, key=lambda chapter: names.index(chapter.name))


def rows(title):
    """Return the cells of each row of the table under a heading."""
    section = re.split(r"^## ", PLAN.text, flags=re.MULTILINE)
    (text,) = [part for part in section if part.startswith(f"{title}\n")]
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[2:]]


def labels(text):
    return re.findall(r"\{ref\}`([a-z0-9-]+)`", text)


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_a_lesson_takes_what_its_words_cells_and_exercises_take(chapter):
    assert abs(minutes(chapter) - sizes.minutes(chapter.text)) <= 2.5


def test_the_table_has_each_lesson_with_its_time_and_exercises():
    expected = [
        [f"{{ref}}`{label(c)}`", str(minutes(c)), str(len(exercises(c)))]
        for c in in_order()
    ]
    total = [sum(int(row[k]) for row in expected) for k in (1, 2)]
    assert rows("What each chapter takes") == [*expected, ["all", *map(str, total)]]


def test_the_term_sets_every_exercise_once_and_every_lesson():
    weeks = rows("A term of fourteen weeks")
    assert [int(week) for week, *_ in weeks] == list(range(1, 15))
    named = labels("".join(in_class + at_home for _, in_class, at_home in weeks))
    for chapter in LESSONS:
        assert label(chapter) in named, f"{chapter} has no week"
        for exercise in exercises(chapter):
            times = named.count(exercise)
            assert times == 1, f"{exercise} is set {times} times"


def test_an_exercise_is_set_after_its_chapter_was_read():
    first = {}
    for week, in_class, at_home in rows("A term of fourteen weeks"):
        for name in labels(in_class + at_home):
            first.setdefault(name, int(week))
    for chapter in LESSONS:
        for exercise in exercises(chapter):
            assert first[exercise] >= first[label(chapter)], exercise


def test_the_week_has_each_lesson_once_and_adds_up():
    days = rows("One week, every day")
    time = {label(chapter): minutes(chapter) for chapter in LESSONS}
    named = labels("".join(morning + afternoon for _, morning, afternoon, _ in days))
    assert sorted(named) == sorted(time)
    for day, morning, afternoon, said in days:
        assert sum(time[name] for name in labels(morning + afternoon)) == int(said), day


def test_no_chapter_that_stays_needs_one_that_can_go():
    homes = {
        name: label(chapter)
        for chapter in LESSONS
        for name in re.findall(r"^\(([\w-]+)\)=$", chapter.text, re.MULTILINE)
    }
    needs = {
        label(chapter): {
            homes.get(name)
            for line in re.findall(r"^\*\*You need\*\* .*", chapter.text, re.MULTILINE)
            for name in re.findall(r"\{ref\}`(?:[^`<]*<)?([\w-]+)>?`", line)
        }
        for chapter in LESSONS
    }
    alone = re.search(r"left out alone: (.*)\.\n(.*)", PLAN.text)
    can_go = labels(alone[1])
    assert len(can_go) > 3
    for name in can_go:
        assert not [other for other, needed in needs.items() if name in needed], name
    first, second = labels(alone[2])
    assert [other for other, needed in needs.items() if first in needed] == [second]


def test_the_entries_of_the_marks_are_those_that_marking_gives():
    printed = ["Right.", "Not yet: no.", "Not answered yet: put.", "Right.\nNot yet: 1"]
    outputs = [
        *([new_output("stream", text=text)] for text in printed),
        *([new_output("error", ename=name)] for name in ("E", "KeyboardInterrupt")),
        [],
    ]
    done = {"finished": True}
    cells = [new_code_cell(outputs=output, metadata=done) for output in outputs]
    given = [outcome([cell]) for cell in [*cells, new_code_cell()]]
    assert sorted(given) == sorted(row[0] for row in rows("Mark what comes back"))
