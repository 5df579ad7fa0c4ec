"""The notebooks of the site: what plain Jupyter shows well, and what runs anywhere."""

import re
import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from chapter_files import CHAPTERS, NOTEBOOKS, ROOT
from plain_notebook import Book, NoPlainFormError, plain_notebook
from small_book import HEADER

REFERENCES = """\
@book{one, author = {A. Ada}, title = {T}, year = {2001}, doi = {10.1/2}}
@book{two, author = {Ada, A. and Bob, B. and Cy, C.}, title = {T}, year = {2002}}
"""
TWO = "(two)=\n# Two\n\n(part)=\n## A `part`\n\n$$\nb\n$$ (eq-two)"
WHEEL = "book-1-py3-none-any.whl"
ABSENT = "(absent)=\n# Absent"


def make(tmp_path, text, handout=(), site=""):
    """Return the notebook of a chapter with this text, in a book of four."""
    (tmp_path / "chapters").mkdir()
    pages = {"index": "# The book", "one": f"# One\n\n{text}", "two": TWO}
    for name, page in {**pages, "absent": ABSENT}.items():
        (tmp_path / "chapters" / f"{name}.md").write_text(f"{HEADER}\n{page}\n")
    (tmp_path / "chapters" / "words.md").write_text("(words)=\n# Words\n")
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace('site_url: ""', f'site_url: "{site}"')
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    (tmp_path / "references.bib").write_text(REFERENCES)
    (tmp_path / "_toc.yml").write_text(
        "format: jb-book\nroot: chapters/index\nparts:\n  - numbered: 1\n"
        "    chapters:\n      - file: chapters/one\n      - file: chapters/two\n"
        "  - chapters:\n      - file: chapters/words\n"
    )
    return plain_notebook(Book(tmp_path), "one", WHEEL, handout)


def text_of(notebook):
    """Return everything but the first two cells, which are the same everywhere."""
    return "\n\n".join(cell.source for cell in notebook.cells[2:])


FORMS = [
    (":::{note}\nText.\n:::", "> **Note**\n>\n> Text."),
    ("~~~{tip} Text.\n~~~", "> **Tip**\n>\n> Text."),
    ("  ~~~{admonition} A `b`\n  Text.\n  ~~~", "> **A `b`**\n>\n> Text."),
    ("::::{tip}\n:::{tip}\nX.\n:::\n::::", "> **Tip**\n>\n> > **Tip**\n> >\n> > X."),
    (
        "1. Item\n   :::{tip}\n   X.\n   :::\n2. Next",
        "1. Item\n\n   > **Tip**\n   >\n   > X.\n2. Next",
    ),
    (
        ":::{exercise} Add\n:label: ex\nX.\n:::\n\n{ref}`ex`",
        "### Exercise 1.1: Add\n\nX.\n\n[Exercise 1.1: Add](#Exercise-1.1:-Add)",
    ),
    ("$$\na\n= b\n$$ (eq)\n\n{eq}`eq`", "$$\na\n= b \\tag{1.1}\n$$\n\n(1.1)"),
    ("> $$\n> a\n> = b\n> $$", "> $$a = b$$"),
    ("Term\n: Meaning,\n  more.", "- **Term**: Meaning,\n  more."),
    (
        "| a | b |\n|---|--:|\n| `x\\|y` | $\\|z\\|$ |",
        "| a | b |\n| --- | ---: |\n| `x\\|y` | $\\vert z\\vert $ |",
    ),
    ("\\$3,\na_b, `$x$` and $a_b * c_d$.", "\\$3,\na_b, `$x$` and $a_b * c_d$."),
    ("(here)=\n## Here\n\n{ref}`here`", "## Here\n\n[Here](#Here)"),
    ("{ref}`two`, {ref}`x <part>`, {ref}`absent`", "*Two*, x, *Absent*"),
    ("{ref}`part`, {eq}`eq-two`", "*A `part`* (in *Two*), (2.1) of *Two*"),
    ("{cite:t}`one,two`", "[Ada (2001)](https://doi.org/10.1/2), Ada et al. (2002)"),
    ("{cite:p}`one`", "([Ada, 2001](https://doi.org/10.1/2))"),
    ("![A](https://a.org)\n<https://a.org>", "![A](https://a.org)\n<https://a.org>"),
]


@pytest.mark.parametrize(("markup", "plain"), FORMS)
def test_each_piece_of_markup_has_its_plain_form(tmp_path, markup, plain):
    assert text_of(make(tmp_path, markup)) == plain


ERRORS = [
    (":::{tab-set}\n:::", 1, "directive tab-set"),
    ("> One.\n>\n> ```{figure} a.png\n> ```", 3, "directive figure"),
    ("::::{note}\n:::{solution-start} ex\n:::\n::::", 2, "solution-start"),
    ("- ```{code-cell}\n  1\n  ```", 1, "code-cell"),
    (":::\nX\n:::", 1, "colon_fence"),
    (":::{exercise} X\n:nonumber:\nX\n:::", 2, "option"),
    (":::{note}\n:class: dropdown\n:x: [\nX\n:::", 2, "option"),
    ("One,\n{guilabel}`word`.", 2, "role guilabel"),
    ("One {{ key }}.", 1, "substitution"),
    ("One [^1].\n\n[^1]: Two.", 1, "footnote"),
    ("One\ntwo <b>three</b>.", 2, "<b>"),
    ("<div>\n</div>", 1, "html_block"),
    ("<!-- a --> <b>", 1, "html_block"),
    ("![A](a.png)", 1, "image"),
    ("[A](two.md)", 1, "link"),
    ("One,\n*see {ref}`nowhere`*.", 2, "'nowhere'"),
    ("See {eq}`nowhere`.", 1, "'nowhere'"),
    ("See {cite:t}`one,nobody`.", 1, "'nobody'"),
    (":::{note}\nno end", 1, "has no end"),
    ("> ~~~{note}\n> no end\n\nText.", 1, "has no end"),
    ("Text.\n\n:::{solution-start} ex\n:::\n\nX.", 3, "never closed"),
    ("Text.\n\n:::{solution-end}\n:::", 3, "no solution"),
]


@pytest.mark.parametrize(("markup", "line", "named"), ERRORS)
def test_what_has_no_plain_form_is_an_error_with_its_line(
    tmp_path, markup, line, named
):
    first = len(f"{HEADER}\n# One\n\n".splitlines())
    with pytest.raises(NoPlainFormError) as error:
        make(tmp_path, markup)
    assert f"one.md:{first + line}: " in str(error.value)
    assert named in str(error.value)


FOLDS = [
    ":::{solution-start} ex\n:class: dropdown\n:::\nSECRET\n\n:::{solution-end}\n:::",
    "```{solution-start} ex\n```\n~~~{code-cell}\nSECRET\n~~~\n ~~~{solution-end}\n~~~",
    ":::{solution} ex\nSECRET\n:::",
    ":::{dropdown} Why?\nSECRET\n:::",
    "~~~{dropdown}\nSECRET\n~~~",
    "   ````{dropdown} Why?\n   SECRET\n   ````",
    "- Item\n\n  :::{dropdown} Why?\n  SECRET\n  :::",
    "::::{note}\n:::{dropdown} Why?\nSECRET\n:::\n::::",
    "> ```{dropdown} Why?\n> SECRET\n> ```",
    ":::{admonition} SECRET\n:class: tip, Dropdown\nX\n:::",
    ":::{warning}\n---\nclass: toggle\n---\nSECRET\n:::",
]
COMMENTS = [
    "% SECRET",
    "Text\n% SECRET\nmore.",
    "<!-- SECRET\n\nmore -->",
    "One <!-- SECRET --> two.",
    '+++ {"SECRET": 1}',
    "(SECRET)=\n## Part",
    "$$\na % SECRET\n$$",
    "```{code-cell}\n:tags: [SECRET]\n1\n```",
]


@pytest.mark.parametrize("markup", FOLDS)
def test_solutions_and_answers_are_folded_and_not_handed_out(tmp_path, markup):
    text = text_of(make(tmp_path, markup))
    inside = re.search(r"<details>.*?</details>", text, re.DOTALL)[0]
    assert text.count("SECRET") == inside.count("SECRET") == 1
    shutil.rmtree(tmp_path / "chapters")
    handed_out = nbformat.writes(make(tmp_path, markup, handout=["one"]))
    assert "SECRET" not in handed_out
    assert "<details>" not in handed_out


@pytest.mark.parametrize("markup", COMMENTS)
def test_comments_and_metadata_are_left_out(tmp_path, markup):
    assert "SECRET" not in nbformat.writes(make(tmp_path, markup))


def test_cells_begin_at_headings_exercises_and_code(tmp_path):
    text = "A.\n\n# B\n\n```{code-cell}\nc = 1\n```\n\n:::{exercise} D\n:::"
    cells = make(tmp_path, text).cells[2:]
    expected = ["A.", "# B", "c = 1", "### Exercise 1.1: D"]
    assert [cell.source for cell in cells] == expected


def test_a_handout_links_to_what_is_in_it_and_names_the_rest(tmp_path):
    text = "{ref}`two`, {ref}`part`"
    both = text_of(make(tmp_path, text, handout=["one", "two"]))
    assert both == "[Two](two.ipynb), [A `part`](two.ipynb#A-part)"
    shutil.rmtree(tmp_path / "chapters")
    alone = make(tmp_path, text, handout=["one"])
    assert text_of(alone) == "*Two*, *A `part`* (in *Two*)"
    assert f'%pip install --quiet "./{WHEEL}"' in alone.cells[1].source


def test_a_handout_links_to_no_page_that_has_solutions(tmp_path):
    text = "{ref}`words`, {ref}`two`, {ref}`absent`"
    notebook = make(tmp_path, text, handout=["one"], site="https://a.org")
    page = "https://a.org/chapters/words.html"
    assert text_of(notebook) == f"[Words]({page}), *Two*, *Absent*"
    assert "a.org" not in notebook.cells[0].source


def test_without_the_books_code_the_notebook_says_what_to_do(tmp_path):
    notebook = make(tmp_path, "")
    first, setup = notebook.cells
    assert first.source.startswith("# One\n\n*Chapter 1 of “The book”.*")
    setup.source = setup.source.replace("backprop_book", "absent_book")
    NotebookClient(notebook, allow_errors=True).execute(cwd=str(tmp_path))
    (output,) = setup.outputs
    assert output.ename == "FileNotFoundError"
    assert f'pip install "./{WHEEL}"' in first.source
    assert output.evalue.startswith(f"{WHEEL} is not in the notebook's folder.")


@pytest.mark.parametrize("code", ["import torch", "def f():\n    from torch import nn"])
def test_pytorch_is_installed_for_a_chapter_that_imports_it(tmp_path, code):
    """And for no other: see the test before this one."""
    first, setup, *_ = make(tmp_path, f"```{{code-cell}}\n{code}\n```").cells
    assert "    import torch\nexcept ImportError:" in setup.source
    for text in (first.source, setup.source):
        assert f'pip install "./{WHEEL}[torch]"' in text.replace(" --quiet", "")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_a_notebook_is_offered_where_there_is_code_and_nowhere_else(book, chapter):
    links = [
        link["href"] for link in book.page(chapter.name).select("a[href$='.ipynb']")
    ]
    expected = [f"../notebooks/{chapter.name}.ipynb"] if chapter.is_notebook else []
    assert links == expected
    wheels = [a["href"] for a in book.page(chapter.name).select("a[href$='.whl']")]
    assert len(wheels) == len(links)
    assert all((book.html / "chapters" / wheel).is_file() for wheel in wheels)


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_the_notebook_has_all_that_the_page_has(book, chapter):
    """Code, and the numbers of equations and exercises; folded what is folded there."""
    path = book.html / "notebooks" / f"{chapter.name}.ipynb"
    notebook, page = nbformat.read(path, as_version=4), book.page(chapter.name)
    nbformat.validate(notebook)
    text = text_of(notebook)
    assert all(cell.source in text for cell in chapter.code)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    numbers = [f"({n})" for n in re.findall(r"\\tag\{([\d.]+)\}\n\$\$$", text, re.M)]
    assert numbers == [t.get_text().rstrip("#") for t in page.select(".eqno")]
    titles = page.select("div.exercise > p.admonition-title")
    shown = [re.sub(r" +\((.+)\)$", r": \1", t.get_text().strip()) for t in titles]
    headings = re.findall(r"^### (Exercise .+)$", text.replace("`", ""), re.M)
    assert headings == [title.replace("’", "'") for title in shown]
    folds = len(page.select("article details.sd-dropdown"))
    assert text.count("<details>\n") == text.count("\n</details>") == folds
