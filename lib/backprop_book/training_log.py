"""Record, report and watch the losses of a training run."""

import math

import numpy as np
import torch


class DivergenceError(ArithmeticError):
    """A loss or a weight stopped being finite.

    Attributes
    ----------
    iteration : int
        Number of updates made before the value that is not finite appeared.
    losses_tr, losses_val : list of float
        The losses recorded until then, all finite.
    """

    def __init__(
        self, what: str, iteration: int, losses_tr: list[float], losses_val: list[float]
    ) -> None:
        super().__init__(
            f"{what} at iteration {iteration}: the training diverged. Try a smaller "
            "lr, smaller initial weights, or inputs scaled to unit variance. "
            "The losses until then are in .losses_tr and .losses_val of this error."
        )
        self.what = what
        self.iteration = iteration
        self.losses_tr = losses_tr
        self.losses_val = losses_val

    def __reduce__(self) -> tuple:
        """Let the error travel from one process to another."""
        arguments = (self.what, self.iteration, self.losses_tr, self.losses_val)
        return type(self), arguments


class TrainingLog:
    """The two lists of losses of one run.

    Parameters
    ----------
    log_every : int
        Print a line at iterations 0, ``log_every``, 2 ``log_every`` …; 0 prints
        nothing.
    """

    def __init__(self, log_every: int) -> None:
        self.log_every = log_every
        self.losses_tr: list[float] = []
        self.losses_val: list[float] = []

    def record(
        self,
        iteration: int,
        loss_tr: float | torch.Tensor,
        loss_val: float | torch.Tensor,
    ) -> None:
        """Append both losses of the weights before update ``iteration + 1``.

        Raises
        ------
        DivergenceError
            One of the two is NaN or infinite.
        """
        loss_tr, loss_val = float(loss_tr), float(loss_val)
        if not (math.isfinite(loss_tr) and math.isfinite(loss_val)):
            name, loss = ("training", loss_tr)
            if math.isfinite(loss_tr):
                name, loss = ("validation", loss_val)
            raise DivergenceError(
                f"the {name} loss is {loss}", iteration, self.losses_tr, self.losses_val
            )
        self.losses_tr.append(loss_tr)
        self.losses_val.append(loss_val)
        if self.log_every and iteration % self.log_every == 0:
            print(
                f"iteration {iteration:4d}   training loss {loss_tr:10.2f}"
                f"   validation loss {loss_val:10.2f}"
            )

    def check_final(self, *weights: np.ndarray | torch.Tensor) -> None:
        """Refuse to end with weights that are not finite.

        The last update is followed by no loss, so no loss can show that it overflowed.

        Raises
        ------
        DivergenceError
            A weight is NaN or infinite.
        """
        for W in weights:
            W = W.detach() if isinstance(W, torch.Tensor) else W
            if not math.isfinite(float(abs(W).max())):
                raise DivergenceError(
                    "a weight is not finite",
                    len(self.losses_tr),
                    self.losses_tr,
                    self.losses_val,
                )
