"""What a reader might use instead: scikit-learn's network, and JAX where installed."""

import warnings

import numpy as np

from plain import LR
from sizes import Problem


def scikit_learn(problem: Problem, nite: int) -> None:
    """Train scikit-learn's MLPRegressor: with biases, without a validation pass."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    if nite == 0:
        return
    N, H = len(problem.X), problem.W1.shape[1]
    model = MLPRegressor(
        hidden_layer_sizes=(H,), solver="sgd", alpha=0, momentum=0, shuffle=False,
        batch_size=N, learning_rate_init=LR, max_iter=nite, tol=0,
        n_iter_no_change=nite + 1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", ConvergenceWarning
        )  # it stops when it's told to
        model.fit(problem.X, problem.Y)
    assert model.n_iter_ == nite


def jax_scan():
    """Return a training function with the whole loop in ``lax.scan``, None without JAX.

    The loop is compiled once for each number of iterations: call it once before the
    clock starts.
    """
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    from functools import partial

    def loss(weights, X, Y):
        W1, W2 = weights
        return jnp.sum((jnp.maximum(X @ W1, 0) @ W2 - Y) ** 2)

    @partial(jax.jit, static_argnums=2)
    def train(data, weights, nite):
        X, Y, X_val, Y_val = data

        def step(weights, _):
            loss_tr, gradients = jax.value_and_grad(loss)(weights, X, Y)
            loss_val = loss(weights, X_val, Y_val)
            weights = tuple(W - LR * g for W, g in zip(weights, gradients, strict=True))
            return weights, (loss_tr, loss_val)

        return jax.lax.scan(step, weights, None, length=nite)

    def run(problem: Problem, nite: int) -> None:
        if nite == 0:
            return
        *data, W1, W2 = problem
        _, losses = train(tuple(data), (W1, W2), nite)
        for curve in losses:
            np.asarray(curve).tolist()

    return run
