"""Time one gradient on the CPU and on an accelerator, transfers apart.

::

    python bench/gpu.py --record

Where there is no accelerator it says so and writes nothing; with ``--device cpu`` the
CPU takes its place, to try the program.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from backprop_book import two_layer_regression_tensor_gradient
from recording import FOLDER, write_recording

SIZES = {  # N, D_in, H, D_out
    "iris": (50, 2, 100, 2),
    "tutorial": (64, 1000, 100, 10),
    "lab": (1024, 64, 1024, 16),
    "middle": (4096, 256, 1024, 64),
    "large": (4096, 1024, 4096, 256),
}


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def seconds(act: Callable[[], object], device: torch.device, least: float) -> float:
    """Return the median time of a call, the device's work included."""
    act()  # the first call also sets things up
    wait(device)
    times: list[float] = []
    while sum(times) < least or len(times) < 5:
        start = time.perf_counter()
        act()
        wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def rows(device: torch.device, sizes: list[str], least: float) -> list[dict]:
    """Return a row for each size and dtype, times in microseconds."""
    found = []
    for name in sizes:
        N, D_in, H, D_out = SIZES[name]
        for dtype in (torch.float32, torch.float64):
            if device.type == "mps" and dtype == torch.float64:
                continue  # this device has no float64
            generator = torch.Generator().manual_seed(0)
            shapes = (N, D_in), (N, D_out), (D_in, H), (H, D_out)
            here = [torch.randn(s, generator=generator, dtype=dtype) for s in shapes]
            there = [array.to(device) for array in here]

            def gradient(arrays: list[torch.Tensor]) -> object:
                return two_layer_regression_tensor_gradient(*arrays)

            def send(arrays: list[torch.Tensor] = here) -> object:
                return [array.to(device, copy=True) for array in arrays[:2]]

            def fetch(arrays: list[torch.Tensor] = there) -> object:
                return [array.to("cpu", copy=True) for array in arrays[2:]]

            cpu = torch.device("cpu")
            found.append(
                {
                    "size": name,
                    "N, D_in, H, D_out": [N, D_in, H, D_out],
                    "dtype": str(dtype).removeprefix("torch."),
                    "cpu_us": 1e6 * seconds(lambda a=here: gradient(a), cpu, least),
                    "device_us": 1e6
                    * seconds(lambda a=there: gradient(a), device, least),
                    "send_batch_us": 1e6 * seconds(send, device, least),
                    "fetch_gradients_us": 1e6 * seconds(fetch, device, least),
                }
            )
    return found


def device_name(device: torch.device) -> str:
    """Return the card's name as its driver gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", help="the accelerator that is there, if left out")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each number")
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=list(SIZES))
    parser.add_argument("--out", type=Path, default=Path("_build") / "gpu.json")
    parser.add_argument(
        "--record", action="store_true", help="write where the book looks"
    )
    options = parser.parse_args()
    found = torch.accelerator.current_accelerator(check_available=True)
    device = torch.device(options.device) if options.device else found
    if device is None:
        print("PyTorch finds no accelerator here: nothing measured, nothing written.")
        return
    if options.record and device.type == "cpu":
        parser.error("--record: a CPU is no accelerator, the book would show it as one")
    results = rows(device, options.sizes, options.seconds)
    for row in results:
        print(*(f"{value:.0f}" if isinstance(value, float) else value
                for value in row.values()))  # fmt: skip
    write_recording(
        FOLDER / "gpu.json" if options.record else options.out,
        "python bench/gpu.py --record",
        results,
        device=device_name(device),
        cuda=torch.version.cuda,
        cpu_threads=torch.get_num_threads(),
    )


if __name__ == "__main__":
    main()
