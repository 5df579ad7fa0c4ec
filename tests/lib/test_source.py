"""The source that a page shows is the file's."""

from pathlib import Path

import numpy as np
import pytest

import backprop_book
from backprop_book import show_source, two_layer_regression_numpy_gradient


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


@pytest.mark.parametrize("thing", [np.add, 3, len])
def test_what_has_no_source_is_refused(thing):
    with pytest.raises(TypeError, match="thing: expected a function, class or module"):
        show_source(thing)
