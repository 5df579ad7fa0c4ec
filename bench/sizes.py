"""The problems that the benchmark times, and their data."""

from typing import NamedTuple

import numpy as np


class Size(NamedTuple):
    """The five numbers that decide how much work an iteration is."""

    N: int
    N_val: int
    D_in: int
    H: int
    D_out: int

    @property
    def multiplications(self) -> int:
        """Multiplications in the matrix products of one iteration.

        The training rows go through five products, the validation rows through two.
        """
        first, second = self.D_in * self.H, self.H * self.D_out
        return self.N * (2 * first + 3 * second) + self.N_val * (first + second)


SIZES = {
    "iris": Size(50, 50, 2, 100, 2),
    "tutorial": Size(64, 64, 1000, 100, 10),
    "large": Size(4096, 1024, 1024, 4096, 256),
}


class Problem(NamedTuple):
    """Arrays of one size; the weights keep all layers near unit variance."""

    X: np.ndarray
    Y: np.ndarray
    X_val: np.ndarray
    Y_val: np.ndarray
    W1: np.ndarray
    W2: np.ndarray


def problem(size: Size, dtype: str = "float32") -> Problem:
    """Return random data and weights of a size, the same at every call."""
    generator = np.random.default_rng(0)
    N, N_val, D_in, H, D_out = size
    shapes = (N, D_in), (N, D_out), (N_val, D_in), (N_val, D_out), (D_in, H), (H, D_out)
    scales = 1, 1, 1, 1, D_in**-0.5, H**-0.5
    return Problem(
        *(
            (scale * generator.standard_normal(shape)).astype(dtype)
            for shape, scale in zip(shapes, scales, strict=True)
        )
    )
