"""Importing the library: quick, and every name is there."""

import inspect
import subprocess
import sys

import pytest

import backprop_book

HEAVY = {"IPython", "matplotlib", "pandas", "seaborn", "sklearn", "torch"}
WITHOUT_TORCH = """
import sys


class WithoutTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name=name)


sys.meta_path.insert(0, WithoutTorch())
import backprop_book as bb

iris = bb.load_iris_regression(seed=0, dtype="float64")
data = iris.X, iris.Y, iris.X_val, iris.Y_val
weights = bb.draw_weights(2, 3, 2, seed=0, dtype="float64")
for train in bb.two_layer_regression_numpy_train, bb.two_layer_regression_engine_train:
    *_, losses_tr, _ = train(*data, lr=1e-4, nite=2, weights=weights, log_every=0)
    assert losses_tr[1] < losses_tr[0]
gradient = bb.two_layer_regression_numpy_gradient
assert bb.check_backward(lambda *batch: gradient(*batch)[1:]).passed
bb.check_answer(losses_tr[0], losses_tr[0])
print(hasattr(bb, "a_name_that_is_none"))
from backprop_book import two_layer_regression_nn_train
"""


def test_what_is_heavy_is_imported_by_the_functions_that_need_it():
    loaded = "import sys, backprop_book; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(run.stdout.split())


@pytest.mark.parametrize("name", backprop_book.__all__)
def test_every_public_name_is_there_and_has_a_signature(name):
    found = getattr(backprop_book, name)
    assert getattr(backprop_book, name) is found
    assert name in dir(backprop_book)
    assert getattr(found, "__name__", name) == name, "a module of the same name"
    if inspect.isfunction(found):
        assert "args" not in inspect.signature(found).parameters


def test_without_pytorch_all_is_there_that_needs_none_and_the_rest_says_so():
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines() == ["Right.", "False"], run.stderr
    *_, error = run.stderr.splitlines()
    needs = "two_layer_regression_nn_train computes with PyTorch. To install it: "
    assert error == f"ImportError: {needs}python -m pip install torch"
