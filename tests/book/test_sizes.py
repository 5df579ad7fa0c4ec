"""What ``make sizes`` counts."""

from pathlib import Path

from chapter_files import Chapter
from sizes import code_lines, lesson_lines, minutes

CODE = '''"""A docstring
of two lines."""

# a comment
import os


def f(x):
    """Another one."""
    text = """No docstring,
    so it counts."""
    return (
        x,  # five lines with the brackets
        # but this one does not count
        text,
    )
'''

LESSON = """---
kernelspec:
  display_name: Python 3
  name: python3
---

(label)=
# Five words of a title

% a comment for authors
One [link](https://example.org) and $x$.

$$
a = b
$$ (eq-a)

```{code-cell} ipython3
:tags: [hide-input]

import os
print("a figure")
```

:::{admonition} Seen by all
:class: tip
Three words here
:::

:::{dropdown} Folded
Nothing of this counts

$$
c = d
$$
:::

:::{admonition} Folded, too
:class: dropdown
Nor does this
:::

:::{exercise} A task
:label: ex-a

Do it.
:::

:::{solution-start} ex-a
:class: dropdown
:::

This is not read.

```{code-cell} ipython3
1 + 1
```

:::{solution-end}
:::
"""


def test_code_lines_are_those_with_a_token_that_is_no_comment_and_no_docstring():
    assert code_lines(CODE) == 1 + 1 + 2 + 4
    assert code_lines('x = 1\n"a string, no docstring"\n') == 2
    assert code_lines("") == 0


def test_folded_code_counts_half(tmp_path: Path):
    path = tmp_path / "lesson.md"
    path.write_text(LESSON, encoding="utf-8")
    assert lesson_lines(Chapter(path)) == len(LESSON.splitlines()) - 1
    path.write_text(LESSON.replace("hide-input", "other"), encoding="utf-8")
    assert lesson_lines(Chapter(path)) == len(LESSON.splitlines())


def test_minutes_leave_out_solutions_and_what_is_folded():
    # The title (5), the sentence (4), "Three words here" (3), "Do it" (2).
    assert minutes(LESSON) == 14 / 150 + 1 + 0.5 + 8
