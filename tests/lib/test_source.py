"""The source that a page shows is the file's."""

import ast
from pathlib import Path

import numpy as np
import pytest

import backprop_book
from backprop_book import Value, show_source, two_layer_regression_numpy_gradient


def test_function_is_shown_as_it_stands_in_its_file():
    shown = show_source(two_layer_regression_numpy_gradient).data
    title, code = shown.split("\n\n```python\n")
    file = Path(backprop_book.__file__).parent / "train_numpy.py"
    assert title == "`two_layer_regression_numpy_gradient` in `train_numpy.py`:"
    assert code.removesuffix("\n```") in file.read_text(encoding="utf-8")
    assert "grad_W2 = H1.T @ G" in code


def test_module_is_shown_whole():
    from backprop_book import train_numpy

    shown = show_source(train_numpy).data
    text = Path(train_numpy.__file__).read_text(encoding="utf-8")
    assert shown == f"`train_numpy.py`:\n\n```python\n{text.rstrip()}\n```"


def test_a_lesson_is_shown_without_docstrings_and_with_its_comments():
    from backprop_book import train_autograd

    shown = show_source(train_autograd, docstrings=False).data
    title, code = shown.split("\n\n```python\n")
    assert title == "`train_autograd.py`:"
    assert code.startswith("import torch\n\n\ndef two_layer_regression_autograd_loss(")
    assert '"""' not in code
    assert "# backward() adds to what is there" in code
    whole = Path(train_autograd.__file__).read_text(encoding="utf-8")
    assert set(code.splitlines()) - {"```"} <= set(whole.splitlines())
    bare = ast.parse(code.removesuffix("\n```"))
    named = ast.parse(whole)
    for node in ast.walk(named):
        if isinstance(node, ast.Module | ast.FunctionDef):
            del node.body[0]
    assert ast.dump(bare) == ast.dump(named)


def test_a_body_that_is_a_docstring_stays():
    class Empty:
        """Nothing else."""

    assert "Nothing else." in show_source(Empty, docstrings=False).data


@pytest.mark.parametrize("thing", [np.add, 3, len])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(TypeError, match="thing: expected a function, class or module"):
        show_source(thing)


def test_a_method_begins_at_the_margin():
    code = show_source(Value.backward, docstrings=False).data.split("```python\n")[1]
    lines = code.removesuffix("\n```").splitlines()
    assert lines[0].startswith("def backward(self")
    assert all(line.startswith("    ") for line in lines[1:])
    assert not lines[1].startswith("     ")
