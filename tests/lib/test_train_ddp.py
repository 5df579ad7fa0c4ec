"""Several processes give the curve of one, and none of them waits for a dead one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from backends import NUMPY
from backprop_book import DivergenceError, ProcessLostError, draw_weights
from backprop_book.checkpoints import (
    Checkpoint,
    digest,
    load_checkpoint,
    save_checkpoint,
)
from backprop_book.processes import Processes
from backprop_book.training_log import TrainingLog
from ddp_jobs import (
    LR,
    arrays,
    everything,
    in_a_group_of_ours,
    one_cannot_save,
    one_is_killed,
    one_is_silent,
    train,
)
from many_processes import run_in_processes

SIZES = (2, 4)
TORCHRUN = [
    *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
    *("--nproc-per-node", "2", "-m", "backprop_book.run_ddp"),
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return the results of 2 or of 4 processes, a list with one for each."""

    class Runs(dict):
        def __missing__(self, size):
            folder = str(tmp_path_factory.mktemp("ddp"))
            self[size] = run_in_processes(size, everything, folder)
            return self[size]

    return Runs()


def difference(result, reference):
    """Return the largest relative difference over both curves."""
    return max(
        np.max(np.abs(np.subtract(a, b)) / np.abs(b))
        for a, b in zip(result[2:], reference[2:], strict=True)
    )


@pytest.mark.parametrize("size", SIZES)
def test_float64_curves_over_300_iterations(runs, size):
    reference = NUMPY.run(*arrays(), LR, 300, seed=0)
    for result in runs[size]:
        assert difference(result["300"], reference) <= 1e-12


@pytest.mark.parametrize("rows", [3, 5, 50])
@pytest.mark.parametrize("size", SIZES)
def test_uneven_shards(runs, size, rows):
    """Three rows over four processes: one of them has none."""
    reference = NUMPY.run(*arrays(rows), LR, 20, seed=0)
    for result in runs[size]:
        assert difference(result[f"rows {rows}"], reference) <= 1e-12


@pytest.mark.parametrize("size", SIZES)
def test_weights_of_ones_own(runs, size):
    weights = draw_weights(2, 7, 2, seed=3, dtype="float64")
    W1, W2, *_ = reference = NUMPY.run(*arrays(), LR, 20, weights=weights)
    for result in runs[size]:
        assert difference(result["weights"], reference) <= 1e-12
        np.testing.assert_allclose(result["weights"][0], W1, rtol=1e-11)
        np.testing.assert_allclose(result["weights"][1], W2, rtol=1e-11)


@pytest.mark.parametrize("size", SIZES)
def test_float32(runs, size):
    reference = NUMPY.run(*arrays(dtype="float32"), LR, 50, seed=0)
    for result in runs[size]:
        assert difference(result["float32"], reference) <= 1e-5
        assert result["float32"][0].dtype == np.float32


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["300", "rows 3", "float32", "no seed", "went on"])
def test_all_processes_end_with_the_same_bits(runs, size, name):
    first, *others = (result[name] for result in runs[size])
    for other in others:
        np.testing.assert_array_equal(other[0], first[0])
        np.testing.assert_array_equal(other[1], first[1])
        assert other[2:] == first[2:]


@pytest.mark.parametrize("size", SIZES)
def test_process_0_alone_prints(runs, size):
    first, *others = (result["printed"] for result in runs[size])
    assert len(first.splitlines()) == 3
    assert set(others) == {""}


@pytest.mark.parametrize("size", SIZES)
def test_divergence_is_reported_by_all_at_one_iteration(runs, size):
    with pytest.raises(DivergenceError) as info:
        NUMPY.run(*arrays(), 1e-3, 50, seed=0)
    for result in runs[size]:
        assert str(result["diverged"]) == str(info.value)
        assert "weight is not finite" in str(result["overflow at the end"])


@pytest.mark.parametrize("size", SIZES)
def test_bad_input_is_refused_by_all_before_they_meet(runs, size):
    for result in runs[size]:
        error, seconds = result["bad input"]
        assert str(error).startswith("X: expected two dimensions")
        assert seconds < 1


@pytest.mark.parametrize("size", SIZES)
def test_arguments_that_differ_are_refused_by_all(runs, size):
    for result in runs[size]:
        assert str(result["lr differs"]) == (
            "lr: expected the same on all processes, "
            "got 0.0001 on process 0 and 0.0002 on process 1"
        )
        assert str(result["X differs"]).startswith("X: expected the same on all")
        assert str(result["nite differs"]) == (
            "nite: expected the same on all processes, "
            "got 5 on process 0 and 6 on process 1"
        )


@pytest.mark.parametrize("size", SIZES)
def test_a_run_goes_on_with_the_same_bits(runs, size):
    for result in runs[size]:
        np.testing.assert_array_equal(result["went on"][0], result["uninterrupted"][0])
        assert result["went on"][2:] == result["uninterrupted"][2:]
        assert len(result["went on"][2]) == 50


@pytest.mark.parametrize("size", SIZES)
def test_another_runs_checkpoint_is_refused_by_all(runs, size):
    for result in runs[size]:
        assert isinstance(result["other lr"], ValueError)
        assert "lr is 0.0001 there and 0.0002 here" in str(result["other lr"])


def test_a_process_group_of_the_callers_is_used_and_kept():
    assert run_in_processes(2, in_a_group_of_ours) == [True, True]


def test_a_killed_process_ends_the_others_at_once(tmp_path):
    first, killed, third = run_in_processes(3, one_is_killed, str(tmp_path))
    assert killed == -signal.SIGKILL
    moment = float((tmp_path / "killed at").read_text())
    for error, when in (first, third):
        assert isinstance(error, ProcessLostError)
        assert "another process has ended at iteration 31." in str(error)
        assert "Start the run again" in str(error)
        assert when - moment < 5


def test_a_silent_process_is_given_up_after_the_timeout():
    (error, seconds), _ = run_in_processes(2, one_is_silent, 1.0)
    assert isinstance(error, ProcessLostError)
    assert "did not answer for 1 s at iteration 31" in str(error)
    assert str(error).endswith(
        "Start the run again; with checkpoint= it could go on from a file"
    )
    assert seconds < 5


@pytest.mark.parametrize("case", ["port in use", "alone", "no such interface"])
def test_processes_that_do_not_meet_say_why(case):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if case != "port in use":
            taken.close()
        told = {
            "RANK": "0",
            "WORLD_SIZE": "1" if case == "no such interface" else "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "GLOO_SOCKET_IFNAME": "nowhere" if case == "no such interface" else "lo",
        }
        run = subprocess.run(
            [sys.executable, "-m", "backprop_book.run_ddp", "--timeout", "1"],
            env=os.environ | told,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert run.returncode == 1
    message = run.stderr.splitlines()[-1]
    size = told["WORLD_SIZE"]
    assert message.startswith(
        f"process 0: RuntimeError: process 0 of {size} did not meet the others at "
        f"127.0.0.1:{port}: "
    )
    cause = {
        "port in use": "address already in use",
        "alone": "1/2 clients joined",
        "no such interface": "nowhere",
    }
    assert cause[case] in message
    assert "another process" not in run.stderr


def test_an_error_of_ones_own_is_not_anothers_end():
    processes = Processes(torch.device("cpu"))

    def fails():
        raise RuntimeError("not enough memory: you tried to allocate 8 bytes")

    with pytest.raises(RuntimeError, match=r"^not enough memory") as info:
        processes._wait_for_others("at the start", fails)
    assert type(info.value) is RuntimeError


def test_a_process_that_fails_alone_ends_the_others(tmp_path):
    first, second = run_in_processes(2, one_cannot_save, str(tmp_path))
    assert isinstance(first, OSError)
    assert isinstance(second, ProcessLostError)
    assert f"it goes on from {tmp_path / 'run.npz'}" in str(second)


def test_torchrun_kill_and_restart(tmp_path):
    """A run under torchrun is killed; its error is clear; started again, it goes on."""
    path, out = tmp_path / "run.npz", tmp_path / "out.npz"
    command = [
        *(*TORCHRUN, "--nite", "2000", "--log-every", "0", "--out", out),
        *("--checkpoint", path, "--checkpoint-every", "50"),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    log = tmp_path / "log"
    with log.open("w") as file:
        run = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
    try:
        end = time.monotonic() + 100
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.01)
        pids = {
            rank: int(pid)
            for rank, pid in re.findall(
                r"process (\d) of 2 has pid (\d+)", log.read_text()
            )
        }
        os.kill(pids["1"], signal.SIGKILL)
        moment = time.monotonic()
        assert run.wait(timeout=20) != 0
        assert time.monotonic() - moment < 10
    finally:
        run.kill()
    text = log.read_text()
    assert re.search(
        r"process 0: ProcessLostError: .* has ended at iteration \d+", text
    )
    assert f"it goes on from {path}" in text
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert not out.exists()

    done = len(load_unchecked(path)["losses_tr"])
    assert 0 < done < 2000
    again = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    result = load_unchecked(out)
    reference = NUMPY.run(*arrays(), LR, 2000, seed=0)
    curves = (None, None, result["losses_tr"], result["losses_val"])
    assert difference(curves, reference) <= 1e-12


def load_unchecked(path):
    with np.load(path) as file:
        return dict(file)


# One process, no torchrun.


def test_a_checkpoint_is_gone_on_with_by_any_number_of_processes(tmp_path, runs):
    path = tmp_path / "run.npz"
    train(arrays(), 20, checkpoint=path)
    result = train(arrays(), 50, checkpoint=path)
    assert result[2:] == train(arrays(), 50)[2:]
    for size in SIZES:
        assert difference(result, runs[size][0]["uninterrupted"]) <= 1e-12


def test_a_finished_run_is_not_run_again(tmp_path):
    path = tmp_path / "run.npz"
    first = train(arrays(), 20, checkpoint=path)
    before = path.read_bytes()
    second = train(arrays(), 20, checkpoint=path)
    np.testing.assert_array_equal(second[0], first[0])
    assert second[2:] == first[2:]
    assert path.read_bytes() == before


CHANGES = {
    "X": (
        {"data": (arrays()[0] + 1, *arrays()[1:])},
        r"X is float64 \(50, 2\) \w+ there",
    ),
    **{
        name: (
            {"data": tuple(A + (i == place) for i, A in enumerate(arrays()))},
            rf"{name} is float64 \(50, 2\) \w+ there",
        )
        for place, name in ((1, "Y"), (2, "X_val"), (3, "Y_val"))
    },
    "lr": ({"lr": 2e-4}, "lr is 0.0001 there and 0.0002 here"),
    "seed": ({"seed": 1}, "seed is 0 there and 1 here"),
    "hidden": ({"hidden": 5}, "hidden is 100 there and 5 here"),
    "weights": (
        {"weights": draw_weights(2, 3, 2, seed=0, dtype="float64"), "seed": None},
        "weights is None there and float64.*here",
    ),
    "dtype": ({"data": arrays(dtype="float32")}, "X is float64.*and float32.*here"),
    "fewer iterations": ({"nite": 10}, "holds 20 iterations, more than nite = 10"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_runs_checkpoint_is_refused(name, tmp_path):
    changes, message = CHANGES[name]
    path = tmp_path / "run.npz"
    settings = {"data": arrays(), "nite": 20, "checkpoint": path}
    train(**settings)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"checkpoint: '.*run\.npz'.*\b{message}"):
        train(**(settings | changes))
    assert path.read_bytes() == before


def test_another_run_from_the_same_weights_is_refused(tmp_path):
    weights = draw_weights(2, 3, 2, seed=0, dtype="float64")
    settings = {"weights": weights, "seed": None, "checkpoint": tmp_path / "run.npz"}
    train(arrays(), 20, **settings)
    with pytest.raises(ValueError, match=r"\blr is 0.0001 there and 0.0002 here"):
        train(arrays(), 20, lr=2e-4, **settings)


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "text", "other npz"])
def test_a_damaged_checkpoint_is_refused(damage, tmp_path):
    path = tmp_path / "run.npz"
    train(arrays(), 20, checkpoint=path)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "flipped":
        content[content.index(b"W1.npy") + 300] ^= 1
    else:
        content = {"empty": b"", "text": b"hello"}.get(damage, content)
    path.write_bytes(content)
    if damage == "other npz":
        np.savez(path, W1=np.ones(3))
    with pytest.raises(ValueError, match=r"'.*run\.npz' is no checkpoint, or a"):
        train(arrays(), 20, checkpoint=path)


def test_no_pickle_is_opened(tmp_path):
    """A pickle can run any code when it is opened."""
    path = tmp_path / "run.npz"
    train(arrays(), 20, checkpoint=path)
    facts = np.array(str(load_unchecked(path)["facts"]), dtype=object)
    np.savez(path, **(load_unchecked(path) | {"facts": facts}))
    with pytest.raises(ValueError, match="is no checkpoint, or a damaged one"):
        train(arrays(), 20, checkpoint=path)


def test_a_digest_holds_dtype_shapes_and_the_numbers():
    A, B = np.ones((2, 3)), np.ones((3, 1))
    assert re.fullmatch(r"float64 \(2, 3\) [0-9a-f]{12}", digest(A))
    assert re.fullmatch(r"float64 \(2, 3\) and \(3, 1\) [0-9a-f]{12}", digest(A, B))
    assert digest(A) == digest(np.asfortranarray(A))
    assert digest(A) == digest(torch.tensor(A, requires_grad=True))
    assert digest(A, B) != digest(A, 2 * B)


def test_whoever_is_killed_while_saving_leaves_the_old_checkpoint(
    tmp_path, monkeypatch
):
    path = tmp_path / "run.npz"
    state = Checkpoint(np.ones((2, 3)), np.ones((3, 2)), [2.0], [3.0])
    save_checkpoint(path, {"lr": 1.0}, state)

    def killed(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    later = Checkpoint(state.W1, state.W2, [2.0, 1.0], [3.0, 2.0])
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"lr": 1.0}, later)
    assert load_checkpoint(path, {"lr": 1.0}, 5).losses_tr == [2.0]
    assert {p.name for p in tmp_path.iterdir()} == {"run.npz", "run.npz.unfinished"}


@pytest.mark.parametrize(
    ("settings", "saved"), [({}, 100), ({"checkpoint_every": 7}, 105)]
)
def test_an_interrupted_run_leaves_its_last_checkpoint(
    settings, saved, tmp_path, monkeypatch
):
    record = TrainingLog.record

    def interrupted(self, t, *losses):
        if t == 110:
            raise KeyboardInterrupt
        record(self, t, *losses)

    monkeypatch.setattr(TrainingLog, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(arrays(), 200, checkpoint=tmp_path / "run.npz", **settings)
    assert load_unchecked(tmp_path / "run.npz")["iteration"] == saved


def test_a_checkpoint_says_whose_it_is(tmp_path):
    path = tmp_path / "run.npz"
    train(arrays(), 20, checkpoint=path)
    file = load_unchecked(path)
    assert file["iteration"] == 20
    assert json.loads(str(file["facts"]))["lr"] == LR


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"checkpoint": 3}, TypeError, r"checkpoint: expected a path, got 3 \(int\)$"),
        (
            {"checkpoint": "no/such/folder/x"},
            ValueError,
            "checkpoint: expected a file in .*, got 'no/such/folder/x'",
        ),
        ({"checkpoint": "."}, ValueError, "checkpoint: expected a file in"),
        ({"checkpoint_every": 0}, ValueError, "checkpoint_every: .* at least 1, got 0"),
        ({"checkpoint_every": 2.0}, TypeError, "checkpoint_every: expected an integer"),
        ({"timeout": 0}, ValueError, "timeout: .* above 0, got 0"),
        ({"timeout": float("inf")}, ValueError, "timeout: expected a finite number"),
        ({"timeout": "long"}, TypeError, "timeout: expected a number of seconds"),
    ],
)
def test_arguments_of_its_own(settings, error, message):
    with pytest.raises(error, match=message):
        train(arrays(), 5, **settings)
