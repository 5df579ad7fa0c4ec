"""Print the sizes of lessons, code and tests beside their budgets."""

import ast
import io
import math
import re
import tokenize
from pathlib import Path

import yaml

from chapter_files import LESSONS, ROOT, Chapter

LESSON = 650
PARTS = {"Theory": 2800, "Labs": 3400, "Beyond": 3000}
MINUTES = 800
LIBRARY, TRAIN, EXT, BENCH, TESTS = 2300, 45, 800, 350, 5000
TRAIN_FILES = [f"train_{x}.py" for x in ("numpy", "tensor", "autograd", "nn", "optim")]

NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENCODING),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}
FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

SOLUTION = r"^:::\{solution-start\}.*?^:::\{solution-end\}\n:::$"
DROPDOWN = r"^(:{3,})\{(?:dropdown|\w+\}[^\n]*\n:class: [^\n]*\bdropdown).*?^\1$"
CELL = r"^```\{code-cell\}.*?^```$"
DISPLAY = r"^\$\$$.*?^\$\$.*?$"
# Labels, comments, directives and their options, the ends of blocks.
MARKUP = r"(?m)^(?:\([\w-]+\)=|%.*|[:`~]{3,}.*|:[\w-]+:.*|\+\+\+.*)$"
TARGET = r"\]\([^)\n]*\)|\{[\w:-]+\}|<[^>\n]+>"


def code_lines(source: str) -> int:
    """Return how many lines hold a token that is no comment and no docstring."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DEFINITIONS) and ast.get_docstring(node, clean=False):
            lines -= {*range(node.body[0].lineno, node.body[0].end_lineno + 1)}
    return len(lines)


def lesson_lines(chapter: Chapter) -> float:
    """Return the lines of the file; those of folded code count half."""
    folded = [c for c in chapter.code if FOLDED & {*c.metadata.get("tags", [])}]
    in_folds = sum(len(cell.source.splitlines()) for cell in folded)
    return len(chapter.text.splitlines()) - in_folds / 2


def minutes(text: str) -> float:
    """Return how long a lesson takes, by its words, formulas, cells and exercises.

    Solutions and folded text don't count.
    """
    text = re.sub(r"\A---\n.*?^---$", "", text, flags=re.M | re.S)
    counts = {}
    for what in (SOLUTION, DROPDOWN, CELL, DISPLAY):
        text, counts[what] = re.subn(what, "", text, flags=re.M | re.S)
    exercises = len(re.findall(r"^:::\{exercise\}", text, re.M))
    text = re.sub(r"\$[^$]+\$", "formula", re.sub(MARKUP, "", text))
    words = len(re.findall(r"[^\W\d_][\w'’-]*", re.sub(TARGET, "", text)))
    return words / 150 + counts[DISPLAY] + counts[CELL] / 2 + 8 * exercises


def print_row(name: str, size: float, budget: int | None = None) -> None:
    """Print one line of the table, with a mark where the budget is exceeded."""
    of = "" if budget is None else f"of {budget:>5,}"
    over = budget is not None and size > budget
    print(f"  {name:<34}{math.ceil(size):>7,} {of}{'  over' if over else ''}")


def print_code(title: str, folder: Path, budget: int, parts: bool = False) -> None:
    """Print the code lines of a folder, and those of its files if ``parts``."""
    total = 0
    for file in sorted(folder.rglob("*.py")):
        size = code_lines(file.read_text(encoding="utf-8"))
        total += size
        if parts:
            print_row(file.name, size, TRAIN if file.name in TRAIN_FILES else None)
    print_row(title, total, budget)


if __name__ == "__main__":
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    lessons = {f"chapters/{chapter.name}": chapter for chapter in LESSONS}
    time = 0.0
    print("lessons: source lines (folded code half), minutes")
    for part in toc["parts"]:
        files = [lessons[c["file"]] for c in part["chapters"] if c["file"] in lessons]
        for chapter in files:
            needs = minutes(chapter.text)
            time += needs
            print_row(f"{chapter} ({needs:.0f} min)", lesson_lines(chapter), LESSON)
        if files:
            lines = sum(map(lesson_lines, files))
            print_row(part["caption"], lines, PARTS[part["caption"]])
    print_row("minutes of all lessons", time, MINUTES)
    print("code lines")
    print_code("lib", ROOT / "lib" / "backprop_book", LIBRARY, parts=True)
    for name, budget in (("_ext", EXT), ("bench", BENCH), ("tests", TESTS)):
        print_code(name, ROOT / name, budget)
