"""What the benchmark times computes what the library computes."""

import importlib.util
import sys

import numpy as np
import pytest

import backprop_book as bb
from chapter_files import ROOT

pytest.importorskip("threadpoolctl")


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "bench")
        import cases

        yield cases
    sys.modules.pop("cases")


@pytest.fixture(scope="module")
def given(bench):
    small = bench.problem(9, 5, 3, 7, 2)
    return small._replace(lr=1e-2)


def names(bench):
    return {case.name: case for case in bench.cases()}


@pytest.fixture(scope="module")
def expected(given):
    *data, W1, W2, lr = given
    train = bb.two_layer_regression_numpy_train
    return train(*data, lr, 20, weights=(W1, W2), log_every=0)


def test_every_loop_gives_the_library_s_weights_and_losses(bench, given, expected):
    others = ("floor", "Adam", "scikit-learn")
    loops = [c for c in bench.cases() if not c.name.startswith(others)]
    assert len(loops) >= 18
    if importlib.util.find_spec("micrograd"):
        loops.append(bench.Case("micrograd", "micrograd", bench.micrograd()))
    for case in loops:
        *weights, losses_tr, losses_val = case.run(given, 20)
        curves = zip((losses_tr, losses_val), expected[2:], strict=True)
        if len(weights) == 1:
            weights = [p.detach().numpy().T for p in weights[0].parameters()]
        for ours, theirs in (*curves, *zip(weights, expected, strict=False)):
            np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-5)
    assert expected[2][-1] < 0.9 * expected[2][0]


def test_adam_s_two_forms_are_one_rule(bench, given):
    one, other = (names(bench)[n].run(given, 20)[1] for n in ("Adam", "Adam, fused"))
    np.testing.assert_allclose(one, other, rtol=1e-4)
    assert one[-1] < one[0]


def test_a_floor_makes_the_five_products(bench, given):
    X, Y, X_val, _, W1, W2, _ = given
    X_all, N = np.concatenate((X, X_val)), len(X)
    grad_Z1 = Y @ W2.T
    five = X_all @ W1, X_all @ W1 @ W2, (X @ W1).T @ Y, grad_Z1, X.T @ grad_Z1
    for name, rows in {
        "floor, NumPy": len(X_all),
        "floor, training rows": N,
        "floor, PyTorch": len(X_all),
    }.items():
        found = names(bench)[name].run(given, 1)
        products = five[0][:rows], five[1][:rows], *five[2:]
        for ours, theirs in zip(found, products, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_each_step_changes_the_loop_and_the_last_is_the_library_s(bench):
    texts = list(bench.programs().values())
    assert len(set(texts)) == len(texts) == len(bench.STEPS) + 1
    source = (ROOT / "lib" / "backprop_book" / "fast.py").read_text("utf-8")
    body = texts[-1].split("for _ in range(nite):\n")[1].splitlines()
    loop = [line.split("  #")[0] for line in source.splitlines()]
    missing = [line for line in body[:-1] if line not in loop and "losses" not in line]
    assert not missing
