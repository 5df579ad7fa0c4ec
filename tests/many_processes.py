"""Run a function in several processes that know of each other, as torchrun does it."""

import multiprocessing
import os
import time
from collections.abc import Callable

from torch import distributed as dist

# A server that has imported the slow packages once and forks from there.
METHOD = "forkserver"
if METHOD in multiprocessing.get_all_start_methods():
    context = multiprocessing.get_context(METHOD)
    context.set_forkserver_preload(["backprop_book", "torch.distributed"])
else:
    context = multiprocessing.get_context("spawn")


def run_in_processes(
    size: int, job: Callable, *args: object, limit: float = 120.0
) -> list[object]:
    """Return what ``job(rank, *args)`` returns or raises in each of ``size`` processes.

    ``job`` must be importable. A process that dies without a word gives its exit code.
    No process outlives the call, which takes at most ``limit`` seconds.
    """
    # The place where they meet is held by the parent, as torchrun holds it: then no
    # death of a process takes it along.
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    pipes, processes = [], []
    for rank in range(size):
        here, there = context.Pipe(duplex=False)
        process = context.Process(
            target=_run, args=(there, job, rank, size, store.port, args)
        )
        process.start()
        there.close()
        pipes.append(here)
        processes.append(process)
    end = time.monotonic() + limit
    results = []
    try:
        for pipe, process in zip(pipes, processes, strict=True):
            if not pipe.poll(max(0.0, end - time.monotonic())):
                raise TimeoutError(f"process {len(results)}: nothing after {limit} s")
            try:
                results.append(pipe.recv())
            except EOFError:
                process.join()
                results.append(process.exitcode)
    finally:
        for process in processes:
            process.join(5)
            process.kill()
            process.join()
    return results


def _run(pipe, job, rank, size, port, args):
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(size),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        TORCHELASTIC_USE_AGENT_STORE="True",
    )
    try:
        result = job(rank, *args)
    except Exception as error:
        result = error
    pipe.send(result)
    pipe.close()
