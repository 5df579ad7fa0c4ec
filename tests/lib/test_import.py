"""Importing the library: quick, and every name is there."""

import subprocess
import sys

import pytest

import backprop_book

AFTERWARDS = """
import sys
import backprop_book
from backprop_book import two_layer_regression_numpy_train, gradient_check
print(sorted({"matplotlib", "pandas", "sklearn"} & sys.modules.keys()))
backprop_book.load_iris_regression
print(sorted({"matplotlib", "sklearn"} & sys.modules.keys()))
"""


def test_what_draws_and_what_loads_data_is_imported_when_it_is_asked_for():
    run = subprocess.run(
        [sys.executable, "-c", AFTERWARDS], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines() == ["[]", "['sklearn']"]


@pytest.mark.parametrize("name", backprop_book.__all__)
def test_every_public_name_is_there_and_listed(name):
    assert name in dir(backprop_book)
    found = getattr(backprop_book, name)
    assert getattr(found, "__name__", name) == name, "a module of the same name"


def test_another_name_is_no_attribute():
    with pytest.raises(AttributeError, match=r"'backprop_book' has no attribute 'nth'"):
        _ = backprop_book.nth
