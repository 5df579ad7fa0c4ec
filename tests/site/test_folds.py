"""Which boxes of a page fold, besides the dropdowns of sphinx-design."""

import pytest
from docutils import nodes
from docutils.utils import new_document
from sphinx_exercise.nodes import exercise_node, solution_node

from folds import Folds

TITLED = (nodes.title("", "T ", nodes.reference("", "link")), nodes.paragraph("", "X"))


@pytest.mark.parametrize(
    ("kind", "classes", "title"),
    [
        (solution_node, [], "T link"),
        (nodes.admonition, ["tip", "dropdown"], "T link"),
        (nodes.note, ["toggle"], "Note"),
        (nodes.admonition, ["opening"], None),
        (exercise_node, ["dropdown"], None),
    ],
)
def test_solutions_and_folded_admonitions_become_dropdowns(kind, classes, title):
    document = new_document("page")
    children = TITLED[kind is nodes.note :]
    document += kind("", *[c.deepcopy() for c in children], classes=classes, ids=["i"])
    Folds(document).run()
    (box,) = document
    assert (box.get("design_component") == "dropdown") == bool(title)
    if title:
        assert box[0].astext() == title
        assert box[0]["ids"] == ["i"]
        assert not [*box[0].findall(nodes.reference)]
        assert box[1].astext() == "X"
