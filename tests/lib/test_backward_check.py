"""The checker names each known mistake, and never blames a right backward pass."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from backprop_book import (
    BackwardReport,
    backward_check,
    backward_mistakes,
    check_backward,
    two_layer_regression_numpy_gradient,
)
from backprop_book.backward_mistakes import backward_pass, scales, singles, unknown_of
from backprop_book.backward_probes import (
    AT_KINK,
    GRADIENTS,
    _make_probe,
    make_probes,
)
from backward_students import (
    MISTAKES,
    leaky,
    right_variants,
    student,
    updated,
    wrong_somewhere,
)

CHAPTERS = Path(__file__).parents[2] / "chapters"


def right(*arrays):
    return two_layer_regression_numpy_gradient(*arrays)[1:]


@pytest.fixture(autouse=True)
def nothing_kept():
    """What is made once in a process is made anew in each test."""
    for kept in (make_probes, singles, scales):
        kept.cache_clear()


def drawn_shapes(case):
    """Return one shape with all sizes different, or all equal, or both; or none."""
    generator = np.random.default_rng([7, case])
    different = tuple(int(n) for n in generator.permutation(np.arange(2, 8))[:4])
    equal = (int(generator.integers(3, 7)),) * 4
    return [different] * (case % 3 != 2) + [equal] * (case % 3 != 1) if case else []


def by_number(number):
    """Return a mistake's place and names, for the name of its test."""
    return f"{number} {', '.join(map(', '.join, MISTAKES[number][1:]))}"


@pytest.mark.parametrize("number", range(len(MISTAKES)), ids=by_number)
@pytest.mark.parametrize(
    "case", [0, *(pytest.param(n, marks=pytest.mark.weekly) for n in range(1, 6))]
)
def test_each_mistake_is_named(case, number):
    wrong, *expected = MISTAKES[number]
    report = check_backward(wrong, shapes=drawn_shapes(case), seed=case)
    found = [report.findings[name].mistakes for name in GRADIENTS]
    assert found == expected, report
    assert not report.passed
    for finding in report.findings.values():
        assert bool(finding.found) == (finding.right < len(report.probes)) or (
            "exception" in report.mistakes
        )


def test_right_variants_pass():
    for variant in right_variants(24):
        report = check_backward(variant)
        assert report.passed, report
        assert not report.mistakes


@pytest.mark.weekly
def test_a_thousand_right_variants_pass():
    for variant in right_variants(1000):
        assert check_backward(variant).passed


MODES = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "errors of NumPy": lambda: np.errstate(all="raise"),
}


@pytest.mark.parametrize("mode", MODES)
def test_the_callers_modes_change_no_verdict(mode):
    def by_autograd(*arrays):
        X, Y, W1, W2 = map(torch.tensor, arrays)
        W1.requires_grad_(), W2.requires_grad_()
        ((torch.relu(X @ W1) @ W2 - Y) ** 2).sum().backward()
        return W1.grad, W2.grad

    with MODES[mode]():
        assert check_backward(by_autograd).passed
        half = check_backward(lambda *arrays: [g / 2 for g in by_autograd(*arrays)])
    assert half.mistakes == {"factor 2 missing"}


def test_the_callers_default_dtype_is_the_students():
    torch.set_default_dtype(torch.float64)
    try:
        report = check_backward(
            lambda *arrays: [torch.tensor(g.tolist()) for g in right(*arrays)]
        )
    finally:
        torch.set_default_dtype(torch.float32)
    assert report.passed


def test_what_a_student_switches_on_ends_with_the_check():
    def rough(*arrays):
        np.seterr(all="raise")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return right(*arrays)

    before = np.geterr()
    assert check_backward(rough).passed
    assert np.geterr() == before
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("number", [40, pytest.param(300, marks=pytest.mark.weekly)])
def test_no_fault_hides_at_some_sizes(number, monkeypatch):
    # Whether it is wrong, not why.
    monkeypatch.setattr(backward_check, "find_mistakes", lambda *_: ())
    for seed in range(number):
        wrong, where = wrong_somewhere(seed)
        findings = check_backward(wrong).findings
        assert findings["grad_W1"].right < len(make_probes()), where


def test_no_batch_is_too_large_to_be_seen():
    def first_rows(rows):
        return lambda X, Y, W1, W2: right(X[:rows], Y[:rows], W1, W2)

    def last_batch(rows):
        def function(X, Y, W1, W2):
            last = slice((len(X) - 1) // rows * rows, None)
            return right(X[last], Y[last], W1, W2)

        return function

    def squeezed(X, Y, W1, W2):
        H1 = np.maximum(X @ W1, 0)
        G = 2 * ((H1 @ W2).squeeze() - Y)
        return X.T @ (G @ W2.T * (H1 > 0)), H1.T @ G

    batches = [f(rows) for f in (first_rows, last_batch) for rows in (32, 64, 100)]
    for wrong in (*batches, squeezed):
        assert not check_backward(wrong).passed


def test_wrong_lines_that_raise_at_most_shapes_are_named_by_the_others():
    report = check_backward(student(grad_W1=lambda v: v.X @ v.grad_Z1))
    assert report.mistakes == {"X for X.T", "exception"}


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
        assert report.mistakes == {"two answers"}
        assert "does it draw random numbers, or keep something" in str(report)
        assert "\n  It is not the same when asked again.\n" in str(report)


def test_one_buffer_for_all_answers_is_right():
    buffers = {}

    def into_buffers(*arrays):
        for place, g in enumerate(right(*arrays)):
            buffer = buffers.setdefault((g.shape, g.dtype, place), np.empty_like(g))
            buffer[:] = g
            yield buffer

    assert check_backward(lambda *arrays: list(into_buffers(*arrays))).passed


@pytest.mark.unmutated
def test_a_fresh_process_searches_to_the_end():
    program = """
import numpy as np
from backprop_book import check_backward
def wrong(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = 2 * (H1 @ W2 - Y)[::-1]
    return X.T @ (G @ W2.T * (H1 > 0)), H1.T @ G
print(*check_backward(wrong).mistakes)
"""
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stdout == "unknown\n"


def says(**wrong):
    """Return what is said of both gradients."""
    findings = check_backward(student(**wrong)).findings.values()
    return " ".join(says for f in findings for m in f.found for says in m.told())


@pytest.mark.parametrize("lr", [1e-6, 1e-3, 0.5, -0.2])
def test_the_learning_rate_is_found(lr):
    told = says(grad_H1=lambda v: v.G @ (v.W2 - lr * v.grad_W2).T)
    assert f" lr = {abs(lr):.4g}" in told
    assert ("W2 + lr" in told) == (lr < 0)


@pytest.mark.parametrize("slope", [0.01, 0.3])
def test_the_slope_of_a_leaky_relu_is_found(slope):
    told = says(**leaky(slope))
    assert told.count(f" slope = {slope}") == 2
    assert "`; `mask = np.where(Z1 > 0, 1, slope)`; right is `H1 = np.max" in told
    assert "; right is `H1 = np.maximum(Z1, 0)`; `mask = Z1 > 0`: ReLU" in told


@pytest.mark.parametrize("factor", [0.15, 1e6, -3e-6])
def test_a_constant_factor_is_told(factor):
    told = says(G=lambda v: 2 * factor * v.E)
    assert f"times {factor:.6g} everywhere; a learning rate?" in told
    assert "read: lab_numpy, section 'The loss is one number'" in told


def test_a_factor_that_varies_is_named_by_the_sizes_or_listed():
    told = says(G=lambda v: 2 * v.E / v.N**3)
    assert "times 1 * N**-3. read: lab_numpy, section 'The loss is one number'" in told
    told = says(G=lambda v: v.E * v.N * v.W1.shape[1] / v.W1.shape[0] ** 0.5)
    assert "times 0.5 * N**1 * D_in**-0.5 * H**1." in told
    listed = says(G=lambda v: 2 * v.E * (0.25 if v.N == 100 else 1))
    assert "times 0.25 at 25 of 136 probes, first sizes 100, 1, 1, 100" in listed
    assert "; 1 at 111 of 136 probes, first all sizes equal" in listed
    assert "times 0 at 25 of 136 probes" in says(G=lambda v: 2 * v.E * (v.N != 100))
    # What is nearly a factor of another kind is no such factor.
    for first, nearly in (
        ("1.00001 at 25", lambda v: 1 + 8e-6 * (v.N == 100)),
        ("0.3 at 136", lambda v: 0.3 + 1e-7 * (v.N == 100)),
        ("1e-09 at 111", lambda v: 1e-9 + 1e-9 * (v.N == 100)),
        ("0.0625 at 1", lambda v: (1 + 1e-5 * (v.N == 100)) / v.N**2),
        ("0.015625 at 1", lambda v: (1 + 1e-6 * (v.N == 100)) / v.N**3),
        ("6.4e-08 at 1", lambda v: 1e-9 * (1 + (v.N == 100)) * v.N**3),
    ):
        told = says(G=lambda v, nearly=nearly: 2 * v.E * nearly(v))
        assert f"varying factor: times {first} of 136 probes, first " in told
    told = says(G=lambda v: v.E / np.linalg.norm(v.E))
    assert "; 133 more read: " in told
    for size, end in ((4, "float64) read: "), (5, "; 1 more read: ")):
        told = says(G=lambda v, size=size: v.E * np.cos(v.N % size))
        assert told.count(" probes, first ") == 2 * 3
        assert told.count(end) == 2


def test_small_errors_are_not_taken_for_a_mistake():
    def rounded(*arrays, factor=1):
        for gradient in right(*arrays):
            signs = (-1.0) ** np.arange(gradient.size).reshape(gradient.shape)
            yield factor * gradient * (1 + 5e-9 * signs)

    report = check_backward(lambda *arrays: tuple(rounded(*arrays)))
    assert report.mistakes == {"float32 inside"}
    told = "  The numbers are right to float32 only: some line computes in float32.\n"
    assert f"{told}  read: lab_numpy, section 'float64 by accident'" in str(report)
    report = check_backward(lambda *arrays: tuple(rounded(*arrays, factor=0.5)))
    assert report.mistakes == {"factor 2 missing"}

    def wrong_in_float32(*arrays):
        off = 1e-2 if arrays[0].dtype == np.float32 else 0.0
        gradients = zip(arrays[2:], right(*arrays), strict=True)
        return [g + (off * np.sin(A)).astype(g.dtype) for A, g in gradients]

    assert check_backward(wrong_in_float32).mistakes == {"unknown"}


def test_one_probe_is_enough():
    for wrong, name in (
        ({"G": lambda v: 3.4 * v.E}, "constant factor"),
        (leaky(0.3), "gradient of a network with a leaky ReLU"),
    ):

        def answers_once(*arrays, wrong=wrong):
            if arrays[0].shape != (130, 3):
                raise ValueError
            return student(**wrong)(*arrays)

        report = check_backward(answers_once)
        assert report.findings["grad_W2"].mistakes == [name]


def test_what_is_changed_in_place_is_named_and_restored():
    def tempting(v):
        v.W2 -= 0.05 * v.grad_W2
        v.X[0, 0] += 1
        return v.G @ v.W2.T

    report = check_backward(student(grad_H1=tempting))
    assert "inputs modified" in report.mistakes
    assert "X and W2 modified in place: work on a copy, at 138 of 138" in str(report)
    assert "\n  read: lab_numpy, section 'A tempting order of lines'" in str(report)
    assert check_backward(right).passed


def test_the_student_gets_writable_copies_in_order():
    came = []

    def function(*arrays):
        came.append([A.copy() for A in arrays])
        for A in arrays:
            A[:] = 0
        return arrays[2:]

    check_backward(function)
    probes = make_probes()
    assert len(came) == 2 * len(probes)
    for arrays, probe in zip(came, 2 * probes, strict=True):
        for array, given in zip(arrays, probe.inputs.values(), strict=True):
            assert np.array_equal(array, given)


def test_other_dtypes_are_told():
    def cast(dtype, factor=1):
        return lambda *arrays: [(factor * g).astype(dtype) for g in right(*arrays)]

    wide = check_backward(cast(np.float64))
    assert wide.passed
    assert "grad_W2 is float64 where the inputs are float32, at 2 of 138" in str(wide)
    narrow = check_backward(cast(np.float32))
    assert narrow.mistakes == {"result with fewer digits"}
    assert all(not finding.found for finding in narrow.findings.values())
    assert "read: lab_numpy, section 'float64 by accident'" in str(narrow)
    wrong = check_backward(cast(np.float32, 0.5))
    assert wrong.mistakes == {"factor 2 missing", "result with fewer digits"}
    assert check_backward(right).problems == []


def test_numbers_that_overflow_are_wrong_and_raise_nothing():
    huge = student(grad_W1=lambda v: np.cos(v.W1) * np.finfo(v.W1.dtype).max)
    assert check_backward(huge).mistakes == {"unknown"}


def test_the_first_entry_that_is_not_finite_is_told():
    for bad in (np.nan, np.inf):
        told = says(grad_W2=lambda v, bad=bad: np.where(v.W2[-1, 0] == v.W2, bad, v.W2))
        assert "not finite: " in told
        assert f"is {bad}, right is" in told


def test_the_worst_entry_of_an_unknown_mistake_is_told():
    def off_by_one_entry(v):
        grad = v.H1.T @ v.G
        smallest = np.abs(grad).argmin()
        several = v.N == 5 and grad.shape == (4, 2) and v.X.dtype == float
        grad.flat[smallest] += 1 if several else 1e-3
        return grad

    report = check_backward(student(grad_W2=off_by_one_entry))
    (told,) = report.findings["grad_W2"].found
    pattern = r"unknown: .* entry (\(.*\)) is \S+, right is \S+, at probe: (.*)"
    index, place = re.fullmatch(pattern, told.says).groups()
    (truth,) = (p.truth["grad_W2"] for p in report.probes if str(p) == place)
    smallest = np.unravel_index(np.abs(truth).argmin(), truth.shape)
    assert index == str((*map(int, smallest),))
    assert "N 5" in place


def test_wrong_shapes_are_described():
    flat = says(grad_W2=lambda v: (v.H1.T @ v.G).ravel())
    assert "wrong shape: (16,), not (4, 4) as W2, at all sizes equal" in flat
    assert "read: matrix_derivatives, section 'The shape rule, and" in flat


class Unconvertible:
    """Raises what no one expects."""

    def __array__(self, *arguments, **keywords):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (None, "expected (grad_W1, grad_W2) and nothing else, got NoneType"),
        ((1.0, 2.0, 3.0), "expected (grad_W1, grad_W2) and nothing else, got 3 things"),
        (([[1.0], [1.0, 2.0]],) * 3, "and nothing else, got 3 things"),
        ((), "got 0 things"),
        (np.ones((2, 4, 4)), "got ndarray"),
        ({"grad_W1": 1, "grad_W2": 2}, "got dict"),
        ((True, 1.0), "grad_W1: expected real numbers, got bool"),
        (("left", 1.0), "grad_W1: expected real numbers, got str"),
        ((1.0, None), "grad_W2: expected real numbers, got NoneType"),
        (([[1.0], [1.0, 2.0]], 1.0), "grad_W1: expected numbers, got list"),
        ((1j, 1.0), "grad_W1: expected real numbers, got complex"),
        ((Unconvertible(), 1.0), "ZeroDivisionError"),
    ],
)
def test_wrong_returns(returned, text):
    report = check_backward(lambda *arrays: returned)
    assert report.mistakes == {"wrong return", "no answer"}
    assert str(report).count("right at 0 of 138 probes\n  never returned\n") == 2
    assert all(text in problem.says for problem, _ in report.problems)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "exception: `ValueError`"),
        (ValueError("colon: "), "exception: `ValueError: colon`"),
        (KeyError("one\ntwo"), "exception: `KeyError: 'one\\ntwo'`"),
        (ValueError("\n not `X`\nat all"), "exception: `ValueError: not 'X'`"),
        (ValueError(201 * "x"), f"exception: `ValueError: {200 * 'x'}`"),
        (SystemExit("bye"), "exception: `SystemExit: bye`"),
    ],
)
def test_an_exception_is_told_in_a_line_and_ends_one_probe(error, text):
    def fails_once(*arrays):
        if arrays[0].shape == (1, 3):
            raise error
        return student(G=lambda v: v.E)(*arrays)

    report = check_backward(fails_once)
    ((problem, probe),) = report.problems
    assert (problem.says, probe.name) == (text, "one sample")
    assert report.mistakes == {"exception", "factor 2 missing"}


def test_keyboard_interrupt_is_passed_on():
    def interrupted(*arrays):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_backward(interrupted)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"student_function": 3.0},
            TypeError,
            "student_function: expected a function (X, Y, W1, W2) -> "
            "(grad_W1, grad_W2), or None, got float",
        ),
        *(
            (
                {"shapes": shapes},
                TypeError,
                f"shapes: expected a list of (N, D_in, H, D_out), got {shapes!r}",
            )
            for shapes in (
                3,
                "1234",
                [5],
                [(1, 2, 3)],
                ["1234", (1, 2, 3, 4)][1:0] or [7],
            )
        ),
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
        check_backward(**{"student_function": right, **arguments})


def test_the_same_again_and_no_global_random_state():
    numpy_state, torch_state = np.random.get_state(), torch.get_rng_state()
    wrong = student(grad_W1=lambda v: np.cos(v.W1))
    reports = []
    for seed in (3, 3, 0):
        make_probes.cache_clear()
        reports.append(str(check_backward(wrong, seed=seed)))
    assert reports[0] == reports[1] != reports[2]
    after = np.random.get_state()
    assert all(np.array_equal(a, b) for a, b in zip(numpy_state, after, strict=True))
    assert torch.equal(torch_state, torch.get_rng_state())


def test_probes_are_what_their_names_say():
    shapes = ((6, 3, 5, 2), (2, 2, 3, 1))
    probes = make_probes(shapes, 4)
    assert check_backward(right, shapes=shapes, seed=4).probes is probes
    sizes = {probe.name: probe.sizes for probe in probes}
    assert list(sizes)[:5] == [
        *("all sizes equal", "all sizes different", "Z1 exactly 0 in places"),
        *("float32, all sizes different", "float32, all sizes equal"),
    ]
    assert len(sizes) == len(probes)
    assert len(set(sizes["all sizes different"])) == 4
    assert len(set(sizes["all sizes equal"])) == 1
    assert sizes["sizes 6, 3, 5, 2"] == (6, 3, 5, 2)
    for place, name in enumerate(("sample", "input", "hidden unit", "output")):
        assert sizes[f"one {name}"][place] == 1
        assert sizes[f"130 {name}s"][place] == 130
    for probe in probes:
        Z1 = probe.inputs["X"] @ probe.inputs["W1"]
        assert (Z1 == 0).any() == (probe.name == AT_KINK)
        assert (Z1 > 0).any()
        assert (Z1 < 0).any() or Z1.size == 1
        assert (probe.dtype == "float32") == ("float32" in probe.name)
        assert not any(A.flags.writeable for A in probe.inputs.values())
        assert not any(A.flags.writeable for A in probe.truth.values())
    numbers = {float(probe.inputs["Y"][0, 0]) for probe in probes}
    assert len(numbers) == len(probes)
    for three in itertools.combinations(range(4), 3):
        combined = {tuple(probe.sizes[k] for k in three) for probe in probes}
        assert combined >= {*itertools.product((1, 2, 32, 64, 100), repeat=3)}
    assert {(n,) * 4 for n in (1, 2, 32, 64, 100)} <= {p.sizes for p in probes}


@pytest.mark.parametrize(("N", "H"), [(1, 1), (1, 2), (2, 1), (1, 3), (2, 2)])
def test_some_units_are_on_and_some_off_whatever_is_drawn(N, H):
    for seed in range(40):
        probe = _make_probe("", (N, 2, H, 1), "f8", np.random.default_rng(seed))
        Z1 = probe.inputs["X"] @ probe.inputs["W1"]
        assert (Z1 > 0).any()
        assert (Z1 < 0).any() or Z1.size == 1


def test_truth_is_that_of_pytorch():
    for probe in make_probes():
        X, Y, W1, W2 = (torch.tensor(A).double() for A in probe.inputs.values())
        W1.requires_grad_(), W2.requires_grad_()
        ((torch.relu(X @ W1) @ W2 - Y) ** 2).sum().backward()
        for name, W in zip(GRADIENTS, (W1, W2), strict=True):
            np.testing.assert_allclose(probe.truth[name], W.grad, rtol=1e-9, atol=1e-9)
            if probe.dtype == "float64":
                claim = backward_pass(name, probe.inputs)
                np.testing.assert_allclose(claim, probe.truth[name], rtol=1e-12)


def test_a_wrong_catalogue_is_noticed(monkeypatch):
    lines = {**backward_mistakes.RIGHT_LINES, "E": "Y_hat + Y"}
    monkeypatch.setattr(backward_mistakes, "RIGHT_LINES", lines)
    for test in (
        test_truth_is_that_of_pytorch,
        lambda: test_each_mistake_is_named(0, 0),
    ):
        with pytest.raises(AssertionError):
            test()


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_no_two_lines_of_the_catalogue_are_multiples_of_each_other(gradient):
    directions = []
    # What depends on an unknown is another mistake for some of its values.
    known = [m for m in singles(gradient) if not unknown_of(m)]
    for mistake in (None, *known):
        made = []
        for probe in make_probes()[:3]:
            lines = [mistake] if mistake else []
            result = backward_pass(gradient, probe.inputs, lines)
            if result is not None and result.any():
                flat = result.flatten() / np.linalg.norm(result)
                made.append((result.shape, flat * np.sign(flat[flat.argmax()])))
            else:
                made.append((None, np.zeros(1)))
        directions.append((mistake.names if mistake else [], made))
    for (names, one), (others, other) in itertools.combinations(directions, 2):
        assert names == others or any(
            shape != other_shape or not np.allclose(A, B, rtol=1e-4, atol=1e-6)
            for (shape, A), (other_shape, B) in zip(one, other, strict=True)
        ), (names, others)


def test_every_line_replaces_one_that_the_gradient_needs_and_can_be_read():
    for gradient in GRADIENTS:
        for mistake in (*singles(gradient), *scales()):
            assert mistake.lines.keys() <= backward_mistakes.RIGHT_LINES.keys()
            for text in (*mistake.names, *mistake.lines.values(), mistake.says):
                assert not {*"{}|"} & {*text}
            inputs = make_probes()[0].inputs
            assert backward_pass(gradient, inputs, [mistake], 0.1) is not None


def test_lines_that_do_not_fit_give_nothing_and_a_missing_name_is_an_error():
    inputs = make_probes()[1].inputs
    for line, error in (("E @ E", None), ("grad_W3 * E", NameError)):
        wrong = [backward_mistakes.Mistake(["a"], lines={"G": line})]
        if error is None:
            assert backward_pass("grad_W2", inputs, wrong) is None
        else:
            with pytest.raises(error, match="'grad_W3'"):
                backward_pass("grad_W2", inputs, wrong)


def test_the_sections_to_read_exist():
    readings = {
        value
        for value in vars(backward_mistakes).values()
        if isinstance(value, tuple)
        and len(value) == 2
        and (CHAPTERS / f"{value[0]}.md").exists()
    }
    readings |= {m.read for g in GRADIENTS for m in (*singles(g), *scales())}
    assert len(readings) == 14
    for chapter, section in readings:
        text = (CHAPTERS / f"{chapter}.md").read_text(encoding="utf-8")
        lines = text.splitlines()
        titles = {line.lstrip("#").strip() for line in lines if line.startswith("#")}
        titles |= {line.split("} ", 1)[1] for line in lines if ":::{exercise} " in line}
        assert section in titles, (chapter, section)


def without_mask(X, Y, W1, W2):
    H1 = np.maximum(X @ W1, 0)
    G = 2 * (H1 @ W2 - Y)
    return X.T @ (G @ W2.T), H1.T @ G


def fails_in_two_ways(*arrays):
    if arrays[0].shape == (1, 3):
        raise ValueError
    if arrays[3].shape == (4, 1):
        raise ValueError("one `unit`")
    if arrays[0].dtype == np.float32:
        raise TypeError("float32")
    return right(*arrays)


def three_mistakes(X, Y, W1, W2):
    wrong = {"grad_H1": updated, "grad_Z1": lambda v: v.grad_H1 * (v.Z1 >= 0)}
    return student(G=lambda v: -v.E / v.Y.size, **wrong)(X, Y, W1, W2)


WHY_G = "the loss is a sum of squares, and a square's derivative is twice its base."
MEAN = (
    "  factor 2 missing, divided by (N * D_out), sign turned: numbers as from "
    f"G = -(E / (N * D_out)); right is G = 2 * E: {WHY_G}",
    "  read: lab_numpy, section 'The loss is one number'",
)
WHY_MASK = "the gradient passes where Z1 is above 0, not where it is 0 or negative."
REPORTS = {
    right: ["Right: both gradients, at all 138 probes."]
    + [f"grad_W{n}: right at 138 of 138 probes" for n in (1, 2)],
    without_mask: [
        "Not yet: one of the two gradients is right.",
        "grad_W1: right at 5 of 138 probes",
        "  mask missing, or true everywhere as H1 >= 0 is: numbers as from "
        f"mask = np.ones_like(Z1); right is mask = Z1 > 0: {WHY_MASK}",
        "  read: lab_numpy, section 'Through ReLU'",
        "grad_W2: right at 138 of 138 probes",
    ],
    fails_in_two_ways: [
        "Not yet: both gradients that came are right, but read on.",
        "grad_W1: right at 134 of 138 probes",
        "grad_W2: right at 134 of 138 probes",
        "exception: TypeError: float32, at 2 of 138 probes",
        "  first at probe: float32, all sizes different (N 5, D_in 3, H 4, "
        "D_out 2, float32)",
        "exception: ValueError, at 2 of 138 probes",
        "  first at probe: one sample (N 1, D_in 3, H 4, D_out 2, float64)",
    ],
    three_mistakes: [
        "Not yet: neither gradient is right.",
        "grad_W1: right at 0 of 138 probes",
        "  W2 already updated: numbers as from grad_H1 = G @ (W2 - lr * H1.T @ G).T; "
        "right is grad_H1 = G @ W2.T: G goes back through W2 as it was in the forward "
        "pass.",
        "  read: lab_numpy, section 'A tempting order of lines'",
        *MEAN,
        "  lr = 0.0137",
        "  derivative of ReLU at 0 taken as 1: numbers as from mask = Z1 >= 0; right "
        f"is mask = Z1 > 0: {WHY_MASK}",
        "  read: chain_rule, section 'ReLU has a kink at 0'",
        "grad_W2: right at 0 of 138 probes",
        *MEAN,
    ],
}


@pytest.mark.parametrize("function", REPORTS)
def test_report_in_full(function):
    report = check_backward(function)
    assert str(report).splitlines() == REPORTS[function]
    assert repr(report) == str(report)


def test_an_empty_answer():
    report = check_backward(None)
    assert isinstance(report, BackwardReport)
    assert not report.passed
    assert report.mistakes == {"not answered"}
    empty = (
        "Not answered yet: put your function in place of None and run the cell again."
    )
    assert str(report) == empty
    assert report._repr_markdown_() == f"**{empty}**"


def test_markdown_sets_code_off_and_indents_details():
    lines = check_backward(without_mask)._repr_markdown_().splitlines()
    assert lines[:3] == [
        "**Not yet: one of the two gradients is right.**",
        "",
        "- `grad_W1`: right at 5 of 138 probes",
    ]
    assert lines[3].startswith("  - mask missing")
    assert "`mask = np.ones_like(Z1)`" in lines[3]
