"""Importing the library: quick, and every name is there."""

import inspect
import subprocess
import sys

import pytest

import backprop_book

HEAVY = {"IPython", "matplotlib", "pandas", "seaborn", "sklearn"}


def test_what_draws_and_what_loads_data_is_imported_by_the_functions_that_need_it():
    loaded = "import sys, backprop_book; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(run.stdout.split())


@pytest.mark.parametrize("name", backprop_book.__all__)
def test_every_public_name_is_there_and_has_a_signature(name):
    found = vars(backprop_book)[name]
    assert getattr(found, "__name__", name) == name, "a module of the same name"
    if inspect.isfunction(found):
        assert "args" not in inspect.signature(found).parameters
