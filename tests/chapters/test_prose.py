"""The prose: British, one sentence a line, without filler and without slips."""

import re
import subprocess
import sys

import pytest

from chapter_files import CHAPTERS, ROOT

AMERICAN = [
    word
    for word in (ROOT / "tests" / "chapters" / "american.txt").read_text().splitlines()
    if word and not word.startswith("#")
]
# They tell readers who are stuck that they shouldn't be, or add nothing.
FILLERS = [
    *("simply", "just", "obviously", "of course", "trivially", "basically", "really"),
    *("essentially", "actually", "needless to say", "it is easy to see", "very"),
    *("quite", "in order to", "as you can see", "straightforward"),
]
# Where a filler is none: the chapter and its line.
MEANT: set[tuple[str, str]] = set()
TWICE_MEANT = {"had had", "that that"}
# A place on somebody's machine: a path from the root, or a host.
PLACE = re.compile(
    r"""(?m)(?:^|[\s"'`(=])/\w[\w.-]*/|\b[A-Z]:\\|localhost|127\.0\.0\.1"""
)


def words_of(chapter):
    """Return the lines of prose, without code, formulas and where links lead to."""
    text = chapter.prose if chapter.is_notebook else chapter.text
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^\$\$.*?^\$\$.*?$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\{cite:[tp]\}`[^`]*`", "SOURCE", text)
    text = re.sub(r"\{[a-z:-]+\}`([^`<]*?)(?:\s*<[^>]*>)?`", r"\1", text)
    text = re.sub(r"`+[^`]+`+", "CODE", text)
    text = re.sub(r"\$[^$\n]+\$", "MATHS", text)
    return re.sub(r"\]\([^)]*\)|<https?:[^>]*>", "]", text).splitlines()


def found(chapter, pattern, flags=re.IGNORECASE):
    return [
        (line, match[0])
        for line in words_of(chapter)
        for match in re.finditer(pattern, line, flags)
    ]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_british_spelling(chapter):
    pattern = "|".join(word.replace("*", r"\w*") for word in AMERICAN)
    assert not found(chapter, rf"\b(?:{pattern})\b")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_no_filler(chapter):
    hits = found(chapter, rf"\b(?:{'|'.join(FILLERS)})\b")
    assert not [hit for hit in hits if (chapter.name, hit[0]) not in MEANT]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_no_word_twice(chapter):
    hits = found(chapter, r"\b([a-z]+) \1\b")
    assert not [hit for hit in hits if hit[1].lower() not in TWICE_MEANT]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_one_sentence_a_line(chapter):
    """In running text; lists, tables and titles keep theirs on one line."""
    running = [
        line
        for line in words_of(chapter)
        if not re.match(r"[-*|:#>]|\d+\. |  |\*\*", line)
    ]
    assert not [line for line in running if re.search(r"[.?!]\)? [A-Z]", line)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_no_slip_of_the_pen(chapter):
    lines = chapter.text.splitlines()
    assert not [line for line in lines if line != line.rstrip()], "spaces at the end"
    assert "\t" not in chapter.text
    assert not re.findall(r"\b(?:TODO|FIXME|XXX|TBD)\b", chapter.text)
    assert not PLACE.findall(chapter.text)
    assert not found(chapter, r"[\u2018\u2019\u201c\u201d]"), "curly quotes"
    assert not found(chapter, r"\w  +\w"), "two spaces"
    assert not found(chapter, r" [,;.?!](?:\s|$)"), "a space before a sign"
    assert "http://" not in chapter.text
    assert not re.findall(r"!\[.*\]\(http|\bsrc=.http", chapter.text), "a foreign image"


def test_spelling():
    """Codespell's list of misspellings, over everything that somebody reads."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "codespell_lib"),
            *("chapters", "lib", "_ext", "tests", "recorded", "README.md"),
            *("CONTRIBUTING.md", "CHANGELOG.md", "_config.yml", "Makefile"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, f"\n{result.stdout}{result.stderr}"
