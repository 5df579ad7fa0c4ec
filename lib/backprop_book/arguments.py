"""Refuse bad arguments before any work is done.

Every message names the argument, says what was expected and what came.
"""

import math
import numbers
from collections.abc import Mapping, Sequence

import numpy as np
import torch

FLOAT_DTYPES = ("float32", "float64")
MAX_SEED = 2**64 - 1  # the largest that torch.Generator takes; NumPy's has no limit
WEIGHTS = ("weights[0] (W1)", "weights[1] (W2)")
# An axis of one array is as long as an axis of another: Y of shape (N,) would be
# broadcast against (N, 1) to (N, N), and no error raised.
DATA_RULES = (
    ("Y", 0, "X", 0),
    ("X_val", 1, "X", 1),
    ("Y_val", 0, "X_val", 0),
    ("Y_val", 1, "Y", 1),
)
WEIGHT_RULES = (("W1", 0, "X", 1), ("W2", 0, "W1", 1), ("W2", 1, "Y", 1))


def dtype_name(array: np.ndarray | torch.Tensor) -> str:
    """Return the dtype's name, for both libraries and byte orders: ``"float32"``."""
    tensor = isinstance(array, torch.Tensor)
    return str(array.dtype).removeprefix("torch.") if tensor else array.dtype.name


def real_array(name: str, thing: object, *, kinds: str = "fiub") -> np.ndarray:
    """Return numbers as a NumPy array, or refuse what would lose its meaning there.

    Lists, pandas and PyTorch on any device are welcome. A masked array would drop its
    mask and np.matrix its ``*``; a memory-mapped array is one like any other.
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
        came = f"{type(thing).__name__} ({error})"
        raise TypeError(f"{name}: expected numbers, got {came}") from error
    if array.dtype.kind not in kinds:
        came = f"{type(thing).__name__} of dtype {array.dtype}"
        raise TypeError(f"{name}: expected real numbers, got {came}")
    return array


def check_finite(name: str, array: np.ndarray) -> None:
    """Refuse an array that is empty, or that holds NaN or infinity."""
    if not array.size:
        expected = "expected at least one number"
        raise ValueError(f"{name}: {expected}, got shape {tuple(array.shape)}")
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.unravel_index(finite.argmin(), array.shape))
        raise ValueError(
            f"{name}: expected finite numbers only, got {array[index]} at index {index}"
        )


def check_positive(name: str, value: object) -> None:
    """Refuse all but a finite number above 0; a bool is none here."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        came = f"{value!r} ({type(value).__name__})"
        raise TypeError(f"{name}: expected a number, got {came}")
    try:
        number = float(value)
    except OverflowError:  # an integer or a fraction that no float can hold
        number = math.inf
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: expected a finite number above 0, got {value}")


def check_integer(name: str, value: object, least: int, most: float = math.inf) -> None:
    """Refuse all but an integer from ``least`` to ``most``; a bool is none here."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
        came = f"{value!r} ({type(value).__name__})"
        raise TypeError(f"{name}: expected an integer, got {came}")
    for wrong, bound in (
        (value < least, f"least {least}"),
        (value > most, f"most {most}"),
    ):
        if wrong:
            raise ValueError(f"{name}: expected an integer of at {bound}, got {value}")


def check_array(name: str, array: object, *, tensors: bool, values: bool) -> None:
    """Refuse all but a two-dimensional float array, or tensor where it is welcome.

    Where ``values`` are looked at they must be there, and finite.
    """
    if not (
        type(array) in (np.ndarray, np.memmap)
        or (tensors and isinstance(array, torch.Tensor))
    ):
        expected = "a NumPy array" + tensors * " or a PyTorch tensor"
        raise TypeError(f"{name}: expected {expected}, got {type(array).__name__}")
    tensor = isinstance(array, torch.Tensor)
    if tensor and (array.layout != torch.strided or (values and array.is_meta)):
        came = f"layout {array.layout} on device {array.device}"
        raise TypeError(f"{name}: expected a dense tensor, got {came}")
    if dtype_name(array) not in FLOAT_DTYPES:
        came = dtype_name(array)
        raise TypeError(f"{name}: expected dtype float32 or float64, got {came}")
    if len(array.shape) != 2:
        expected, came = "two dimensions, (rows, columns)", tuple(array.shape)
        raise ValueError(f"{name}: expected {expected}, got shape {came}")
    if values and not (tensor and array.numel() and torch.isfinite(array).all()):
        check_finite(name, array.detach().cpu().numpy() if tensor else array)


def check_arrays(
    arrays: Mapping[str, object],
    rules: Sequence[tuple[str, int, str, int]],
    *,
    tensors: bool,
    values: bool = True,
    sizes: Mapping[tuple[str, int], tuple[int, str]] | None = None,
) -> None:
    """Refuse arrays that are none, or whose shapes or dtypes don't fit each other.

    ``sizes`` stand for arrays that are not there; W1 and W2 are the pair ``weights``.
    """
    names = dict(zip(("W1", "W2"), WEIGHTS, strict=True)) if values else {}
    for name, array in arrays.items():
        check_array(names.get(name, name), array, tensors=tensors, values=values)
    first = next(iter(arrays))
    for name, array in arrays.items():
        if values and not sizes and dtype_name(array) != dtype_name(arrays[first]):
            raise TypeError(
                f"{names.get(name, name)}: expected dtype {dtype_name(arrays[first])}, "
                f"the dtype of {first}, got {dtype_name(array)}"
            )
    for name, axis, other, other_axis in rules:
        if other in arrays:
            words = f"{other} has {('rows', 'columns')[other_axis]}"
            size = arrays[other].shape[other_axis]
        else:
            size, words = sizes[other, other_axis]
        if arrays[name].shape[axis] != size:
            expected = f"expected {size} {('rows', 'columns')[axis]}, as {words}"
            came = tuple(arrays[name].shape)
            raise ValueError(f"{names.get(name, name)}: {expected}, got shape {came}")


def pair(weights: object) -> dict[str, object]:
    """Return W1 and W2 by name, none where there are none; refuse all but a pair."""
    if weights is None:
        return {}
    if not isinstance(weights, Sequence) or len(weights) != 2:
        sequence = isinstance(weights, Sequence)
        came = f"{len(weights)} items" if sequence else type(weights).__name__
        raise TypeError(f"weights: expected a pair (W1, W2), got {came}")
    return dict(zip(("W1", "W2"), weights, strict=True))


def check_training(arguments: Mapping[str, object], *, tensors: bool) -> None:
    """Check the arguments that all training functions share, by name."""
    data = {name: arguments[name] for name in ("X", "Y", "X_val", "Y_val")}
    check_arrays(data, DATA_RULES, tensors=tensors)
    check_positive("lr", arguments["lr"])
    for name, least in (("nite", 0), ("hidden", 1), ("log_every", 0)):
        check_integer(name, arguments[name], least)
    if arguments["seed"] is not None:
        check_integer("seed", arguments["seed"], 0, MAX_SEED)
    if weights := pair(arguments["weights"]):
        check_arrays({**data, **weights}, WEIGHT_RULES, tensors=tensors)


def check_device(device: object, X: object) -> torch.device:
    """Return the device to compute on, by default that of X, and try it.

    Refuse one that is unknown, absent, or cannot hold the dtype of X.
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
