"""A chapter as a notebook that Jupyter shows well without the MyST extension.

Jupyter's own Markdown knows no directives, no roles and no labels. So admonitions
become quotations, solutions and answers fold away in ``<details>``, equations carry
their number, links and citations their text. Outputs are left out: the page shows them,
and in a notebook a reader should see what the own machine computed, and nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pybtex.database import Entry, parse_file
from pybtex.richtext import Text

from addresses import Addresses

FENCE = re.compile(r"^(:{3,}|`{3,})\{([a-z-]+)\} ?(.*)$")
CODE_FENCE = re.compile(r"^(`{3,}|~{3,})")
OPTION = re.compile(r"^:([a-z-]+):")
LABEL = re.compile(r"^\(([a-z0-9-]+)\)=$")
EQUATION = re.compile(r"^\$\$\n(.*?)\n\$\$ \(([^)]+)\)$", re.MULTILINE | re.DOTALL)
ROLE = re.compile(r"\{([a-z:]+)\}`([^`]+)`")
GATE = re.compile(
    r"^:::\{solution-(start|end)\}[^\n]*\n(?::[^\n]*\n)*?:::[ ]*$", re.MULTILINE
)
ADMONITIONS = ("note", "tip", "hint", "important", "warning", "caution", "attention")


class NoPlainFormError(ValueError):
    """A chapter uses markup that this module has no plain form for."""


@dataclass(frozen=True)
class Target:
    """What a label names: a chapter or one of its sections."""

    chapter: str
    title: str
    is_chapter: bool


@dataclass(frozen=True)
class Chapter:
    """A file named in the table of contents, with its number or ""."""

    path: Path
    number: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def text(self) -> str:
        """All of the file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def is_notebook(self) -> bool:
        """Whether the file has a kernel."""
        return "\nkernelspec:\n" in self.text

    @cached_property
    def title(self) -> str:
        """The first heading."""
        return re.search(r"^# (.+)$", self.text, re.MULTILINE)[1]

    @cached_property
    def equations(self) -> dict[str, str]:
        """Label to number, as the site counts."""
        labels = [label for _, label in EQUATION.findall(self.text)]
        prefix = f"{self.number}." if self.number else ""
        return {label: f"{prefix}{k}" for k, label in enumerate(labels, start=1)}

    @cached_property
    def targets(self) -> dict[str, Target]:
        """Label to chapter or section."""
        found = re.findall(r"^\(([a-z0-9-]+)\)=\n+(#+) (.+)$", self.text, re.MULTILINE)
        targets = {
            label: Target(self.name, title, marks == "#")
            for label, marks, title in found
        }
        exercises = re.findall(
            r"^:::\{exercise\} (.+)\n:label: (\S+)$", self.text, re.MULTILINE
        )
        for k, (title, label) in enumerate(exercises, start=1):
            heading = exercise_heading(self.number, k, title)
            targets[label] = Target(self.name, heading, is_chapter=False)
        return targets


class Book:
    """All chapters, so that a link in one can name what it leads to in another."""

    def __init__(self, root: Path, addresses: Addresses | None = None):
        self.root = root
        self.addresses = addresses or Addresses()
        toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
        self.chapters: dict[str, Chapter] = {}
        number = 0
        for file, is_numbered in toc_entries(toc):
            number += is_numbered
            path = root / f"{file}.md"
            self.chapters[path.stem] = Chapter(path, str(number) if is_numbered else "")

    @property
    def notebooks(self) -> list[Chapter]:
        """The chapters with code, in order."""
        return [c for c in self.chapters.values() if c.is_notebook]

    @cached_property
    def targets(self) -> dict[str, Target]:
        """Every label of the book."""
        return {k: v for c in self.chapters.values() for k, v in c.targets.items()}

    @cached_property
    def equations(self) -> dict[str, tuple[str, str]]:
        """Label to chapter and number, of every equation."""
        return {
            label: (c.name, number)
            for c in self.chapters.values()
            for label, number in c.equations.items()
        }

    @cached_property
    def references(self) -> dict[str, Entry]:
        """The entries of the bibliography."""
        return parse_file(str(self.root / "references.bib")).entries


def toc_entries(toc: dict) -> Iterator[tuple[str, bool]]:
    """Yield each file of the table of contents, and whether it has a number."""
    yield toc["root"], False
    for part in toc.get("parts", []):
        for chapter in part["chapters"]:
            yield chapter["file"], bool(part.get("numbered"))


def plain_notebook(
    book: Book, name: str, *, solutions: bool = True, together: bool = False
) -> nbformat.NotebookNode:
    """Return a chapter as a plain notebook without outputs.

    Parameters
    ----------
    book
        The book, whose other chapters the links name.
    name
        The chapter, such as ``lab_numpy``.
    solutions
        Whether solutions and answers are there, folded away, or left out altogether.
    together
        Whether the other notebooks lie beside this one, and the book's code in
        ``code``: then links lead to them, and the code is installed from there.

    Raises
    ------
    NoPlainFormError
        If the chapter has markup that can't be put in plain Markdown.
    """
    chapter = book.chapters[name]
    writer = _Writer(book, chapter, solutions=solutions, together=together)
    cells = [
        new_markdown_cell(content) if kind == "markdown" else new_code_cell(content)
        for kind, content in writer.cells()
    ]
    for k, cell in enumerate(cells):
        cell.id = f"{name}-{k}"
    metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    return new_notebook(cells=cells, metadata=metadata)


class _Writer:
    """One chapter on its way to plain Markdown."""

    def __init__(
        self, book: Book, chapter: Chapter, *, solutions: bool, together: bool
    ):
        self.book = book
        self.chapter = chapter
        self.solutions = solutions
        self.together = together
        self.exercises = 0

    def cells(self) -> Iterator[tuple[str, str]]:
        """Yield kind and content of each cell."""
        title, rest, code = self.opening()
        yield "markdown", title
        yield "code", code
        hidden: list[str] | None = None
        for kind, content in self.pieces(rest):
            if kind == "start":
                hidden = []
            elif kind == "end":
                if self.solutions:
                    yield "markdown", details("Solution", "\n\n".join(hidden))
                hidden = None
            elif hidden is not None:
                code_of = kind == "code"
                hidden.append(
                    f"```python\n{content}\n```" if code_of else self.plain(content)
                )
            elif kind == "code":
                yield "code", content
            else:
                for part in at_headings(self.plain(content)):
                    yield "markdown", part

    def opening(self) -> tuple[str, list[nbformat.NotebookNode], str]:
        """Return the first cell, the chapter's cells without its title, the set-up."""
        cells = jupytext.reads(self.chapter.text, "md:myst").cells
        label_and_title = re.compile(r"\A(?:\([a-z0-9-]+\)=\n)?# .+\n*")
        cells[0].source = label_and_title.sub("", cells[0].source, count=1)
        addresses = self.book.addresses
        requirement = "./code" if self.together else addresses.requirement()
        # The page has the solutions, which notebooks that are handed out leave out.
        page = f"chapters/{self.chapter.name}"
        where = addresses.page(page) if self.solutions else ""
        title = next(iter(self.book.chapters.values())).title
        source = f"Chapter {self.chapter.number} of" if self.chapter.number else "From"
        link = f" [Its page]({where}) shows it with all outputs." if where else ""
        lines = [f"# {self.chapter.title}", "", f"*{source} “{title}”.*{link}"]
        install = (
            "The next cell installs it where it is missing. "
            f'By hand: `python -m pip install "{requirement}"`.'
            if requirement
            else "It is installed with `python -m pip install .` "
            "in a copy of the book's repository."
        )
        lines += [
            "",
            "> **To run this notebook** you need the book's code, the package "
            "`backprop_book`.",
            f"> {install}",
            "> Run the cells from the top, each with Shift and Enter.",
        ]
        return "\n".join(lines), cells, self.setup(requirement)

    def setup(self, requirement: str) -> str:
        """Return the code of the cell that makes sure of the book's package."""
        if requirement:
            return (
                "try:\n"
                "    import backprop_book\n"
                "except ImportError:\n"
                f'    %pip install --quiet "{requirement}"'
            )
        return (
            "try:\n"
            "    import backprop_book\n"
            "except ImportError:\n"
            "    raise ModuleNotFoundError(\n"
            '        "The book\'s code is missing. To install it, in a copy of the "\n'
            '        "book\'s repository: python -m pip install ."\n'
            "    ) from None"
        )

    def pieces(self, cells: list) -> Iterator[tuple[str, str]]:
        """Yield Markdown, code, and the start and end of each solution."""
        for cell in cells:
            if cell.cell_type == "code":
                yield "code", cell.source
                continue
            position = 0
            for gate in GATE.finditer(cell.source):
                yield "markdown", cell.source[position : gate.start()]
                yield gate[1], ""
                position = gate.end()
            yield "markdown", cell.source[position:]

    def plain(self, text: str) -> str:
        """Return MyST Markdown as plain Markdown."""
        return self.blocks(text).replace("\0", "")

    def blocks(self, text: str) -> str:
        """Return plain Markdown, in which each line of code begins with a mark."""
        lines, out = text.split("\n"), []
        k = 0
        while k < len(lines):
            line = lines[k]
            if fence := FENCE.match(line):
                end = closing(lines, k, fence[1], self.chapter)
                body = lines[k + 1 : end]
                out += self.directive(fence[2], fence[3], body).split("\n")
                k = end
            elif fence := CODE_FENCE.match(line):
                end = closing(lines, k, fence[1], self.chapter)
                out += ["\0" + code for code in lines[k : end + 1]]
                k = end
            elif not LABEL.match(line) and line != "+++":
                out.append(line)
            k += 1
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()
        return self.inline(text)

    def directive(self, name: str, argument: str, body: list[str]) -> str:
        """Return a directive's plain form."""
        while body and OPTION.match(body[0]):
            body = body[1:]
        content = self.blocks("\n".join(body))
        if name == "exercise":
            self.exercises += 1
            heading = exercise_heading(self.chapter.number, self.exercises, argument)
            return f"### {heading}\n\n{content}"
        if name == "dropdown":
            answer = details("Answer", content) if self.solutions else ""
            question = re.sub(r"^(\d)\. ", r"\1\\. ", argument)
            return f"**{question}**\n\n{answer}"
        if name == "admonition" or name in ADMONITIONS:
            title = argument if name == "admonition" else name.capitalize()
            # A quotation's mark at the start of a line would be read as maths.
            content = re.sub(
                r"^\$\$\n(.*?)\n\$\$$",
                lambda maths: f"$${maths[1]}$$".replace("\n", " "),
                content,
                flags=re.MULTILINE | re.DOTALL,
            )
            quoted = f"**{title}**\n\n{content}".split("\n")
            return "\n".join(f"> {line}".rstrip() for line in quoted)
        raise NoPlainFormError(f"{self.chapter.path}: {{{name}}} has no plain form yet")

    def inline(self, text: str) -> str:
        """Return text with equations numbered, roles resolved, definitions listed."""
        text = EQUATION.sub(self.numbered, text)
        text = re.sub(r"^(\S.*)\n: +", r"- **\1**: ", text, flags=re.MULTILINE)
        return ROLE.sub(self.role, text)

    def numbered(self, equation: re.Match) -> str:
        """Return a labelled equation with its number."""
        number = self.chapter.equations[equation[2]]
        return f"$$\n{equation[1]} \\tag{{{number}}}\n$$"

    def role(self, role: re.Match) -> str:
        """Return what a role shows, as a link where there is something to link to."""
        name, content = role[1], role[2]
        try:
            if name == "ref":
                return self.link(content)
            if name == "eq":
                return self.equation(content)
            if name in ("cite:t", "cite:p"):
                cited = [self.citation(k.strip(), name) for k in content.split(",")]
                joined = ("; " if name == "cite:p" else ", ").join(cited)
                return f"({joined})" if name == "cite:p" else joined
        except KeyError as key:
            raise NoPlainFormError(
                f"{self.chapter.path}: {role[0]} leads nowhere ({key})"
            ) from None
        raise NoPlainFormError(
            f"{self.chapter.path}: role {{{name}}} has no plain form yet"
        )

    def link(self, content: str) -> str:
        """Return a link to a chapter or section, or its words alone."""
        explicit = re.fullmatch(r"(.+?)\s*<([^>]+)>", content, re.DOTALL)
        label = explicit[2] if explicit else content
        target = self.book.targets[label]
        text = explicit[1] if explicit else target.title
        url = self.url(target, label)
        if url:
            return f"[{text}]({url})"
        if explicit:
            return text
        if target.is_chapter or target.chapter == self.chapter.name:
            return f"*{text}*"
        return f"*{text}* (in *{self.book.chapters[target.chapter].title}*)"

    def url(self, target: Target, label: str) -> str:
        """Return where a link leads to, or ""."""
        # Jupyter makes a heading's anchor so.
        anchor = "" if target.is_chapter else f"#{heading_anchor(target.title)}"
        if target.chapter == self.chapter.name and anchor:
            return anchor
        other = self.book.chapters[target.chapter]
        if self.together and other.is_notebook:
            return f"{target.chapter}.ipynb{anchor}"
        return self.book.addresses.page(
            f"chapters/{target.chapter}", "" if target.is_chapter else label
        )

    def equation(self, label: str) -> str:
        """Return an equation's number, and its chapter where that is another one."""
        chapter, number = self.book.equations[label]
        if chapter == self.chapter.name:
            return f"({number})"
        return f"({number}) of *{self.book.chapters[chapter].title}*"

    def citation(self, key: str, style: str) -> str:
        """Return authors and year, linked to the work."""
        entry = self.book.references[key]
        names = [
            str(Text.from_latex(" ".join(person.prelast_names + person.last_names)))
            for person in entry.persons["author"]
        ]
        if len(names) > 2:
            names = [f"{names[0]} et al."]
        text = " and ".join(names)
        year = entry.fields["year"]
        text += f", {year}" if style == "cite:p" else f" ({year})"
        doi = entry.fields.get("doi")
        url = f"https://doi.org/{doi}" if doi else entry.fields.get("url", "")
        return f"[{text}]({url})" if url else text


def details(summary: str, content: str) -> str:
    """Return Markdown that is folded away."""
    return (
        f"<details>\n<summary><b>{summary}</b></summary>\n\n{content.strip()}\n\n"
        "</details>"
    )


def exercise_heading(chapter: str, number: int, title: str) -> str:
    """Return the heading of an exercise, with the number that the site gives it."""
    return f"Exercise {f'{chapter}.{number}'.lstrip('.')}: {title}"


def heading_anchor(title: str) -> str:
    """Return the anchor that Jupyter gives a heading."""
    return re.sub(r"[`*]", "", title).replace(" ", "-")


def closing(lines: list[str], start: int, fence: str, chapter: Chapter) -> int:
    """Return the number of the line that closes a fence."""
    for k in range(start + 1, len(lines)):
        if lines[k].rstrip() == fence:
            return k
    raise NoPlainFormError(f"{chapter.path}: {lines[start]!r} is not closed")


def at_headings(text: str) -> Iterator[str]:
    """Yield the parts of a text, each from a heading to the next."""
    part, fenced = [], False
    for line in text.split("\n"):
        fenced ^= bool(CODE_FENCE.match(line))
        if re.match(r"#{1,6} ", line) and not fenced and part:
            yield "\n".join(part).strip()
            part = []
        part.append(line)
    if rest := "\n".join(part).strip():
        yield rest
