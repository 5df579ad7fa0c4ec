"""Execute one notebook: ``python execute_chapter.py NOTEBOOK RESULT FOLDER TIMEOUT``.

A process of its own, which the build can end. Nothing is left to an orderly end: the
result is written before the kernel is asked to go, and Python leaves without waiting
for sockets or threads, any of which may wait for ever.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config


async def start_kernel(client: NotebookClient) -> None:
    """Start the kernel; where it doesn't answer, try once more with another one.

    On a busy machine that happens, and nothing has been executed by then.
    """
    for is_last in (False, True):
        client.create_kernel_manager()
        await client.async_start_new_kernel()
        try:
            await client.async_start_new_kernel_client()
            return
        except RuntimeError:
            if is_last:
                raise


async def execute(notebook: Path, result: Path, folder: str, timeout: float) -> None:
    """Execute; write the notebook, the seconds that it took, and what went wrong."""
    client = NotebookClient(
        nbformat.read(notebook, as_version=4),
        timeout=timeout,
        resources={"metadata": {"path": folder}},
        # Times in the metadata would make it another notebook to jupyter-cache.
        record_timing=False,
        # In how many pieces a cell's prints arrive depends on the timing.
        coalesce_streams=True,
        # Otherwise each kernel warns that it can be overheard on this machine.
        config=Config(KernelManager={"transport_encryption": "auto"}),
    )
    start, error = time.perf_counter(), ""
    try:
        await start_kernel(client)
        await client.async_execute(cleanup_kc=False)
    except Exception as failure:
        error = f"{failure}".strip() or repr(failure)
    seconds = time.perf_counter() - start
    text = json.dumps({"notebook": client.nb, "seconds": seconds, "error": error})
    unfinished = result.with_suffix(".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(result)
    if client.km and client.km.has_kernel:
        await client.km.shutdown_kernel()


if __name__ == "__main__":
    asyncio.run(
        execute(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    )
    sys.stdout.flush()
    os._exit(0)
