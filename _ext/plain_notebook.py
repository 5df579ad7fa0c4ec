"""A chapter as a notebook that Jupyter shows well without the MyST extension.

Jupyter's own Markdown knows no directives, no roles and no labels. So admonitions
become quotations, solutions and answers fold away in ``<details>``, equations carry
their number, links and citations their text. Outputs are left out.

A chapter is read by the site's own parser and written from its tokens. What is named in
``_Writer.forms`` has a plain form; everything else is an error with its line.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from textwrap import indent

import nbformat
import yaml
from docutils.parsers.rst.directives.body import Container
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdformat.renderer import DEFAULT_RENDERERS, MDRenderer, RenderContext
from mdformat.renderer import RenderTreeNode as Node
from myst_parser.config.main import MdParserConfig
from myst_parser.parsers.directives import parse_directive_text
from myst_parser.parsers.mdit import create_md_parser
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pybtex.database import Entry, parse_file
from pybtex.richtext import Text
from sphinx_external_toc.parsing import parse_toc_yaml

from addresses import Addresses

NAMED = ("note", "tip", "hint", "important", "warning", "caution", "attention")
ADMONITIONS = {f"directive {name}" for name in ("admonition", *NAMED)}
DROPDOWN, SOLUTION = "directive dropdown", "directive solution"
EXERCISE, EQUATION = "directive exercise", "math_block_label"
CODE = "directive code-cell"
START, END = "directive solution-start", "directive solution-end"
OPENING = """\
# {title}

*{source} “{book}”.*{link}

> **To run this notebook** you need the book's library, the package `backprop_book`.
> The next cell looks for it and installs it if it is missing{where}.
> To install it by hand: `python -m pip install "{requirement}"`.
> Run the cells from the top, each with Shift and Enter."""
SETUP = """\
try:
    import {modules}
except ImportError:
    {install}"""
INSTALL = '%pip install --quiet "{requirement}"'
INSTALL_FILE = """\
import os

    if not os.path.exists("{wheel}"):
        raise FileNotFoundError(
            "{wheel} is not in the notebook's folder. "
            "It lies where the notebook came from."
        ) from None
    %pip install --quiet "{requirement}\""""


class NoPlainFormError(ValueError):
    """A chapter uses markup that this module has no plain form for."""


class Chapter:
    """A file of the book, with its number or "", parsed."""

    def __init__(self, path: Path, number: str, parser: MarkdownIt):
        self.path, self.number, self.parser = path, number, parser
        self.name = path.stem
        self.lines = path.read_text(encoding="utf-8").split("\n")
        self.is_notebook = "kernelspec:" in self.lines
        # Directives and roles become nodes of their own.
        tokens = list(self.expand(parser.parse("\n".join(self.lines)), 0))
        self.tree = Node(tokens[tokens[0].type == "front_matter" :])
        self.heading = next(node for node in self.tree if node.tag == "h1")
        self.title = self.heading.children[0].content
        self.labels = dict(self.find_labels())

    def expand(self, tokens: list[Token], line: int) -> Iterator[Token]:
        """Yield tokens, of a text that begins at a line, with directives parsed."""
        for token in tokens:
            token.map = token.map and [line + number for number in token.map]
            for child in token.children or ():
                if child.type == "myst_role":
                    child.type = f"role {child.meta['name']}"
            if token.type not in ("fence", "colon_fence"):
                yield token
                continue
            last = self.lines[token.map[1] - 1].strip("> \t")
            if set(last) != {token.markup[0]} or len(last) < len(token.markup):
                raise self.error(token.map[0], "has no end")
            if directive := re.match(r"\{([^}]+)\}\s*(.*)", token.info):
                yield from self.directive(token, *directive.groups())
            else:
                yield token

    def directive(self, token: Token, name: str, argument: str) -> Iterator[Token]:
        """Yield the tokens of a directive: a pair, around its title and its content."""
        kind, line = f"directive {name}", token.map[0] + 1
        content = token.content
        if content.startswith(":::"):
            # A directive, not an option: told apart as the site's parser does.
            content, line = f"\n{content}", line - 1
        found = parse_directive_text(Container, "", content, validate_options=False)
        body = "\n".join(found.body)
        meta = {"title": argument, "options": found.options, "body": body}
        yield Token(f"{kind}_open", "", 1, map=token.map, meta=meta)
        if kind in {*ADMONITIONS, DROPDOWN, SOLUTION, EXERCISE}:
            if found.warnings or not found.options.keys() <= {"class", "label", "name"}:
                raise self.error(line, "begins options without a plain form")
            start = line + found.body_offset
            if name in NAMED:
                body, start = f"{argument}\n{body}", start - 1
            else:
                yield from self.expand(self.parser.parseInline(argument), line - 1)
            yield from self.expand(self.parser.parse(body), start)
        yield Token(f"{kind}_close", "", -1)

    def error(self, line: int, problem: str) -> NoPlainFormError:
        """Return an error that names and shows a line, counted from 0."""
        shown = self.lines[line].strip()
        return NoPlainFormError(f"{self.path}:{line + 1}: {shown!r} {problem}")

    def find_labels(self) -> Iterator[tuple[str, tuple["Chapter", str, str]]]:
        """Yield each label with chapter, kind, and title or number as on the site."""
        waiting, counts = [], Counter()
        for node in self.tree.walk():
            counts[node.type] += 1
            number = f"{self.number}.{counts[node.type]}".lstrip(".")
            if node.type == "myst_target":
                waiting.append(node.content)
                continue
            if node.type == "heading":
                for label in waiting:
                    yield label, (self, node.tag, node.children[0].content)
            elif node.type == EQUATION:
                node.meta["number"] = number
                yield node.info, (self, EQUATION, number)
            elif node.type == EXERCISE:
                node.meta["title"] = f"Exercise {number}: {node.meta['title']}"
                label = node.meta["options"].get("label")
                yield label, (self, EXERCISE, node.meta["title"])
            waiting = []


class Book:
    """All chapters, so that a link in one can name what it leads to in another."""

    def __init__(self, root: Path):
        settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
        config = settings["sphinx"]["config"]
        self.addresses = Addresses.of(config["repository_url"], config["site_url"])
        extensions = set(settings["parse"]["myst_enable_extensions"])
        # Jupyter Book's own setting for $$ in a line.
        config = MdParserConfig(enable_extensions=extensions, dmath_double_inline=True)
        parser = create_md_parser(config, MDRenderer)
        first = parse_toc_yaml(root / "_toc.yml").root
        numbered = [f for part in first.subtrees if part.numbered for f in part.files()]
        self.chapters: dict[str, Chapter] = {}
        for file in (first.docname, *first.child_files()):
            number = str(numbered.index(file) + 1) if file in numbered else ""
            path = root / f"{file}.md"
            self.chapters[path.stem] = Chapter(path, number, parser)
        self.root_page, *_ = self.chapters.values()
        self.notebooks = [c for c in self.chapters.values() if c.is_notebook]
        # A shortened course leaves chapters out, and keeps the links to them.
        paths = sorted(self.root_page.path.parent.glob("*.md"))
        absent = [Chapter(p, "", parser) for p in paths if p.stem not in self.chapters]
        chapters = [*absent, *self.chapters.values()]
        self.labels = {k: v for c in chapters for k, v in c.labels.items()}
        self.references = parse_file(str(root / "references.bib")).entries


def plain_notebook(
    book: Book, name: str, wheel: str, handout: Collection[str] = ()
) -> nbformat.NotebookNode:
    """Return a chapter as a plain notebook without outputs.

    Parameters
    ----------
    book
        The book, whose other chapters the links name.
    name
        The chapter, such as ``lab_numpy``.
    wheel
        The file name of the library, which lies beside the notebook.
    handout
        The chapters that are handed out together:
        then solutions and answers are left out, and links lead to these chapters.

    Raises
    ------
    NoPlainFormError
        If the chapter has markup that can't be put in plain Markdown.
    """
    new = {"markdown": new_markdown_cell, "code": new_code_cell}
    cells = enumerate(_Writer(book, name, wheel, handout).cells())
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(
        cells=[new[kind](content, id=f"{name}-{k}") for k, (kind, content) in cells],
        metadata={"kernelspec": kernel, "language_info": {"name": "python"}},
    )


class _Writer:
    """One chapter on its way to plain Markdown."""

    def __init__(self, book: Book, name: str, wheel: str, handout: Collection[str]):
        self.book, self.chapter = book, book.chapters[name]
        self.wheel, self.handout = wheel, handout
        dropped = ("myst_target", "myst_line_comment", "myst_block_break")
        forms = {
            **DEFAULT_RENDERERS,
            **dict.fromkeys(dropped, lambda node, context: ""),
            **dict.fromkeys(("html_block", "html_inline"), self.comment),
            **dict.fromkeys(("link", "image"), self.with_address),
            "text": text,
            "list_item": list_item,
            "math_inline": lambda node, context: f"${maths(node)}$",
            "math_inline_double": lambda node, context: f"$${maths(node)}$$",
            **dict.fromkeys(("math_block", EQUATION), display),
            "table": table,
            "dl": definitions,
            **dict.fromkeys((*ADMONITIONS, DROPDOWN, SOLUTION), self.box),
            EXERCISE: exercise,
            "role ref": self.reference,
            "role eq": self.equation,
            **dict.fromkeys(("role cite:t", "role cite:p"), self.citations),
        }
        self.context = RenderContext(
            defaultdict(lambda: self.refuse, forms),
            {},
            {"mdformat": {"number": True}},
            {"indent_width": 0, "used_refs": set()},
        )

    def cells(self) -> Iterator[tuple[str, str]]:
        """Yield kind and content of each cell."""
        yield from self.opening()
        parts: list[str] = []
        gate = None
        for node in self.chapter.tree:
            if node.type in (START, END) and (node.type == START) == bool(gate):
                raise self.error(node, "opens or closes no solution")
            begins = node.type in ("heading", EXERCISE, CODE, START)
            if begins and not gate and any(parts):
                yield "markdown", join(parts)
                parts = []
            if node.type == START:
                gate = node
            elif node.type == END:
                if not self.handout:
                    yield "markdown", details("Solution", join(parts))
                gate, parts = None, []
            elif node.type == CODE and not gate:
                yield "code", node.meta["body"]
            elif node.type == CODE:
                code = f"{node.meta['body']}\n"
                fence = Token("fence", "", 0, info="python", content=code)
                parts.append(Node([fence]).render(self.context))
            elif node is not self.chapter.heading:
                parts.append(node.render(self.context))
        if gate:
            raise self.error(gate, "is never closed")
        if any(parts):
            yield "markdown", join(parts)

    def opening(self) -> Iterator[tuple[str, str]]:
        """Yield the first two cells: what this is, and the set-up."""
        addresses, number = self.book.addresses, self.chapter.number
        code = [node.meta["body"] for node in self.chapter.tree if node.type == CODE]
        torch = re.search(r"^\s*(?:import|from) torch\b", "\n".join(code), re.M)
        extra = "[torch]" if torch else ""
        address = "" if self.handout else addresses.beside_notebooks(self.wheel)
        requirement = f"./{self.wheel}{extra}"
        if address:
            requirement = f"backprop-book{extra} @ {address}"
        install = INSTALL if address else INSTALL_FILE
        # The page has the solutions, which notebooks that are handed out leave out.
        page = "" if self.handout else addresses.page(f"chapters/{self.chapter.name}")
        opening = OPENING.format(
            title=self.chapter.title,
            source=f"Chapter {number} of" if number else "From",
            book=self.book.root_page.title,
            link=f" [Its page]({page}) shows it with all outputs." if page else "",
            where="" if address else f", from `{self.wheel}` in the notebook's folder",
            requirement=requirement,
        )
        yield "markdown", opening
        yield (
            "code",
            SETUP.format(
                modules="backprop_book\n    import torch" if torch else "backprop_book",
                install=install.format(wheel=self.wheel, requirement=requirement),
            ),
        )

    def error(self, node: Node, problem: str) -> NoPlainFormError:
        """Return an error that names a node's line."""
        block = node
        while not block.map:
            block = block.parent
        line = block.map[0]
        for inner in block.walk():
            if inner is node:
                break
            line += inner.type in ("softbreak", "hardbreak")
        return self.chapter.error(line, problem)

    def refuse(self, node: Node, context: RenderContext) -> str:
        """Raise the error of a node that has no plain form."""
        raise self.error(node, f"has no plain form ({node.type})")

    def comment(self, node: Node, context: RenderContext) -> str:
        """Leave a comment out, and allow no other HTML."""
        if not re.fullmatch(r"(\s*<!--.*?-->)+\s*", node.content, re.DOTALL):
            self.refuse(node, context)
        return ""

    def with_address(self, node: Node, context: RenderContext) -> str:
        """Return a link or an image that is the same wherever the notebook lies."""
        if not re.match(
            "(https?|mailto):", node.attrs.get("src") or node.attrs["href"]
        ):
            self.refuse(node, context)
        return DEFAULT_RENDERERS[node.type](node, context)

    def box(self, node: Node, context: RenderContext) -> str:
        """Return an admonition as a quotation; folded, or left out, what is a fold."""
        title, parts = node.meta["title"], list(node)
        if parts and parts[0].type == "inline":
            title = parts.pop(0).render(context)
        elif node.type in ADMONITIONS:
            title = node.type.split()[1].capitalize()
        content = join(part.render(context) for part in parts)
        classes = re.findall(r"[\w-]+", str(node.meta["options"].get("class")).lower())
        if node.type == DROPDOWN:
            answer = "" if self.handout else details("Answer", content)
            return join([f"**{title}**" if title else "", answer])
        if node.type == SOLUTION or {"dropdown", "toggle"} & {*classes}:
            summary = "Solution" if node.type == SOLUTION else html.escape(title)
            return "" if self.handout else details(summary, content)
        lines = f"**{title}**\n\n{content}".split("\n")
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def look_up(self, where: dict, key: str, node: Node) -> object:
        """Return what a role names."""
        if key not in where:
            raise self.error(node, f"names {key!r}, which is nowhere")
        return where[key]

    def reference(self, node: Node, context: RenderContext) -> str:
        """Return a link to a chapter, section or exercise, or its words alone."""
        said, label = re.fullmatch(r"(?:(.+?)\s*<)?([^<>]+)>?", node.content).groups()
        chapter, kind, title = self.look_up(self.book.labels, label, node)
        words = (
            Node([Token("text", "", 0, content=said)]).render(context)
            if said
            else title
        )
        here = chapter is self.chapter
        # Jupyter makes a heading's anchor so.
        anchor = "#" + re.sub(r"[`*]", "", title).replace(" ", "-")
        anchor = "" if kind == "h1" else anchor
        if here and anchor:
            return f"[{words}]({anchor})"
        if chapter.name in self.handout and not here:
            return f"[{words}]({chapter.name}.ipynb{anchor})"
        # The site's page of another lesson has its solutions.
        is_there = chapter.name in self.book.chapters
        if is_there and not (self.handout and chapter.is_notebook):
            page = f"chapters/{chapter.name}"
            if url := self.book.addresses.page(page, label if anchor else ""):
                return f"[{words}]({url})"
        if said:
            return words
        return f"*{words}*" + (f" (in *{chapter.title}*)" if anchor else "")

    def equation(self, node: Node, context: RenderContext) -> str:
        """Return an equation's number, and its chapter where that is another one."""
        chapter, _, number = self.look_up(self.book.labels, node.content, node)
        return f"({number})" + f" of *{chapter.title}*" * (chapter is not self.chapter)

    def citations(self, node: Node, context: RenderContext) -> str:
        """Return authors and years, linked to the works."""
        keys = [key.strip() for key in node.content.split(",")]
        entries = [self.look_up(self.book.references, key, node) for key in keys]
        if node.type == "role cite:t":
            return ", ".join(citation(entry, " ({})") for entry in entries)
        return f"({'; '.join(citation(entry, ', {}') for entry in entries)})"


def citation(entry: Entry, year: str) -> str:
    """Return authors and year of a work, linked to it."""
    people = entry.persons["author"]
    parts = [" ".join(p.prelast_names + p.last_names) for p in people]
    names = [str(Text.from_latex(part)) for part in parts]
    names = names if len(names) < 3 else [f"{names[0]} et al."]
    words = " and ".join(names) + year.format(entry.fields["year"])
    doi = entry.fields.get("doi")
    url = f"https://doi.org/{doi}" if doi else entry.fields.get("url", "")
    return f"[{words}]({url})" if url else words


def join(parts: Iterable[str]) -> str:
    """Return blocks with an empty line between them."""
    return "\n\n".join(part for part in parts if part)


def details(summary: str, content: str) -> str:
    """Return Markdown that is folded away."""
    return f"<details>\n<summary><b>{summary}</b></summary>\n\n{content}\n\n</details>"


def exercise(node: Node, context: RenderContext) -> str:
    """Return an exercise under a heading."""
    _, *parts = node
    return join([f"### {node.meta['title']}", *(p.render(context) for p in parts)])


def text(node: Node, context: RenderContext) -> str:
    """Return text in which a dollar opens no formula."""
    return DEFAULT_RENDERERS["text"](node, context).replace("$", r"\$")


def maths(node: Node) -> str:
    """Return a formula without the comments and empty lines that TeX allows."""
    lines = re.sub(r"(?<!\\)%.*", "", node.content).splitlines()
    return "\n".join(line for line in lines if line.strip())


def display(node: Node, context: RenderContext) -> str:
    """Return a formula on lines of its own, with its number if it has one."""
    number = node.meta.get("number")
    content = maths(node) + (rf" \tag{{{number}}}" if number else "")
    while node := node.parent:
        # A quotation's mark at the start of a line would be read as maths.
        if node.type in {"blockquote", *ADMONITIONS}:
            return f"$${content}$$".replace("\n", " ")
    return f"$$\n{content}\n$$"


def list_item(node: Node, context: RenderContext) -> str:
    """Return an item; in it, a quotation or a fold needs empty lines around it."""
    if any(child.type.startswith("directive") for child in node):
        return join(child.render(context) for child in node)
    return DEFAULT_RENDERERS["list_item"](node, context)


def definitions(node: Node, context: RenderContext) -> str:
    """Return a list of definitions as a plain list."""
    items = []
    for child in node:
        content = join(part.render(context) for part in child)
        if child.type == "dt":
            items.append(f"- **{content}**:")
        else:
            items[-1] += " " + indent(content, "  ").strip()
    return "\n".join(items)


def table(node: Node, context: RenderContext) -> str:
    """Return a table."""
    rows = [[cell(c, context) for c in row] for part in node for row in part]
    styles = [c.attrs.get("style", "") for c in node.children[0].children[0]]
    rows.insert(1, ["---" + ":" * style.endswith("right") for style in styles])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cell(node: Node, context: RenderContext) -> str:
    """Return a cell, which a bar in its formulas or code would end."""
    content = "".join(part.render(context) for part in node)
    formulas = re.compile(r"(?<!\\)\$.*?\$")
    content = formulas.sub(lambda found: found[0].replace("|", r"\vert "), content)
    return content.replace("|", r"\|")
