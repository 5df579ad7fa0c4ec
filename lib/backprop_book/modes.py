"""Compute in modes of one's own, whatever the caller has switched on."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import numpy as np


@contextmanager
def own_modes(*, grad: bool | None = True, defaults: bool = True) -> Iterator[None]:
    """Leave the caller's global modes of NumPy and PyTorch outside, and restore them.

    Parameters
    ----------
    grad : bool, optional
        Whether PyTorch records graphs inside; None leaves that to the caller.
    defaults : bool
        Whether to leave the caller's default dtype and device outside too: a function
        of the caller's may rely on them.
    """
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(np.errstate(all="ignore"))
        if torch := sys.modules.get("torch"):
            if grad is not None:
                # Inference mode can only be left before gradients are recorded again.
                enter(torch.inference_mode(False))
                enter(torch.set_grad_enabled(grad))
            for kind in ("cpu", "cuda", "mps"):
                if torch.is_autocast_enabled(kind):
                    enter(torch.autocast(kind, enabled=False))
            # Anomaly mode would turn a diverging run into another error.
            enter(torch.autograd.set_detect_anomaly(False))
            if defaults and torch.get_default_device().type != "cpu":
                # Not always, for it slows every call of PyTorch down.
                enter(torch.device("cpu"))
            dtype = torch.get_default_dtype()
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32 if defaults else dtype)
        yield


def own_generators() -> AbstractContextManager:
    """Restore, at the end, PyTorch's generators, which the lessons with nn seed.

    Naming the GPUs avoids a warning where there are several.
    """
    torch = sys.modules.get("torch")
    if not torch:
        return nullcontext()
    return torch.random.fork_rng(range(torch.cuda.device_count()))
