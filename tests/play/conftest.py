"""Pages with explorers, opened from a disk as the site's or a notebook's are."""

import pytest

from backprop_book import play
from backprop_book.play import script
from play_graphs import forty_nodes, four_boxes, network, parabola, scaled, used_twice
from play_pages import Explorer

HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Page</title>
<meta name="viewport" content="width=device-width">
<style>
body { margin: 0 auto; padding: 0 16px; max-width: 760px; color: #222; }
@media (prefers-color-scheme: dark) { body { background: #121212; color: #ced6dd; } }
</style></head><body><main><h1>Page</h1>"""


def explorers():
    L, names = network()
    write = "x = 2\nw = -1\nrelu(x * w) ** 2"
    goal, starts = "grad w1 == 0, L > 0.5", {"dead": {"w1": -1}, "kink": {"w1": 0}}
    learn = {"learn": 0.05, "parameters": ["w1", "w2"]}
    valley = {"valley": {"w": (-3, 4), "b": (-4, 4)}, "learn": 0.2}
    fast = {"presets": {"too fast": {"w": 1.5, "b": -1, "rate": 1.2}}}
    return {
        "four": play(four_boxes()),
        "twice": play(used_twice()),
        "scaled": play(scaled()),
        "network": play(L, names=names),
        "forty": play(forty_nodes()),
        "learn": play(four_boxes(), goal=goal, presets=starts, **learn),
        "write": play(four_boxes(), write=write),
        "practise": play(four_boxes(), practise=2, seed=5),
        "arrays": play(four_boxes(), practise=3, seed=2),
        "valley": play(parabola(), **valley, **fast),
    }


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with a page for each explorer; as on the site, its script is a file."""
    folder = tmp_path_factory.mktemp("play")
    (folder / "play.js").write_text(script(), encoding="utf-8")
    outputs = {name: shown._repr_html_() for name, shown in explorers().items()}
    for name, html in outputs.items():
        static = html.partition("<script data-backprop-script>")[0]
        text = f'{HEAD}{static}</main><script defer src="play.js"></script>'
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    (folder / "without.html").write_text(f"{HEAD}</main>", encoding="utf-8")
    two = outputs["four"] + outputs["twice"]
    (folder / "notebook.html").write_text(f"{HEAD}{two}</main>", encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser, folder):
    """A function that opens a page and returns its explorer; no error may occur."""
    contexts, errors = [], []

    def visit(name, query="", width=1280, **settings):
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, **settings)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda m: m.type == "error" and errors.append(m.text))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        page.set_default_timeout(10_000)
        page.goto(f"{(folder / name).as_uri()}.html{query}")
        return Explorer(page)

    yield visit
    for context in contexts:
        context.close()
    assert not errors
