"""Every labelled equation that states a derivative is proved in its chapter."""

import ast

import pytest

from chapter_files import LESSONS

DERIVATIVE_SIGNS = (r"\partial", r"\nabla", r"\mathrm{d}", r"J_")


def proved_labels(chapter):
    """Return the labels that executed cells hand to ``prove``, with tolerances."""
    proved = {}
    for cell in chapter.code:
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "prove":
                label = call.args[0]
                assert isinstance(label, ast.Constant), (
                    f"{chapter}: prove() with a label that is no literal"
                )
                tolerances = [
                    ast.literal_eval(k.value)
                    for k in call.keywords
                    if k.arg == "tolerance"
                ]
                proved[label.value] = max([1e-10, *tolerances])
    return proved


def stated_labels(chapter):
    return {label for label in chapter.labelled_equations if label.startswith("d-")}


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_every_derivative_is_proved(chapter):
    stated, proved = stated_labels(chapter), proved_labels(chapter)
    assert not stated - proved.keys(), f"{chapter}: not proved"
    assert not proved.keys() - stated, f"{chapter}: proved, but stated nowhere"
    loose = {label: t for label, t in proved.items() if t > 1e-8}
    assert not loose, f"{chapter}: proved too loosely"


@pytest.mark.parametrize("chapter", LESSONS, ids=str)
def test_no_derivative_escapes_its_proof_by_its_label(chapter):
    """A numbered equation with a derivative in it is a d- one, approximations apart."""
    for label, formula in chapter.labelled_equations.items():
        assert label.startswith(("d-", "eq-")), f"{chapter}: label {label}"
        approximate = any(sign in formula for sign in (r"\approx", r"\le", r"\ge"))
        if label.startswith("eq-") and not approximate:
            signs = [sign for sign in DERIVATIVE_SIGNS if sign in formula]
            assert not signs, f"{chapter}: {label} states a derivative ({signs})"


def test_count():
    stated = sum(len(stated_labels(chapter)) for chapter in LESSONS)
    proved = sum(len(proved_labels(chapter)) for chapter in LESSONS)
    print(f"\nlabelled derivative equations: {stated}, proved: {proved}")
    assert stated == proved >= 25
