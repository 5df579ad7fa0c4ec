"""Graphs for the explorer: small ones, and random ones of all operations."""

import numpy as np

from backprop_book import Value
from backprop_book.graph_data import Graph
from backprop_book.play import _plain

SHAPES = [(), (1,), (3,), (2, 3), (3, 1), (1, 3), (3, 3), (2, 1, 3), (2, 3, 3)]
UNARY = ("neg", "exp", "log", "tanh", "relu", "**", "sum", "mean", "[]", "reshape", "T")
BINARY = ("+", "-", "*", "/", "@")
MOST_USES, LARGEST = 5, 60


def named(value, name):
    value.name = name
    return value


def four_boxes():
    """Return (relu(x w1) w2 - y)², where the ReLU is open."""
    x, w1, w2, y = map(Value, (2.0, 1.5, -0.5, 1.0), ("x", "w1", "w2", "y"))
    h = named(named(x * w1, "z").relu(), "h")
    return named((named(h * w2, "y_hat") - y) ** 2, "L")


def scaled():
    """Return the sum of b w for two numbers w."""
    return (Value([1.0, 2.0], "w") * Value(3.0, "b")).sum()


def used_twice():
    x = Value(3.0, "x")
    a = named(x * x, "a")
    return named(a + x, "L")


def network():
    X, Y = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[1.0], [0.0]])
    W1, W2 = Value([[0.5, -1.0, 0.0], [2.0, 1.0, -0.5]], "W1"), Value(np.ones((3, 1)))
    W2.name = "W2"
    H1 = named(named(X @ W1, "Z1").relu(), "H1")
    E = named(named(H1 @ W2, "Y_hat") - Y, "E")
    return named((E**2).sum(), "L"), {"X": X, "Y": Y}


def forty_nodes():
    x = [Value(k / 2 - 1.0, f"x{k}") for k in range(10)]
    total = x[0] * x[1]
    for k in range(2, 16):
        total = total + (x[k % 10] * x[k * 3 % 10]).tanh()
    return named(total, "L")


def parabola():
    w, b = Value(1.5, "w"), Value(-1.0, "b")
    X, T = np.array([-1.0, 0.5, 2.0]), np.array([0.0, 1.0, 3.0])
    return named(((w * X + b - T) ** 2).mean(), "L")


def graph_nodes(value):
    """Return the graph of a value, as the page gets it."""
    return [_plain(node) for node in Graph(value).nodes]


def random_graph(rng: np.random.Generator, operations: int) -> Value:
    """Return a single number, computed from all that was made on the way."""
    shapes = [SHAPES[k] for k in rng.permutation(len(SHAPES))[:4]]
    pool = [Value(_numbers(rng, shape)) for shape in shapes]
    uses = dict.fromkeys(pool, 0)
    while operations:
        free = [value for value in pool if uses[value] < MOST_USES]
        x = free[rng.integers(len(free))]
        out, other = _apply(rng, x, free)
        if out is None or out.data.size > LARGEST or np.abs(out.data).max() > 1e3:
            continue
        for value in (x, other):
            if value in uses:
                uses[value] += 1
        uses[out] = 0
        pool.append(out)
        operations -= 1
    ends = [value for value in pool if not uses[value]]
    return sum((value**2).mean() for value in ends) + 0.0


def _numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers with ties and zeros among them."""
    coarse = rng.integers(-2, 3, shape) / 2
    return np.where(rng.random(shape) < 0.5, coarse, rng.normal(size=shape))


def _apply(
    rng: np.random.Generator, x: Value, others: list[Value]
) -> tuple[Value | None, Value | None]:
    """Return the result of a random operation on x, and what else it was applied to."""
    name = rng.choice([*UNARY, *BINARY, *BINARY])
    if name in BINARY:
        return _apply_binary(rng, name, x, others)
    shape = x.data.shape
    axis = None if not shape or rng.random() < 0.3 else int(rng.integers(len(shape)))
    match name:
        case "neg":
            return -x, None
        case "log":
            return (x**2 + 0.5).log(), None
        case "**":
            return x ** int(rng.integers(0, 4)), None
        case "sum" | "mean":
            if rng.random() < 0.3 and len(shape) > 1:
                axis = (0, -1)
            return getattr(x, name)(axis, keepdims=bool(rng.integers(2))), None
        case "[]" if shape:
            rows = rng.integers(0, shape[0], int(rng.integers(1, 4)))
            index = [rows, int(rows[0]), (..., slice(None, None, -1))]
            return x[index[rng.integers(3)]], None
        case "reshape":
            return x.reshape(-1, 1 if rng.random() < 0.5 else x.data.size), None
        case "T" if len(shape) > 1:
            return x.transpose(*map(int, rng.permutation(len(shape)))), None
        case "exp" | "tanh" | "relu":
            return getattr(x, name)(), None
    return x.T, None


def _apply_binary(
    rng: np.random.Generator, name: str, x: Value, others: list[Value]
) -> tuple[Value | None, Value | None]:
    kind = rng.integers(4)
    y = others[rng.integers(len(others))]
    if kind == 0:
        y = x
    elif kind == 1:
        y = _numbers(rng, x.data.shape) if rng.random() < 0.5 else float(rng.normal())
    a, b = (x, y) if rng.random() < 0.5 else (y, x)
    try:
        match name:
            case "+":
                out = a + b
            case "-":
                out = a - b
            case "*":
                out = a * b
            case "/":
                out = a / (b * b + 0.5)
            case "@":
                out = a @ b
    except ValueError:
        return None, None
    return out, y if isinstance(y, Value) else None
