"""Processes that train together: their group, whose rows are whose, and their sums."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from backprop_book.arguments import check_positive
from backprop_book.checkpoints import differences


@contextmanager
def process_group(*, timeout: float = 60.0) -> Iterator[None]:
    """Join the processes that torchrun started; without torchrun, do nothing.

    Gloo adds up what lies on CPUs; where a machine has a GPU for each of its processes,
    NCCL adds up what lies there, and ``"cuda"`` is a GPU of the process's own.

    Parameters
    ----------
    timeout : float
        For how many seconds to wait for the others: to meet them, and for each sum.

    Raises
    ------
    RuntimeError
        PyTorch's own, saying what it found. Inside, a sum of gloo raises it when the
        connection to another process closes, or after ``timeout`` seconds. A sum of
        NCCL is only enqueued: as PyTorch describes it, a watchdog ends the process,
        without an exception, after ``timeout`` seconds. No test here has seen that.
    """
    check_positive("timeout", timeout)
    if not dist.is_torchelastic_launched():
        yield
        return
    backend = "gloo"
    if torch.cuda.device_count() >= int(os.environ["LOCAL_WORLD_SIZE"]):
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl"
    limit = timedelta(seconds=timeout)
    store, rank, size = next(rendezvous("env://", timeout=limit))
    # torchrun keeps its store: a restart would find the addresses of the dead there.
    store = dist.PrefixStore(os.environ["TORCHELASTIC_RESTART_COUNT"], store)
    dist.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=limit
    )
    try:
        yield
        dist.barrier()  # who leaves early closes connections that others still use
    finally:
        dist.destroy_process_group()


def rank_and_size() -> tuple[int, int]:
    """Return this process's number, from 0, and how many there are.

    Raises
    ------
    RuntimeError
        torchrun started several, and they have not joined.
    """
    if dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    if dist.is_torchelastic_launched() and os.environ["WORLD_SIZE"] != "1":
        raise RuntimeError(
            f"torchrun started {os.environ['WORLD_SIZE']} processes, and each would "
            "train alone: call this inside `with process_group():`"
        )
    return 0, 1


def own_rows(N: int) -> slice:
    """Return which of N rows are this process's: N / size of them, give or take one."""
    rank, size = rank_and_size()
    return slice(N * rank // size, N * (rank + 1) // size)


def sum_over_all(*tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return the sums over all processes: the same ones, to the bit, on each.

    The tensors travel as one, because starting a transfer costs more than the few
    thousand numbers in it.
    """
    if rank_and_size()[1] == 1:
        return tensors
    joined = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(joined)
    pieces = joined.split([tensor.numel() for tensor in tensors])
    return tuple(piece.view_as(t) for piece, t in zip(pieces, tensors, strict=True))


def state_of_first(run: dict[str, object], make: Callable[[], object]) -> object:
    """Return on every process the state that process 0 makes, or raise its error.

    Raises
    ------
    ValueError
        The run is not the same on all processes; names the first setting that differs.
    """
    rank, size = rank_and_size()
    try:
        state = make() if rank == 0 else None
    except (TypeError, ValueError, OSError) as error:
        state = error
    everyone = [(run, state)] * size
    if size > 1:
        dist.all_gather_object(everyone, (run, state))
    first, state = everyone[0]
    if isinstance(state, Exception):
        raise state
    for other, (theirs, _) in enumerate(everyone):
        for name in differences(first, theirs):
            raise ValueError(
                f"{name}: expected the same on all processes, got {first.get(name)} "
                f"on process 0 and {theirs.get(name)} on process {other}"
            )
    return state
