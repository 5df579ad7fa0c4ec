"""Record and report the losses of a training run, and end a run that diverged."""

import math
from dataclasses import dataclass, field
from typing import Any, SupportsFloat

from backprop_book.arguments import is_tensor


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
        self, what: str, losses_tr: list[float], losses_val: list[float]
    ) -> None:
        self.iteration = len(losses_tr)
        super().__init__(
            f"{what} at iteration {self.iteration}: the training diverged. Try a "
            "smaller lr, smaller initial weights, or inputs scaled to unit variance. "
            "The losses until then are in .losses_tr and .losses_val of this error."
        )
        self.what, self.losses_tr, self.losses_val = what, losses_tr, losses_val

    def __reduce__(self) -> tuple:
        """Let the error travel from one process to another."""
        return type(self), (self.what, self.losses_tr, self.losses_val)


@dataclass
class TrainingLog:
    """The two lists of losses of one run.

    Parameters
    ----------
    log_every : int
        Print a line at iterations 0, ``log_every``, 2 ``log_every`` …; 0 prints
        nothing.
    losses_tr, losses_val : list of float, optional
        What the run has so far.
    """

    log_every: int
    losses_tr: list[float] = field(default_factory=list)
    losses_val: list[float] = field(default_factory=list)

    def record(
        self, iteration: int, loss_tr: SupportsFloat, loss_val: SupportsFloat
    ) -> None:
        """Append both losses of the weights before update ``iteration + 1``.

        Raises
        ------
        DivergenceError
            One of the two is NaN or infinite.
        """
        self.losses_tr.append(float(loss_tr))
        self.losses_val.append(float(loss_val))
        self.check_last()
        if self.log_every and iteration % self.log_every == 0:
            print(
                f"iteration {iteration:4d}   loss {loss_tr:10.2f}"
                f"   validation {loss_val:10.2f}"
            )

    def check_last(self) -> None:
        """Raise DivergenceError where the last of one list isn't finite."""
        lists = {"training": self.losses_tr, "validation": self.losses_val}
        for name, losses in lists.items():
            if losses and not math.isfinite(losses[-1]):
                what = f"the {name} loss is {losses[-1]}"
                raise DivergenceError(what, self.losses_tr[:-1], self.losses_val[:-1])

    def check_final(self, *weights: Any) -> None:
        """Raise DivergenceError where a weight isn't finite after the last update.

        No loss follows that update, so no loss can show that it overflowed.
        """
        for W in weights:
            W = W.detach() if is_tensor(W) else W
            if not math.isfinite(float(abs(W).max())):
                what = "a weight is not finite"
                raise DivergenceError(what, self.losses_tr, self.losses_val)
