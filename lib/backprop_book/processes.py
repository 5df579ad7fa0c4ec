"""Processes that train together: who is who, which rows are whose, and their sums."""

import itertools
import math
import numbers
import os
import re
import time
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

TOLD_BY_TORCHRUN = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
_runs = itertools.count()
_place: tuple[dist.Store, int, int] | None = None


class ProcessLostError(RuntimeError):
    """Another process has ended, or has not answered in time.

    So on CPUs, which gloo connects. NCCL, between GPUs, only enqueues a sum: what is
    lost is noticed by its own watchdog, which may end this process without an error.
    """


# What gloo says then; any other error is this process's own.
LOST = re.compile(r"peer|connection|broken pipe|timed? ?out", re.IGNORECASE)


def first_line(error: BaseException) -> str:
    """Return what an error says, without the stack that PyTorch adds."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def check_timeout(timeout: object) -> None:
    """Refuse all but a finite number of seconds above 0."""
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError(
            f"timeout: expected a number of seconds, got {timeout!r} "
            f"({type(timeout).__name__})"
        )
    if not 0 < timeout < math.inf:
        raise ValueError(
            f"timeout: expected a finite number of seconds above 0, got {timeout}"
        )


def own_device(device: str | torch.device | None) -> str | torch.device | None:
    """Return a GPU of the process's own where torchrun started several on a machine.

    ``"cuda"`` becomes ``"cuda:1"`` in a machine's second process; all else stays.
    """
    if str(device) == "cuda" and "LOCAL_RANK" in os.environ:
        return f"cuda:{os.environ['LOCAL_RANK']}"
    return device


class Processes:
    """All processes of one run; a single one where nobody started several.

    A context manager: it meets the others on entry and parts from them on exit. A
    process group that is there already is used, and left as it is.

    Parameters
    ----------
    device : torch.device
        Where this process computes. NCCL connects GPUs, gloo connects CPUs.
    timeout : float
        For how many seconds to wait for the others before they count as lost.
    advice : str
        What to do when they are; the end of the error's message.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and of all.
    """

    def __init__(
        self, device: torch.device, *, timeout: float = 60.0, advice: str = ""
    ) -> None:
        self.device, self.timeout, self.advice = device, float(timeout), advice
        self.rank, self.size = 0, 1
        self._is_ours = False

    def __enter__(self) -> "Processes":
        started = os.environ.keys() >= TOLD_BY_TORCHRUN
        if not dist.is_initialized() and started:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            self._is_ours = True
            self._meet()
        if dist.is_initialized():
            self.rank, self.size = dist.get_rank(), dist.get_world_size()
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if not (self._is_ours and dist.is_initialized()):
            return
        try:
            # An arithmetic error, as a loss that is not finite, reaches all alike.
            if kind is None or issubclass(kind, ArithmeticError):
                self._wait_for_others("at the end", dist.barrier)
        finally:
            dist.destroy_process_group()

    def rows(self, N: int) -> slice:
        """Return which of N rows are this process's: N / size of them, up to one."""
        return slice(N * self.rank // self.size, N * (self.rank + 1) // self.size)

    def sum(self, *tensors: torch.Tensor, where: str = "") -> tuple[torch.Tensor, ...]:
        """Return the sums over all processes: the same ones, to the bit, on each.

        The tensors travel as one, because starting a transfer costs more than the few
        thousand numbers in it.

        Raises
        ------
        ProcessLostError
            Another process has ended or does not answer; ``where`` is in the message.
        """
        if self.size == 1:
            return tensors
        bucket = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self._wait_for_others(where, lambda: dist.all_reduce(bucket))
        pieces = bucket.split([tensor.numel() for tensor in tensors])
        return tuple(
            piece.view(tensor.shape)
            for piece, tensor in zip(pieces, tensors, strict=True)
        )

    def from_first(self, make: Callable[[], object]) -> object:
        """Return on every process what ``make`` returns, or raises, on process 0."""
        if self.size == 1:
            return make()
        box = [None, None]
        if self.rank == 0:
            try:
                box[0] = make()
            except (TypeError, ValueError, OSError) as error:
                box[1] = error
        self._wait_for_others(
            "at the start", lambda: dist.broadcast_object_list(box, src=0)
        )
        value, error = box
        if error is not None:
            raise error
        return value

    def check_agreement(self, facts: dict[str, object]) -> None:
        """Refuse, on every process, facts that are not the same on all of them.

        Raises
        ------
        ValueError
            Naming the first fact that differs, and both values.
        """
        if self.size == 1:
            return
        everyone: list = [None] * self.size
        self._wait_for_others(
            "at the start", lambda: dist.all_gather_object(everyone, facts)
        )
        first = everyone[0]
        for rank, theirs in enumerate(everyone):
            for name in first | theirs:
                if first.get(name) != theirs.get(name):
                    raise ValueError(
                        f"{name}: expected the same on all processes, got "
                        f"{first.get(name)} on process 0 and {theirs.get(name)} on "
                        f"process {rank}"
                    )

    def _meet(self) -> None:
        timeout = timedelta(seconds=self.timeout)
        on_gpu = self.device.type == "cuda"
        try:
            store, rank, size = _meeting_place(timeout)
            # A second run in the same processes would find the first one's addresses.
            store = dist.PrefixStore(f"run {next(_runs)}", store)
            dist.init_process_group(
                "nccl" if on_gpu else "gloo",
                store=store,
                rank=rank,
                world_size=size,
                timeout=timeout,
                device_id=self.device if on_gpu else None,
            )
        except RuntimeError as error:
            told = {name: os.environ[name] for name in sorted(TOLD_BY_TORCHRUN)}
            raise RuntimeError(
                "process {RANK} of {WORLD_SIZE} did not meet the others at "
                "{MASTER_ADDR}:{MASTER_PORT}: ".format(**told)
                + first_line(error)
            ) from error

    def _wait_for_others(self, where: str, act: Callable[[], object]) -> None:
        start = time.monotonic()
        try:
            act()
        except RuntimeError as error:  # gloo's errors have no common other
            silent = time.monotonic() - start >= self.timeout
            if not silent and not LOST.search(str(error)):
                raise  # nothing that another process has done
            what = f"did not answer for {self.timeout:g} s" if silent else "has ended"
            raise ProcessLostError(
                " ".join(f"another process {what} {where}. {self.advice}".split())
            ) from error


def _meeting_place(timeout: timedelta) -> tuple[dist.Store, int, int]:
    """Return where torchrun told all to meet, this process's rank, and their number."""
    global _place
    if _place is None:
        _place = next(iter(rendezvous("env://", timeout=timeout)))
    return _place
