"""Backward passes as students write them, right and wrong.

They share nothing with the checker's catalogue, nor with its probes.
"""

import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import torch


def student(**wrong: Callable) -> Callable:
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
    """Sum over the samples with = where += belongs."""
    grad = np.zeros_like(weights)
    for a, b in zip(A, B, strict=True):
        grad = np.outer(a, b)
    return grad


def updated(v):
    """Step downhill before grad_H1 is computed."""
    return v.G @ (v.W2 - 0.0137 * v.grad_W2).T


def sigmoid(Z):
    """Squash."""
    return 1 / (1 + np.exp(-Z))


def norm_clipped(g, limit=5.0):
    """Scale down what is long."""
    return g * min(1, limit / np.linalg.norm(g))


def globally_clipped(v):
    """Scale both down if they are long together."""
    norm = np.sqrt(sum((g.astype(float) ** 2).sum() for g in (v.grad_W1, v.grad_W2)))
    return tuple(g * g.dtype.type(min(1, 4 / norm)) for g in (v.grad_W1, v.grad_W2))


def both(*names, **wrong):
    """Return a student, and the names of what is wrong with both gradients."""
    return student(**wrong), list(names), list(names)


def first(*names, **wrong):
    """Return a student, and the names of what is wrong with grad_W1."""
    return student(**wrong), list(names), []


def second(*names, **wrong):
    """Return a student, and the names of what is wrong with grad_W2."""
    return student(**wrong), [], list(names)


def leaky(slope):
    """Return the forward and the backward step of a leaky ReLU."""
    return {
        "H1": lambda v: np.where(v.Z1 > 0, v.Z1, slope * v.Z1),
        "grad_Z1": lambda v: v.grad_H1 * np.where(v.Z1 > 0, 1, slope),
    }


HALF, SIGN, LR = "factor 2 missing", "sign turned", "constant factor"
NO_MASK = "mask missing, or true everywhere as H1 >= 0 is"
MASK_FROM = "mask from the upstream gradient"
ENTRYWISE, WRONG_SUM = "entry by entry for a matrix product", "sum over the wrong index"
RESHAPE = "reshape for a transpose"
SIGMOID, TANH = "derivative of a sigmoid", "derivative of tanh"
NETWORK = "gradient of a network with "
AT_0 = "derivative of ReLU at 0 taken as "
OTHER = "the other gradient, swapped?"
# fmt: off
MISTAKES = [
    both(HALF, G=lambda v: v.E),
    first(HALF, G=lambda v: v.E, grad_W2=lambda v: v.H1.T @ (2 * v.E)),
    both("divided by N", G=lambda v: 2 * v.E / v.N),
    both("divided by (N * D_out)", G=lambda v: 2 * v.E / v.Y.size),
    both("divided by D_out", G=lambda v: 2 * v.E / v.D_out),
    both("divided by N**2", G=lambda v: 2 * v.E / v.N / v.N),
    both(SIGN, E=lambda v: v.Y - v.Y_hat),
    both(HALF, "divided by N", G=lambda v: v.E / v.N),
    both(HALF, "divided by (N * D_out)", SIGN,
         G=lambda v: (v.Y - v.Y_hat) / v.Y.size),
    both(LR, G=lambda v: 4 * v.E),
    both("varying factor", G=lambda v: 2 * v.E / (v.N + 1)),
    first("varying factor",
          grad_W1=lambda v: (v.X.T @ v.grad_Z1) / np.abs(v.X).mean()),
    both("targets missing", E=lambda v: v.Y_hat),
    both("square not differentiated", G=lambda v: v.E**2),
    both("ReLU missing", H1=lambda v: v.Z1),
    both(NETWORK + "a leaky ReLU", **leaky(0.1)),
    both(NETWORK + "a sigmoid", H1=lambda v: sigmoid(v.Z1),
         grad_Z1=lambda v: v.grad_H1 * v.H1 * (1 - v.H1)),
    both(NETWORK + "tanh", H1=lambda v: np.tanh(v.Z1),
         grad_Z1=lambda v: v.grad_H1 * (1 - v.H1**2)),
    both(NETWORK + "ReLU on its output",
         E=lambda v: (np.maximum(v.Y_hat, 0) - v.Y) * (v.Y_hat > 0)),
    both(NETWORK + "ReLU on its output", E=lambda v: np.maximum(v.Y_hat, 0) - v.Y),
    first(NO_MASK, grad_Z1=lambda v: v.grad_H1),
    first(NO_MASK, grad_Z1=lambda v: v.grad_H1 * (v.H1 >= 0)),
    first(MASK_FROM, grad_Z1=lambda v: np.maximum(v.grad_H1, 0)),
    first(MASK_FROM, grad_Z1=lambda v: v.grad_H1 * (v.G > 0)),
    first("mask from the output", grad_Z1=lambda v: v.grad_H1 * (v.Y_hat > 0)),
    first("mask from the input", grad_Z1=lambda v: v.grad_H1 * (v.X > 0)),
    first("mask inverted", grad_Z1=lambda v: np.where(v.Z1 < 0, v.grad_H1, 0)),
    first("mask inverted", grad_Z1=lambda v: np.where(v.Z1 > 0, 0, v.grad_H1)),
    first("ReLU's value for its mask", grad_Z1=lambda v: v.grad_H1 * v.H1),
    first(AT_0 + "1", grad_Z1=lambda v: np.where(v.Z1 < 0, 0, v.grad_H1)),
    first(AT_0 + "1/2", grad_Z1=lambda v: v.grad_H1 * (np.sign(v.Z1) + 1) / 2),
    first(SIGMOID, grad_Z1=lambda v: v.grad_H1 * v.H1 * (1 - v.H1)),
    first(SIGMOID,
          grad_Z1=lambda v: v.grad_H1 * sigmoid(v.Z1) * (1 - sigmoid(v.Z1))),
    first(TANH, grad_Z1=lambda v: v.grad_H1 * (1 - v.H1**2)),
    first(TANH, grad_Z1=lambda v: v.grad_H1 * (1 - np.tanh(v.Z1) ** 2)),
    first(TANH, grad_Z1=lambda v: v.grad_H1 / np.cosh(v.Z1) ** 2),
    first("derivative of a leaky ReLU",
          grad_Z1=lambda v: np.where(v.Z1 > 0, v.grad_H1, 0.2 * v.grad_H1)),
    first("upstream gradient missing", grad_Z1=lambda v: v.Z1 > 0),
    first("mask in a matrix product", grad_Z1=lambda v: v.grad_H1 @ (v.Z1 > 0).T),
    first("mask in a matrix product", grad_Z1=lambda v: v.grad_H1 @ (v.H1 > 0)),
    first("W2 missing", grad_H1=lambda v: v.G),
    first("W2 missing", grad_H1=lambda v: v.G @ np.ones_like(v.W2).T),
    first("W1 for W2", grad_H1=lambda v: v.G @ v.W1.T),
    first("grad_W2 for W2", grad_H1=lambda v: v.G @ v.grad_W2.T),
    first("W2 already updated", grad_H1=updated),
    first("W2 for W2.T", grad_H1=lambda v: v.G @ v.W2),
    first("G.T for G", grad_H1=lambda v: v.G.T @ v.W2.T),
    first("gradient transposed", grad_H1=lambda v: (v.G @ v.W2.T).T),
    first(WRONG_SUM, grad_H1=lambda v: v.G.T @ v.W2),
    first(ENTRYWISE, grad_H1=lambda v: v.G * v.W2.T),
    first(RESHAPE, grad_H1=lambda v: v.G @ v.W2.reshape(v.W2.shape[::-1])),
    first("X for X.T", grad_W1=lambda v: v.X @ v.grad_Z1),
    first("grad_Z1.T for grad_Z1", grad_W1=lambda v: v.X.T @ v.grad_Z1.T),
    first("gradient transposed", grad_W1=lambda v: v.grad_Z1.T @ v.X),
    first(WRONG_SUM, grad_W1=lambda v: v.grad_Z1 @ v.X.T),
    first(ENTRYWISE, grad_W1=lambda v: v.X * v.grad_Z1),
    first(RESHAPE, grad_W1=lambda v: v.X.reshape(v.X.shape[::-1]) @ v.grad_Z1),
    first("H1 for X", grad_W1=lambda v: v.H1.T @ v.grad_Z1),
    second("H1 for H1.T", grad_W2=lambda v: v.H1 @ v.G),
    second("G.T for G", grad_W2=lambda v: v.H1.T @ v.G.T),
    second("gradient transposed", grad_W2=lambda v: v.G.T @ v.H1),
    second(WRONG_SUM, grad_W2=lambda v: v.G @ v.H1.T),
    second(ENTRYWISE, grad_W2=lambda v: v.H1.T * v.G),
    second(RESHAPE, grad_W2=lambda v: (v.G.T @ v.H1).reshape(v.W2.shape)),
    second("X for H1", grad_W2=lambda v: v.X.T @ v.G),
    second("Z1 for H1", grad_W2=lambda v: v.Z1.T @ v.G),
    second("mask for H1", grad_W2=lambda v: (v.H1 > 0).T @ v.G),
    first("last sample only", grad_W1=lambda v: last_only(v.X, v.grad_Z1, v.W1)),
    second("last sample only", grad_W2=lambda v: last_only(v.H1, v.G, v.W2)),
    first("first sample only", grad_W1=lambda v: np.outer(v.X[0], v.grad_Z1[0])),
    second("first sample only", grad_W2=lambda v: np.outer(v.H1[0], v.G[0])),
    second("samples not summed", grad_W2=lambda v: np.einsum("nj,nk->njk", v.H1, v.G)),
    both(OTHER, result=lambda v: (v.grad_W2, v.grad_W1)),
    second(OTHER, result=lambda v: (v.grad_W1, v.grad_W1)),
    first("zeros", grad_W1=lambda v: np.zeros_like(v.W1)),
    first("zeros", grad_W1=lambda v: np.zeros(v.W1.shape, int)),
    first("weights returned", grad_W1=lambda v: v.W1),
    second("weights returned", result=lambda v: (v.grad_W1, v.W2 - 0.02 * v.grad_W2)),
    first("weight decay", grad_W1=lambda v: v.X.T @ v.grad_Z1 + 0.03 * v.W1),
    first("clipped", result=lambda v: (norm_clipped(v.grad_W1), v.grad_W2)),
    both("clipped",
         result=lambda v: tuple(np.clip(g, -3, 3) for g in (v.grad_W1, v.grad_W2))),
    both("clipped", result=globally_clipped),
    first("unknown", grad_W1=lambda v: np.cos(v.W1)),
    second("wrong shape", grad_W2=lambda v: (v.H1.T @ v.G).ravel()),
    second("not finite", grad_W2=lambda v: (v.H1.T @ v.G) / np.float64(v.N - 1)),
    both("float32 inside", E=lambda v: v.Y_hat - v.Y.astype(np.float32)),
    # Two and three at a time.
    both(OTHER, HALF, G=lambda v: v.E, result=lambda v: (v.grad_W2, v.grad_W1)),
    (student(G=lambda v: v.E, grad_W1=lambda v: v.X @ v.grad_Z1),
     ["X for X.T", HALF], [HALF]),
    (student(H1=lambda v: v.Z1, grad_Z1=lambda v: v.grad_H1),
     ["ReLU missing", NO_MASK], ["ReLU missing"]),
    (student(G=lambda v: v.E, grad_Z1=lambda v: v.grad_H1 * (v.Z1 < 0)),
     ["mask inverted", HALF], [HALF]),
    first("W2 for W2.T", NO_MASK, grad_H1=lambda v: v.G @ v.W2,
          grad_Z1=lambda v: v.grad_H1),
    first("W2 already updated", NO_MASK, grad_H1=updated,
          grad_Z1=lambda v: v.grad_H1),
    (student(G=lambda v: 2 * v.E / v.N, grad_H1=updated,
             grad_Z1=lambda v: v.grad_H1 * (v.Z1 >= 0)),
     ["W2 already updated", "divided by N", AT_0 + "1"], ["divided by N"]),
    (student(grad_H1=updated, result=lambda v: (v.W1 - 0.0137 * v.grad_W1,
                                                v.W2 - 0.0137 * v.grad_W2)),
     ["W2 already updated", "weights returned"], ["weights returned"]),
    (student(grad_Z1=lambda v: v.grad_H1,
             result=lambda v: (0.01 * v.grad_W1, 0.01 * v.grad_W2)),
     [NO_MASK, LR], [LR]),
    (student(grad_W1=lambda v: 0.01 * (v.X @ v.grad_Z1),
             grad_W2=lambda v: 0.01 * (v.H1.T @ v.G)),
     ["X for X.T", LR], [LR]),
]
# fmt: on


def _in_place(A, B):
    """Change A and return it."""
    A *= B
    return A


# By hand: products, ReLUs, the factor 2, masks, and how the result is laid out.
_PRODUCTS = (
    np.matmul,
    lambda A, B: np.einsum("ab,bc->ac", A, B),
    lambda A, B: sum(np.outer(A[:, i], B[i]) for i in range(len(B))).astype(A.dtype),
    lambda A, B: (torch.tensor(A) @ torch.tensor(B)).numpy(),
    lambda A, B: A.astype(np.float64) @ B.astype(np.float64),
    lambda A, B: np.array([a @ B for a in A]),
)
_RELUS = (
    lambda Z: np.maximum(Z, 0),
    lambda Z: np.where(Z > 0, Z, 0),
    lambda Z: np.clip(Z, 0, None),
    lambda Z: (Z + np.abs(Z)) / 2,
    lambda Z: Z * (Z > 0),
)
_SCALES = (
    lambda E: 2 * E,
    lambda E: E + E,
    lambda E: _in_place(E, 2),
    lambda E: -2 * -E,
)
_MASKS = (
    lambda Z, H: Z > 0,
    lambda Z, H: H > 0,
    lambda Z, H: np.where(Z <= 0, 0, 1),
    lambda Z, H: np.heaviside(Z, np.zeros_like(Z)),
)
_LAYOUTS = (
    lambda g1, g2: (g1, g2),
    lambda g1, g2: [np.asfortranarray(g1), np.asfortranarray(g2)],
    lambda g1, g2: (np.repeat(g1, 2, axis=0)[::2], np.flip(np.flip(g2).copy())),
    lambda g1, g2: (torch.tensor(g1, requires_grad=True), torch.tensor(g2)),
    lambda g1, g2: (g1.tolist(), g2.tolist()),
)


def _by_hand(layout, mask, scale, relu, times):
    def variant(X, Y, W1, W2):
        Z1 = times(X, W1)
        H1 = relu(Z1)
        G = scale(times(H1, W2) - Y)
        grad_Z1 = _in_place(times(G, W2.T), mask(Z1, H1))
        return layout(times(X.T, grad_Z1), times(H1.T, G))

    return variant


# By PyTorch: ReLUs, losses, how they are differentiated, and what is handed back.
_TORCH_RELUS = (
    torch.relu,
    torch.nn.functional.relu,
    lambda Z: Z * (Z > 0),
    lambda Z: torch.where(Z > 0, Z, 0.0),
    lambda Z: torch.nn.functional.leaky_relu(Z, 0.0),
)
_TORCH_LOSSES = (
    lambda E: (E**2).sum(),
    lambda E: torch.square(E).sum(),
    lambda E: torch.nn.functional.mse_loss(E, torch.zeros_like(E), reduction="sum"),
    lambda E: torch.einsum("ij,ij->", E, E),
    lambda E: torch.vdot(E.flatten(), E.flatten()),
)


def _by_backward(loss, W1, W2):
    W1.requires_grad_(), W2.requires_grad_()
    loss(W1, W2).backward()
    return W1.grad, W2.grad


def _by_grad(loss, W1, W2):
    W1.requires_grad_(), W2.requires_grad_()
    return torch.autograd.grad(loss(W1, W2), (W1, W2))


def _by_vjp(loss, W1, W2):
    value, pull = torch.func.vjp(loss, W1, W2)
    return pull(torch.ones_like(value))


_DERIVATIVES = (
    _by_backward,
    _by_grad,
    lambda loss, *W: torch.func.grad(loss, argnums=(0, 1))(*W),
    _by_vjp,
)
_HANDED_BACK = (
    tuple,
    lambda gradients: [g.detach().numpy() for g in gradients],
)


def _by_torch(back, derivative, loss, relu):
    def variant(*arrays):
        X, Y, W1, W2 = map(torch.tensor, arrays)
        return back(
            derivative(lambda W1, W2: loss(relu(X @ W1) @ W2 - Y), W1, W2),
        )

    return variant


def per_sample(X, Y, W1, W2):
    """Loop over samples and hidden units."""
    grad_W1, grad_W2 = np.zeros_like(W1), np.zeros_like(W2)
    for x, y in zip(X, Y, strict=True):
        h = np.maximum(x @ W1, 0)
        g = 2 * (h @ W2 - y)
        for j in np.flatnonzero(h):
            grad_W2[j] += h[j] * g
            grad_W1[:, j] += (W2[j] @ g) * x
    return grad_W1, grad_W2


def right_variants(number: int) -> Iterator[Callable]:
    """Yield so many right backward passes, spread over all combinations."""
    by_hand = [
        _by_hand(*parts)
        for parts in itertools.product(_LAYOUTS, _MASKS, _SCALES, _RELUS, _PRODUCTS)
    ]
    by_torch = [
        _by_torch(*parts)
        for parts in itertools.product(
            _HANDED_BACK, _DERIVATIVES, _TORCH_LOSSES, _TORCH_RELUS
        )
    ]
    yield per_sample
    for k in range(number - 1):
        # One in five is PyTorch's; steps that share no divisor with the lengths.
        if k % 5 == 4:
            yield by_torch[k // 5 * 67 % len(by_torch)]
        else:
            yield by_hand[k * 991 % len(by_hand)]


_FAULTS = (
    lambda v: 0 * v.E,
    lambda v: v.E,
    lambda v: 2.001 * v.E,
    lambda v: 2 * v.E + 0.01,
    lambda v: 2 * v.Y_hat,
    lambda v: 2 * v.E * (np.arange(v.N)[:, None] < v.N - 1),
)
DRAWN = (1, 2, 32, 64, 100)


def wrong_somewhere(seed: int) -> tuple[Callable, str]:
    """Return a backward pass that is wrong at some sizes only, and say at which."""
    generator = np.random.default_rng([2024, seed])
    fault = _FAULTS[generator.integers(len(_FAULTS))]
    how_many = int(generator.integers(1, 5))
    places = generator.permutation(4)[:how_many]
    least = generator.choice(DRAWN, how_many)
    # One shape of 625 is no size at which a program goes wrong.
    exact = how_many < 4 and bool(generator.integers(2))

    def condition(sizes):
        there = np.array(sizes)[places]
        return bool(((there == least) if exact else (there >= least)).all())

    def function(X, Y, W1, W2):
        wrong = {"G": fault} if condition((*X.shape, *W2.shape)) else {}
        return student(**wrong)(X, Y, W1, W2)

    return function, f"{places} {'==' if exact else '>='} {least}"
