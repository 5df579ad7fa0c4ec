"""What a student copies from the pages runs alone, and gives the book's curves."""

import ast
import inspect

import numpy as np
import pytest
import torch

import backprop_book as bb
from backprop_book import fast, train_nn, train_optim

FIVE = ("numpy", "tensor", "autograd", "nn", "nn_optim")


def module_of(name):
    return inspect.getmodule(inspect.unwrap(exported(name)))


def exported(name):
    return getattr(bb, f"two_layer_regression_{name}_train")


def shown(module):
    text = bb.show_source(module, docstrings=False).data
    return text.split("```python\n")[1].removesuffix("\n```")


def pasted(name):
    """Return the names that an empty notebook knows after the page's text."""
    text = shown(module_of(name))
    if module_of(name) is train_optim:
        head = "from backprop_book.train_nn import two_layer_regression_nn_model\n"
        assert head in text
        text = shown(train_nn) + "\n" + text.replace(head, "")
    imports = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ImportFrom)]
    assert {node.module for node in imports} <= {"torch"}
    names = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), names)
    return names


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FIVE)
def test_the_text_runs_alone_and_gives_the_same_curve(name, dtype, capsys):
    iris = bb.load_iris_regression(seed=0, dtype=dtype)
    weights = bb.draw_weights(2, 20, 2, seed=0, dtype=dtype)
    data = (iris.X, iris.Y, iris.X_val, iris.Y_val)
    train = pasted(name)[f"two_layer_regression_{name}_train"]
    copied = train(*data, 1e-4, 21, weights=weights)
    printed = capsys.readouterr().out
    ours = exported(name)(*data, 1e-4, 21, weights=weights)
    assert copied[-2:] == ours[-2:]
    assert printed == capsys.readouterr().out
    assert [int(line.split()[1]) for line in printed.splitlines()] == [0, 10, 20]
    *_, losses_tr, losses_val = train(*data, 1e-4, 2, seed=0, log_every=0)
    assert np.isfinite(losses_tr + losses_val).all()


@pytest.mark.parametrize("name", FIVE)
def test_a_lesson_is_plain(name):
    """At most 30 lines of a loop, no annotation, nothing of the book's inside."""
    function = inspect.unwrap(exported(name))
    (node,) = ast.parse(inspect.getsource(function)).body
    first = node.body[1].lineno
    assert 12 <= node.end_lineno - first + 1 <= 30
    arguments = node.args.args + node.args.kwonlyargs
    assert not any(argument.annotation for argument in arguments)
    assert not any(isinstance(n, ast.Raise) for n in ast.walk(node))


def test_fast_versions_give_the_lessons_curves():
    iris = bb.load_iris_regression(seed=0, dtype="float64")
    data = (iris.X, iris.Y, iris.X_val, iris.Y_val)
    weights = bb.draw_weights(2, 100, 2, seed=0, dtype="float64")
    settings = {"weights": weights, "log_every": 0}
    plain = exported("numpy")(*data, 1e-4, 300, **settings)
    for train, arrays in (
        (fast.numpy_train, data),
        (fast.tensor_train, [torch.tensor(A) for A in data]),
    ):
        result = train(*arrays, 1e-4, 300, **settings)
        for one, other in zip(result, plain, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)
        with pytest.raises(bb.DivergenceError), np.errstate(all="ignore"):
            train(*arrays, 1e-3, 50, **settings)
