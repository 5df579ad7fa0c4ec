"""Reverse-mode automatic differentiation on NumPy arrays, small enough to read.

micrograd (Karpathy, 2020) is the model of the genre: it does for single numbers what
this module does for arrays and PyTorch for tensors on any device.
"""

import numbers
from collections.abc import Callable, Iterator

import numpy as np

from backprop_book.arguments import check_kind, real_array

Axis = int | tuple[int, ...] | None


class Value:
    """An array that remembers how it was computed, and can send gradients back.

    Operators and methods do what NumPy's do. Anything else (a number, an array) may
    stand on either side of an operator and takes part as a constant: no gradient is
    computed for it. Results share memory with their operands where NumPy's do. As with
    any autograd, don't change an array between the forward and the backward pass;
    nothing here would notice. Unlike NumPy's arrays, a value has no item assignment and
    no order (``<``), and it can be a key of a dict, whatever its numbers; ``==``
    compares the numbers and gives an array of bool.

    Parameters
    ----------
    data : number or array-like
        Copied. Floats keep their dtype. Integers and booleans become float64 here, and
        take the other operand's dtype in an operator; so does a Python float.
    name : str, optional
        What the value is called in its picture, such as "W1". It can be set later.

    Attributes
    ----------
    grad : ndarray or None
        The gradient of what ``backward`` was called on, with the shape and dtype of
        ``data``. Further calls add to it; set it to None to start from nothing.
    op : str
        The operation that made it, such as "@" or "sum"; empty for an input.
    operands : tuple
        What the operation was applied to: values, and constants as they came.
    options : dict
        What else the operation was told, such as an axis or an exponent.

    Raises
    ------
    TypeError
        The data are not real numbers, are a Value already, or an array with a mask.
    """

    __slots__ = ("_data", "_edges", "grad", "name", "op", "operands", "options")
    __array_ufunc__ = None  # makes `array + value` call Value.__radd__
    __pandas_priority__ = 10_000  # the same for pandas, whose own go up to 4,000

    def __init__(self, data: object, name: str | None = None) -> None:
        check_kind("name", name, str | None, "a string")
        self.data = np.array(_real(data))
        self.grad: np.ndarray | None = None
        self.name, self.op, self.operands, self.options = name, "", (), {}
        # Pairs (parent, function from this value's gradient to the parent's share).
        self._edges: tuple[tuple[Value, Callable], ...] = ()

    @property
    def data(self) -> np.ndarray:
        """The numbers, an array of floats; 0-d for a single one. It can be set."""
        return self._data

    @data.setter
    def data(self, data: object) -> None:
        # In an array of integers a step of 0.01 would be 0.
        self._data = _real(data)

    def __repr__(self) -> str:
        name = f", name={self.name!r}" if self.name else ""
        return f"Value({np.array2string(self.data, separator=', ')}{name})"

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise TypeError("expected an array, got a Value: use its .data")

    def __bool__(self) -> bool:
        return bool(self.data)

    def __eq__(self, other: object) -> np.ndarray:
        a, b = _operands(self, other)
        return a == b

    def __ne__(self, other: object) -> np.ndarray:
        return ~(self == other)

    __hash__ = object.__hash__

    def __iter__(self) -> "Iterator[Value]":
        return (self[i] for i in range(len(self.data)))

    def __add__(self, other: object) -> "Value":
        a, b = _operands(self, other)
        return _node("+", a + b, (self, lambda G: G), (other, lambda G: G))

    def __mul__(self, other: object) -> "Value":
        a, b = _operands(self, other)
        return _node("*", a * b, (self, lambda G: G * b), (other, lambda G: G * a))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Value":
        return _node("neg", -self.data, (self, lambda G: -G))

    def __sub__(self, other: object) -> "Value":
        return _subtract(self, other)

    def __rsub__(self, other: object) -> "Value":
        return _subtract(other, self)

    def __truediv__(self, other: object) -> "Value":
        return _divide(self, other)

    def __rtruediv__(self, other: object) -> "Value":
        return _divide(other, self)

    def __matmul__(self, other: object) -> "Value":
        return _matmul(self, other)

    def __rmatmul__(self, other: object) -> "Value":
        return _matmul(other, self)

    def __pow__(self, exponent: float) -> "Value":
        check_kind("exponent", exponent, numbers.Real, "a number")
        a, p = self.data, float(exponent)
        # At p = 0 the formula gives 0 * inf where a is 0.
        step = (self, lambda G: G * (p * a ** (p - 1)) if p else np.zeros_like(G))
        return _node("**", a**p, step, exponent=p)

    def exp(self) -> "Value":
        """Return e to the power of each entry."""
        out = np.exp(self.data)
        return _node("exp", out, (self, lambda G: G * out))

    def log(self) -> "Value":
        """Return the natural logarithm of each entry."""
        a = self.data
        return _node("log", np.log(a), (self, lambda G: G / a))

    def tanh(self) -> "Value":
        """Return the hyperbolic tangent of each entry."""
        out = np.tanh(self.data)
        return _node("tanh", out, (self, lambda G: G * (1 - out**2)))

    def relu(self) -> "Value":
        """Return each entry, or 0 where it is negative; the derivative at 0 is 0."""
        a = self.data
        # Selected, not multiplied: infinity times 0 would be NaN.
        step = (self, lambda G: np.where(a > 0, G, 0))
        return _node("relu", np.maximum(a, 0), step)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Value":
        """Return the sum over all entries, or along some axes, as ``np.sum`` does."""
        out = self.data.sum(axis=axis, keepdims=True)
        full, kept = self.data.shape, out.shape
        stretch = (self, lambda G: np.broadcast_to(G.reshape(kept), full))
        out = out if keepdims else out.squeeze(axis)
        return _node("sum", out, stretch, axis=axis, keepdims=keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Value":
        """Return the mean of all entries, or along some axes, as ``np.mean`` does."""
        total = self.sum(axis, keepdims)
        return total / (self.data.size / max(total.data.size, 1))

    def __getitem__(self, index: object) -> "Value":
        a = self.data

        def scatter(G: np.ndarray) -> np.ndarray:
            out = np.zeros_like(a)
            np.add.at(out, index, G)  # out[index] += G would add a repeated index once
            return out

        return _node("[]", a[index], (self, scatter), index=index)

    def reshape(self, *shape: int | tuple[int, ...]) -> "Value":
        """Return the same entries in another shape, as ``ndarray.reshape`` does."""
        before = self.data.shape
        out = self.data.reshape(*shape)
        return _node("reshape", out, (self, lambda G: G.reshape(before)))

    def transpose(self, *axes: int | tuple[int, ...]) -> "Value":
        """Return the axes in another order, reversed where none is given."""
        back = np.argsort(np.ravel(axes) % self.data.ndim) if axes else None
        out, step = self.data.transpose(*axes), (self, lambda G: G.transpose(back))
        return _node("T", out, step, axes=axes)

    T = property(transpose, doc="The axes in reverse order.")

    def backward(self, gradient: object = None) -> None:
        """Add the gradient of this value to the ``grad`` of all it was computed from.

        Intermediate values get theirs too; PyTorch keeps it for leaves only.

        Parameters
        ----------
        gradient : array-like of this value's shape, optional
            The upstream gradient G to start from, so that what comes out is the
            gradient of ``(G * value).sum()``. A single number can do without: it is 1.

        Raises
        ------
        ValueError
            The gradient is missing though this value is not a single number, or has
            another shape.
        """
        if gradient is None and self.data.size == 1:
            gradient = np.ones_like(self.data)
        got = None if gradient is None else real_array("gradient", gradient).shape
        if got != self.data.shape:
            raise ValueError(f"gradient: expected shape {self.data.shape}, got {got}")
        upstream = {self: _real(gradient).copy()}
        for node in reversed(topological_order(self)):
            # All that use this value came before it: its gradient is complete.
            G = np.asarray(upstream.pop(node), dtype=node.data.dtype)
            node.grad = G if node.grad is None else np.asarray(node.grad + G)
            for parent, share_of in node._edges:
                # Adding makes a new array: a step like `lambda G: G` returns G itself.
                share = unbroadcast(share_of(G), parent.data.shape)
                upstream[parent] = upstream.get(parent, 0) + share


def topological_order(value: Value) -> list[Value]:
    """Return all that ``value`` was computed from, each before what uses it.

    ``value`` itself comes last. Depth first, with a stack in place of recursion, so
    that a graph may be deeper than Python lets calls be.
    """
    order, seen, stack = [], set(), [(value, False)]
    while stack:
        node, parents_are_in = stack.pop()
        if parents_are_in:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in reversed(node._edges))
    return order


def unbroadcast(G: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum a gradient over the axes along which an array of ``shape`` was broadcast.

    Those are the axes that ``shape`` lacks, and those where its size is 1.
    """
    if G.shape == shape:
        return G
    new = G.ndim - len(shape)
    ones = [new + i for i, size in enumerate(shape) if size == 1]
    return G.sum(axis=(*range(new), *ones)).reshape(shape)


def _real(data: object, dtype: np.dtype | type = np.float64) -> np.ndarray:
    """Return an array of floats; what has no float dtype of its own takes ``dtype``."""
    array = real_array("data", data)
    weak = array.dtype.kind != "f" or type(data) is float
    # Native byte order, the same memory where it is so already.
    return array.astype(dtype if weak else array.dtype.newbyteorder("="), copy=False)


def _operands(*operands: object) -> list[np.ndarray]:
    """Return the arrays of two operands, at least one of them a Value."""
    dtype = next(x.data.dtype for x in operands if isinstance(x, Value))
    return [x.data if isinstance(x, Value) else _real(x, dtype) for x in operands]


def _node(
    op: str, data: np.ndarray, *edges: tuple[object, Callable], **options: object
) -> Value:
    """Return a new value, with an edge to each operand that is no constant."""
    node = Value.__new__(Value)  # past __init__, which would copy
    node._data, node.grad, node.name = np.asarray(data), None, None
    node.op, node.operands, node.options = op, tuple(x for x, _ in edges), options
    node._edges = tuple(edge for edge in edges if isinstance(edge[0], Value))
    return node


def _subtract(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    return _node("-", a - b, (x, lambda G: G), (y, lambda G: -G))


def _divide(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    out = a / b
    return _node("/", out, (x, lambda G: G / b), (y, lambda G: -G * out / b))


def _matmul(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    # As in NumPy, a 1-d operand is one row on the left and one column on the right.
    A, B = a[None, :] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    row, column = (0 if n == 1 else slice(None) for n in (a.ndim, b.ndim))
    out = A @ B
    return _node(
        "@",
        out[..., row, column],
        (x, lambda G: G.reshape(out.shape) @ B.swapaxes(-1, -2)),
        (y, lambda G: (A.swapaxes(-1, -2) @ G.reshape(out.shape))[..., column]),
    )
