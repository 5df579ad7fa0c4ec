"""Every labelled equation that states a derivative is checked in its chapter."""

import ast

import pytest

from chapter_files import LESSONS

DERIVATIVE_SIGNS = (r"\partial", r"\nabla", r"\mathrm{d}", r"J_")


def checked_labels(chapter):
    """Return the labels that executed cells check, with their tolerances."""
    checked = {}
    for cell in chapter.code:
        for call in ast.walk(ast.parse(cell.source)):
            if (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", "") == "check_derivative"
            ):
                label = call.args[0]
                assert isinstance(label, ast.Constant), (
                    f"{chapter}: check_derivative() with a label that is no literal"
                )
                tolerances = [
                    ast.literal_eval(k.value)
                    for k in call.keywords
                    if k.arg == "tolerance"
                ]
                checked[label.value] = max([1e-10, *tolerances])
    return checked


def stated_labels(chapter):
    return {label for label in chapter.labelled_equations if label.startswith("d-")}


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_every_derivative_is_checked(chapter):
    stated, checked = stated_labels(chapter), checked_labels(chapter)
    assert not stated - checked.keys(), f"{chapter}: not checked"
    assert not checked.keys() - stated, f"{chapter}: checked, but stated nowhere"
    loose = {label: t for label, t in checked.items() if t > 1e-8}
    assert not loose, f"{chapter}: checked too loosely"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_no_derivative_escapes_its_proof_by_its_label(chapter):
    """A numbered equation with a derivative in it is a d- one, approximations apart."""
    for label, formula in chapter.labelled_equations.items():
        assert label.startswith(("d-", "eq-")), f"{chapter}: label {label}"
        approximate = any(sign in formula for sign in (r"\approx", r"\le", r"\ge"))
        if label.startswith("eq-") and not approximate:
            signs = [sign for sign in DERIVATIVE_SIGNS if sign in formula]
            assert not signs, f"{chapter}: {label} states a derivative ({signs})"
