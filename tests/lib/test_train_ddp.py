"""Several processes give the curve of one, and go on after one of them was killed."""

import multiprocessing
import os
import re
import subprocess
import sys
import zipfile
from multiprocessing import forkserver

import numpy as np
import pytest
import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

import ddp_jobs
from backends import NUMPY
from backprop_book import DivergenceError
from backprop_book.checkpoints import load_checkpoint, save_checkpoint
from backprop_book.processes import process_group
from backprop_book.training_log import TrainingLog
from ddp_jobs import CURVES, LR, arrays, train

SIZES = (2, 3)
needs_sigkill = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


def launch(size, job, *args, folder):
    """Return what a job returns in each process that torchrun's launcher starts."""
    method = "spawn"
    if "forkserver" in multiprocessing.get_all_start_methods():
        method = "forkserver"  # imports what is slow once, and forks from there
        forkserver.set_forkserver_preload(["backprop_book.run_ddp"])
    config = LaunchConfig(
        *(1, 1, size),
        logs_specs=DefaultLogsSpecs(log_dir=str(folder)),
        run_id="test",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        start_method=method,
    )
    results = elastic_launch(config, job)(*args)
    return [results[rank] for rank in range(size)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return by the number of processes a list with the results of each."""
    results = {}
    for size in SIZES:
        folder = tmp_path_factory.mktemp("ddp")
        path = str(folder / "run.pt")
        train(20, checkpoint=path)  # one process begins
        results[size] = launch(size, ddp_jobs.healthy, path, folder=folder)
    return results


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*CURVES, "goes on"])
def test_the_curves_are_those_of_one_process(runs, size, name):
    settings = {"nite": 20, "seed": 0} | CURVES.get(name, {"nite": 50})
    data = arrays(settings.pop("rows", 50), settings.pop("dtype", "float64"))
    W1, *_, tr, val = NUMPY.run(*data, LR, settings.pop("nite"), **settings)
    tolerance = 1e-5 if name == "float32" else 1e-12
    for result in runs[size]:
        np.testing.assert_allclose(result[name][2:], (tr, val), rtol=tolerance)
        assert result[name][0].dtype == W1.dtype


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*CURVES, "goes on", "no seed"])
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


DIFFERS = "{}: expected the same on all processes, got {} on process 0 and {} on proces"
REFUSED = {
    "diverged": (DivergenceError, "at iteration 7: the training diverged"),
    "lr": (ValueError, DIFFERS.format("lr", LR, 2 * LR)),
    "X": (ValueError, DIFFERS.format("X", r"float64 \(50, 2\) \w+", "float64.*")),
    "nite": (ValueError, DIFFERS.format("nite", 5, 6)),
    "other run": (ValueError, r"run\.pt' belongs to .*: lr is 0.0001 there and 0.0002"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_the_same_on_all(runs, size, name):
    kind, message = REFUSED[name]
    for result in runs[size]:
        assert type(result["refused"][name]) is kind
        assert re.search(message, str(result["refused"][name]))


def test_nobody_waits_longer_than_the_timeout(tmp_path):
    waiting, silent = launch(2, ddp_jobs.one_is_silent, folder=tmp_path)
    assert type(waiting) is type(silent) is RuntimeError
    assert "Timed out waiting 2000ms" in str(waiting)  # as PyTorch found it


@needs_sigkill
def test_a_killed_process_ends_the_job(tmp_path):
    with pytest.raises(ChildFailedError, match=r"rank *: 1.*\n.*exitcode *: -9"):
        launch(2, ddp_jobs.second_acts, ddp_jobs.kill, 100, folder=tmp_path)


@needs_sigkill
def test_torchrun_restarts_a_killed_job_which_goes_on(tmp_path, runs):
    run = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", "2", "--max-restarts", "1", ddp_jobs.__file__),
            *("--nite", "300", "--log-every", "150", "--out", "out.npz"),
            *("--checkpoint", "run.pt", "--checkpoint-every", "50"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "failed (exitcode: -9) local_rank: 1" in run.stderr
    assert "goes on at iteration 100\n" in run.stdout
    W1, W2, *losses = runs[2][0]["300"]
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_array_equal(out["W1"], W1)
        np.testing.assert_array_equal(out["W2"], W2)
        assert [out["losses_tr"].tolist(), out["losses_val"].tolist()] == losses


# One process, no torchrun.


def test_several_processes_without_a_group_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match=r"started 2 processes.*process_group\(\)"):
        train()


def interrupt(*_):
    raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_and_ends_once(tmp_path, monkeypatch, capsys):
    path = tmp_path / "run.pt"
    with monkeypatch.context() as patch:
        patch.setattr(TrainingLog, "record", TrainingLog.record)  # put back at the end
        ddp_jobs.at(110, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(150, checkpoint=path, checkpoint_every=7)
    result = train(150, checkpoint=path, log_every=200)
    assert capsys.readouterr().out == "goes on at iteration 105\n"
    assert result[2:] == train(150)[2:]
    before = path.read_bytes()
    again = train(150, checkpoint=path)
    np.testing.assert_array_equal(again[0], result[0])
    assert again[2:] == result[2:]
    assert path.read_bytes() == before


NAMES = ("X", "Y", "X_val", "Y_val")
CHANGES = {
    name: ({"data": tuple(A + (n == name) for n, A in zip(NAMES, arrays()))}, name)  # noqa: B905
    for name in NAMES
} | {
    "lr": ({"lr": 2e-4}, "lr is 0.0001 there and 0.0002 here"),
    "seed": ({"seed": 1}, "seed is 0 there and 1 here"),
    "hidden": ({"hidden": 5}, "hidden is 100 there and 5 here"),
    "weights": (CURVES["weights"], r"weights is None there and float64.*\(2, 7\) and"),
    "dtype": ({"dtype": "float32"}, "X is float64.*and float32.*here"),
    "nite": ({"nite": 10}, "expected at most nite = 10 iterations, got 20"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_runs_checkpoint_is_refused(name, tmp_path):
    changes, message = CHANGES[name]
    path = tmp_path / "run.pt"
    train(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"^checkpoint: .*\b{message}"):
        train(checkpoint=path, **changes)
    assert path.read_bytes() == before


class Evil:
    def __reduce__(self):
        return os.mkdir, ("opened",)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1  # in W1
    path.write_bytes(content)


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "a number": flip,
    "another zip file": lambda path: zipfile.ZipFile(path, "w").close(),
    "no state": lambda path: torch.save({"run": {}}, path),
    "no dictionary": lambda path: torch.save(1, path),
    "code": lambda path: torch.save({"run": Evil(), "state": {}}, path),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_refused_and_no_code_run(damage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "run.pt"
    train(checkpoint=path)
    DAMAGE[damage](path)
    with pytest.raises(ValueError, match=r"'.*run\.pt' is damaged, or no checkpoint"):
        train(checkpoint=path)
    assert not (tmp_path / "opened").exists()


def test_killed_while_saving_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path, run = tmp_path / "run.pt", {"lr": 1.0}
    save_checkpoint(path, run, {"losses": [2.0]})
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, run, {"losses": [2.0, 1.0]})
    assert load_checkpoint(path, run) == {"losses": [2.0]}


@pytest.mark.parametrize("forgotten", [None, "optimizer", "generator"])
def test_a_checkpoint_holds_the_state_of_optimizer_and_generator(tmp_path, forgotten):
    def descend(nite, path):
        W = torch.ones(2, requires_grad=True)
        optimizer, losses = torch.optim.Adam([W], lr=0.1), []
        generator = torch.Generator().manual_seed(0)
        if saved := load_checkpoint(path, {}):
            W.data, losses = saved["W"], saved["losses"]
            if forgotten != "optimizer":
                optimizer.load_state_dict(saved["optimizer"])
            if forgotten != "generator":
                generator.set_state(saved["generator"])
        while len(losses) < nite:
            loss = (torch.randn(8, 2, generator=generator) @ W).square().sum()
            (W.grad,) = torch.autograd.grad(loss, W)
            optimizer.step()
            losses.append(loss.item())
        state = {
            "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(),
        }
        save_checkpoint(path, {}, {"W": W.detach(), "losses": losses, **state})
        return losses

    descend(10, tmp_path / "run.pt")
    went_on = descend(20, tmp_path / "run.pt")
    assert (went_on == descend(20, tmp_path / "whole.pt")) == (forgotten is None)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("checkpoint", 3, TypeError, r"expected a path, got 3 \(int\)$"),
        ("checkpoint", "no/x", ValueError, "expected a file in .*, got 'no.x'"),
        ("checkpoint", ".", ValueError, "expected a file in"),
        ("checkpoint_every", 0, ValueError, "expected an integer of at least 1, got 0"),
        ("timeout", 0, ValueError, "expected a finite number above 0, got 0"),
    ],
)
def test_arguments_of_its_own(name, value, error, message):
    def train_in_group(timeout=1, **settings):
        with process_group(timeout=timeout):
            train(**settings)

    with pytest.raises(error, match=f"^{name}: {message}"):
        train_in_group(**{name: value})
