"""Every concept has one home, and the glossary leads to it."""

import re

from chapter_files import CHAPTERS, LESSONS

GLOSSARY = next(chapter for chapter in CHAPTERS if chapter.name == "glossary")
ENTRY = re.compile(
    r"^(\S[^\n]*)\n  [^\n]+\n  Home: \{ref\}`([a-z-]+)`\.$", re.MULTILINE
)


def homes():
    """Return each section label of a lesson with the chapters that define it."""
    found = {}
    for chapter in LESSONS:
        labels = re.findall(r"^\(([a-z-]+)\)=\n##", chapter.text, re.MULTILINE)
        for label in labels:
            found.setdefault(label, []).append(chapter.name)
    return found


def test_every_entry_has_a_definition_and_a_home():
    body = GLOSSARY.text.split(":sorted:\n\n")[1].removesuffix("```\n")
    terms = re.findall(r"^\S.*$", body, re.MULTILINE)
    entries = dict(ENTRY.findall(GLOSSARY.text))
    assert set(terms) == entries.keys()
    assert len(entries) == len(set(entries.values())) >= 49


def test_every_home_is_one_section_of_one_lesson():
    sections = homes()
    for term, label in ENTRY.findall(GLOSSARY.text):
        assert len(sections.get(label, [])) == 1, f"{term}: {label} is no section"
