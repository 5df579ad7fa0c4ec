"""Refuse bad arguments before any work is done.

Every message names the argument, says what was expected and what came.
"""

import math
import numbers
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

if TYPE_CHECKING:
    import torch

FLOAT_DTYPES = ("float32", "float64")
MAX_SEED = 2**64 - 1  # the largest that torch.Generator takes
DATA = ("X", "Y", "X_val", "Y_val")
WEIGHTS = ("weights[0] (W1)", "weights[1] (W2)")
NUMPY, TORCH = "a NumPy array", "a PyTorch tensor"
AXES = ("rows", "columns")
# Sizes of one name are equal. Y of shape (N,) would be broadcast against (N, 1) to
# (N, N), and no error raised.
SIZES = {
    "X": ("N", "D_in"),
    "Y": ("N", "D_out"),
    "X_val": ("N_val", "D_in"),
    "Y_val": ("N_val", "D_out"),
    **dict.fromkeys(("W1", WEIGHTS[0]), ("D_in", "H")),
    **dict.fromkeys(("W2", WEIGHTS[1]), ("H", "D_out")),
}


def expect(holds: object, name: str, expected: str, came: object, error=ValueError):
    """Raise the error, with the one form of message, unless the condition holds."""
    if not holds:
        raise error(f"{name}: expected {expected}, got {came}")


def is_tensor(thing: object) -> TypeGuard["torch.Tensor"]:
    """Tell whether a thing is PyTorch's; the package can be used without PyTorch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.Tensor)


def dtype_name(array: Any) -> str:
    """Return the dtype's name, for both libraries and byte orders: ``"float32"``."""
    dtype = array.dtype
    return str(dtype).removeprefix("torch.") if is_tensor(array) else dtype.name


def is_plain(array: object) -> bool:
    """Tell whether an array means what NumPy's own do.

    A masked array would drop its mask and np.matrix its ``*``; a memory-mapped array is
    one like any other.
    """
    return type(array) in (np.ndarray, np.memmap)


def real_array(name: str, thing: Any, *, kinds: str = "fiub") -> np.ndarray:
    """Return numbers as a NumPy array, or refuse what would lose its meaning there.

    Lists, pandas and PyTorch on any device are welcome.
    """
    came = type(thing).__name__
    plain = is_plain(thing) or not isinstance(thing, np.ndarray)
    expect(plain, name, "a plain array", came, TypeError)
    try:
        if is_tensor(thing):
            bfloat16 = dtype_name(thing) == "bfloat16"  # which NumPy has not
            thing = (thing.float() if bfloat16 else thing).numpy(force=True)
        array = np.asarray(thing)
        if array.dtype == object and all(
            isinstance(entry, numbers.Real) for entry in array.flat
        ):
            array = array.astype(np.float64)
    except (Exception, SystemExit) as error:  # whatever an object's __array__ does
        why = str(error) or type(error).__name__
        why = "rows of different lengths" if "inhomogeneous" in why else why
        raise TypeError(f"{name}: expected numbers, got {came} ({why})") from error
    if array.dtype.kind not in kinds:
        odd = (entry for entry in array.flat if not isinstance(entry, numbers.Real))
        one = next(odd, array.dtype)
        held = type(one.item() if isinstance(one, np.generic) else one).__name__
        came += f" with {held}" * (held != came)
        raise TypeError(f"{name}: expected real numbers, got {came}")
    return array


def check_finite(name: str, array: np.ndarray) -> None:
    """Refuse an array that is empty, or that holds NaN or infinity."""
    expect(array.size, name, "at least one number", f"shape {array.shape}")
    finite = np.isfinite(array)
    index = tuple(int(i) for i in np.unravel_index(finite.argmin(), array.shape))
    came = f"{array[index]} at index {index}"
    expect(finite.all(), name, "finite numbers only", came)


def check_kind(name: str, thing: object, kind: Any, expected: str) -> None:
    """Refuse what is of another type."""
    expect(isinstance(thing, kind), name, expected, type(thing).__name__, TypeError)


def _check_number(name: str, value: object, kind: type, expected: str) -> None:
    number = isinstance(value, kind) and not isinstance(value, bool)
    expect(number, name, expected, f"{value!r} ({type(value).__name__})", TypeError)


def check_positive(name: str, value: Any) -> None:
    """Refuse all but a finite number above 0; a bool is refused too."""
    _check_number(name, value, numbers.Real, "a number")
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction that no float can hold
        number = math.inf
    expect(0 < number < math.inf, name, "a finite number above 0", value)


def check_integer(name: str, value: Any, least: int, most: float = math.inf) -> None:
    """Refuse all but an integer from ``least`` to ``most``; a bool is refused too."""
    _check_number(name, value, numbers.Integral, "an integer")
    expect(value >= least, name, f"an integer of at least {least}", value)
    expect(value <= most, name, f"an integer of at most {most}", value)


def check_arrays(
    arrays: Mapping[str, Any], *kinds: str, finite: bool = True, **sizes: int
) -> None:
    """Refuse all but matrices of floats that fit each other, and given ``sizes``."""
    known = {symbol: (size, f"{symbol} says") for symbol, size in sizes.items()}
    first = next(iter(arrays))
    for name, array in arrays.items():
        kind = NUMPY if is_plain(array) else TORCH
        right = kind in kinds and (kind == NUMPY or is_tensor(array))
        expect(right, name, " or ".join(kinds), type(array).__name__, TypeError)
        dtype, came = dtype_name(array), f"shape {tuple(array.shape)}"
        right = dtype in FLOAT_DTYPES
        expect(right, name, "dtype float32 or float64", dtype, TypeError)
        expected = dtype_name(arrays[first])
        words = f"dtype {expected}, the dtype of {first}"
        expect(dtype == expected, name, words, dtype, TypeError)
        expect(array.ndim == 2, name, "two dimensions, (rows, columns)", came)
        if finite:
            check_finite(name, real_array(name, array))
        for axis, size, symbol in zip(AXES, array.shape, SIZES[name], strict=True):
            other, whence = known.setdefault(symbol, (size, f"{name} has {axis}"))
            expect(size == other, name, f"{other} {axis}, as {whence}", came)


def check_one_device(arrays: Mapping[str, Any]) -> None:
    """Refuse tensors that lie in two memories."""
    first = next(iter(arrays))
    for name, array in arrays.items():
        expected = f"device {arrays[first].device}, that of {first}"
        expect(array.device == arrays[first].device, name, expected, array.device)


def named_weights(weights: Any) -> dict[str, Any]:
    """Return W1 and W2 by name, none where there are none; refuse all but a pair."""
    if weights is None:
        return {}
    sequence = isinstance(weights, Sequence)
    came = f"{len(weights)} items" if sequence else type(weights).__name__
    pair = sequence and len(weights) == 2
    expect(pair, "weights", "a pair (W1, W2)", came, TypeError)
    return dict(zip(WEIGHTS, weights, strict=True))


def check_seed(seed: object) -> None:
    """Refuse all but an integer that both libraries take, or None."""
    if seed is not None:
        check_integer("seed", seed, 0, MAX_SEED)


def check_training(arguments: Mapping[str, Any], *, tensors: bool) -> None:
    """Check the arguments that all training functions share, by name."""
    data = {name: arguments[name] for name in DATA}
    kinds = (NUMPY, TORCH) if tensors else (NUMPY,)
    check_arrays({**data, **named_weights(arguments["weights"])}, *kinds)
    check_positive("lr", arguments["lr"])
    for name, least in (("nite", 0), ("hidden", 1), ("log_every", 0)):
        check_integer(name, arguments[name], least)
    check_seed(arguments["seed"])


def check_device(device: Any, X: Any) -> "torch.device":
    """Return the device to compute on, by default that of X, and try it.

    Refuse one that is unknown, absent, or cannot hold the dtype of X.
    """
    import torch

    if device is None:
        device = X.device if is_tensor(X) else "cpu"
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
