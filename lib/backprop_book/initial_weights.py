"""Draw and move what the training functions start from."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike

from backprop_book.arguments import (
    FLOAT_DTYPES,
    check_integer,
    check_seed,
    dtype_name,
    expect,
    is_tensor,
)

if TYPE_CHECKING:
    import torch


def draw_weights(
    D_in: int,
    hidden: int,
    D_out: int,
    *,
    seed: int | None = None,
    dtype: DTypeLike = np.float32,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw W1 and W2 from the standard normal distribution.

    The draws are made in float64 and then rounded, so that one seed gives the same
    weights, up to rounding, in both dtypes. No global random state is read or changed.

    Parameters
    ----------
    D_in, hidden, D_out : int
        Sizes of the input, the hidden layer and the output.
    seed : int, optional
        Seed of the function's own generator; None draws new weights at every call.
    dtype : dtype
        ``float32``, as the data of `load_iris_regression`, or ``float64``.

    Returns
    -------
    W1 : ndarray, shape (D_in, H)
    W2 : ndarray, shape (H, D_out)

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.
    """
    for name, size in (("D_in", D_in), ("hidden", hidden), ("D_out", D_out)):
        check_integer(name, size, 1)
    check_seed(seed)
    known = dtype in (*FLOAT_DTYPES, np.float32, np.float64)
    expect(known, "dtype", "float32 or float64", repr(dtype))
    generator = np.random.default_rng(seed)
    W1 = generator.standard_normal((D_in, hidden)).astype(dtype)
    W2 = generator.standard_normal((hidden, D_out)).astype(dtype)
    return W1, W2


def to_tensors(
    device: "torch.device", *arrays: "np.ndarray | torch.Tensor"
) -> "tuple[torch.Tensor, ...]":
    """Return the arrays as tensors on ``device``, cut from any graph.

    NumPy arrays are copied: PyTorch shares no memory with read-only ones, with negative
    strides or with foreign byte order.
    """
    import torch

    return tuple(
        # A copy of an inference tensor is an ordinary one.
        (array.detach().clone() if array.is_inference() else array.detach()).to(device)
        if is_tensor(array)
        else torch.from_numpy(np.array(array, dtype_name(array), order="C")).to(device)
        for array in arrays
    )
