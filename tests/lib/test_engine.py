"""The book's own autograd against PyTorch's, in float64, operation by operation."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, mutually_broadcastable_shapes

from backprop_book import Value, engine, relative_error
from sizes import code_lines

SEEDS = st.integers(0, 2**32 - 1)
quickly = settings(max_examples=60, deadline=None, derandomize=True)


def draw(seed, *shapes):
    """Return arrays of both signs, with all entries at least 0.3 away from 0."""
    generator = np.random.default_rng(seed)
    return [
        generator.uniform(0.3, 1.7, shape) * generator.choice([-1.0, 1.0], shape)
        for shape in shapes
    ]


def assert_same(ours, theirs):
    theirs = theirs.detach().numpy()
    assert type(ours) is np.ndarray
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    assert relative_error(ours, theirs) <= 1e-12


def compare(function, *arrays, of_torch=None):
    """Hold the value and all gradients of a function against PyTorch's."""
    before = [array.copy() for array in arrays]
    values = [Value(array) for array in arrays]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    out, truth = function(*values), (of_torch or function)(*tensors)
    assert_same(out.data, truth)
    G = np.random.default_rng(0).standard_normal(out.data.shape)
    out.backward(G)
    truth.backward(torch.tensor(G))
    for value, tensor in zip(values, tensors, strict=True):
        assert_same(value.grad, tensor.grad)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


# --- operators ------------------------------------------------------------------------

OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
CONSTANTS = {
    "int": 3,
    "float": -0.7,
    "bool": True,
    "NumPy float": np.float64(1.3),
    "NumPy int": np.int64(2),
    "0-d array": np.array(0.4),
    "row": np.array([0.5, -2.0, 1.5]),
    "column": np.array([[0.5], [-2.0]]),
    "more axes": np.full((4, 1, 1), 1.5),
    "integers": np.array([1, -2, 4]),
    "booleans": np.array([True, True, True]),
    "list": [0.5, 2.0, -1.0],
}


@pytest.mark.parametrize("symbol", OPERATORS)
@quickly
@given(
    shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3),
    seed=SEEDS,
)
def test_operators_broadcast(symbol, shapes, seed):
    compare(OPERATORS[symbol], *draw(seed, *shapes.input_shapes))
    compare(OPERATORS[symbol], np.ones((0, 3)), np.ones((1, 3)))


@pytest.mark.parametrize("kind", CONSTANTS)
@pytest.mark.parametrize("symbol", OPERATORS)
def test_constants_on_either_side(symbol, kind):
    c, operator = CONSTANTS[kind], OPERATORS[symbol]
    t = torch.tensor(np.asarray(c, float))
    for shape in ((), (1, 1), (2, 3)):
        (a,) = draw(1, shape)
        compare(lambda v: operator(c, v), a, of_torch=lambda v: operator(t, v))
        compare(lambda v: operator(v, c), a, of_torch=lambda v: operator(v, t))


MATMULS = [
    *(((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4))),
    *(((1, 1), (1, 1)), ((1,), (1,)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2))),
    *(((4, 1, 2, 3), (5, 3, 1)), ((0, 3), (3, 2))),
]


@pytest.mark.parametrize(("left", "right"), MATMULS, ids=str)
def test_matmul_shapes_and_constants_on_either_side(left, right):
    a, b = draw(0, left, right)
    compare(lambda a, b: a @ b, a, b)
    compare(lambda v: v @ b, a, of_torch=lambda t: t @ torch.tensor(b))
    compare(lambda v: a @ v, b, of_torch=lambda t: torch.tensor(a) @ t)


# --- functions of one array -----------------------------------------------------------

FUNCTIONS = {
    "negative": lambda a: -a,
    "relu": lambda a: a.relu(),
    "exp": lambda a: a.exp(),
    "log": lambda a: (a * a).log(),
    "tanh": lambda a: a.tanh(),
    "sum": lambda a: a.sum(),
    "mean": lambda a: a.mean(),
    "flat": lambda a: a.reshape(-1),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@quickly
@given(shape=array_shapes(min_dims=0, max_dims=4, max_side=3), seed=SEEDS)
def test_functions(name, shape, seed):
    compare(FUNCTIONS[name], *draw(seed, shape))


@pytest.mark.parametrize("exponent", [-2, -0.5, 0, 0.5, 1, 2, 3, np.float64(1.5)])
def test_power(exponent):
    compare(lambda a: a**exponent, np.abs(draw(0, (2, 3))[0]))
    if exponent == round(exponent):
        compare(lambda a: a**exponent, *draw(0, (4,)))
    if exponent in (0, 1, 2, 3):
        compare(lambda a: a**exponent, np.array([0.0, -1.0, 2.0]))


def test_a_power_computes_its_derivative_in_the_backward_pass():
    v = Value([0.0])
    with np.errstate(all="raise"):
        root = v**0.5
    np.testing.assert_array_equal(root.data, [0.0])
    (v**0).backward([np.inf])
    np.testing.assert_array_equal(v.grad, [0.0])


def test_relu_takes_0_at_0_and_passes_nan_on():
    v = Value([-0.0, 0.0, 5e-324, -5e-324, np.nan])
    out = v.relu()
    out.backward(np.ones(5))
    np.testing.assert_array_equal(v.grad, [0, 0, 1, 0, 0])
    assert np.isnan(out.data[4])


AXES = [None, 0, 1, 2, -1, -3, (0,), (0, 1), (2, 0), (-1, 0), (0, 1, 2)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean"])
def test_reductions(name, axis, keepdims):
    dim = axis if axis is not None else (0, 1, 2)
    for shape in ((2, 3, 4), (1, 3, 1), (1, 1, 1)):
        compare(
            lambda v: getattr(v, name)(axis=axis, keepdims=keepdims),
            *draw(0, shape),
            of_torch=lambda t: getattr(t, name)(dim=dim, keepdim=keepdims),
        )


def test_sums_of_nothing():
    v = Value([[1.0, 2.0]])
    v.sum(axis=()).backward([[3.0, 4.0]])
    np.testing.assert_array_equal(v.grad, [[3.0, 4.0]])
    v = Value(np.ones((0, 3)))
    v.sum().backward()
    assert v.grad.shape == (0, 3)
    compare(lambda a: a.mean(axis=0), np.ones((3, 0)))


INDICES = {
    "one": 1,
    "from the end": -1,
    "pair": (1, 2),
    "slice": slice(1, None),
    "step": (slice(None, None, 2), slice(None, 2)),
    "ellipsis": (..., 1),
    "new axis": (None, slice(1, 3)),
    "list": [2, 0],
    "repeated": [1, 1, 1, 0],
    "repeated pairs": ([1, 1, 2], [0, 0, 3]),
    "repeated in a column": (slice(None), [3, 3]),
    "array": np.array([[0, 2], [2, 2]]),
    "empty list": np.array([], dtype=int),
    "row mask": np.array([True, False, True]),
    "mask": np.arange(12).reshape(3, 4) % 3 == 1,
}


@pytest.mark.parametrize("name", INDICES)
def test_indexing(name):
    index = INDICES[name]
    of_torch = torch.tensor(index) if isinstance(index, np.ndarray) else index
    compare(lambda v: v[index], *draw(0, (3, 4)), of_torch=lambda t: t[of_torch])


def test_other_indices():
    a = draw(0, (5,))[0]
    compare(lambda v: v[::-1] * a, a, of_torch=lambda t: t.flip(0) * torch.tensor(a))
    compare(lambda v: v[()], np.array(2.0))
    compare(lambda v: v[...], np.array(2.0))


def test_iteration_and_unpacking():
    pair = Value([2.0, 5.0])
    a, b = pair
    (a * b).backward()
    np.testing.assert_array_equal(pair.grad, [5.0, 2.0])
    assert float(sum(pair).data) == 7.0
    with pytest.raises(TypeError):
        list(Value(1.0))


@pytest.mark.parametrize("shape", [(6,), (3, 2), (2, -1), (1, 6, 1)], ids=str)
def test_reshape_takes_a_tuple_or_numbers(shape):
    a, G = draw(0, (2, 3), (6,))
    other = G.reshape(shape)
    compare(lambda v: v.reshape(shape), a)
    compare(
        lambda v: v.reshape(*shape) * other,
        a,
        of_torch=lambda t: t.reshape(*shape) * torch.tensor(other),
    )


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (-1, 0, 1)], ids=str)
def test_transpose_takes_a_tuple_or_numbers(axes):
    (a,) = draw(0, (2, 3, 4))
    compare(lambda v: v.transpose(axes), a, of_torch=lambda t: t.permute(axes))
    compare(lambda v: v.transpose(*axes), a, of_torch=lambda t: t.permute(axes))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 3, 4)], ids=str)
def test_transpose_without_axes_reverses_them(shape):
    (a,) = draw(0, shape)
    back = tuple(reversed(range(a.ndim)))
    compare(lambda v: v.T, a, of_torch=lambda t: t.permute(back))
    compare(lambda v: v.transpose(), a, of_torch=lambda t: t.permute(back))


# --- graphs ---------------------------------------------------------------------------

STEPS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "squash": lambda a, b: a / (1 + b**2),
    "scalar": lambda a, b: (3 - a) * 0.5 + b.sum(),
    "row": lambda a, b: a * b.mean(),
    "product": lambda a, b: (a.reshape(-1, 1) @ b.reshape(1, -1)).mean() * a,
    "entry": lambda a, b: a.reshape(-1)[[0, 0]].sum() - b,
}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    shapes=mutually_broadcastable_shapes(num_shapes=3, max_dims=2, max_side=3),
    steps=st.lists(
        st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 99), st.integers(0, 99)),
        min_size=1,
        max_size=7,
    ),
    seed=SEEDS,
)
def test_random_programs(shapes, steps, seed):
    """Values are used once, often or never, on paths of different lengths."""

    def program(*inputs):
        made = list(inputs)
        for name, i, j in steps:
            made.append(STEPS[name](made[i % len(made)], made[j % len(made)]))
        # All inputs take part, so that each has a gradient.
        return (made[-1] * made[-1]).sum() + sum(x.sum() for x in inputs)

    compare(program, *draw(seed, *shapes.input_shapes))


def test_exponentially_many_paths_cost_one_step_each():
    first = x = Value(1.0)
    for _ in range(60):
        x = x + x
    x.backward()
    assert first.grad == 2.0**60


def test_graphs_deeper_than_the_recursion_limit():
    depth = 20_000
    assert depth > sys.getrecursionlimit()
    start = Value([1.0, 2.0])
    end = start
    for _ in range(depth // 2):
        end = end * 1.0 + 0.5
    end.sum().backward()
    np.testing.assert_array_equal(start.grad, [1.0, 1.0])
    del end  # freeing a deep graph must not overflow the stack either


@pytest.mark.parametrize("seed", range(3))
def test_topological_order(seed):
    generator = np.random.default_rng(seed)
    nodes = [Value(1.0), Value(2.0)]
    for _ in range(30):
        i, j = generator.integers(len(nodes), size=2)
        nodes.append(nodes[i] + nodes[j])
    order = engine.topological_order(nodes[-1])
    place = {node: k for k, node in enumerate(order)}
    assert order[-1] is nodes[-1]
    assert len(place) == len(order)
    for node in order:
        assert all(place[operand] < place[node] for operand in node.operands)


def test_constants_are_no_part_of_the_graph():
    v = Value([1.0, 2.0])
    out = (np.ones((3, 2)) @ v + 1 - np.ones(3)) * 2 / 4
    assert engine.topological_order(out)[0] is v
    assert len(engine.topological_order(out)) == 6


# --- gradients accumulate, and are nobody else's arrays -------------------------------


def test_calls_of_backward_add_as_in_pytorch():
    (a,) = draw(0, (3,))
    v, t = Value(a), torch.tensor(a, requires_grad=True)
    middle, truth = v * 2, t * 2
    truth.retain_grad()  # here, intermediate values accumulate too
    out, end = (middle * v.tanh()).sum(), (truth * t.tanh()).sum()
    for _ in range(3):
        out.backward()
        end.backward(retain_graph=True)
        assert_same(v.grad, t.grad)
        assert_same(middle.grad, truth.grad)
    (v * 2).sum().backward()
    (t * 2).sum().backward()
    assert_same(v.grad, t.grad)
    v.grad = None
    (v * 5).sum().backward()
    np.testing.assert_array_equal(v.grad, [5.0, 5.0, 5.0])


@pytest.mark.parametrize("calls", [1, 2])
def test_no_two_gradients_share_memory(calls):
    a, b = Value([[1.0, 2.0], [3.0, 4.0]]), Value([[5.0, 6.0], [7.0, 8.0]])
    G = np.ones((2, 2))
    s = a + b
    out = (s + s.T - a + b.sum()).reshape(4).reshape(2, 2)[:]
    for _ in range(calls):
        out.backward(G)
    nodes = engine.topological_order(out)
    arrays = [node.grad for node in nodes] + [node.data for node in nodes] + [G]
    for i, node in enumerate(nodes):
        assert node.grad.flags.writeable  # a broadcast view would be read-only
        for j in range(i + 1, len(arrays)):
            assert not np.shares_memory(arrays[i], arrays[j]), (i, j)


def test_arrays_of_the_caller_are_left_alone():
    array = np.ones(2)
    v = Value(array)
    v.data -= 0.5
    w = v
    with pytest.raises(TypeError, match="__array_ufunc__"):
        array += v
    w += array
    np.testing.assert_array_equal(array, [1.0, 1.0])
    np.testing.assert_array_equal(v.data, [0.5, 0.5])
    np.testing.assert_array_equal(w.data, [1.5, 1.5])


# --- dtypes ---------------------------------------------------------------------------


def test_float32_stays_float32():
    v = Value(np.array([0.5, 1.5], dtype=np.float32))
    out = 1 + 2.5 * v - 3 / (v + 4.0) + v**2 + v ** np.float64(0.5) + True
    out = out / 7 + v.exp() + v.log() + v.tanh() + v.relu() + v.mean() * v[[0, 0]]
    out = out + np.array([1, 2]) + np.ones((2, 2), np.float32) @ v
    out = out.sum()
    assert out.data.dtype == np.float32
    out.backward()
    assert {node.data.dtype for node in engine.topological_order(out)} == {v.data.dtype}
    assert {node.grad.dtype for node in engine.topological_order(out)} == {v.data.dtype}


def test_float64_arrays_promote_as_in_numpy_and_gradients_come_back_as_float32():
    v = Value(np.array([0.5, 1.5], dtype=np.float32))
    for other in (np.ones(2), np.float64(1.0)):
        out = v * other
        assert out.data.dtype == np.float64
        v.grad = None
        out.sum().backward()
        assert v.grad.dtype == np.float32


@pytest.mark.parametrize("data", [3, [1, 2], True, np.arange(3), np.uint8(4)], ids=str)
def test_integers_become_float64(data):
    v = Value(data)
    assert v.data.dtype == np.float64
    (v * v).sum().backward()
    np.testing.assert_array_equal(v.grad, 2 * np.asarray(data, float))


def test_single_numbers_are_0d_arrays_throughout():
    v = Value(2.0)
    out = v * v + v**2 - v / 3
    out.backward()
    out.backward()
    for node in engine.topological_order(out):
        assert type(node.data) is type(node.grad) is np.ndarray
        assert node.data.shape == node.grad.shape == ()


# --- beside NumPy and pandas ----------------------------------------------------------


def test_a_dead_row_selects_its_gradient_and_does_not_multiply_it():
    data = np.array([[-1.0, -2.0], [3.0, 4.0]])
    v, t = Value(data), torch.tensor(data, requires_grad=True)
    with np.errstate(divide="ignore", invalid="ignore"):  # the norm's slope at 0
        ((v.relu() ** 2).sum(1) ** 0.5).sum().backward()
    ((torch.relu(t) ** 2).sum(1) ** 0.5).sum().backward()
    np.testing.assert_allclose(v.grad, t.grad, rtol=1e-15)


def test_pandas_on_either_side_is_a_constant():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 5.0]})
    w = Value(2.0)
    for left, other in ((frame["a"], frame["b"]), (frame, frame + 1)):
        residual = left - (w * other + 1)
        assert type(residual) is Value
        np.testing.assert_array_equal(residual.data, left - (2 * other + 1))
        w.grad = None
        residual.sum().backward()
        assert w.grad == -other.to_numpy().sum()
        assert type(other * w) is type(other + w) is type(other / w) is Value


@pytest.mark.parametrize(
    "make", [lambda a: np.ma.array(a, mask=a > 1), lambda a: a.view(np.matrix)]
)
def test_arrays_that_would_lose_their_meaning_are_refused(make):
    other = make(np.array([[1.0, 2.0]]))
    for use in (
        Value,
        lambda a: Value(np.ones((1, 2))) + a,
        lambda a: a * Value(np.ones((1, 2))),
        lambda a: setattr(Value(1.0), "data", a),
    ):
        with pytest.raises(TypeError, match=r"^data: expected a plain array, got"):
            use(other)


def test_arrays_of_other_origins_are_taken(tmp_path):
    file = np.memmap(tmp_path / "a", np.float32, "w+", shape=2)
    big = np.array([1.0, 2.0], ">f8")
    for other in (file, big, torch.ones(2), np.ones(2, np.float16), [1, 2]):
        v = Value(other)
        out = (v * v).sum()
        out.backward()
        assert out.data.dtype.isnative
        np.testing.assert_array_equal(v.grad, 2 * np.asarray(other))


def test_truth_and_equality_are_those_of_the_numbers():
    assert not Value(0.0)
    assert Value(2.0)
    assert Value(1.0) == 1.0
    assert np.float64(1.0) == Value(1.0)
    assert Value(1.0) != Value(2.0)
    v, w = Value([1.0, 2.0]), Value([1.0, 3.0])
    np.testing.assert_array_equal(v == w, [True, False])
    np.testing.assert_array_equal(np.array([1.0, 3.0]) != v, [False, True])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(v)
    assert len({v, w, v}) == 2


def test_data_that_is_set_is_a_float_array():
    v = Value(1.0)
    v.data = np.array([1, 2])
    np.testing.assert_array_equal((v * 0.5).data, [0.5, 1.0])
    before = v.data
    v.data -= 0.25
    np.testing.assert_array_equal(v.data, [0.75, 1.75])
    assert v.data is before  # a step in place needs no second array


# --- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [1j, "text", None, [None], pytest.param(object(), id="object")], ids=str
)
def test_what_is_no_real_number_is_refused(data):
    with pytest.raises(TypeError, match=r"data: expected (real )?numbers, got"):
        Value(data)
    with pytest.raises(TypeError, match=r"data: expected (real )?numbers, got"):
        Value(1.0) + data


def test_a_value_is_no_array():
    v = Value([1.0, 2.0])
    for use in (
        Value,
        np.asarray,
        lambda v: Value([v, v]),
        lambda v: v.sum().backward(v),
    ):
        with pytest.raises((TypeError, ValueError), match=r"use its \.data|got \(2,\)"):
            use(v)
    with pytest.raises(
        TypeError, match=r"^expected an array, got a Value: use its \.data$"
    ):
        np.asarray(v)
    with pytest.raises(TypeError, match="__array_ufunc__"):
        np.exp(v)


def test_backward_of_many_numbers_needs_a_gradient_and_of_one_does_not():
    with pytest.raises(ValueError, match=r"gradient: expected shape \(2,\), got None"):
        Value([1.0, 2.0]).backward()
    v = Value([[3.0]])
    (v * v).backward()
    np.testing.assert_array_equal(v.grad, [[6.0]])


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 1), (1, 2)], ids=str)
def test_a_gradient_of_another_shape_is_refused(shape):
    v = Value([1.0, 2.0])
    message = rf"gradient: expected shape \(2,\), got {re.escape(str(shape))}$"
    with pytest.raises(ValueError, match=message):
        (v * 2).backward(np.ones(shape))
    assert v.grad is None


@pytest.mark.parametrize(
    ("gradient", "came"),
    [
        ([[1], [1, 2]], r"list \(rows of different lengths\)"),
        ([1j, 1], "list with complex"),
        (np.ma.ones(2), "MaskedArray"),
        (Value([1.0, 1.0]), "Value"),
    ],
)
def test_a_gradient_that_is_no_array_is_refused_by_its_name(gradient, came):
    with pytest.raises(TypeError, match=f"^gradient: expected .*, got {came}"):
        (Value([1.0, 2.0]) * 2).backward(gradient)


def test_backward_takes_lists_and_integers():
    v = Value(np.array([1.0, 2.0], np.float32))
    (v * 2).backward([1, 3])
    np.testing.assert_array_equal(v.grad, np.array([2, 6], np.float32))
    assert v.grad.dtype == np.float32


@pytest.mark.parametrize("exponent", [Value(2.0), np.ones(2), "2", None, 1j], ids=repr)
def test_only_numbers_are_exponents(exponent):
    with pytest.raises(TypeError, match="exponent: expected a number, got"):
        Value(1.0) ** exponent


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        Value([1.0, 2.0]) + Value([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="matmul"):
        Value([1.0, 2.0]) @ Value([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="matmul"):
        2.0 @ Value([1.0, 2.0])
    with pytest.raises(IndexError):
        Value([1.0])[3]


def test_a_misspelt_attribute_is_refused():
    with pytest.raises(AttributeError):
        Value(1.0).gard = None


# --- what a picture needs to know -----------------------------------------------------


@pytest.mark.parametrize(
    ("function", "op", "options"),
    [
        (lambda v, c: v + c, "+", {}),
        (lambda v, c: v - c, "-", {}),
        (lambda v, c: v * c, "*", {}),
        (lambda v, c: v / c, "/", {}),
        (lambda v, c: v @ c, "@", {}),
        (lambda v, c: -v, "neg", {}),
        (lambda v, c: v**3, "**", {"exponent": 3.0}),
        (lambda v, c: v.exp(), "exp", {}),
        (lambda v, c: v.log(), "log", {}),
        (lambda v, c: v.tanh(), "tanh", {}),
        (lambda v, c: v.relu(), "relu", {}),
        (lambda v, c: v.sum(0, True), "sum", {"axis": 0, "keepdims": True}),
        (lambda v, c: v[1:], "[]", {"index": slice(1, None)}),
        (lambda v, c: v.reshape(2, 1), "reshape", {}),
        (lambda v, c: v.transpose(0), "T", {"axes": (0,)}),
    ],
)
def test_a_value_knows_how_it_was_made(function, op, options):
    v, c = Value([1.0, 2.0]), np.array([3.0, 4.0])
    made = function(v, c)
    assert (made.op, made.options, made.name) == (op, options, None)
    assert made.operands[0] is v
    assert all(operand is c for operand in made.operands[1:])
    assert (v.op, v.operands, v.options) == ("", (), {})


def test_operands_are_in_their_order():
    v, c = Value([1.0, 2.0]), np.array([3.0, 4.0])
    for made in (c - v, c / v, c @ v):
        first, second = made.operands
        assert first is c
        assert second is v
    X, W = Value([[1.0]]), Value([[2.0]])
    H = X @ W
    order = [X, W, H, H - X]
    assert [v.op for v in engine.topological_order(order[-1])] == ["", "", "@", "-"]
    assert all(
        a is b for a, b in zip(engine.topological_order(order[-1]), order, strict=True)
    )


def test_names():
    v = Value([1, 2.5], "v")
    assert repr(v) == "Value([1. , 2.5], name='v')"
    v.name = None
    assert repr(v) == "Value([1. , 2.5])"
    assert repr(Value(3)) == "Value(3.)"
    assert Value(3.0, name="w").name == "w"
    with pytest.raises(TypeError, match=r"^name: expected a string, got int$"):
        Value(1.0, 2)


# --- size -----------------------------------------------------------------------------


@pytest.mark.unmutated
def test_the_engine_is_small_enough_to_read():
    assert code_lines(Path(engine.__file__).read_text(encoding="utf-8")) <= 163
