"""The checker names each known mistake, and never blames a right backward pass.

The students below are written out here and share nothing with the checker's catalogue.
"""

import itertools
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from backprop_book import (
    BackwardReport,
    backward_mistakes,
    backward_probes,
    check_backward,
    two_layer_regression_numpy_gradient,
    two_layer_regression_tensor_gradient,
)
from backprop_book.backward_check import Finding
from backprop_book.backward_mistakes import backward_pass, singles, unknown_of
from backprop_book.backward_probes import GRADIENTS, make_probes
from backprop_book.gradient_check import relative_error

CHAPTERS = Path(__file__).parents[2] / "chapters"


def student(**wrong):
    """Return a backward pass, with the named steps replaced."""

    def function(X, Y, W1, W2):
        v = SimpleNamespace(X=X, Y=Y, W1=W1, W2=W2, N=len(X), D_out=Y.shape[1])

        def step(name, right):
            setattr(v, name, wrong.get(name, right)(v))

        v.Z1 = X @ W1
        step("H1", lambda v: np.maximum(v.Z1, 0))
        v.Y_hat = v.H1 @ W2
        step("E", lambda v: v.Y_hat - Y)
        step("G", lambda v: 2 * v.E)
        step("grad_W2", lambda v: v.H1.T @ v.G)
        step("grad_H1", lambda v: v.G @ v.W2.T)
        step("grad_Z1", lambda v: v.grad_H1 * (v.Z1 > 0))
        step("grad_W1", lambda v: v.X.T @ v.grad_Z1)
        return wrong.get("result", lambda v: (v.grad_W1, v.grad_W2))(v)

    return function


def last_only(A, B, weights):
    grad = np.zeros_like(weights)
    for a, b in zip(A, B, strict=True):
        grad = np.outer(a, b)  # = where += belongs
    return grad


def updated(v):
    v.grad_W2 = v.H1.T @ v.G
    return v.G @ (v.W2 - 0.0137 * v.grad_W2).T


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def norm_clipped(g, limit=5.0):
    return g * min(1, limit / np.linalg.norm(g))


def globally_clipped(v):
    grads = [v.grad_W1, v.grad_W2]
    norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in grads))
    return tuple(g * g.dtype.type(min(1, 4 / norm)) for g in grads)


RIGHT_GRAD_W2 = {"grad_W2": lambda v: v.H1.T @ (2 * v.E)}
OK = ()
# What the student does; the mistakes of grad_W1; the mistakes of grad_W2.
MISTAKES = [
    ({"G": lambda v: v.E}, ("factor_2_missing",), ("factor_2_missing",)),
    ({"G": lambda v: v.E, **RIGHT_GRAD_W2}, ("factor_2_missing",), OK),
    ({"G": lambda v: 2 * v.E / v.N}, ("mean_over_N",), ("mean_over_N",)),
    ({"G": lambda v: 2 * v.E / v.Y.size},) + 2 * (("mean_over_N_D_out",),),
    ({"G": lambda v: 2 * v.E / v.D_out},) + 2 * (("mean_over_D_out",),),
    ({"E": lambda v: v.Y - v.Y_hat}, ("sign",), ("sign",)),
    ({"G": lambda v: v.E / v.N},) + 2 * (("factor_2_missing", "mean_over_N"),),
    (
        {"G": lambda v: (v.Y - v.Y_hat) / v.Y.size},
        ("factor_2_missing", "mean_over_N_D_out", "sign"),
        ("factor_2_missing", "mean_over_N_D_out", "sign"),
    ),
    ({"G": lambda v: 4 * v.E}, ("constant_factor",), ("constant_factor",)),
    ({"G": lambda v: 2 * v.E / (v.N + 1)},) + 2 * (("varying_factor",),),
    ({"E": lambda v: v.Y_hat}, ("targets_missing",), ("targets_missing",)),
    ({"G": lambda v: v.E**2},) + 2 * (("loss_not_differentiated",),),
    ({"H1": lambda v: v.Z1}, ("relu_missing",), ("relu_missing",)),
    ({"grad_Z1": lambda v: v.grad_H1}, ("mask_missing",), OK),
    (
        {"grad_Z1": lambda v: np.maximum(v.grad_H1, 0)},
        ("mask_from_upstream",),
        OK,
    ),
    ({"grad_Z1": lambda v: v.grad_H1 * (v.G > 0)}, ("mask_from_G",), OK),
    ({"grad_Z1": lambda v: v.grad_H1 * (v.Y_hat > 0)}, ("mask_from_output",), OK),
    ({"grad_Z1": lambda v: v.grad_H1 * (v.X > 0)}, ("mask_from_input",), OK),
    (
        {"grad_Z1": lambda v: np.where(v.Z1 < 0, v.grad_H1, 0)},
        ("mask_inverted",),
        OK,
    ),
    (
        {"grad_Z1": lambda v: np.where(v.Z1 > 0, 0, v.grad_H1)},
        ("mask_inverted",),
        OK,
    ),
    ({"grad_Z1": lambda v: v.grad_H1 * v.H1}, ("value_for_mask",), OK),
    (
        {"grad_Z1": lambda v: np.where(v.Z1 < 0, 0, v.grad_H1)},
        ("relu_at_zero_one",),
        OK,
    ),
    (
        {"grad_Z1": lambda v: v.grad_H1 * (np.sign(v.Z1) + 1) / 2},
        ("relu_at_zero_half",),
        OK,
    ),
    ({"grad_H1": lambda v: v.G @ v.W2}, ("transpose_W2",), OK),
    ({"grad_H1": lambda v: v.G.T @ v.W2.T}, ("transpose_G",), OK),
    ({"grad_H1": lambda v: (v.G @ v.W2.T).T}, ("gradient_transposed",), OK),
    ({"grad_H1": lambda v: v.G.T @ v.W2}, ("product_G_W2",), OK),
    # Public ones: findings 23 and 27.
    ({"G": lambda v: 2 * v.E / v.N / v.N},) + 2 * (("mean_over_N_twice",),),
    ({"grad_H1": lambda v: v.G @ v.grad_W2.T}, ("grad_W2_for_W2",), OK),
    ({"grad_H1": lambda v: v.G * v.W2.T}, ("entrywise_product",), OK),
    (
        {"grad_H1": lambda v: v.G @ v.W2.reshape(v.W2.shape[::-1])},
        ("reshape_for_transpose",),
        OK,
    ),
    ({"grad_Z1": lambda v: v.Z1 > 0}, ("upstream_missing",), OK),
    ({"grad_Z1": lambda v: v.grad_H1 @ (v.Z1 > 0).T}, ("mask_product",), OK),
    ({"grad_Z1": lambda v: v.grad_H1 @ (v.H1 > 0)}, ("mask_product",), OK),
    ({"grad_Z1": lambda v: v.grad_H1 * (v.H1 >= 0)}, ("mask_missing",), OK),
    (
        {"grad_Z1": lambda v: v.grad_H1 * v.H1 * (1 - v.H1)},
        ("sigmoid_derivative",),
        OK,
    ),
    (
        {"grad_Z1": lambda v: v.grad_H1 * sigmoid(v.Z1) * (1 - sigmoid(v.Z1))},
        ("sigmoid_derivative",),
        OK,
    ),
    ({"grad_Z1": lambda v: v.grad_H1 * (1 - v.H1**2)}, ("tanh_derivative",), OK),
    (
        {"grad_Z1": lambda v: np.where(v.Z1 > 0, v.grad_H1, 0.2 * v.grad_H1)},
        ("leaky_mask",),
        OK,
    ),
    (
        {
            "H1": lambda v: np.where(v.Z1 > 0, v.Z1, 0.1 * v.Z1),
            "grad_Z1": lambda v: v.grad_H1 * np.where(v.Z1 > 0, 1, 0.1),
        },
        ("leaky_relu",),
        ("leaky_relu",),
    ),
    (
        {
            "H1": lambda v: sigmoid(v.Z1),
            "grad_Z1": lambda v: v.grad_H1 * v.H1 * (1 - v.H1),
        },
        ("sigmoid",),
        ("sigmoid",),
    ),
    (
        {
            "H1": lambda v: np.tanh(v.Z1),
            "grad_Z1": lambda v: v.grad_H1 * (1 - v.H1**2),
        },
        ("tanh",),
        ("tanh",),
    ),
    (
        {
            "E": lambda v: np.maximum(v.Y_hat, 0) - v.Y,
            "G": lambda v: 2 * v.E * (v.Y_hat > 0),
        },
        ("relu_on_output",),
        ("relu_on_output",),
    ),
    (
        {"E": lambda v: np.maximum(v.Y_hat, 0) - v.Y},
        ("relu_on_output",),
        ("relu_on_output",),
    ),
    ({"grad_W1": lambda v: v.X * v.grad_Z1}, ("entrywise_product",), OK),
    ({"grad_W2": lambda v: v.H1.T * v.G}, OK, ("entrywise_product",)),
    (
        {"grad_W1": lambda v: v.X.reshape(v.X.shape[::-1]) @ v.grad_Z1},
        ("reshape_for_transpose",),
        OK,
    ),
    (
        {"grad_W2": lambda v: (v.G.T @ v.H1).reshape(v.W2.shape)},
        OK,
        ("reshape_for_transpose",),
    ),
    ({"result": lambda v: (norm_clipped(v.grad_W1), v.grad_W2)}, ("clipped",), OK),
    (
        {"result": lambda v: tuple(np.clip(g, -3, 3) for g in (v.grad_W1, v.grad_W2))},
        ("clipped",),
        ("clipped",),
    ),
    ({"result": lambda v: globally_clipped(v)}, ("clipped",), ("clipped",)),
    (
        {
            "grad_Z1": lambda v: v.grad_H1,
            "result": lambda v: (0.01 * v.grad_W1, 0.01 * v.grad_W2),
        },
        ("mask_missing", "constant_factor"),
        ("constant_factor",),
    ),
    (
        {
            "grad_W1": lambda v: 0.01 * (v.X @ v.grad_Z1),
            "grad_W2": lambda v: 0.01 * (v.H1.T @ v.G),
        },
        ("transpose_X", "constant_factor"),
        ("constant_factor",),
    ),
    ({"grad_H1": lambda v: v.G}, ("W2_missing",), OK),
    (
        {"grad_H1": lambda v: v.G @ np.ones_like(v.W2).T},
        ("W2_missing",),
        OK,
    ),
    ({"grad_H1": lambda v: v.G @ v.W1.T}, ("W1_for_W2",), OK),
    ({"grad_H1": updated}, ("W2_updated",), OK),
    ({"grad_W1": lambda v: v.X @ v.grad_Z1}, ("transpose_X",), OK),
    ({"grad_W1": lambda v: v.X.T @ v.grad_Z1.T}, ("transpose_grad_Z1",), OK),
    ({"grad_W1": lambda v: v.grad_Z1 @ v.X.T}, ("product_X_grad_Z1",), OK),
    ({"grad_W1": lambda v: v.grad_Z1.T @ v.X}, ("gradient_transposed",), OK),
    ({"grad_W1": lambda v: v.H1.T @ v.grad_Z1}, ("H1_for_X",), OK),
    ({"grad_W2": lambda v: v.H1 @ v.G}, OK, ("transpose_H1",)),
    ({"grad_W2": lambda v: v.H1.T @ v.G.T}, OK, ("transpose_G",)),
    ({"grad_W2": lambda v: v.G @ v.H1.T}, OK, ("product_H1_G",)),
    ({"grad_W2": lambda v: v.G.T @ v.H1}, OK, ("gradient_transposed",)),
    ({"grad_W2": lambda v: v.X.T @ v.G}, OK, ("X_for_H1",)),
    ({"grad_W2": lambda v: v.Z1.T @ v.G}, OK, ("Z1_for_H1",)),
    ({"grad_W2": lambda v: (v.H1 > 0).T @ v.G}, OK, ("mask_for_H1",)),
    ({"grad_W1": lambda v: last_only(v.X, v.grad_Z1, v.W1)}, ("only_last_row",), OK),
    ({"grad_W2": lambda v: last_only(v.H1, v.G, v.W2)}, OK, ("only_last_row",)),
    (
        {"grad_W1": lambda v: np.outer(v.X[0], v.grad_Z1[0])},
        ("only_first_row",),
        OK,
    ),
    ({"grad_W2": lambda v: np.outer(v.H1[0], v.G[0])}, OK, ("only_first_row",)),
    (
        {"grad_W2": lambda v: np.einsum("nj,nk->njk", v.H1, v.G)},
        OK,
        ("samples_not_summed",),
    ),
    ({"result": lambda v: (v.grad_W2, v.grad_W1)}, ("swapped",), ("swapped",)),
    ({"result": lambda v: (v.grad_W1, v.grad_W1)}, OK, ("other_gradient",)),
    ({"grad_W1": lambda v: np.zeros_like(v.W1)}, ("zeros",), OK),
    ({"grad_W1": lambda v: np.zeros(v.W1.shape, int)}, ("zeros",), OK),
    ({"grad_W1": lambda v: v.W1}, ("weights_returned",), OK),
    (
        {"result": lambda v: (v.grad_W1, v.W2 - 0.02 * v.grad_W2)},
        OK,
        ("weights_returned",),
    ),
    (
        {"grad_W1": lambda v: v.X.T @ v.grad_Z1 + 0.03 * v.W1},
        ("weight_decay",),
        OK,
    ),
    (
        {"grad_W1": lambda v: (v.X.T @ v.grad_Z1) / np.abs(v.X).mean()},
        ("varying_factor",),
        OK,
    ),
    ({"grad_W1": lambda v: np.cos(v.W1)}, ("unknown",), OK),
    ({"grad_W2": lambda v: (v.H1.T @ v.G).ravel()}, OK, ("wrong_shape",)),
    (
        {"grad_W2": lambda v: (v.H1.T @ v.G).astype(np.float32)},
        OK,
        ("float32_result",),
    ),
    (
        {"grad_W2": lambda v: (v.H1.T @ v.E).astype(np.float32)},
        OK,
        ("factor_2_missing", "float32_result"),
    ),
    (
        {"E": lambda v: v.Y_hat - v.Y.astype(np.float32)},
        ("float32_inside",),
        ("float32_inside",),
    ),
    (
        {"grad_W2": lambda v: (v.H1.T @ v.G) / (v.N - 1.0 + (v.N > 1) * 0)},
        OK,
        ("not_finite",),
    ),
    # Two and three at a time.
    (
        {"G": lambda v: v.E, "result": lambda v: (v.grad_W2, v.grad_W1)},
        ("factor_2_missing", "swapped"),
        ("factor_2_missing", "swapped"),
    ),
    (
        {"G": lambda v: v.E, "grad_W1": lambda v: v.X @ v.grad_Z1},
        ("factor_2_missing", "transpose_X"),
        ("factor_2_missing",),
    ),
    (
        {"grad_H1": lambda v: v.G @ v.W2, "grad_Z1": lambda v: v.grad_H1},
        ("transpose_W2", "mask_missing"),
        OK,
    ),
    (
        {
            "G": lambda v: 2 * v.E / v.N,
            "grad_H1": updated,
            "grad_Z1": lambda v: v.grad_H1 * (v.Z1 >= 0),
        },
        ("mean_over_N", "W2_updated", "relu_at_zero_one"),
        ("mean_over_N",),
    ),
]  # fmt: skip


def random_shapes(case):
    """Return one shape with all sizes different, or all equal, or both."""
    generator = np.random.default_rng([7, case])
    different = tuple(int(n) for n in generator.permutation(np.arange(2, 8))[:4])
    equal = (int(generator.integers(3, 7)),) * 4
    return ([different], [equal], [different, equal])[case % 3]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("case", range(4))  # 0 is the checker's own choice of probes
def test_each_mistake_is_named(case):
    shapes = random_shapes(case) if case else None
    for wrong, *expected in MISTAKES:
        report = check_backward(student(**wrong), shapes=shapes or (), seed=case)
        found = [tuple(report.findings[name].mistakes) for name in GRADIENTS]
        assert found == expected, (shapes, report)
        assert not report.passed
        for finding in report.findings.values():
            assert finding.passed == (not finding.mistakes)
            assert finding.also == []
            others = {"unknown", "not_finite"} & set(finding.mistakes)
            assert bool(finding.read) == bool(finding.mistakes and not others)


def product_of(kind):
    return {
        "matmul": np.matmul,
        "einsum": lambda A, B: np.einsum("ab,bc->ac", A, B),
        "outer": lambda A, B: sum(
            np.outer(A[:, i], B[i]) for i in range(A.shape[1])
        ).astype(A.dtype),
        "torch": lambda A, B: (torch.tensor(A) @ torch.tensor(B)).numpy(),
        "float64": lambda A, B: A.astype(np.float64) @ B.astype(np.float64),
    }[kind]


def scaled_in_place(E):
    E *= 2
    return E


RELUS = (
    lambda Z: np.maximum(Z, 0),
    lambda Z: np.where(Z > 0, Z, 0),
    lambda Z: np.clip(Z, 0, None),
    lambda Z: (Z + np.abs(Z)) / 2,
)
SCALES = (lambda E: 2 * E, lambda E: E + E, scaled_in_place, lambda E: -2 * -E)
MASKS = (
    lambda Z, H: Z > 0,
    lambda Z, H: H > 0,
    lambda Z, H: np.where(Z <= 0, 0, 1),
    lambda Z, H: np.heaviside(Z, np.zeros_like(Z)),
)
LAYOUTS = (
    lambda g1, g2: (g1, g2),
    lambda g1, g2: [np.asfortranarray(g1), np.asfortranarray(g2)],
    lambda g1, g2: (np.repeat(g1, 2, axis=0)[::2], np.flip(np.flip(g2).copy())),
    lambda g1, g2: (torch.tensor(g1, requires_grad=True), torch.tensor(g2)),
    lambda g1, g2: (g1.tolist(), g2.tolist()),
)


def right_variants():
    kinds = ("matmul", "einsum", "outer", "torch", "float64")
    choices = itertools.product(LAYOUTS, MASKS, SCALES, RELUS, kinds)
    for layout, mask, scale, relu, kind in itertools.islice(choices, 0, None, 7):
        yield right_variant(layout, mask, scale, relu, product_of(kind))


def right_variant(layout, mask, scale, relu, times):
    def variant(X, Y, W1, W2):
        Z1 = times(X, W1)
        H1 = relu(Z1)
        G = scale(times(H1, W2) - Y)
        grad_Z1 = times(G, W2.T)
        grad_Z1 *= mask(Z1, H1)
        return layout(times(X.T, grad_Z1), times(H1.T, G))

    return variant


def per_sample(X, Y, W1, W2):
    grad_W1, grad_W2 = np.zeros_like(W1), np.zeros_like(W2)
    for x, y in zip(X, Y, strict=True):
        h = [max(float(x @ W1[:, j]), 0.0) for j in range(W1.shape[1])]
        g = 2 * (np.array(h) @ W2 - y)
        for j, value in enumerate(h):
            grad_W2[j] += value * g
            if value > 0:
                grad_W1[:, j] += (W2[j] @ g) * x
    return grad_W1, grad_W2


def of_the_book(gradient):
    def function(*arrays):
        return gradient(*map(torch.tensor, arrays))[1:]

    return function


def one_leaf(*arrays):
    X, Y, W1, W2 = map(torch.tensor, arrays)
    W1.requires_grad_(), W2.requires_grad_()
    ((torch.relu(X @ W1) @ W2 - Y) ** 2).sum().backward()
    return W1.grad, W2.grad


def integers(X, Y, W1, W2):
    """Return integers where the inputs hold nothing else."""
    grads = two_layer_regression_numpy_gradient(X, Y, W1, W2)[1:]
    return tuple(g.astype(int) if (g == g.astype(int)).all() else g for g in grads)


def test_right_variants_pass():
    variants = [
        *right_variants(),
        per_sample,
        one_leaf,
        integers,
        lambda *arrays: two_layer_regression_numpy_gradient(*arrays)[1:],
        of_the_book(two_layer_regression_tensor_gradient),
    ]
    assert len(variants) >= 200
    for number, variant in enumerate(variants):
        shapes = random_shapes(number % 6) if number % 2 else ()
        report = check_backward(variant, shapes=shapes, seed=number % 2)
        assert report.passed, (number, report)
        assert not report.mistakes


def test_wide_shapes_pass():
    right = student()
    assert check_backward(right, shapes=[(30, 20, 15, 10), (1, 1, 1, 1)]).passed


def test_the_probes_asked_for_are_in_the_report():
    shapes = [(6, 3, 5, 2), (1, 1, 1, 1)]
    report = check_backward(student(), shapes=shapes, seed=4)
    assert report.probes is make_probes(tuple(shapes), 4)


def test_mistakes_that_no_probe_tells_apart_are_all_named():
    def one_sample_only(X, Y, W1, W2):
        if X.shape != (1, 3):
            raise ValueError
        return student(G=lambda v: 2 * v.E / v.D_out)(X, Y, W1, W2)

    report = check_backward(one_sample_only)
    finding = report.findings["grad_W2"]
    # At N = 1 and D_out = 2 three divisors are one number.
    named = {*finding.mistakes, *finding.also}
    assert named >= {"factor_2_missing", "mean_over_N_D_out", "mean_over_D_out"}
    assert "these give the same numbers at all probes" in str(report)


def at_some_sizes(condition, fault=lambda v: 0 * v.E):
    """Return a student that is wrong where the sizes are so, and right elsewhere."""

    def function(X, Y, W1, W2):
        sizes = (*X.shape, *W2.shape)
        return student(**({"G": fault} if condition(*sizes) else {}))(X, Y, W1, W2)

    return function


@pytest.mark.parametrize("size", [1, 2, 32, 64, 100])
def test_no_fault_hides_at_a_size(size, monkeypatch):
    # Whether it is wrong, not why: the search takes a second each.
    monkeypatch.setattr("backprop_book.backward_check._named", lambda *_: True)

    def is_seen(condition):
        finding = check_backward(at_some_sizes(condition)).findings["grad_W1"]
        return finding.right < finding.shown

    for k, m in itertools.combinations_with_replacement(range(4), 2):
        for other in {1, 2, 32, 64, 100} if k != m else {size}:
            assert is_seen(lambda *s, k=k, m=m, o=other: (s[k], s[m]) == (size, o))
        assert is_seen(lambda *s, k=k, m=m: min(s[k], s[m]) >= size)


def squeezed(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = (2 * ((H1 @ W2).squeeze() - Y)).reshape(Y.shape)
    return X.T @ (G @ W2.T * (H1 > 0)), H1.T @ G


@pytest.mark.parametrize("rows", [32, 64, 100])
def test_no_batch_is_too_large_to_be_seen(rows):
    right = student()

    def first_rows(X, Y, W1, W2):
        return right(X[:rows], Y[:rows], W1, W2)

    def last_batch(X, Y, W1, W2):
        for start in range(0, len(X), rows):
            grads = right(X[start : start + rows], Y[start : start + rows], W1, W2)
        return grads

    for wrong in (first_rows, last_batch, squeezed):
        report = check_backward(wrong)
        assert not report.passed
        assert report.problems or report.findings["grad_W1"].right < 38


def test_random_and_stateful_functions_are_told_apart_from_wrong_ones():
    generator, kept = np.random.default_rng(0), {}

    def dropout(v):
        return v.grad_H1 * (v.Z1 > 0) * (generator.random(v.Z1.shape) < 0.5)

    def accumulated(v):
        for name in GRADIENTS:
            key = name, getattr(v, name).shape
            kept[key] = kept.get(key, 0) + getattr(v, name)
        return kept["grad_W1", v.grad_W1.shape], kept["grad_W2", v.grad_W2.shape]

    for wrong in ({"grad_Z1": dropout}, {"result": accumulated}):
        report = check_backward(student(**wrong))
        assert not report.passed
        assert report.mistakes <= {"two_answers"}
        assert "does it draw random numbers, or keep something" in str(report)


def test_one_buffer_for_all_answers_is_right():
    buffers = {}

    def into_buffers(v):
        out = []
        for g in (v.grad_W1, v.grad_W2):
            buffer = buffers.setdefault((g.shape, g.dtype, len(out)), np.empty_like(g))
            buffer[:] = g
            out.append(buffer)
        return out

    assert check_backward(student(result=into_buffers)).passed


def test_system_exit_is_an_exception_like_any_other():
    def leaves(*arrays):
        raise SystemExit("bye")

    assert "SystemExit: bye" in str(check_backward(leaves))


@pytest.mark.parametrize(
    "code",
    ["E", "2 * E / len(X)", "E**2", "2 * E[::-1]"],
)
def test_a_fresh_process_names_the_mistake(code):
    program = f"""
import numpy as np
from backprop_book import check_backward
def wrong(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    E = H1 @ W2 - Y
    G = {code}
    return X.T @ (G @ W2.T * (H1 > 0)), H1.T @ G
print(*sorted(check_backward(wrong).mistakes))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    expected = {
        "E": "factor_2_missing",
        "2 * E / len(X)": "mean_over_N",
        "E**2": "loss_not_differentiated",
        "2 * E[::-1]": "unknown",
    }
    assert run.stdout.split() == [expected[code]]


class Unconvertible:
    """Raises what no one expects."""

    def __array__(self, *arguments, **keywords):
        raise RuntimeError


def test_float64_for_float32_inputs_is_noted_and_passes():
    report = check_backward(student(result=lambda v: tuple(
        g.astype(np.float64) for g in (v.grad_W1, v.grad_W2))))  # fmt: skip
    assert report.passed
    assert "float32 inputs came back as float64" in str(report)
    assert check_backward(student()).notes == []
    wrong = check_backward(student(result=lambda v: tuple(
        0.5 * g.astype(np.float64) for g in (v.grad_W1, v.grad_W2))))  # fmt: skip
    assert "right but slower" not in str(wrong)


def test_the_learning_rate_is_found():
    for lr in (1e-6, 1e-3, 0.5, -0.2):
        wrong = student(grad_H1=lambda v, lr=lr: v.G @ (v.W2 - lr * v.grad_W2).T)
        finding = check_backward(wrong).findings["grad_W1"]
        assert finding.mistake == "W2_updated"
        assert finding.unknown == pytest.approx(abs(lr), rel=1e-4)
        assert finding.code[-1] == f"lr = {abs(lr):.4g}"
        assert ("W2 + lr" in finding.code[0]) == (lr < 0)


@pytest.mark.parametrize("slope", [0.01, 0.1, 0.2, 0.3])
def test_the_slope_of_a_leaky_relu_is_found(slope):
    wrong = student(
        H1=lambda v: np.where(v.Z1 > 0, v.Z1, slope * v.Z1),
        grad_Z1=lambda v: v.grad_H1 * np.where(v.Z1 > 0, 1, slope),
    )
    for finding in check_backward(wrong).findings.values():
        assert finding.mistakes == ["leaky_relu"]
        assert finding.unknown == pytest.approx(slope, rel=1e-6)


def test_a_factor_that_varies_is_named_by_the_sizes_or_listed():
    def says(factor):
        report = check_backward(student(G=lambda v: 2 * v.E * factor(v)))
        return report.findings["grad_W2"].explanation[0]

    assert says(lambda v: 1 / v.N**3).endswith("times N**-3.")
    assert says(lambda v: 0.5 * v.N * v.W1.shape[1] / v.W1.shape[0] ** 0.5).endswith(
        "times 0.5 * N**1 * D_in**-0.5 * H**1."
    )
    listed = says(lambda v: 0.25 if v.N == 100 else 1)
    assert "a number that changes: 1 at 33 probes, first all sizes equal" in listed
    assert "; 0.25 at 5 probes, first sizes 100, 1, 64, 32" in listed


def test_rounding_errors_are_not_taken_for_a_small_learning_rate():
    def rounded(*arrays):
        for gradient in two_layer_regression_numpy_gradient(*arrays)[1:]:
            signs = (-1.0) ** np.arange(gradient.size).reshape(gradient.shape)
            yield gradient * (1 + 5e-9 * signs)

    report = check_backward(lambda *arrays: tuple(rounded(*arrays)))
    assert report.mistakes == {"float32_inside"}


def test_constant_factor_is_reported():
    finding = check_backward(student(G=lambda v: 0.3 * v.E)).findings["grad_W2"]
    assert finding.unknown == pytest.approx(0.15)
    assert "times 0.15, at every probe" in finding.explanation[0]
    for factor in (1e6, -3e-6):
        wrong = student(G=lambda v, factor=factor: 2 * factor * v.E)
        finding = check_backward(wrong).findings["grad_W2"]
        assert finding.mistake == "constant_factor"
        assert finding.unknown == pytest.approx(factor)


def test_one_probe_is_enough_for_a_factor():
    def takes_one_sample(*arrays):
        if len(arrays[0]) > 1:
            raise ValueError
        return student(G=lambda v: 3.4 * v.E)(*arrays)

    finding = check_backward(takes_one_sample).findings["grad_W2"]
    assert finding.mistakes == ["constant_factor"]
    assert finding.unknown == pytest.approx(1.7)


def test_numbers_that_overflow_are_wrong_and_raise_nothing():
    report = check_backward(
        student(grad_W1=lambda v: np.cos(v.W1) * np.finfo(v.W1.dtype).max)
    )
    assert report.mistakes == {"unknown"}


def test_inputs_modified_in_place_are_named_and_restored():
    def steps(X, Y, W1, W2):
        _, grad_W1, grad_W2 = two_layer_regression_numpy_gradient(X, Y, W1, W2)
        W2 -= 0.01 * grad_W2
        X[0, 0] += 1
        return grad_W1, grad_W2

    report = check_backward(steps)
    assert not report.passed
    assert report.mistakes == {"inputs_modified"}
    assert len(report.problems) == len(report.probes)
    assert "X and W2 modified in place, at 38 of 38 probes" in str(report)
    assert check_backward(student()).passed


def test_update_in_place_before_grad_h1():
    def tempting(v):
        v.W2 -= 0.05 * v.grad_W2
        return v.G @ v.W2.T

    report = check_backward(student(grad_H1=tempting))
    assert report.mistakes == {"W2_updated", "inputs_modified"}
    assert report.problems[0].text == "W2 modified in place"


def test_an_exception_ends_one_probe_and_not_the_diagnosis():
    def fails_once(X, Y, W1, W2):
        if X.shape == (1, 3):
            raise KeyError("one\nsample")
        return student(G=lambda v: v.E)(X, Y, W1, W2)

    report = check_backward(fails_once)
    (problem,) = report.problems
    assert problem.mistake == "exception"
    assert problem.probe.name == "one sample"
    assert problem.text == "KeyError: 'one\\nsample'"
    assert report.findings["grad_W1"].mistakes == ["factor_2_missing"]
    assert report.findings["grad_W1"].shown == 37

    def right_but_for_one(*arrays):
        if arrays[0].shape == (1, 3):
            raise ValueError
        return student()(*arrays)

    report = check_backward(right_but_for_one)
    assert not report.passed
    assert all(finding.passed for finding in report.findings.values())
    assert str(report).startswith("Not yet: both gradients that came are right")


def test_wrong_lines_that_raise_where_the_student_does_are_preferred():
    report = check_backward(student(grad_W1=lambda v: v.X @ v.grad_Z1))
    assert report.findings["grad_W1"].mistakes == ["transpose_X"]
    assert report.findings["grad_W1"].also == []
    assert report.findings["grad_W2"].passed


def test_keyboard_interrupt_is_passed_on():
    def interrupted(*arrays):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_backward(interrupted)


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, "got None: is there a return line?"),
        ((1.0, 2.0, 3.0), "got 3 things: leave the loss out"),
        ((np.ones(2),) * 3, "got 3 things"),
        ((), "got 0 things"),
        ((1.0,), "got 1 things"),
        ((1.0,) * 4, "got 4 things"),
        (("loss", 1.0, 1.0), "got 3 things"),
        ((True, 1.0), "got bool as grad_W1"),
        (np.ones((2, 4, 4)), "got one ndarray"),
        ({"grad_W1": 1, "grad_W2": 2}, "got one dict"),
        (("left", 1.0), "got str as grad_W1"),
        ((1.0, None), "got NoneType as grad_W2"),
        (([[1.0], [1.0, 2.0]], 1.0), "got list as grad_W1"),
        ((1j, 1.0), "got complex as grad_W1"),
        ((Unconvertible(), 1.0), "got Unconvertible as grad_W1"),
    ],
)
def test_wrong_returns(returned, text):
    report = check_backward(lambda *arrays: returned)
    assert report.mistakes == {"wrong_return", "no_answer"}
    assert report.findings == {name: Finding(name, ["no_answer"]) for name in GRADIENTS}
    assert {problem.text.split("grad_W2), ")[1] for problem in report.problems} == {
        text
    }


def test_wrong_shapes_are_described():
    def says(**wrong):
        findings = check_backward(student(**wrong)).findings.values()
        return " ".join(says for f in findings for says in f.explanation)

    flat = says(grad_W2=lambda v: (v.H1.T @ v.G).ravel())
    assert "The shape is (16,), not (4, 4) as W2" in flat
    assert "The numbers are right." in flat
    assert "The shape is transposed." in says(grad_W1=lambda v: np.cos(v.W1.T))
    swapped = says(grad_W1=lambda v: np.cos(v.W2), grad_W2=lambda v: np.cos(v.W1))
    assert "It is that of grad_W2: are the two swapped?" in swapped
    assert "must have the shape of W1" in says(grad_W1=lambda v: v.grad_Z1.T @ v.X)


def test_worst_entry_of_an_unknown_mistake():
    def off_by_one_entry(v):
        grad = v.H1.T @ v.G
        grad[-1, 0] += 1
        return grad

    finding = check_backward(student(grad_W2=off_by_one_entry)).findings["grad_W2"]
    assert finding.mistakes == ["unknown"]
    errors = []
    for probe in make_probes():
        answer = probe.truth["grad_W2"].copy()
        answer[-1, 0] += 1
        errors.append(relative_error(answer, probe.truth["grad_W2"]))
    assert finding.error == pytest.approx(max(errors))
    probe = make_probes()[np.argmax(errors)]
    index, answer, truth, where = finding.worst
    assert where.name == probe.name
    assert index == (probe.sizes[2] - 1, 0)
    assert answer == pytest.approx(truth + 1)
    assert truth == probe.truth["grad_W2"][index]


def test_the_first_entry_that_is_not_finite_is_told():
    for bad in (np.nan, np.inf):
        wrong = student(
            grad_W2=lambda v, bad=bad: np.where(v.W2[-1, 0] == v.W2, bad, v.W2)
        )
        finding = check_backward(wrong).findings["grad_W2"]
        assert finding.mistakes == ["not_finite"]
        assert finding.explanation[0].startswith(
            f"Entry (3, 0) is {bad} at probe: all sizes equal"
        )


def test_there_is_no_error_where_no_shape_is_right():
    report = check_backward(student(grad_W2=lambda v: v.W2.ravel()))
    assert report.findings["grad_W2"].error is None
    assert report.findings["grad_W2"].worst is None
    assert "grad_W2: wrong at 38 of 38 probes\n" in str(report)


def test_left_empty():
    report = check_backward(None)
    assert isinstance(report, BackwardReport)
    assert not report.passed
    assert report.mistakes == {"not_answered"}
    assert report.findings == {
        name: Finding(name, ["not_answered"]) for name in GRADIENTS
    }
    assert str(report).startswith("Not answered yet")
    assert "Not answered yet" in report._repr_markdown_()


SHAPES = "shapes: expected a list of (N, D_in, H, D_out)"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"student_function": 3.0},
            TypeError,
            "student_function: expected a function (X, Y, W1, W2) -> "
            "(grad_W1, grad_W2), or None, got float",
        ),
        ({"shapes": 3}, TypeError, f"{SHAPES}, got int"),
        ({"shapes": "1234"}, TypeError, f"{SHAPES}, got str"),
        ({"shapes": [5]}, TypeError, f"{SHAPES}, got 5 in it"),
        ({"shapes": [(1, 2, 3)]}, TypeError, f"{SHAPES}, got (1, 2, 3) in it"),
        (
            {"shapes": [(1, 1, 1, 1), [1, 2, 3, 0]]},
            ValueError,
            "shapes: D_out of (1, 2, 3, 0): expected an integer of at least 1, got 0",
        ),
        (
            {"shapes": [(1, 2, 3.0, 1)]},
            TypeError,
            "shapes: H of (1, 2, 3.0, 1): expected an integer, got 3.0 (float)",
        ),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0, got -1"),
        ({"seed": 1.0}, TypeError, "seed: expected an integer, got 1.0 (float)"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        check_backward(**{"student_function": student(), **arguments})


def test_deterministic_and_no_global_random_state():
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    make_probes.cache_clear()
    first = check_backward(student(grad_W1=lambda v: np.cos(v.W1)), seed=3)
    make_probes.cache_clear()
    second = check_backward(student(grad_W1=lambda v: np.cos(v.W1)), seed=3)
    assert str(first) == str(second)
    assert str(first) != str(check_backward(student(grad_W1=lambda v: np.cos(v.W1))))
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(numpy_state, after, strict=True))
    assert torch.equal(torch_state, torch.get_rng_state())


@pytest.mark.parametrize("case", range(2))
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_all_entries_of_the_catalogue_differ_from_each_other(gradient, case):
    probes = make_probes(tuple(random_shapes(case)) if case else (), case)
    # What depends on an unknown is another mistake for some of its values.
    replacements = [(), *(c for c in singles(gradient) if not unknown_of(c))]
    for first, second in itertools.combinations(replacements, 2):
        if {m.key for m in first} == {m.key for m in second}:
            continue
        differ = []
        for probe in probes:
            one, other = (
                backward_pass(gradient, probe.exact, replacement)
                for replacement in (first, second)
            )
            if one is None or other is None:
                differ.append(one is not other)
            else:
                same = one.shape == other.shape and np.allclose(
                    one, other, rtol=1e-4, atol=1e-6
                )
                differ.append(not same)
        assert any(differ), (first, second)


def test_the_catalogue_without_a_mistake_is_the_truth():
    for probe in make_probes():
        for gradient in GRADIENTS:
            claim = backward_pass(gradient, probe.exact)
            np.testing.assert_allclose(claim, probe.truth[gradient], rtol=1e-12)


def test_probes_are_what_their_names_say():
    probes = make_probes(((6, 3, 5, 2), (2, 2, 3, 1)))
    sizes = {probe.name: probe.sizes for probe in probes}
    assert len(set(sizes["all sizes different"])) == 4
    assert len(set(sizes["all sizes equal"])) == 1
    assert sizes["sizes 6, 3, 5, 2"] == (6, 3, 5, 2)
    for place, name in enumerate(("sample", "input", "hidden unit", "output")):
        assert sizes[f"one {name}"][place] == 1
        assert sizes[f"130 {name}s"][place] == 130
    for probe in probes:
        zeros = probe.exact["X"] @ probe.exact["W1"] == 0
        assert zeros.any() == (probe.name == "Z1 exactly 0 in places")
        assert (probe.inputs["X"].dtype == np.float32) == ("float32" in probe.name)
    for k, m in itertools.combinations(range(4), 2):
        pairs = {(probe.sizes[k], probe.sizes[m]) for probe in probes}
        assert pairs >= {*itertools.product((1, 2, 32, 64, 100), repeat=2)}


def test_a_wrong_truth_is_noticed(monkeypatch):
    def wrong(X, Y, W1, W2):
        return 0.0, *student(G=lambda v: (2 + 1e-9) * v.E)(X, Y, W1, W2)

    monkeypatch.setattr(backward_probes, "two_layer_regression_numpy_gradient", wrong)
    make_probes.cache_clear()
    with pytest.raises(RuntimeError, match="two truths differ"):
        check_backward(student())
    make_probes.cache_clear()


def test_a_wrong_catalogue_is_noticed(monkeypatch):
    lines = {**backward_mistakes.RIGHT_LINES, "E": "Y_hat + Y"}
    monkeypatch.setattr(backward_mistakes, "RIGHT_LINES", lines)
    with pytest.raises(AssertionError):
        test_the_catalogue_without_a_mistake_is_the_truth()
    with pytest.raises(AssertionError):
        test_each_mistake_is_named(0)


def test_the_sections_to_read_exist():
    readings = {
        value for value in vars(backward_mistakes).values() if _is_reading(value)
    }
    readings |= {m.read for g in GRADIENTS for r in singles(g) for m in r}
    assert len(readings) == 16
    for chapter, section in readings:
        text = (CHAPTERS / f"{chapter}.md").read_text(encoding="utf-8")
        if "## What to remember" not in text:
            continue  # not written yet
        lines = text.splitlines()
        titles = {line.lstrip("#").strip() for line in lines if line.startswith("#")}
        titles |= {line.split("} ", 1)[1] for line in lines if ":::{exercise} " in line}
        assert section in titles, (chapter, section)


def _is_reading(value):
    return isinstance(value, tuple) and len(value) == 2 and value[0] in {
        path.stem for path in CHAPTERS.glob("*.md")
    }  # fmt: skip
