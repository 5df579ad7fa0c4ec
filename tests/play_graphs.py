"""Random graphs of all the engine's operations, for its twin in the page."""

import numpy as np

from backprop_book import Value

SHAPES = [(), (1,), (3,), (2, 3), (3, 1), (1, 3), (3, 3), (2, 1, 3), (2, 3, 3)]
UNARY = ("neg", "exp", "log", "tanh", "relu", "**", "sum", "mean", "[]", "reshape", "T")
BINARY = ("+", "-", "*", "/", "@")
MOST_USES, LARGEST = 5, 60


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
