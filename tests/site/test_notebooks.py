"""The notebooks of the site: what plain Jupyter shows well, and what runs anywhere."""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from chapter_files import CHAPTERS, NOTEBOOKS, ROOT
from plain_notebook import Book, NoPlainFormError, plain_notebook
from small_book import HEADER

BOOK = Book(ROOT)
# Markup that Jupyter's own Markdown would show as it stands.
MYST = re.compile(
    r"^:::|\{[a-z:-]+\}`|^\([a-z0-9-]+\)=$|^\$\$ \(|^```\{|^: |^:[a-z-]+: ",
    re.MULTILINE,
)


def read(book, chapter):
    return nbformat.read(
        book.html / "notebooks" / f"{chapter.name}.ipynb", as_version=4
    )


def text_of(notebook):
    cells = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    return "\n\n".join(cells)


def code_of(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "code"]


def make(tmp_path, *pages, **options):
    """Return the plain notebook of the first of these pages."""
    for k, text in enumerate(pages):
        (tmp_path / f"page{k}.md").write_text(text)
    (tmp_path / "references.bib").write_text("")
    toc = "root: page0\nparts:\n  - numbered: 1\n    chapters:\n"
    toc += "".join(f"      - file: page{k}\n" for k in range(len(pages)))
    (tmp_path / "_toc.yml").write_text(toc)
    return plain_notebook(Book(tmp_path), "page0", **options)


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_nothing_is_left_that_plain_jupyter_shows_raw(book, chapter):
    notebook = read(book, chapter)
    nbformat.validate(notebook)
    fenced = re.compile(r"^```python\n.*?^```$", re.MULTILINE | re.DOTALL)
    assert not MYST.findall(fenced.sub("", text_of(notebook)))


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_no_code_is_lost_and_no_output_is_there(book, chapter):
    notebook = read(book, chapter)
    whole = text_of(notebook) + "\n".join(code_of(notebook))
    for cell in chapter.code:
        assert cell.source in whole
    assert not any(
        c.outputs or c.execution_count for c in notebook.cells if "outputs" in c
    )


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_equations_have_the_numbers_of_the_page(book, chapter):
    shown = [tag.get_text() for tag in book.page(chapter.name).select(".eqno")]
    numbers = re.findall(
        r"\\tag\{([\d.]+)\}\n\$\$$", text_of(read(book, chapter)), re.M
    )
    assert [f"({number})" for number in numbers] == [s.rstrip("#") for s in shown]


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_exercises_have_the_numbers_of_the_page(book, chapter):
    titles = [
        re.sub(r"^(Exercise [\d.]+) +\((.+)\)$", r"\1: \2", title.get_text().strip())
        for title in book.page(chapter.name).select("div.exercise > p.admonition-title")
    ]
    headings = re.findall(r"^### (Exercise .+)$", text_of(read(book, chapter)), re.M)
    assert [h.replace("`", "") for h in headings] == [
        title.replace("’", "'") for title in titles
    ]


@pytest.mark.parametrize("chapter", NOTEBOOKS, ids=str)
def test_what_is_folded_on_the_page_is_folded_in_the_notebook(book, chapter):
    text = text_of(read(book, chapter))
    solutions = chapter.text.count(":::{solution-start}")
    assert text.count("<summary><b>Solution</b></summary>") == solutions
    assert text.count("<summary><b>Answer</b>") == chapter.text.count(":::{dropdown}")
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=str)
def test_a_notebook_is_offered_where_there_is_code_and_nowhere_else(book, chapter):
    links = [
        link["href"] for link in book.page(chapter.name).select("a[href$='.ipynb']")
    ]
    expected = [f"../notebooks/{chapter.name}.ipynb"] if chapter.is_notebook else []
    assert links == expected


def test_the_first_cell_says_how_to_install_what_the_second_needs(book):
    for chapter in NOTEBOOKS:
        first, second, *_ = read(book, chapter).cells
        assert first.source.startswith(f"# {BOOK.chapters[chapter.name].title}\n")
        assert "pip install" in first.source
        assert "import backprop_book" in second.source


def test_without_the_books_code_the_notebook_says_what_to_do(tmp_path):
    notebook = make(tmp_path, f"{HEADER}\n# Title\n")
    setup = notebook.cells[1]
    setup.source = setup.source.replace("backprop_book", "absent_book")
    client = NotebookClient(notebook, allow_errors=True)
    client.execute(cwd=str(tmp_path))
    (output,) = setup.outputs
    assert output.ename == "ModuleNotFoundError"
    assert "pip install" in output.evalue


PAGE = (
    HEADER
    + """
(here)=
# Title

Before {{ref}}`there`, the {{ref}}`second part <part>` and {{eq}}`eq-sum`.

:::{{admonition}} Before you start
:class: opening

Two lines,

$$
a +
b
$$
:::

$$
a = b
$$ (eq-sum)

(part)=
## A part

```{{code-cell}} ipython3
print(":::")
```

:::{{exercise}} Add
:label: ex-add
Add.
:::

```{{code-cell}} ipython3
answer = None
```

:::{{solution-start}} ex-add
:class: dropdown
:::

It is secret.

```{{code-cell}} ipython3
secret = 1
```

:::{{solution-end}}
:::

:::{{dropdown}} 1. Why `a`?
The reason.
:::
""".replace("{{", "{").replace("}}", "}")
)
OTHER = f"{HEADER}\n(there)=\n# There\n"


def test_each_piece_of_markup_has_its_plain_form(tmp_path):
    _, _, *cells = make(tmp_path, PAGE, OTHER).cells
    assert [c.source for c in cells] == [
        "Before *There*, the [second part](#A-part) and (1.1).\n\n"
        "> **Before you start**\n>\n> Two lines,\n>\n> $$a + b$$\n\n"
        "$$\na = b \\tag{1.1}\n$$",
        "## A part",
        'print(":::")',
        "### Exercise 1.1: Add\n\nAdd.",
        "answer = None",
        "<details>\n<summary><b>Solution</b></summary>\n\nIt is secret.\n\n"
        "```python\nsecret = 1\n```\n\n</details>",
        "**1\\. Why `a`?**\n\n<details>\n<summary><b>Answer</b></summary>\n\n"
        "The reason.\n\n</details>",
    ]


def test_solutions_and_answers_can_be_left_out(tmp_path):
    notebook = make(tmp_path, PAGE, OTHER, solutions=False)
    text = nbformat.writes(notebook)
    assert "secret" not in text
    assert "reason" not in text
    assert "**1\\\\. Why `a`?**" in text
    assert "answer = None" in text


def test_notebooks_that_lie_together_link_to_each_other(tmp_path):
    notebook = make(tmp_path, PAGE, OTHER, together=True)
    assert "[There](page1.ipynb)" in text_of(notebook)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (":::{tab-set}\n:::", "tab-set"),
        ("A {guilabel}`word`.", "guilabel"),
        ("See {ref}`nowhere`.", "nowhere"),
        ("See {cite:t}`nobody`.", "nobody"),
        (":::{note}\nno end", "not closed"),
    ],
)
def test_markup_without_a_plain_form_is_an_error_that_names_it(tmp_path, text, named):
    with pytest.raises(NoPlainFormError, match=named):
        make(tmp_path, f"{HEADER}\n# Title\n\n{text}\n")
