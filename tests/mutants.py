"""Say what became of mutmut's mutants, and fail where too few of them were killed.

``make mutants`` has run mutmut before, and goes on where it was interrupted. mutmut
leaves decorated functions out without a word: a file with no mutants fails here.
``mutmut show NAME``, in ``_build/mutants``, shows what a survivor changes.
"""

import json
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "_build/mutants/mutants/src/backprop_book"
FAILED = (1, 3)  # what pytest returns
TOO_SLOW = (24, -24, 36, 152, 255)  # a mutant that waits, or loops
LEAST = 0.95  # of all mutants, to be killed; of these, all:
GRADIENTS = re.compile(r"\.engine\.|_(?:gradient|loss)__mutmut_")


def main() -> None:
    """Print a line for each file and each survivor."""
    wrong, killed, total = [], 0, 0
    files = sorted(FOLDER.glob("*.meta"))
    for file in files:
        ends = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        dead = [name for name, end in ends.items() if end in FAILED + TOO_SLOW]
        slow = sum(end in TOO_SLOW for end in ends.values())
        print(f"{file.stem:22} {len(dead):4} of {len(ends):4} killed, {slow} by time")
        if not ends:
            wrong.append(f"{file.stem}: no mutants")
        for name in ends.keys() - dead:
            what = "not tried" if ends[name] is None else "survived"
            print(f"    {what}  {name}")
            if ends[name] is None or GRADIENTS.search(name):
                wrong.append(f"{name}: {what}")
        killed, total = killed + len(dead), total + len(ends)
    print(f"{'all':22} {killed:4} of {total:4} killed")
    if killed < LEAST * total or not files:
        wrong.append(f"fewer than {LEAST:.0%} of the mutants were killed")
    sys.exit("\n".join(sorted(wrong)) or None)


if __name__ == "__main__":
    main()
