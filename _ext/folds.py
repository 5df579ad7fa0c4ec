"""Fold solutions, and admonitions of class ``dropdown``, as ``{dropdown}`` folds.

They become sphinx-design's ``<details>``, which open without a script, and where a link
or a search leads into them.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import admonitionlabels
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_design.shared import create_component
from sphinx_exercise.nodes import is_exercise_node, solution_node


class Folds(SphinxPostTransform):
    """Put a dropdown of sphinx-design in the place of each solution and admonition."""

    # After sphinx-exercise's titles, and before sphinx-design's own transform, at 199.
    default_priority = 190
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Replace them on one page."""
        for node in [*self.document.findall(nodes.Admonition)]:
            is_solution = isinstance(node, solution_node)
            folded = {"dropdown", "toggle"} & {*node["classes"]}
            if is_exercise_node(node) or not (is_solution or folded):
                continue
            if isinstance(node[0], nodes.title):
                title = node.pop(0).deepcopy()
            else:
                title = nodes.title("", str(admonitionlabels[node.tagname]))
            # A link here would take the click that is to open the fold.
            for link in [*title.findall(nodes.reference)]:
                link.replace_self(link.children)
            fold = create_component(
                "dropdown",
                children=[nodes.rubric("", "", *title.children), *node.children],
                container_classes=["sd-mb-3", *node["classes"]],
                has_title=True,
                title_classes=[],
                body_classes=[],
                **dict.fromkeys(("opened", "icon", "chevron")),
            )
            # From there sphinx-design takes them for the whole.
            fold[0]["ids"] = node["ids"]
            node.replace_self(fold)


def setup(app: Sphinx) -> dict[str, object]:
    """Add the transform."""
    app.add_post_transform(Folds)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
