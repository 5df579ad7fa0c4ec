"""Reverse-mode automatic differentiation on NumPy arrays, small enough to read.

The class is a model of its genre, not an invention: micrograd (Karpathy, 2020) does the
same for single numbers, and PyTorch for tensors on any device.
"""

import numbers
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float


class Value:
    """An array that remembers how it was computed, and can send gradients back.

    Operators and methods do what NumPy's do. What is no Value (a number, an array) may
    stand on either side of an operator and takes part as a constant. Its arrays are
    neither copied nor written to; as with any autograd, don't change them between the
    forward and the backward pass. Nothing here would notice.

    Parameters
    ----------
    data : number or array-like
        Copied. Floats keep their dtype. Integers and booleans become float64 here, and
        the other operand's dtype where they meet a Value in an operator; a Python float
        follows the other operand too.

    Attributes
    ----------
    data : ndarray
        The numbers, 0-d for a single one.
    grad : ndarray or None
        The gradient of what ``backward`` was called on, of the shape and dtype of
        ``data``. Calls add to it; set it to None to start from nothing.

    Raises
    ------
    TypeError
        The data are not real numbers, or are a Value already.
    """

    __slots__ = ("_edges", "data", "grad")
    __array_ufunc__ = None  # makes `array + value` call Value.__radd__

    def __init__(self, data: object) -> None:
        self.data = np.array(_real("data", data, np.float64))
        self.grad: np.ndarray | None = None
        # Pairs (parent, function from this node's gradient to the parent's share).
        self._edges: tuple[tuple[Value, Callable], ...] = ()

    def __repr__(self) -> str:
        return f"Value({np.array2string(self.data, separator=', ')})"

    def __array__(self, *args: object, **kwargs: object) -> np.ndarray:
        raise TypeError("expected an array, got a Value: use its .data")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the data."""
        return self.data.shape

    def __add__(self, other: object) -> "Value":
        a, b = _operands(self, other)
        return _node(a + b, (self, lambda G: G), (other, lambda G: G))

    def __mul__(self, other: object) -> "Value":
        a, b = _operands(self, other)
        return _node(a * b, (self, lambda G: G * b), (other, lambda G: G * a))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> "Value":
        return _node(-self.data, (self, lambda G: -G))

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
        if not isinstance(exponent, numbers.Real):
            raise TypeError(
                f"exponent: expected a number, got {type(exponent).__name__}"
            )
        a, p = self.data, float(exponent)
        # The formula would give 0 * inf at 0 for the constant a**0.
        slope = p * a ** (p - 1) if p else np.zeros_like(a)
        return _node(a**p, (self, lambda G: G * slope))

    def exp(self) -> "Value":
        """Return e to the power of each entry."""
        out = np.exp(self.data)
        return _node(out, (self, lambda G: G * out))

    def log(self) -> "Value":
        """Return the natural logarithm of each entry."""
        a = self.data
        return _node(np.log(a), (self, lambda G: G / a))

    def tanh(self) -> "Value":
        """Return the hyperbolic tangent of each entry."""
        out = np.tanh(self.data)
        return _node(out, (self, lambda G: G * (1 - out**2)))

    def relu(self) -> "Value":
        """Return each entry, or 0 where it is negative; the derivative at 0 is 0."""
        a = self.data
        return _node(np.maximum(a, 0), (self, lambda G: G * (a > 0)))

    def sum(
        self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
    ) -> "Value":
        """Return the sum over all entries, or along some axes, as ``np.sum`` does."""
        shape = self.data.shape

        def spread(G: np.ndarray) -> np.ndarray:
            if axis is not None and not keepdims:
                G = np.expand_dims(G, axis)
            return np.broadcast_to(G, shape)

        return _node(self.data.sum(axis=axis, keepdims=keepdims), (self, spread))

    def mean(
        self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
    ) -> "Value":
        """Return the mean of all entries, or along some axes, as ``np.mean`` does."""
        total = self.sum(axis, keepdims)
        return total / (self.data.size // max(total.data.size, 1))

    def __getitem__(self, index: object) -> "Value":
        def scatter(G: np.ndarray) -> np.ndarray:
            out = np.zeros(shape, dtype=G.dtype)
            np.add.at(
                out, index, G
            )  # `out[index] += G` would add a repeated index once
            return out

        shape = self.data.shape
        return _node(self.data[index], (self, scatter))

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> "Iterator[Value]":
        return (self[i] for i in range(len(self)))

    def reshape(self, *shape: int | tuple[int, ...]) -> "Value":
        """Return the same entries in another shape, as ``ndarray.reshape`` does."""
        before = self.data.shape
        return _node(self.data.reshape(*shape), (self, lambda G: G.reshape(before)))

    def transpose(self, *axes: int | tuple[int, ...]) -> "Value":
        """Return the axes in another order, reversed where none is given."""
        back = np.argsort(np.ravel(axes) % self.data.ndim) if axes else None
        return _node(self.data.transpose(*axes), (self, lambda G: G.transpose(back)))

    @property
    def T(self) -> "Value":
        """The axes in reverse order."""
        return self.transpose()

    def backward(self, gradient: object = None) -> None:
        """Add the gradient of this value to the ``grad`` of all it was computed from.

        Intermediate values get theirs too, which PyTorch keeps for leaves only. Every
        ``grad`` is an array of its own.

        Parameters
        ----------
        gradient : array-like of this value's shape, optional
            The upstream gradient G to start from: the result is then the gradient of
            ``(G * value).sum()``. May be left out for a single number: 1.

        Raises
        ------
        ValueError
            The gradient is missing though this value is no single number, or has
            another shape.
        """
        if gradient is None:
            if self.data.size != 1:
                raise ValueError(
                    f"gradient: expected an array of shape {self.shape}, got None; "
                    "only a single number can do without"
                )
            gradient = np.ones(self.shape)
        gradient = _real("gradient", gradient, self.data.dtype)
        if gradient.shape != self.shape:
            raise ValueError(
                f"gradient: expected shape {self.shape}, got {gradient.shape}"
            )
        upstream = {self: gradient.copy()}
        for node in reversed(topological_order(self)):
            # All that use this node come before it, so its gradient is complete.
            G = np.asarray(upstream.pop(node), dtype=node.data.dtype)
            for parent, share_of in node._edges:
                # The sum is a new array: steps like `lambda G: G` hand on G itself.
                share = unbroadcast(share_of(G), parent.shape)
                upstream[parent] = upstream.get(parent, 0) + share
            node.grad = G if node.grad is None else np.asarray(node.grad + G)


def topological_order(value: Value) -> list[Value]:
    """Return all values that ``value`` was computed from, and itself as the last.

    Each comes after all that it was computed from. Depth-first, with a stack of its own
    in place of recursion, so that a graph may be deeper than Python's limit on calls.
    """
    order, seen, stack = [], set(), [(value, False)]
    while stack:
        node, parents_are_in = stack.pop()
        if parents_are_in:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node._edges)
    return order


def unbroadcast(
    G: Float[np.ndarray, "*broadcast"], shape: tuple[int, ...]
) -> Float[np.ndarray, "*shape"]:
    """Sum a gradient over the axes that broadcasting stretched ``shape`` along.

    Parameters
    ----------
    G : ndarray
        The gradient in the stretched array.
    shape : tuple of int
        The shape before broadcasting: fewer axes, or axes of size 1.
    """
    if G.shape == shape:
        return G
    new = G.ndim - len(shape)
    stretched = tuple(new + i for i, size in enumerate(shape) if size == 1)
    return G.sum(axis=(*range(new), *stretched), keepdims=True).reshape(shape)


def _real(name: str, data: object, dtype: np.dtype) -> np.ndarray:
    """Return an array of floats; what has no float dtype of its own takes ``dtype``."""
    array = np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    weak = array.dtype.kind != "f" or type(data) is float
    return array.astype(dtype) if weak else array


def _operands(*operands: object) -> list[np.ndarray]:
    """Return the arrays of two operands, of which at least one is a Value."""
    dtype = next(x.data.dtype for x in operands if isinstance(x, Value))
    return [
        x.data if isinstance(x, Value) else _real("operand", x, dtype) for x in operands
    ]


def _node(data: np.ndarray, *edges: tuple[object, Callable]) -> Value:
    """Return a new value, with edges to those operands that are no constants."""
    node = Value.__new__(Value)  # past __init__, which would copy
    node.data, node.grad = np.asarray(data), None
    node._edges = tuple(edge for edge in edges if isinstance(edge[0], Value))
    return node


def _subtract(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    return _node(a - b, (x, lambda G: G), (y, lambda G: -G))


def _divide(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    out = a / b
    return _node(out, (x, lambda G: G / b), (y, lambda G: -G * out / b))


def _matmul(x: object, y: object) -> Value:
    a, b = _operands(x, y)
    out = a @ b
    # NumPy takes a 1-d operand for one row on the left, for one column on the right.
    A = a[None, :] if a.ndim == 1 else a
    B = b[:, None] if b.ndim == 1 else b
    shape = (*np.broadcast_shapes(A.shape[:-2], B.shape[:-2]), A.shape[-2], B.shape[-1])

    def left(G: np.ndarray) -> np.ndarray:
        return G.reshape(shape) @ B.swapaxes(-1, -2)

    def right(G: np.ndarray) -> np.ndarray:
        grad_B = A.swapaxes(-1, -2) @ G.reshape(shape)
        return grad_B[..., 0] if b.ndim == 1 else grad_B

    return _node(out, (x, left), (y, right))
