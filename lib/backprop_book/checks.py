"""Refuse bad arguments before any work is done.

Every message names the argument, says what was expected and what came.
"""

import math
import numbers
from collections.abc import Sequence

import numpy as np
import torch

FLOAT_DTYPES = ("float32", "float64")
MAX_SEED = 2**64 - 1  # the largest that torch.Generator takes; NumPy's has no limit
WEIGHT_NAMES = ("weights[0] (W1)", "weights[1] (W2)")


def dtype_name(array: np.ndarray | torch.Tensor) -> str:
    """Return the dtype's name, the same for NumPy and PyTorch: ``"float32"``."""
    if isinstance(array, np.ndarray):
        return array.dtype.name  # the same in either byte order
    return str(array.dtype).removeprefix("torch.")


def real_array(name: str, thing: object, *, kinds: str = "fiub") -> np.ndarray:
    """Return numbers as a NumPy array, or refuse what would lose its meaning there.

    Lists, pandas and PyTorch on any device are welcome. A masked array would drop its
    mask and np.matrix its ``*``; a memory-mapped array is one like any other.

    Raises
    ------
    TypeError
        Not numbers of these kinds, or an array of another class.
    """
    if isinstance(thing, np.ndarray | np.generic) and type(thing) not in (
        np.ndarray, np.memmap, thing.dtype.type
    ):  # fmt: skip
        raise TypeError(f"{name}: expected a plain array, got {type(thing).__name__}")
    try:
        if isinstance(thing, torch.Tensor):
            thing = thing.detach().cpu().resolve_conj().resolve_neg()
            if thing.dtype == torch.bfloat16:  # NumPy has none
                thing = thing.float()
        array = np.asarray(thing)
        if array.dtype == object and all(
            isinstance(entry, numbers.Real) for entry in array.flat
        ):
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise TypeError(
            f"{name}: expected numbers, got {type(thing).__name__} ({error})"
        ) from error
    if array.dtype.kind not in kinds:
        raise TypeError(
            f"{name}: expected real numbers, got {type(thing).__name__} of "
            f"dtype {array.dtype}"
        )
    return array


def check_finite(name: str, array: np.ndarray) -> None:
    """Refuse an array that is empty, or that holds NaN or infinity."""
    if not array.size:
        raise ValueError(
            f"{name}: expected at least one number, got shape {array.shape}"
        )
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.unravel_index(finite.argmin(), array.shape))
        raise ValueError(
            f"{name}: expected finite numbers only, got {array[index]} at index {index}"
        )


def check_positive(name: str, value: object) -> None:
    """Refuse all but a finite number above 0; a bool is none here."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(
            f"{name}: expected a number, got {value!r} ({type(value).__name__})"
        )
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction that no float can hold
        number = math.inf
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value}")


def check_two_dimensions(name: str, array: np.ndarray | torch.Tensor) -> None:
    """Refuse an array that has not rows and columns."""
    if len(array.shape) != 2:
        raise ValueError(
            f"{name}: expected two dimensions, (rows, columns), "
            f"got shape {tuple(array.shape)}"
        )


def check_kind(name: str, array: object, *, tensors: bool = False) -> None:
    """Refuse all but an array of float32 or float64 numbers.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    array : object
        What the caller passed.
    tensors : bool
        Whether a PyTorch tensor is welcome too.

    Raises
    ------
    TypeError
        Not an array, a sparse or a meta tensor, or not of dtype float32 or float64.
    """
    # Subclasses are refused: np.matrix changes what `*` means, a masked array hides
    # entries.
    if not (
        type(array) in (np.ndarray, np.memmap)
        or (tensors and isinstance(array, torch.Tensor))
    ):
        expected = "a NumPy array or a PyTorch tensor" if tensors else "a NumPy array"
        raise TypeError(f"{name}: expected {expected}, got {type(array).__name__}")
    if isinstance(array, torch.Tensor) and array.layout != torch.strided:
        _refuse_tensor(name, array)
    if dtype_name(array) not in FLOAT_DTYPES:
        raise TypeError(
            f"{name}: expected dtype float32 or float64, got {dtype_name(array)}"
        )


def _refuse_tensor(name: str, tensor: torch.Tensor) -> None:
    raise TypeError(
        f"{name}: expected a dense tensor, "
        f"got layout {tensor.layout} on device {tensor.device}"
    )


def check_array(name: str, array: object, *, tensors: bool = False) -> None:
    """Refuse all but a finite, non-empty, two-dimensional float array.

    Raises
    ------
    TypeError
        See `check_kind`.
    ValueError
        Not two-dimensional, empty, or holding NaN or infinity.
    """
    check_kind(name, array, tensors=tensors)
    if isinstance(array, torch.Tensor) and array.is_meta:
        _refuse_tensor(name, array)
    check_two_dimensions(name, array)
    if 0 in array.shape:
        raise ValueError(
            f"{name}: expected at least one row and one column, "
            f"got shape {tuple(array.shape)}"
        )
    if isinstance(array, torch.Tensor):
        if torch.isfinite(array).all():
            return
        array = array.detach().cpu().numpy()
    check_finite(name, array)


def check_same_size(
    name: str, axis: int, size: int, array: object, reference: str
) -> None:
    """Refuse an array whose size along ``axis`` differs from that of another."""
    if array.shape[axis] != size:
        what = ("rows", "columns")[axis]
        raise ValueError(
            f"{name}: expected {size} {what}, as {reference}, "
            f"got shape {tuple(array.shape)}"
        )


def check_integer(name: str, value: object, least: int, most: float = math.inf) -> None:
    """Refuse all but an integer from ``least`` to ``most``; a bool is none here."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        raise TypeError(
            f"{name}: expected an integer, got {value!r} ({type(value).__name__})"
        )
    if value < least:
        raise ValueError(
            f"{name}: expected an integer of at least {least}, got {value}"
        )
    if value > most:
        raise ValueError(f"{name}: expected an integer of at most {most}, got {value}")


def check_weights(
    weights: object,
    D_in: int,
    D_out: int,
    *,
    references: tuple[str, str],
    tensors: bool = False,
) -> None:
    """Refuse all but a pair of arrays (D_in, H) and (H, D_out), for any H.

    ``references`` say in a message where D_in and D_out come from.
    """
    if not isinstance(weights, Sequence) or len(weights) != 2:
        came = (
            f"{len(weights)} items"
            if isinstance(weights, Sequence)
            else type(weights).__name__
        )
        raise TypeError(f"weights: expected a pair (W1, W2), got {came}")
    W1, W2 = weights
    name_1, name_2 = WEIGHT_NAMES
    check_array(name_1, W1, tensors=tensors)
    check_array(name_2, W2, tensors=tensors)
    check_same_size(name_1, 0, D_in, W1, references[0])
    check_same_size(name_2, 0, W1.shape[1], W2, "W1 has columns")
    check_same_size(name_2, 1, D_out, W2, references[1])


def check_same_dtype(name: str, array: object, X: object) -> None:
    """Refuse an array whose dtype is not that of X."""
    if dtype_name(array) != dtype_name(X):
        raise TypeError(
            f"{name}: expected dtype {dtype_name(X)}, the dtype of X, "
            f"got {dtype_name(array)}"
        )


def check_batch(X: object, Y: object, W1: object, W2: object) -> None:
    """Refuse arrays whose shapes don't fit the network, before any product is formed.

    A Y of shape (N,) would be broadcast against (N, 1) to (N, N), and no error raised.

    Parameters
    ----------
    X, Y : array or tensor, shapes (N, D_in) and (N, D_out)
    W1, W2 : array or tensor, shapes (D_in, H) and (H, D_out)

    Raises
    ------
    TypeError, ValueError
        Naming the first argument that does not fit.
    """
    for name, array in {"X": X, "Y": Y, "W1": W1, "W2": W2}.items():
        check_kind(name, array, tensors=True)
        check_two_dimensions(name, array)
    check_same_size("Y", 0, X.shape[0], Y, "X has rows")
    check_same_size("W1", 0, X.shape[1], W1, "X has columns")
    check_same_size("W2", 0, W1.shape[1], W2, "W1 has columns")
    check_same_size("W2", 1, Y.shape[1], W2, "Y has columns")


def check_training_arguments(
    X: object,
    Y: object,
    X_val: object,
    Y_val: object,
    lr: object,
    nite: object,
    *,
    hidden: object,
    weights: object,
    seed: object,
    log_every: object,
    tensors: bool = False,
) -> None:
    """Check the arguments that all training functions share.

    Parameters
    ----------
    X, Y, X_val, Y_val : object
        Shapes (N, D_in), (N, D_out), (N_val, D_in), (N_val, D_out), one dtype.
    lr : object
        Learning rate, a finite number above 0.
    nite : object
        Number of iterations, an integer of at least 0.
    hidden : object
        Number of hidden units, an integer of at least 1.
    weights : object
        None, or a pair of arrays of shapes (D_in, H) and (H, D_out).
    seed : object
        None, or an integer of at least 0.
    log_every : object
        An integer of at least 0.
    tensors : bool
        Whether PyTorch tensors are welcome beside NumPy arrays.

    Raises
    ------
    TypeError, ValueError
        Naming the first argument that does not fit.
    """
    arrays = {"X": X, "Y": Y, "X_val": X_val, "Y_val": Y_val}
    for name, array in arrays.items():
        check_array(name, array, tensors=tensors)
    for name, array in arrays.items():
        check_same_dtype(name, array, X)
    check_same_size("Y", 0, X.shape[0], Y, "X has rows")
    check_same_size("X_val", 1, X.shape[1], X_val, "X has columns")
    check_same_size("Y_val", 0, X_val.shape[0], Y_val, "X_val has rows")
    check_same_size("Y_val", 1, Y.shape[1], Y_val, "Y has columns")
    check_positive("lr", lr)
    check_integer("nite", nite, 0)
    check_integer("hidden", hidden, 1)
    check_integer("log_every", log_every, 0)
    if seed is not None:
        check_integer("seed", seed, 0, MAX_SEED)
    if weights is not None:
        references = ("X has columns", "Y has columns")
        check_weights(
            weights, X.shape[1], Y.shape[1], references=references, tensors=tensors
        )
        for name, W in zip(WEIGHT_NAMES, weights, strict=True):
            check_same_dtype(name, W, X)


def check_model_arguments(
    D_in: object, hidden: object, D_out: object, *, weights: object, seed: object
) -> None:
    """Check the arguments of the function that builds a model.

    Raises
    ------
    TypeError, ValueError
        Naming the first argument that does not fit.
    """
    for name, size in (("D_in", D_in), ("hidden", hidden), ("D_out", D_out)):
        check_integer(name, size, 1)
    if seed is not None:
        check_integer("seed", seed, 0, MAX_SEED)
    if weights is not None:
        references = ("D_in says", "D_out says")
        check_weights(weights, D_in, D_out, references=references, tensors=True)


def check_device(device: object, X: object) -> torch.device:
    """Return the device to compute on, after one small allocation there.

    Parameters
    ----------
    device : None, str or torch.device
        None stands for the device of X, the CPU where X is a NumPy array.
    X : array or tensor
        Decides the default, and the dtype that the device must be able to hold.

    Raises
    ------
    ValueError
        The device is unknown, absent, or cannot hold the dtype of X.
    """
    if device is None:
        device = X.device if isinstance(X, torch.Tensor) else "cpu"
    try:
        dtype = getattr(torch, dtype_name(X))
        probe = torch.zeros(1, dtype=dtype, device=device)
        probe.item()  # the meta device lends memory for no number
        return probe.device
    except (RuntimeError, TypeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            "device: expected one that PyTorch finds here and that holds "
            f"{dtype_name(X)}, such as 'cpu' or 'cuda', got {device!r}"
        ) from error
