"""All that is timed, behind one interface: ``run(problem, nite)`` trains.

`STEPS` leads from the loop of the course notebook to that of `backprop_book.fast`: each
step replaces some words of the loop before it. What the book shows of a step is what
was timed.
"""

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

import backprop_book as bb
from backprop_book import fast


class Problem(NamedTuple):
    """Data and weights of one size."""

    X: np.ndarray
    Y: np.ndarray
    X_val: np.ndarray
    Y_val: np.ndarray
    W1: np.ndarray
    W2: np.ndarray
    lr: float = 1e-9  # so small that no run diverges, whatever its size


class Case(NamedTuple):
    """A way to train, the library that it calls, and the floor that it is held to."""

    name: str
    library: str
    run: Callable[[Problem, int], object]
    floor: str | None = None


SIZES = {  # N, N_val, D_in, H, D_out
    "iris": (50, 50, 2, 100, 2),
    "tutorial": (64, 64, 1000, 100, 10),
    "large": (2048, 512, 512, 2048, 128),
}
SQUARES = {str(s): (s, s, s, s, s // 4) for s in (20, 40, 80, 160, 320, 640)}


def problem(N: int, N_val: int, D_in: int, H: int, D_out: int) -> Problem:
    """Return random data, and weights that keep all layers near unit variance."""
    rng = np.random.default_rng(0)
    shapes = (N, D_in), (N, D_out), (N_val, D_in), (N_val, D_out), (D_in, H), (H, D_out)
    scales = 1, 1, 1, 1, D_in**-0.5, H**-0.5
    draws = (
        s * rng.standard_normal(shape) for s, shape in zip(scales, shapes, strict=True)
    )
    return Problem(*(array.astype("float32") for array in draws))


def floor_numpy(problem: Problem, nite: int, *, validation: bool = True) -> tuple:
    """Make the five products of each iteration, into arrays that are there.

    Training and validation rows go forward together. Whoever has the weights and both
    losses of every iteration makes these products, or more and smaller ones.
    """
    X, Y, X_val, _, W1, W2, _ = problem
    N, X_all = len(X), np.concatenate((X, X_val)) if validation else X
    Z1, G = X_all @ W1, Y.copy()
    Y_hat, grad_W2, grad_Z1, grad_W1 = Z1 @ W2, Z1[:N].T @ G, G @ W2.T, X.T @ Z1[:N]
    first, second = X_all.dot, Z1.dot  # the same BLAS call as @ with less before it
    third, fourth, fifth, W2_T = Z1[:N].T.dot, G.dot, X.T.dot, W2.T
    for _ in range(nite):
        first(W1, Z1)
        second(W2, Y_hat)
        third(G, grad_W2)
        fourth(W2_T, grad_Z1)
        fifth(grad_Z1, grad_W1)
    return Z1, Y_hat, grad_W2, grad_Z1, grad_W1


@torch.inference_mode()
def floor_torch(problem: Problem, nite: int) -> tuple:
    """Make the five products of each iteration, into tensors that are there."""
    X, Y, X_val, _, W1, W2 = (torch.from_numpy(array) for array in problem[:6])
    W2 = W2.T.contiguous().T  # MKL's small products are fastest with this layout
    N, X_all, G = len(X), torch.cat((X, X_val)), Y.clone()
    Z1 = X_all @ W1
    Y_hat, grad_W2_T, grad_Z1 = Z1 @ W2, G.T @ Z1[:N], G @ W2.T
    grad_W1 = X.T @ grad_Z1
    Z1_tr, G_T, W2_T, X_T, mm = Z1[:N], G.T, W2.T, X.T, torch.mm
    for _ in range(nite):
        mm(X_all, W1, out=Z1)
        mm(Z1, W2, out=Y_hat)
        mm(G_T, Z1_tr, out=grad_W2_T)
        mm(G, W2_T, out=grad_Z1)
        mm(X_T, grad_Z1, out=grad_W1)
    return Z1, Y_hat, grad_W2_T.T, grad_Z1, grad_W1


NOTEBOOK = """\
def train(X, Y, X_val, Y_val, W1, W2, lr, nite):
    W1, W2 = W1.astype("float64"), W2.astype("float64")
    losses_tr, losses_val = [], []
    for _ in range(nite):
        Z1 = X @ W1
        H1 = np.maximum(Z1, 0)
        E = H1 @ W2 - Y
        E_val = np.maximum(X_val @ W1, 0) @ W2 - Y_val
        losses_tr.append((E**2).sum())
        losses_val.append((E_val**2).sum())
        G = 2 * E
        grad_W2 = H1.T @ G
        grad_Z1 = G @ W2.T
        grad_Z1[Z1 <= 0] = 0
        grad_W1 = X.T @ grad_Z1
        W1 -= lr * grad_W1
        W2 -= lr * grad_W2
    return W1, W2, losses_tr, losses_val
"""
STEPS = {
    "the dtype of the data": {'astype("float64")': "copy()"},
    "a product with the mask": {"grad_Z1[Z1 <= 0] = 0": "grad_Z1 *= Z1 > 0"},
    "squares by a dot product": {
        "(E**2).sum()": "np.vdot(E, E)",
        "(E_val**2).sum()": "np.vdot(E_val, E_val)",
    },
    "one forward pass for all rows": {
        "    losses_tr, ": "    N, X_all = len(X), np.concatenate((X, X_val))\n"
        "    Y_all = np.concatenate((Y, Y_val))\n    losses_tr, ",
        "X @ W1": "X_all @ W1",
        "        E = H1 @ W2 - Y\n": "        E = H1 @ W2 - Y_all\n",
        "E_val = np.maximum(X_val @ W1, 0) @ W2 - Y_val": "H1, E, E_val = H1[:N], E[:N]"
        ", E[N:]",
        "Z1 > 0": "H1 > 0",
    },
    "in place": {
        "H1 = np.maximum(Z1, 0)": "H1 = np.maximum(Z1, 0, out=Z1)",
        "E = H1 @ W2 - Y_all": "E = H1 @ W2\n        E -= Y_all",
    },
    "ReLU against an array of zeros": {
        "    losses_tr, ": "    zeros = np.zeros((len(X_all), W1.shape[1]), X.dtype)\n"
        "    losses_tr, ",
        "(Z1, 0, ": "(Z1, zeros, ",
    },
    "the learning rate in G": {
        "2 * E": "2 * lr * E",
        "lr * grad_": "grad_",
        "grad_W": "step_W",
    },
    "dot for @": {
        "X_all @ W1": "X_all.dot(W1)",
        "H1 @ W2": "H1.dot(W2)",
        "H1.T @ G": "H1.T.dot(G)",
        "G @ W2.T": "G.dot(W2.T)",
        "X.T @ grad_Z1": "X.T.dot(grad_Z1)",
    },
}


def programs() -> dict[str, str]:
    """Return the text of the notebook's loop and of the loop after each step."""
    texts, text = {"the notebook's loop": NOTEBOOK}, NOTEBOOK
    for name, words in STEPS.items():
        for old, new in words.items():
            if old not in text:
                raise ValueError(f"{name}: the loop before has no {old!r}")
            text = text.replace(old, new)
        texts[name] = text
    return texts


def _compiled(text: str) -> Callable[[Problem, int], tuple]:
    names: dict = {"np": np}
    exec(text, names)
    return lambda problem, nite: names["train"](*problem, nite)


def prepared(problem: Problem, nite: int) -> tuple:
    """Train in the fewest calls, with every array and view made before the loop."""
    X, Y, X_val, Y_val, W1, W2, lr = problem
    N, X_all, Y_all = len(X), np.concatenate((X, X_val)), np.concatenate((Y, Y_val))
    W1, W2, rate = W1.copy(), W2.copy(), np.array(2 * lr, X.dtype)
    H1_all, E_all = X_all @ W1, np.empty_like(Y_all)
    H1, E, E_val = H1_all[:N], E_all[:N], E_all[N:]
    zeros, mask, grad_Z1 = np.zeros_like(H1_all), H1 > 0, np.empty_like(H1)
    G, step_W1, step_W2 = np.empty_like(E), np.empty_like(W1), np.empty_like(W2)
    none, H1_T, X_T, W2_T = zeros[:N], H1.T, X.T, W2.T
    losses_tr, losses_val = [], []
    for _ in range(nite):
        X_all.dot(W1, H1_all)
        np.maximum(H1_all, zeros, out=H1_all)
        H1_all.dot(W2, E_all)
        np.subtract(E_all, Y_all, out=E_all)
        losses_tr.append(np.vdot(E, E))
        losses_val.append(np.vdot(E_val, E_val))
        np.multiply(E, rate, out=G)
        H1_T.dot(G, step_W2)
        G.dot(W2_T, grad_Z1)
        np.greater(H1, none, out=mask)
        np.multiply(grad_Z1, mask, out=grad_Z1)
        X_T.dot(grad_Z1, step_W1)
        np.subtract(W1, step_W1, out=W1)
        np.subtract(W2, step_W2, out=W2)
    return W1, W2, losses_tr, losses_val


def trained(train: Callable, *, tensors: bool = False, **settings: object) -> Callable:
    """Return a run of one of the book's functions, without the checks around it."""
    train = inspect.unwrap(train)

    def run(problem: Problem, nite: int) -> tuple:
        *data, W1, W2, lr = problem
        data = [torch.from_numpy(array) for array in data] if tensors else data
        return train(*data, lr, nite, weights=(W1, W2), log_every=0, **settings)

    return run


def scikit_learn(problem: Problem, nite: int) -> None:
    """Train scikit-learn's MLPRegressor: with biases, without a validation pass."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    settings = {"solver": "sgd", "momentum": 0, "alpha": 0, "shuffle": False}
    settings |= {"batch_size": len(problem.X), "learning_rate_init": problem.lr}
    settings |= {"max_iter": nite, "tol": 0, "n_iter_no_change": nite + 1}
    model = MLPRegressor(hidden_layer_sizes=problem.W1.shape[1:], **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it stops when told to
        model.fit(problem.X, problem.Y)
    assert model.n_iter_ == nite


def jax_scan() -> Callable[[Problem, int], tuple]:
    """Return a run with the whole loop in ``lax.scan``, compiled for each ``nite``."""
    import jax
    import jax.numpy as jnp

    # Where there is a GPU, JAX would compute there, and with fewer digits.
    jax.config.update("jax_platforms", "cpu")

    def loss(weights, X, Y):
        W1, W2 = weights
        return jnp.sum((jnp.maximum(X @ W1, 0) @ W2 - Y) ** 2)

    @partial(jax.jit, static_argnums=(3, 4))
    def train(data, data_val, weights, lr, nite):
        def step(weights, _):
            loss_tr, gradients = jax.value_and_grad(loss)(weights, *data)
            loss_val = loss(weights, *data_val)
            weights = [W - lr * g for W, g in zip(weights, gradients, strict=True)]
            return weights, (loss_tr, loss_val)

        return jax.lax.scan(step, weights, None, length=nite)

    def run(problem: Problem, nite: int) -> tuple:
        X, Y, X_val, Y_val, W1, W2, lr = problem
        weights, losses = train((X, Y), (X_val, Y_val), [W1, W2], lr, nite)
        return *weights, *(np.asarray(curve).tolist() for curve in losses)

    return run


def micrograd() -> Callable[[Problem, int], tuple]:
    """Return a run in micrograd, where each number is a node of the graph."""
    from micrograd.engine import Value

    def loss(X, Y, W1_T, W2_T):
        total = Value(0)
        for x, y in zip(X.tolist(), Y.tolist(), strict=True):
            h1 = [sum(map(Value.__mul__, w, x)).relu() for w in W1_T]
            for w, target in zip(W2_T, y, strict=True):
                total = total + (sum(map(Value.__mul__, w, h1)) - target) ** 2
        return total

    def run(problem: Problem, nite: int) -> tuple:
        X, Y, X_val, Y_val, W1, W2, lr = problem
        layers = [[list(map(Value, w)) for w in W.T.tolist()] for W in (W1, W2)]
        losses_tr, losses_val = [], []
        for _ in range(nite):
            L = loss(X, Y, *layers)
            L.backward()
            losses_tr.append(L.data)
            losses_val.append(loss(X_val, Y_val, *layers).data)
            for value in (value for W_T in layers for w in W_T for value in w):
                value.data, value.grad = value.data - lr * value.grad, 0
        weights = (np.array([[v.data for v in w] for w in W_T]).T for W_T in layers)
        return *weights, losses_tr, losses_val

    return run


def cases() -> list[Case]:
    """Return all cases; JAX only where it is installed."""
    SGD, Adam = torch.optim.SGD, torch.optim.Adam
    fused, of_training = partial(Adam, fused=True), "floor, training rows"
    torch_cases = {
        "tensor": (bb.two_layer_regression_tensor_train, {}),
        "tensor, fast": (fast.tensor_train, {}),
        "autograd": (bb.two_layer_regression_autograd_train, {}),
        "nn": (bb.two_layer_regression_nn_train, {}),
        "SGD": (bb.two_layer_regression_nn_optim_train, {"optimizer": SGD}),
        "Adam": (bb.two_layer_regression_nn_optim_train, {"optimizer": Adam}),
        "Adam, fused": (bb.two_layer_regression_nn_optim_train, {"optimizer": fused}),
    }
    numpy_cases = {name: _compiled(text) for name, text in programs().items()}
    numpy_cases |= {
        "fast": trained(fast.numpy_train),
        "prepared": prepared,
        "NumPy": trained(bb.two_layer_regression_numpy_train),
        "engine": trained(bb.two_layer_regression_engine_train),
    }
    found = [
        Case("floor, NumPy", "numpy", floor_numpy),
        Case(of_training, "numpy", partial(floor_numpy, validation=False)),
        Case("floor, PyTorch", "torch", floor_torch),
        *(Case(n, "numpy", run, "floor, NumPy") for n, run in numpy_cases.items()),
        *(
            Case(n, "torch", trained(train, tensors=True, **more), "floor, PyTorch")
            for n, (train, more) in torch_cases.items()
        ),
        Case("scikit-learn", "numpy", scikit_learn, of_training),
    ]
    try:
        return [*found, Case("JAX", "jax", jax_scan(), "floor, NumPy")]
    except ImportError:
        return found
