"""Every rule for arguments once, and every public function behind the rules once."""

import tracemalloc
from fractions import Fraction
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

import backprop_book as bb
from backends import ARRAY_BACKENDS, BACKENDS, TORCH_BACKENDS
from backprop_book import draw_weights
from backprop_book.arguments import (
    NUMPY,
    TORCH,
    check_arrays,
    check_device,
    real_array,
)

GOOD = {
    "X": np.ones((4, 2)),
    "Y": np.ones((4, 3)),
    "X_val": np.ones((5, 2)),
    "Y_val": np.ones((5, 3)),
    "lr": 1e-4,
    "nite": 2,
}
W1, W2 = draw_weights(2, 6, 3, seed=0, dtype="float64")
BATCH = {"X": GOOD["X"], "Y": GOOD["Y"], "W1": W1, "W2": W2}
SIZES = {"D_in": 2, "hidden": 6, "D_out": 3}
EITHER = "a NumPy array or a PyTorch tensor"
FLOATS = "dtype float32 or float64"
OF_X = "dtype float64, the dtype of X"
FIRST, SECOND = "weights[0] (W1)", "weights[1] (W2)"
MATRIX = "two dimensions, (rows, columns)"
POSITIVE = "a finite number above 0"


def ones(*shape, dtype="float64", last=1.0):
    array = np.ones(shape, dtype)
    array[-1] = last
    return array


def refused(function, arguments, error, name, expected, came):
    """Call, and see the error's type and its words."""
    with pytest.raises(error) as info:
        function(**arguments)
    assert str(info.value) == f"{name}: expected {expected}, got {came}"


TYPES = [
    ("X", [[1.0, 2.0]], "a NumPy array", "list"),
    ("X", None, "a NumPy array", "NoneType"),
    ("X", ones(4, 2).view(np.matrix), "a NumPy array", "matrix"),
    ("X_val", np.ma.ones((5, 2)), "a NumPy array", "MaskedArray"),
    ("Y_val", torch.ones(5, 3), "a NumPy array", "Tensor"),
    ("X", ones(4, 2, dtype="int8"), FLOATS, "int8"),
    ("Y", ones(4, 3, dtype="float16"), FLOATS, "float16"),
    ("Y", ones(4, 3, dtype=object), FLOATS, "object"),
    ("Y_val", ones(5, 3, dtype="f4"), OF_X, "float32"),
    ("lr", "1e-4", "a number", "'1e-4' (str)"),
    ("lr", True, "a number", "True (bool)"),
    ("nite", 50.0, "an integer", "50.0 (float)"),
    ("hidden", True, "an integer", "True (bool)"),
    ("log_every", None, "an integer", "None (NoneType)"),
    ("seed", "a", "an integer", "'a' (str)"),
    ("weights", W1, "a pair (W1, W2)", "ndarray"),
    ("weights", (W1, W2, W2), "a pair (W1, W2)", "3 items"),
    (FIRST, (W1.tolist(), W2), "a NumPy array", "list"),
    (SECOND, (W1, W2.astype("f4")), OF_X, "float32"),
]
VALUES = [
    ("X", ones(4), MATRIX, "shape (4,)"),
    ("Y", ones(1, 4, 3), MATRIX, "shape (1, 4, 3)"),
    ("X", np.ones((0, 2)), "at least one number", "shape (0, 2)"),
    ("Y_val", np.ones((5, 0)), "at least one number", "shape (5, 0)"),
    ("X", ones(4, 2, last=[1, np.nan]), "finite numbers only", "nan at index (3, 1)"),
    ("Y_val", ones(5, 3, last=-np.inf), "finite numbers only", "-inf at index (4, 0)"),
    ("Y", ones(3, 3), "4 rows, as X has rows", "shape (3, 3)"),
    ("X_val", ones(5, 1), "2 columns, as X has columns", "shape (5, 1)"),
    ("Y_val", ones(4, 3), "5 rows, as X_val has rows", "shape (4, 3)"),
    ("Y_val", ones(5, 2), "3 columns, as Y has columns", "shape (5, 2)"),
    ("lr", 0, POSITIVE, "0"),
    ("lr", -1e-4, POSITIVE, "-0.0001"),
    ("lr", float("inf"), POSITIVE, "inf"),
    ("lr", float("nan"), POSITIVE, "nan"),
    ("lr", 10**400, POSITIVE, 10**400),
    ("nite", -1, "an integer of at least 0", "-1"),
    ("hidden", 0, "an integer of at least 1", "0"),
    ("log_every", -1, "an integer of at least 0", "-1"),
    ("seed", -1, "an integer of at least 0", "-1"),
    ("seed", 2**64, f"an integer of at most {2**64 - 1}", 2**64),
    (FIRST, (W1.T, W2), "2 rows, as X has columns", "shape (6, 2)"),
    (SECOND, (W1, W2[1:]), f"6 rows, as {FIRST} has columns", "shape (5, 3)"),
    (SECOND, (W1, W2[:, 1:]), "3 columns, as Y has columns", "shape (6, 2)"),
]
ROWS = [(TypeError, *row) for row in TYPES] + [(ValueError, *row) for row in VALUES]


@pytest.mark.parametrize(
    ("error", "name", "value", "expected", "came"),
    ROWS,
    ids=[f"{row[1]}: {row[3]}, got {str(row[4])[:20]}" for row in ROWS],
)
def test_every_rule(error, name, value, expected, came, capsys):
    arguments = {**GOOD, name.partition("[")[0]: value}
    train = bb.two_layer_regression_numpy_train
    refused(train, arguments, error, name, expected, came)
    assert capsys.readouterr().out == "", "refused only after the first iteration"


class NoArray:
    """Raises what no one expects."""

    def __init__(self, error):
        self.error = error

    def __repr__(self):
        return type(self.error).__name__

    def __array__(self, *arguments, **keywords):
        raise self.error


@pytest.mark.parametrize(
    ("thing", "expected", "came"),
    [
        (np.ma.ones(2), "a plain array", "MaskedArray"),
        (np.ones((1, 2)).view(np.matrix), "a plain array", "matrix"),
        ("2.0", "real numbers", "str"),
        ([1j], "real numbers", "list with complex"),
        ([1, None], "real numbers", "list with NoneType"),
        ([["1"]], "real numbers", "list with str"),
        ({1, 2}, "real numbers", "set"),
        (torch.ones(2) * 1j, "real numbers", "Tensor with complex"),
        (np.array([], "U"), "real numbers", "ndarray with StrDType"),
        ([[1, 2], [3]], "numbers", "list (rows of different lengths)"),
        (10**400, "numbers", "int (int too large to convert to float)"),
        (NoArray(ZeroDivisionError("by 0")), "numbers", "NoArray (by 0)"),
        (NoArray(SystemExit()), "numbers", "NoArray (SystemExit)"),
    ],
    ids=str,
)
def test_what_would_lose_its_meaning_is_no_array_of_numbers(thing, expected, came):
    arguments = {"name": "thing", "thing": thing}
    refused(real_array, arguments, TypeError, "thing", expected, came)


@pytest.mark.parametrize(
    "thing",
    [
        [1, 2],
        (True, 2.0),
        [Fraction(1), 2],
        pd.Series([1.0, 2.0]),
        np.array([1, 2], ">f4"),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True),
        torch.tensor([-1j, -2j]).conj().imag,
    ],
    ids=str,
)
def test_numbers_in_any_container_are_an_array(thing):
    array = real_array("thing", thing)
    assert array.tolist() == [1.0, 2.0]
    assert array.dtype != object


FUNCTIONS = {
    **{backend.name: backend.train for backend in BACKENDS},
    "nn_optim, Adam": bb.two_layer_regression_nn_optim_train,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_training_function_is_behind_the_rules(function):
    name, came = FIRST, "nan at index (0, 0)"
    arguments = {**GOOD, "weights": (W1 * np.nan, W2)}
    words = "finite numbers only", came
    refused(FUNCTIONS[function], arguments, ValueError, name, *words)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_right_passes(function, tmp_path):
    train = FUNCTIONS[function]
    plain = train(**GOOD, weights=[W1, W2], log_every=0)
    train(**GOOD, seed=0, log_every=0)
    mapped = np.memmap(tmp_path / "X", np.float64, "w+", shape=(4, 2))
    mapped[:] = GOOD["X"]
    other = {**GOOD, "X": mapped, "Y_val": GOOD["Y_val"].astype(">f8")}
    other = train(**other, log_every=0, weights=(W1.astype(">f8"), W2))
    assert other[-2:] == plain[-2:]
    assert getattr(other[0], "dtype", None) == getattr(plain[0], "dtype", None)
    one = {name: np.ones((1, 1)) for name in ("X", "Y", "X_val", "Y_val")}
    least = {**one, "lr": 1e-4, "nite": 0, "hidden": 1, "log_every": 0}
    for seed in (0, 2**64 - 1):
        train(**least, seed=seed)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_a_refusal_makes_no_list_of_all_numbers(kind):
    X = ones(10**5, 4, last=np.nan)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"nan at index \(99999, 0\)$"):
            check_arrays({"X": kind(X)}, NUMPY, TORCH)
        assert tracemalloc.get_traced_memory()[1] < X.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_are_taken_and_checked_too(backend):
    names = ("X", "Y", "X_val", "Y_val")
    good = {**GOOD, **{name: torch.tensor(GOOD[name]) for name in names}}
    weights = torch.tensor(W1), torch.tensor(W2)
    backend.train(**good, weights=weights, log_every=0)
    X = torch.ones(4, 2, dtype=torch.float64)
    for bad, error, expected, came in (
        ([[1.0]], TypeError, EITHER, "list"),
        (X.long(), TypeError, FLOATS, "int64"),
        (X * np.inf, ValueError, "finite numbers only", "inf at index (0, 0)"),
    ):
        refused(backend.train, {**good, "X": bad}, error, "X", expected, came)
    # PyTorch warns where one that requires a gradient becomes a number, but once only.
    torch.set_warn_always(True)
    try:
        bad = (X * np.nan).requires_grad_()
        came = "nan at index (0, 0)"
        bad = {**good, "X": bad}
        refused(backend.train, bad, ValueError, "X", "finite numbers only", came)
    finally:
        torch.set_warn_always(False)
    for bad in (X.to_sparse(), X.to("meta")):
        with pytest.raises(TypeError, match=r"^X: expected numbers, got Tensor"):
            backend.train(**{**good, "X": bad})


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", 3.5, "meta"])
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_unknown_device(backend, device):
    expected = "one that PyTorch finds here and that holds float64, such as 'cpu' or "
    words = expected + "'cuda'", repr(device)
    refused(backend.train, {**GOOD, "device": device}, ValueError, "device", *words)
    model, arguments = bb.two_layer_regression_nn_model, {**SIZES, "device": device}
    words = words[0].replace("float64", "float32"), words[1]
    refused(model, arguments, ValueError, "device", *words)


def test_a_device_must_hold_the_dtype(monkeypatch):
    zeros = torch.zeros

    def without_float64(*sizes, dtype, device):
        if dtype == torch.float64:
            raise TypeError
        return zeros(*sizes, dtype=dtype, device=device)

    monkeypatch.setattr(torch, "zeros", without_float64)
    with pytest.raises(ValueError, match="finds here and that holds float64, such as"):
        check_device("cpu", np.ones(1))
    for device in ("cpu", None):
        assert check_device(device, np.ones(1, "float32")) == torch.device("cpu")


def test_the_device_of_a_tensor_is_its_own():
    with pytest.raises(ValueError, match=r"got device\(type='meta'\)$"):
        check_device(None, torch.ones(1, device="meta"))


def test_tensors_of_a_batch_lie_on_one_device():
    tensors = {name: torch.tensor(A, requires_grad=True) for name, A in BATCH.items()}
    elsewhere = {name: A.detach().to("meta") for name, A in tensors.items()}
    words = "device cpu, that of X", "meta"
    for lesson in ("tensor", "autograd"):
        for end in ("loss", "gradient"):
            function = getattr(bb, f"two_layer_regression_{lesson}_{end}")
            for name in ("Y", "W1", "W2"):
                bad = {**tensors, name: elsewhere[name]}
                refused(function, bad, ValueError, name, *words)
    model = bb.two_layer_regression_nn_model(2, 6, 3, dtype=torch.float64)
    for X, Y, bad in (
        (elsewhere["X"], elsewhere["Y"], "X"),
        (tensors["X"], elsewhere["Y"], "Y"),
    ):
        given = {"model": model, "X": X, "Y": Y}
        words = "device cpu, that of model", "meta"
        for end in ("loss", "gradient"):
            function = getattr(bb, f"two_layer_regression_nn_{end}")
            refused(function, given, ValueError, bad, *words)


def test_optimizer_must_be_callable():
    train = bb.two_layer_regression_nn_optim_train
    words = "optimizer", "a class of torch.optim", "str"
    refused(train, {**GOOD, "optimizer": "adam"}, TypeError, *words)
    momentum = partial(torch.optim.SGD, momentum=0.9)
    train(**GOOD, optimizer=momentum, log_every=0)


@pytest.mark.parametrize(
    "function", [draw_weights, bb.two_layer_regression_nn_model], ids=["draw", "model"]
)
@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_refused_by_name(function, name):
    for wrong, error, expected, came in (
        ({name: 0}, ValueError, "an integer of at least 1", "0"),
        ({name: 2.5}, TypeError, "an integer", "2.5 (float)"),
        ({"seed": -1}, ValueError, "an integer of at least 0", "-1"),
        ({"seed": True}, TypeError, "an integer", "True (bool)"),
    ):
        refused(function, {**SIZES, **wrong}, error, *wrong, expected, came)
    function(**{**SIZES, name: 1}, seed=2**64 - 1)


def test_the_seeds_of_a_model_end_where_pytorchs_do():
    words = "seed", f"an integer of at most {2**64 - 1}", 2**64
    model = bb.two_layer_regression_nn_model
    refused(model, {**SIZES, "seed": 2**64}, ValueError, *words)


@pytest.mark.parametrize("dtype", [int, "float16", torch.float32])
def test_draws_are_float32_or_float64(dtype):
    words = "dtype", "float32 or float64", repr(dtype)
    refused(draw_weights, {**SIZES, "dtype": dtype}, ValueError, *words)


@pytest.mark.parametrize("dtype", ["float32", int, np.float64, torch.int64])
def test_a_models_dtype_is_pytorchs(dtype):
    words = ValueError, "dtype", "torch.float32 or torch.float64", repr(dtype)
    refused(bb.two_layer_regression_nn_model, {**SIZES, "dtype": dtype}, *words)


@pytest.mark.parametrize(
    ("weights", "name", "expected", "came"),
    [
        # PyTorch would stretch this single row over both.
        ((W1[:1], W2), FIRST, "2 rows, as D_in says", "shape (1, 6)"),
        ((W1, W2[:, :1]), SECOND, "3 columns, as D_out says", "shape (6, 1)"),
        ((W1.tolist(), W2), FIRST, EITHER, "list"),
        (W1, "weights", "a pair (W1, W2)", "ndarray"),
    ],
)
def test_a_models_weights_must_fit(weights, name, expected, came):
    error = ValueError if "shape" in came else TypeError
    arguments = {**SIZES, "weights": weights}
    words = error, name, expected, came
    refused(bb.two_layer_regression_nn_model, arguments, *words)


def test_a_model_takes_weights_of_either_kind():
    for weights in ((W1, W2), [torch.tensor(W1), torch.tensor(W2)]):
        model = bb.two_layer_regression_nn_model(
            **SIZES, weights=weights, dtype=torch.float64
        )
        np.testing.assert_array_equal(model[0].weight.detach().T, W1)


@pytest.mark.parametrize("call", ["loss", "gradient"])
@pytest.mark.parametrize("backend", ARRAY_BACKENDS, ids=str)
def test_every_loss_and_gradient_is_behind_the_rules(backend, call):
    function = getattr(backend, call)
    for name, bad, expected, came in (
        ("Y", ones(4), MATRIX, "shape (4,)"),
        ("Y", ones(1, 3), "4 rows, as X has rows", "shape (1, 3)"),
        ("W1", W2.T, "2 rows, as X has columns", "shape (3, 6)"),
        ("W2", W2[1:], "6 rows, as W1 has columns", "shape (5, 3)"),
        ("W2", W1.T, "3 columns, as Y has columns", "shape (6, 2)"),
    ):
        refused(function, {**BATCH, name: bad}, ValueError, name, expected, came)
    words = "Y", OF_X, "float32"
    refused(function, {**BATCH, "Y": ones(4, 3, dtype="f4")}, TypeError, *words)


@pytest.mark.parametrize("call", ["loss", "gradient"])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_losses_and_gradients_of_numbers_that_are_not_finite_are_given(backend, call):
    result = getattr(backend, call)(**{**BATCH, "X": GOOD["X"] * np.inf})
    assert not np.isfinite(result if call == "loss" else result[0])


@pytest.mark.parametrize("call", ["loss", "gradient"])
@pytest.mark.parametrize("name", BATCH)
def test_a_batch_is_of_the_functions_own_kind(name, call):
    def refuses(backend, batch, thing, kind):
        function = getattr(bb, f"two_layer_regression_{backend}_{call}")
        came = type(thing).__name__
        refused(function, {**batch, name: thing}, TypeError, name, kind, came)

    tensors = {key: torch.tensor(A) for key, A in BATCH.items()}
    values = {**BATCH, "W1": bb.Value(W1), "W2": bb.Value(W2)}
    for thing in ([1.0], np.ma.ones((4, 2)), tensors[name], values["W1"]):
        refuses("numpy", BATCH, thing, NUMPY)
    for backend in ("tensor", "autograd"):
        refuses(backend, tensors, BATCH[name], TORCH)
    refuses("engine", values, [1.0], "a Value" if name in ("W1", "W2") else NUMPY)


@pytest.mark.parametrize("name", ["W1", "W2"])
def test_autograd_needs_leaves_that_require_a_gradient(name):
    tensors = {key: torch.tensor(A) for key, A in BATCH.items()}
    good = {**tensors, **{W: tensors[W].clone().requires_grad_() for W in ("W1", "W2")}}
    gradient = bb.two_layer_regression_autograd_gradient
    for bad in (tensors[name], good[name] * 2):
        came = f"is_leaf={bad.is_leaf}, requires_grad={bad.requires_grad}"
        words = name, "a leaf tensor with requires_grad=True", came
        refused(gradient, {**good, name: bad}, ValueError, *words)


@pytest.mark.parametrize("call", ["nn_loss", "nn_gradient", "nn_optim_gradient"])
def test_a_models_batch_is_behind_the_rules(call):
    function = getattr(bb, f"two_layer_regression_{call}")
    model = bb.two_layer_regression_nn_model(**SIZES, dtype=torch.float64)
    good = {"model": model, "X": torch.tensor(GOOD["X"]), "Y": torch.tensor(GOOD["Y"])}
    if "optim" in call:
        good["optimizer"] = torch.optim.SGD(model.parameters(), lr=1.0)
        words = "optimizer", "a torch Optimizer", "str"
        refused(function, {**good, "optimizer": "SGD"}, TypeError, *words)
        other = torch.optim.SGD(bb.two_layer_regression_nn_model(**SIZES).parameters())
        words = "optimizer", "one of this model's parameters", "another model's"
        refused(function, {**good, "optimizer": other}, ValueError, *words)
    refused(function, {**good, "model": 1}, TypeError, "model", "a torch Module", "int")
    refused(function, {**good, "X": GOOD["X"]}, TypeError, "X", TORCH, "ndarray")
    for wrong, expected in (
        (good["Y"][:, 0], MATRIX),
        (good["Y"][:1], "4 rows, as X has rows"),
        (good["Y"][:, :1], "shape (4, 3), that of the model's output"),
    ):
        words = "Y", expected, f"shape {tuple(wrong.shape)}"
        refused(function, {**good, "Y": wrong}, ValueError, *words)
    model[2].register_forward_hook(lambda *_: (1, 2))
    refused(function, good, TypeError, "model's output", "a tensor", "tuple")
    assert not model._forward_hooks
