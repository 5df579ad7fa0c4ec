"""Every bad input of the contract, to every training function: its own clear error."""

import re
import time
from functools import partial

import numpy as np
import pytest
import torch

import backprop_book as bb
from backends import ARRAY_BACKENDS, BACKENDS, TORCH_BACKENDS
from backprop_book import draw_weights, public
from backprop_book.arguments import check_array, check_device

GOOD = {
    "X": np.ones((4, 2)),
    "Y": np.ones((4, 3)),
    "X_val": np.ones((5, 2)),
    "Y_val": np.ones((5, 3)),
    "lr": 1e-4,
    "nite": 2,
}
W1, W2 = draw_weights(2, 6, 3, seed=0, dtype="float64")


def with_value(shape, value):
    array = np.ones(shape)
    array[-1, -1] = value
    return array


BAD = {
    "X is a list": (
        {"X": [[1.0, 2.0]]},
        TypeError,
        "X: expected a NumPy array( or a PyTorch tensor)?, got list",
    ),
    "X is a matrix": (
        {"X": np.ones((4, 2)).view(np.matrix)},
        TypeError,
        "X: expected a NumPy array( or a PyTorch tensor)?, got matrix",
    ),
    "X is None": (
        {"X": None},
        TypeError,
        "X: expected a NumPy array( or a PyTorch tensor)?, got NoneType",
    ),
    "X of integers": (
        {"X": np.ones((4, 2), dtype=int)},
        TypeError,
        "X: expected dtype float32 or float64, got int64",
    ),
    "X_val of integers": (
        {"X_val": np.ones((5, 2), dtype=int)},
        TypeError,
        "X_val: expected dtype float32 or float64, got int64",
    ),
    "Y of objects": (
        {"Y": np.ones((4, 3), dtype=object)},
        TypeError,
        "Y: expected dtype float32 or float64, got object",
    ),
    "X of float16": (
        {"X": np.ones((4, 2), dtype=np.float16)},
        TypeError,
        "X: expected dtype float32 or float64, got float16",
    ),
    "Y of another dtype": (
        {"Y": np.ones((4, 3), dtype=np.float32)},
        TypeError,
        "Y: expected dtype float64, the dtype of X, got float32",
    ),
    "Y_val of another dtype": (
        {"Y_val": np.ones((5, 3), dtype=np.float32)},
        TypeError,
        "Y_val: expected dtype float64, the dtype of X, got float32",
    ),
    "X of one dimension": (
        {"X": np.ones(4)},
        ValueError,
        r"X: expected two dimensions, \(rows, columns\), got shape \(4,\)",
    ),
    "Y of one dimension": (
        {"Y": np.ones(4)},
        ValueError,
        r"Y: expected two dimensions, \(rows, columns\), got shape \(4,\)",
    ),
    "no rows": (
        {"X": np.ones((0, 2)), "Y": np.ones((0, 3))},
        ValueError,
        r"X: expected at least one number, got shape \(0, 2\)",
    ),
    "no columns": (
        {"Y_val": np.ones((5, 0))},
        ValueError,
        r"Y_val: expected at least one number, got shape \(5, 0\)",
    ),
    "NaN": (
        {"X": with_value((4, 2), np.nan)},
        ValueError,
        r"X: expected finite numbers only, got nan at index \(3, 1\)",
    ),
    "infinity": (
        {"Y_val": with_value((5, 3), -np.inf)},
        ValueError,
        r"Y_val: expected finite numbers only, got -inf at index \(4, 2\)",
    ),
    "rows of Y": (
        {"Y": np.ones((3, 3))},
        ValueError,
        r"Y: expected 4 rows, as X has rows, got shape \(3, 3\)",
    ),
    "columns of X_val": (
        {"X_val": np.ones((5, 1))},
        ValueError,
        r"X_val: expected 2 columns, as X has columns, got shape \(5, 1\)",
    ),
    "rows of Y_val": (
        {"Y_val": np.ones((4, 3))},
        ValueError,
        r"Y_val: expected 5 rows, as X_val has rows, got shape \(4, 3\)",
    ),
    "columns of Y_val": (
        {"Y_val": np.ones((5, 2))},
        ValueError,
        r"Y_val: expected 3 columns, as Y has columns, got shape \(5, 2\)",
    ),
    "lr is 0": ({"lr": 0}, ValueError, "lr: expected a finite number above 0, got 0"),
    "lr negative": (
        {"lr": -1e-4},
        ValueError,
        "lr: expected a finite number above 0, got -0.0001",
    ),
    "lr infinite": (
        {"lr": float("inf")},
        ValueError,
        "lr: expected a finite number above 0, got inf",
    ),
    "lr NaN": (
        {"lr": float("nan")},
        ValueError,
        "lr: expected a finite number above 0, got nan",
    ),
    "lr too large for a float": (
        {"lr": 10**400},
        ValueError,
        "lr: expected a finite number above 0, got 10{400}",
    ),
    "lr a string": (
        {"lr": "1e-4"},
        TypeError,
        r"lr: expected a number, got '1e-4' \(str\)",
    ),
    "lr a bool": ({"lr": True}, TypeError, r"lr: expected a number, got True \(bool\)"),
    "nite negative": (
        {"nite": -1},
        ValueError,
        "nite: expected an integer of at least 0, got -1",
    ),
    "nite a float": (
        {"nite": 50.0},
        TypeError,
        r"nite: expected an integer, got 50.0 \(float\)",
    ),
    "nite a bool": (
        {"nite": True},
        TypeError,
        r"nite: expected an integer, got True \(bool\)",
    ),
    "hidden is 0": (
        {"hidden": 0},
        ValueError,
        "hidden: expected an integer of at least 1, got 0",
    ),
    "hidden a float": (
        {"hidden": 2.5},
        TypeError,
        r"hidden: expected an integer, got 2.5 \(float\)",
    ),
    "log_every negative": (
        {"log_every": -1},
        ValueError,
        "log_every: expected an integer of at least 0, got -1",
    ),
    "seed negative": (
        {"seed": -1},
        ValueError,
        "seed: expected an integer of at least 0, got -1",
    ),
    "seed too large": (
        {"seed": 2**64},
        ValueError,
        f"seed: expected an integer of at most {2**64 - 1}, got {2**64}",
    ),
    "seed a string": (
        {"seed": "a"},
        TypeError,
        r"seed: expected an integer, got 'a' \(str\)",
    ),
    "weights an array": (
        {"weights": W1},
        TypeError,
        r"weights: expected a pair \(W1, W2\), got ndarray",
    ),
    "weights of three": (
        {"weights": (W1, W2, W2)},
        TypeError,
        r"weights: expected a pair \(W1, W2\), got 3 items",
    ),
    "weights of lists": (
        {"weights": (W1.tolist(), W2)},
        TypeError,
        r"weights\[0\] \(W1\): expected a NumPy array( or a PyTorch tensor)?, got list",
    ),
    "W2 a list": (
        {"weights": (W1, W2.tolist())},
        TypeError,
        r"weights\[1\] \(W2\): expected a NumPy array( or a PyTorch tensor)?, got list",
    ),
    "W1 transposed": (
        {"weights": (W1.T, W2)},
        ValueError,
        r"weights\[0\] \(W1\): expected 2 rows, as X has columns, got shape \(6, 2\)",
    ),
    "W2 with other rows": (
        {"weights": (W1, W2[1:])},
        ValueError,
        r"weights\[1\] \(W2\): expected 6 rows, as W1 has columns, got shape \(5, 3\)",
    ),
    "W2 with other columns": (
        {"weights": (W1, W2[:, 1:])},
        ValueError,
        r"weights\[1\] \(W2\): expected 3 columns, as Y has columns, "
        r"got shape \(6, 2\)",
    ),
    "W2 of another dtype": (
        {"weights": (W1, W2.astype(np.float32))},
        TypeError,
        r"weights\[1\] \(W2\): expected dtype float64, the dtype of X, got float32",
    ),
    "W1 with NaN": (
        {"weights": (with_value((2, 6), np.nan), W2)},
        ValueError,
        r"weights\[0\] \(W1\): expected finite numbers only, got nan at index \(1, 5\)",
    ),
}
FUNCTIONS = {
    **{backend.name: backend.train for backend in BACKENDS},
    "nn_optim, Adam": bb.two_layer_regression_nn_optim_train,
    "fast numpy": public.numpy_fast_train,
    "fast tensor": public.tensor_fast_train,
}


@pytest.mark.parametrize(
    ("function", "bad"),
    [
        *((function, bad) for bad in BAD for function in ("numpy", "nn")),
        *((function, "W1 with NaN") for function in FUNCTIONS),
    ],
)
def test_bad_input_is_refused_by_name(function, bad, capsys):
    changed, error, message = BAD[bad]
    with pytest.raises(error, match=f"^{message}$"):
        FUNCTIONS[function](**{**GOOD, **changed})
    assert capsys.readouterr().out == "", "refused only after the first iteration"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_good_input_passes(function):
    FUNCTIONS[function](**GOOD, seed=0, log_every=0)
    FUNCTIONS[function](**GOOD, weights=[W1, W2], log_every=0)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_least_and_the_most_pass(function):
    one = {name: np.ones((1, 1)) for name in ("X", "Y", "X_val", "Y_val")}
    smallest = {**one, "lr": 1e-4, "nite": 0, "hidden": 1, "log_every": 0}
    for seed in (0, 2**64 - 1):
        FUNCTIONS[function](**smallest, seed=seed)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_a_refusal_takes_no_time(kind):
    X = np.ones((10**6, 4))
    X[-1, -1] = np.nan
    start = time.process_time()
    with pytest.raises(ValueError, match=r"nan at index \(999999, 3\)$"):
        check_array("X", kind(X), tensors=True, values=True)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("function", FUNCTIONS)
def test_mapped_and_big_endian_arrays_are_taken(function, tmp_path):
    file = np.memmap(tmp_path / "X", np.float64, "w+", shape=(4, 2))
    file[:] = GOOD["X"]
    other = {**GOOD, "X": file, "Y_val": GOOD["Y_val"].astype(">f8")}
    settings = {"log_every": 0, "weights": (W1.astype(">f8"), W2)}
    plain = FUNCTIONS[function](**GOOD, **settings)
    result = FUNCTIONS[function](**other, **settings)
    assert result[-2:] == plain[-2:]


def test_numpy_refuses_tensors():
    with pytest.raises(TypeError, match="X: expected a NumPy array, got Tensor"):
        bb.two_layer_regression_numpy_train(**{**GOOD, "X": torch.ones(4, 2)})


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "", 3.5, "meta"])
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_unknown_device(backend, device):
    message = (
        "device: expected one that PyTorch finds here and that holds float64, "
        f"such as 'cpu' or 'cuda', got {device!r}"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        backend.train(**GOOD, device=device)


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_are_welcome(backend):
    weights = torch.tensor(W1), torch.tensor(W2)
    arrays = {name: torch.tensor(GOOD[name]) for name in ("X", "Y", "X_val", "Y_val")}
    backend.train(**{**GOOD, **arrays}, weights=weights, log_every=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_are_checked_too(backend, bad):
    X = torch.ones(4, 2, dtype=torch.float64)
    X[2, 0] = bad
    with pytest.raises(
        ValueError, match=rf"X: expected finite.*{bad} at index \(2, 0\)"
    ):
        backend.train(**{**GOOD, "X": X})
    with pytest.raises(
        TypeError, match="X: expected dtype float32 or float64, got int64"
    ):
        backend.train(**{**GOOD, "X": torch.ones(4, 2, dtype=torch.int64)})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_that_require_a_gradient_are_checked_too(backend):
    X = torch.full((4, 2), float("nan"), dtype=torch.float64, requires_grad=True)
    # PyTorch warns where such a tensor is turned into a number, but once only.
    torch.set_warn_always(True)
    try:
        with pytest.raises(ValueError, match=r"X: expected finite.*nan at index"):
            backend.train(**{**GOOD, "X": X})
    finally:
        torch.set_warn_always(False)


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_without_an_array_behind_them_are_refused(backend):
    X = torch.ones(4, 2, dtype=torch.float64)
    for other, came in (
        (X.to_sparse(), "layout torch.sparse_coo on device cpu"),
        (X.to("meta"), "layout torch.strided on device meta"),
    ):
        message = f"^X: expected a dense tensor, got {came}$"
        with pytest.raises(TypeError, match=message):
            backend.train(**{**GOOD, "X": other})


SIZES = {"D_in": 2, "hidden": 6, "D_out": 3}


@pytest.mark.parametrize(
    "function", [draw_weights, bb.two_layer_regression_nn_model], ids=["draw", "model"]
)
@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_refused_by_name(function, name):
    for wrong, error, message in (
        ({name: 0}, ValueError, f"{name}: expected an integer of at least 1, got 0"),
        ({name: 2.5}, TypeError, rf"{name}: expected an integer, got 2.5 \(float\)"),
        ({"seed": -1}, ValueError, "seed: expected an integer of at least 0, got -1"),
        ({"seed": True}, TypeError, r"seed: expected an integer, got True \(bool\)"),
    ):
        with pytest.raises(error, match=f"^{message}$"):
            function(**{**SIZES, **wrong})
    function(**{**SIZES, name: 1}, seed=2**64 - 1)


def test_the_seeds_of_a_model_end_where_pytorchs_do():
    with pytest.raises(
        ValueError, match=f"^seed: .* at most {2**64 - 1}, got {2**64}$"
    ):
        bb.two_layer_regression_nn_model(**SIZES, seed=2**64)


@pytest.mark.parametrize("dtype", [int, "float16", torch.float32])
def test_draws_are_float32_or_float64(dtype):
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, got"):
        draw_weights(**SIZES, dtype=dtype)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        # PyTorch would stretch this single row over both.
        (
            (W1[:1], W2),
            ValueError,
            "weights[0] (W1): expected 2 rows, as D_in says, got shape (1, 6)",
        ),
        (
            (W1, W2[:1]),
            ValueError,
            "weights[1] (W2): expected 6 rows, as W1 has columns, got shape (1, 3)",
        ),
        (
            (W1, W2[:, :1]),
            ValueError,
            "weights[1] (W2): expected 3 columns, as D_out says, got shape (6, 1)",
        ),
        (
            (W1.tolist(), W2),
            TypeError,
            "weights[0] (W1): expected a NumPy array or a PyTorch tensor, got list",
        ),
        (W1, TypeError, "weights: expected a pair (W1, W2), got ndarray"),
    ],
)
def test_a_models_weights_must_fit(weights, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        bb.two_layer_regression_nn_model(**SIZES, weights=weights)


def test_a_model_takes_weights_of_either_kind():
    for weights in ((W1, W2), [torch.tensor(W1), torch.tensor(W2)]):
        model = bb.two_layer_regression_nn_model(
            **SIZES, weights=weights, dtype=torch.float64
        )
        np.testing.assert_array_equal(model[0].weight.detach().T, W1)


def test_tensors_are_refused_unless_welcome():
    with pytest.raises(TypeError, match=r"^X: expected a NumPy array, got Tensor$"):
        check_array("X", torch.tensor(W1), tensors=False, values=True)


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


BATCH = {"X": GOOD["X"], "Y": GOOD["Y"], "W1": W1, "W2": W2}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"Y": np.ones((3, 3))}, "Y: expected 4 rows, as X has rows, got shape (3, 3)"),
        ({"W1": W2.T}, "W1: expected 2 rows, as X has columns, got shape (3, 6)"),
        ({"W2": W2[1:]}, "W2: expected 6 rows, as W1 has columns, got shape (5, 3)"),
        ({"W2": W1.T}, "W2: expected 3 columns, as Y has columns, got shape (6, 2)"),
        *(
            ({name: A}, f"{name}: expected {expected}, got {came}")
            for name in BATCH
            for A, expected, came in (
                (np.ones(4), "two dimensions, (rows, columns)", "shape (4,)"),
                ([1.0], "a NumPy array", "list"),
                (np.ma.ones((4, 2)), "a NumPy array", "MaskedArray"),
                (np.ones((4, 2), np.int8), "dtype float32 or float64", "int8"),
            )
        ),
    ],
)
@pytest.mark.parametrize("call", ["loss", "gradient"])
def test_a_batch_that_does_not_fit(call, wrong, message):
    function = getattr(bb, f"two_layer_regression_numpy_{call}")
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        function(**{**BATCH, **wrong})


def test_optimizer_must_be_callable():
    with pytest.raises(TypeError, match=r"optimizer: expected a class of torch\.optim"):
        bb.two_layer_regression_nn_optim_train(**GOOD, optimizer="adam")
    momentum = partial(torch.optim.SGD, momentum=0.9)
    bb.two_layer_regression_nn_optim_train(**GOOD, optimizer=momentum, log_every=0)


UNFIT = {
    "Y of one dimension": (
        {"Y": np.ones(4)},
        r"Y: expected (two dimensions|shape \(4, 3\)).*got shape \(4,\)",
    ),
    "Y of one column": (
        {"Y": np.ones((4, 1))},
        r"(W2: expected 1 columns|Y: expected shape \(4, 3\))",
    ),
    "Y of one row": ({"Y": np.ones((1, 3))}, r"Y: expected (4 rows|shape \(4, 3\))"),
}


@pytest.mark.parametrize("call", ["loss", "gradient"])
@pytest.mark.parametrize("case", UNFIT)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_no_loss_is_broadcast(backend, case, call):
    arguments, message = UNFIT[case]
    arrays = {"X": GOOD["X"], "Y": GOOD["Y"], "W1": W1, "W2": W2, **arguments}
    with pytest.raises(ValueError, match=message):
        getattr(backend, call)(**arrays)


@pytest.mark.parametrize("call", ["loss", "gradient"])
@pytest.mark.parametrize("backend", [*ARRAY_BACKENDS], ids=str)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": np.ones((4, 3))}, r"W1: expected 3 rows, as X has columns"),
        ({"X": np.ones(2)}, r"X: expected two dimensions.*got shape \(2,\)"),
        ({"W1": W1[:, :5]}, r"W2: expected 5 rows, as W1 has columns"),
        ({"W2": W2[:, 0]}, r"W2: expected two dimensions.*got shape \(6,\)"),
    ],
    ids=str,
)
def test_weights_that_do_not_fit_are_named(backend, call, arguments, message):
    arrays = {"X": GOOD["X"], "Y": GOOD["Y"], "W1": W1, "W2": W2, **arguments}
    with pytest.raises(ValueError, match=message):
        getattr(backend, call)(**arrays)
