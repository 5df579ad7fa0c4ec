"""The contract that all training functions share."""

import sys
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import torch

import backprop_book as bb
from backends import (
    ARRAY_BACKENDS,
    BACKENDS,
    MODEL_BACKENDS,
    NUMPY,
    TORCH_BACKENDS,
)
from backprop_book import (
    DivergenceError,
    draw_weights,
    load_iris_regression,
    train_autograd,
    train_engine,
    train_nn,
    train_numpy,
    train_optim,
    train_tensor,
)
from backprop_book.initial_weights import to_tensors

# As a student copies them, not behind the package's rules.
LESSONS = {
    "numpy": train_numpy.two_layer_regression_numpy_train,
    "engine": train_engine.two_layer_regression_engine_train,
    "tensor": train_tensor.two_layer_regression_tensor_train,
    "autograd": train_autograd.two_layer_regression_autograd_train,
    "nn": train_nn.two_layer_regression_nn_train,
    "nn_optim": train_optim.two_layer_regression_nn_optim_train,
}


@pytest.fixture(scope="module")
def iris64():
    return load_iris_regression(seed=0, dtype="float64")


@pytest.fixture(scope="module")
def iris32():
    return load_iris_regression(seed=0)


def arrays(iris):
    return iris.X, iris.Y, iris.X_val, iris.Y_val


def curve_difference(result, reference):
    """Return the largest relative difference over both curves."""
    return max(
        np.max(np.abs(np.subtract(a, b)) / np.abs(b))
        for a, b in zip(result[2:], reference[2:], strict=True)
    )


@pytest.fixture(
    scope="module",
    params=[("float64", 5000, 1e-12), ("float32", 50, 1e-5)],
    ids=["float64_5000_iterations", "float32_50_iterations"],
)
def reference(request):
    """NumPy's curves, the arguments that gave them, and how near the others come."""
    dtype, nite, tolerance = request.param
    data = arrays(load_iris_regression(seed=0, dtype=dtype))
    weights = draw_weights(2, 100, 2, seed=0, dtype=dtype)
    return NUMPY.run(*data, 1e-4, nite, weights=weights), data, weights, tolerance


@pytest.mark.parametrize("backend", BACKENDS[1:], ids=str)
def test_curves_agree(backend, reference):
    curves, data, weights, tolerance = reference
    result = backend.run(*data, 1e-4, len(curves[-1]), weights=weights)
    assert curve_difference(result, curves) <= tolerance


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_returns(backend, dtype):
    iris = load_iris_regression(seed=0, dtype=dtype)
    W1, W2, losses_tr, losses_val = backend.run(*arrays(iris), 1e-4, 7, hidden=5)
    assert (W1.shape, W2.shape) == ((2, 5), (5, 2))
    assert W1.dtype == W2.dtype == np.dtype(dtype)
    assert len(losses_tr) == len(losses_val) == 7
    assert all(type(loss) is float for loss in losses_tr + losses_val)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_one_step_follows_the_gradient(backend, iris64):
    weights = draw_weights(2, 10, 2, seed=3, dtype="float64")
    W1, W2, _, _ = backend.run(*arrays(iris64), 1e-4, 1, weights=weights)
    _, grad_W1, grad_W2 = NUMPY.gradient(iris64.X, iris64.Y, *weights)
    np.testing.assert_allclose(W1, weights[0] - 1e-4 * grad_W1, rtol=1e-12)
    np.testing.assert_allclose(W2, weights[1] - 1e-4 * grad_W2, rtol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_no_iteration_returns_the_initial_weights(backend, iris64):
    weights = draw_weights(2, 10, 2, seed=3, dtype="float64")
    W1, W2, losses_tr, losses_val = backend.run(
        *arrays(iris64), 1e-4, 0, weights=weights
    )
    np.testing.assert_array_equal(W1, weights[0])
    np.testing.assert_array_equal(W2, weights[1])
    assert losses_tr == losses_val == []


@pytest.mark.parametrize("backend", TORCH_BACKENDS, ids=str)
def test_tensors_are_taken_and_not_modified(backend, iris64):
    weights = draw_weights(2, 10, 2, seed=3, dtype="float64")
    expected = backend.run(*arrays(iris64), 1e-4, 5, weights=weights)
    tensors = [torch.tensor(a) for a in (*arrays(iris64), *weights)]
    tensors[0].requires_grad_()
    before = [t.detach().clone() for t in tensors]
    result = backend.run(*tensors[:4], 1e-4, 5, weights=tuple(tensors[4:]))
    np.testing.assert_array_equal(result[0], expected[0])
    assert result[2:] == expected[2:]
    for tensor, copy in zip(tensors, before, strict=True):
        assert torch.equal(tensor, copy)
        assert tensor.grad is None


@pytest.mark.parametrize("backend", ARRAY_BACKENDS, ids=str)
def test_a_seed_gives_the_weights_of_draw_weights(backend, iris64):
    W1, W2, _, _ = backend.run(*arrays(iris64), 1e-4, 0, seed=5)
    expected = draw_weights(2, 100, 2, seed=5, dtype="float64")
    np.testing.assert_array_equal(W1, expected[0])
    np.testing.assert_array_equal(W2, expected[1])
    assert abs(W1.std() - 1) < 0.2


def weights_of(result):
    """Return W1 and W2, in the book's orientation, of what a lesson returns."""
    if isinstance(result[0], torch.nn.Module):
        return [result[0][k].weight.detach().T for k in (0, 2)]
    return result[:2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LESSONS)
def test_a_lessons_own_draws(name, dtype, capsys):
    X, Y = np.ones((4, 3), dtype), np.ones((4, 2), dtype)

    def drawn(seed, nite=0):
        return weights_of(LESSONS[name](X, Y, X, Y, 1e-9, nite, seed=seed))

    def of_torch():
        kind = getattr(torch, dtype)
        torch.manual_seed(5)
        if name in ("tensor", "autograd"):
            return [torch.randn(*n, dtype=kind) for n in ((3, 100), (100, 2))]
        layers = [torch.nn.Linear(*n, False, dtype=kind) for n in ((3, 100), (100, 2))]
        return [layer.weight.detach().T for layer in layers]

    with torch.random.fork_rng():
        weights, again, other = drawn(5), drawn(5), drawn(6)
        assert not np.array_equal(drawn(None)[0], drawn(None)[0])
        by_numpy = name in ("numpy", "engine")
        if by_numpy:
            expected = draw_weights(3, 100, 2, seed=5, dtype=dtype)
        else:
            expected = of_torch()
        assert capsys.readouterr().out == ""
        drawn(5, nite=11)
    for W, one, same, another in zip(weights, expected, again, other, strict=True):
        assert np.asarray(W).dtype == dtype
        np.testing.assert_array_equal(W, one)
        np.testing.assert_array_equal(W, same)
        assert not np.array_equal(W, another)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in lines] == [0, 10]


@pytest.mark.parametrize("weights", [None, draw_weights(3, 7, 2)], ids=["own", "given"])
@pytest.mark.parametrize("name", ["tensor", "autograd", "nn", "nn_optim"])
def test_a_lesson_computes_on_the_device_it_is_told(name, weights):
    X, Y = np.ones((4, 3), np.float32), np.ones((4, 2), np.float32)
    result = LESSONS[name](X, Y, X, Y, 1e-4, 0, weights=weights, device="meta")
    assert all(W.is_meta for W in weights_of(result))
    X = torch.ones(4, 3, device="meta")
    if weights is None:
        assert all(W.is_meta for W in weights_of(LESSONS[name](X, X, X, X, 1e-4, 0)))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_nn_draws_what_pytorch_draws_by_default(bias, dtype):
    model = bb.two_layer_regression_nn_model(3, 7, 2, bias=bias, seed=11, dtype=dtype)
    with torch.random.fork_rng():
        torch.manual_seed(11)
        expected = torch.nn.Sequential(
            torch.nn.Linear(3, 7, bias=bias, dtype=dtype),
            torch.nn.ReLU(),
            torch.nn.Linear(7, 2, bias=bias, dtype=dtype),
        )
    assert len(list(model.parameters())) == (4 if bias else 2)
    for mine, theirs in zip(model.parameters(), expected.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_seeds(backend, iris64):
    def first_weights(seed):
        return backend.run(*arrays(iris64), 1e-4, 0, seed=seed)[0]

    np.testing.assert_array_equal(first_weights(1), first_weights(1))
    assert not np.array_equal(first_weights(1), first_weights(2))
    assert not np.array_equal(first_weights(None), first_weights(None))


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_integers_of_numpy_are_integers(backend, iris64):
    plain, numpys = (
        backend.run(*arrays(iris64), 1e-4, of(3), hidden=of(5), seed=of(1))
        for of in (int, np.int64)
    )
    np.testing.assert_array_equal(plain[0], numpys[0])
    assert plain[2:] == numpys[2:]


@pytest.mark.parametrize("seed", [None, 1])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_global_random_state_is_left_alone(backend, seed, iris64):
    numpy_state = np.random.get_state()[1].copy()
    torch_state = torch.random.get_rng_state()
    backend.run(*arrays(iris64), 1e-4, 2, seed=seed)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert torch.equal(torch.random.get_rng_state(), torch_state)


@pytest.mark.parametrize(
    ("settings", "iterations"),
    [({}, [0, 10]), ({"log_every": 4}, [0, 4, 8]), ({"log_every": 0}, [])],
    ids=str,
)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_report(backend, settings, iterations, iris64, capsys):
    *_, tr, val = backend.train(*arrays(iris64), 1e-4, 12, seed=0, **settings)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in lines] == iterations
    for line, t in zip(lines, iterations, strict=True):
        assert f"{tr[t]:.2f}" in line
        assert f"{val[t]:.2f}" in line


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_plain_gradient_descent_from_normal_weights_diverges(backend, dtype, capsys):
    iris = load_iris_regression(seed=0, dtype=dtype)
    weights = draw_weights(2, 100, 2, seed=0, dtype=dtype)
    with pytest.raises(
        DivergenceError, match=r"loss is (inf|nan) at iteration"
    ) as info:
        backend.run(*arrays(iris), 1e-3, 50, weights=weights, log_every=1)
    error = info.value
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == error.iteration, "it ends at once, and prints no nan"
    assert f"at iteration {error.iteration}" in str(error)
    assert "smaller lr" in str(error)
    assert len(error.losses_tr) == len(error.losses_val) == error.iteration
    assert np.isfinite(error.losses_tr).all()


def test_adam_diverges_where_its_step_overflows(iris32):
    steps = []

    class Counting(torch.optim.Adam):
        def step(self):
            steps.append(1)
            super().step()

    with pytest.raises(DivergenceError) as info:
        bb.two_layer_regression_nn_optim_train(
            *arrays(iris32), 1e30, 50, seed=0, log_every=0, optimizer=Counting
        )
    assert info.value.iteration == len(info.value.losses_tr) > 0
    assert len(steps) == info.value.iteration + 1, "a silent run ends as soon"


@pytest.mark.parametrize("overflows", [0, 1])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_either_weight_is_looked_at_in_the_end(backend, overflows, iris32):
    weights = list(draw_weights(2, 10, 2, seed=0, dtype="float32"))
    # The gradient in the one is in proportion to the other.
    weights[overflows] *= np.float32(1e-30)
    weights[1 - overflows] *= np.float32(1e3)
    message = "weight is not finite at iteration 1"
    with pytest.raises(DivergenceError, match=message) as info:
        backend.run(*arrays(iris32), 1e37, 1, weights=weights)
    assert len(info.value.losses_tr) == len(info.value.losses_val) == 1


def test_a_model_lives_where_it_is_asked_to():
    model = train_nn.two_layer_regression_nn_model(3, 7, 2, seed=11, device="meta")
    assert all(parameter.is_meta for parameter in model.parameters())
    model = bb.two_layer_regression_nn_model(3, 7, 2, seed=11)
    assert all(parameter.device.type == "cpu" for parameter in model.parameters())


def test_arrays_become_tensors_in_rows_on_the_device():
    in_columns = np.asfortranarray(np.ones((2, 3)))
    meta = to_tensors(torch.device("meta"), in_columns, torch.ones(2, 3))
    assert all(tensor.is_meta for tensor in meta)
    assert to_tensors(torch.device("cpu"), in_columns)[0].is_contiguous()


@pytest.mark.parametrize("backend", MODEL_BACKENDS, ids=str)
def test_bias_is_trained_where_asked_for(backend, iris64):
    model, losses_tr, _ = backend.train(
        *arrays(iris64), 1e-4, 50, seed=0, bias=True, log_every=0
    )
    start = bb.two_layer_regression_nn_model(
        2, 100, 2, bias=True, seed=0, dtype=torch.float64
    )
    W1, W2 = draw_weights(2, 100, 2, seed=0, dtype="float64")
    model_2, _, _ = backend.train(
        *arrays(iris64), 1e-4, 0, weights=(W1, W2), seed=0, bias=True
    )
    np.testing.assert_array_equal(model_2[0].weight.detach().T, W1)
    assert torch.equal(model_2[0].bias, start[0].bias)
    assert not torch.equal(model[0].bias, start[0].bias)
    assert not torch.equal(model[2].bias, start[2].bias)
    assert losses_tr[-1] < losses_tr[0]


def test_adam_is_the_default_optimiser(iris64):
    def last_loss(**kwargs):
        return bb.two_layer_regression_nn_optim_train(
            *arrays(iris64), 1e-3, 20, seed=0, log_every=0, **kwargs
        )[1][-1]

    assert last_loss() == pytest.approx(last_loss(optimizer=torch.optim.Adam), rel=1e-6)
    assert last_loss() != last_loss(optimizer=torch.optim.SGD)


def test_final_weights_can_be_scored(iris64):
    X, Y, X_val, Y_val = arrays(iris64)
    W1, W2, *losses = NUMPY.run(X, Y, X_val, Y_val, 1e-4, 10, seed=0)
    *_, longer_tr, longer_val = NUMPY.run(X, Y, X_val, Y_val, 1e-4, 11, seed=0)
    assert losses == [longer_tr[:10], longer_val[:10]]
    assert NUMPY.loss(X, Y, W1, W2) == longer_tr[10]
    assert NUMPY.loss(X_val, Y_val, W1, W2) == longer_val[10]


def test_memory_grows_by_the_two_lists_of_losses_alone(iris64):
    def peak(nite):
        tracemalloc.start()
        try:
            NUMPY.run(*arrays(iris64), 1e-6, nite, seed=0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is made once, at the first call, is there after this
    added = 400
    a_loss = sys.getsizeof(1.0) + 8  # the number, and its place in the list
    assert peak(10 + added) - peak(10) < 2 * 2 * a_loss * added


@pytest.mark.parametrize(
    "lr", [np.float32(1e-4), np.float64(1e-4), Fraction(1, 10_000)], ids=repr
)
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_any_real_number_is_a_learning_rate(backend, lr, iris32):
    result = backend.run(*arrays(iris32), lr, 5, seed=0)
    expected = backend.run(*arrays(iris32), float(lr), 5, seed=0)
    assert result[0].dtype == np.float32
    assert result[2:] == expected[2:]
