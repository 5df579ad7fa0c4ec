"""Several processes give the curve of one, and go on after one of them was killed."""

import multiprocessing
import os
import re
import subprocess
import sys
import zipfile
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

import ddp_jobs
from backends import NUMPY
from backprop_book import DivergenceError
from backprop_book.checkpoints import load_checkpoint, save_checkpoint
from backprop_book.processes import process_group
from ddp_jobs import CURVES, LR, arrays, train

SIZES = (2, 3)
METHOD = "spawn" if os.name == "nt" else "forkserver"


def launch(size, job, *args, folder):
    """Return what a job returns in each process that torchrun's launcher starts."""
    multiprocessing.set_forkserver_preload(["backprop_book.run_ddp"])  # import it once
    config = LaunchConfig(
        *(1, 1, size),
        logs_specs=DefaultLogsSpecs(log_dir=str(folder)),
        run_id="test",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        start_method=METHOD,
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


@pytest.mark.unmutated
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


@pytest.mark.unmutated
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", [*CURVES, "goes on", "no seed"])
def test_all_processes_end_with_the_same_bits(runs, size, name):
    first, *others = (result[name] for result in runs[size])
    for other in others:
        np.testing.assert_equal(other, first)


DIFFERS = "{}: expected the same on all processes, got {} on process 0 and {} on "
REFUSED = {
    "diverged": (DivergenceError, "at iteration 7: the training diverged"),
    "lr": (ValueError, DIFFERS.format("lr", LR, 2 * LR)),
    "X": (ValueError, DIFFERS.format("X", r"float64 \(50, 2\) \w+", "float64.*")),
    "nite": (ValueError, DIFFERS.format("nite", 5, 6)),
    "other run": (ValueError, r"run\.pt' belongs to .*: lr is 0.0001 there and 0.0002"),
}


@pytest.mark.unmutated
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_the_same_on_all(runs, size, name):
    kind, message = REFUSED[name]
    for result in runs[size]:
        assert type(result["refused"][name]) is kind
        assert re.search(message, str(result["refused"][name]))


@pytest.mark.unmutated
def test_nobody_waits_longer_than_the_timeout(tmp_path):
    waiting, silent = launch(2, ddp_jobs.one_is_silent, folder=tmp_path)
    assert type(waiting) is type(silent) is RuntimeError
    assert "Timed out waiting 2000ms" in str(waiting)  # as PyTorch found it


@pytest.mark.unmutated
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
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
    iterations = re.findall(r"^(goes.*|iteration +\d+)", run.stdout, re.MULTILINE)
    assert iterations == [  # process 0 alone prints
        *("iteration    0", "goes on at iteration 100", "iteration  150"),
    ]
    with np.load(tmp_path / "out.npz") as out:
        np.testing.assert_equal(tuple(out.values()), runs[2][0]["300"])


# One process, no torchrun.


def test_several_processes_without_a_group_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "test")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match=r"started 2 processes.*process_group\(\)"):
        train()


def test_killed_while_it_saves_a_run_goes_on_from_before(tmp_path, monkeypatch, capsys):
    path = tmp_path / "run.pt"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", Mock(side_effect=[*15 * [None], KeyboardInterrupt]))
        with pytest.raises(KeyboardInterrupt):
            train(150, checkpoint=path, checkpoint_every=7)
    result = train(150, checkpoint=path, log_every=200)
    assert capsys.readouterr().out == "goes on at iteration 105\n"
    np.testing.assert_equal(result, train(150))
    again = train(150, checkpoint=path, log_every=200)
    assert capsys.readouterr().out == "goes on at iteration 150\n"
    np.testing.assert_equal(again, result)


CHANGES = {
    name: ({"data": tuple(A + (i == k) for k, A in enumerate(arrays()))}, f"{name} is")
    for i, name in enumerate(("X", "Y", "X_val", "Y_val"))
} | {
    "lr": ({"lr": 2e-4}, "lr is 0.0001 there and 0.0002 here"),
    "seed": ({"seed": 1}, "seed is 0 there and 1 here"),
    "hidden": ({"hidden": 5}, "hidden is 100 there and 5 here"),
    "weights": (CURVES["weights"], r"weights is None there and float64.*\(2, 7\) and"),
    "nite": ({"nite": 10}, "expected at most nite = 10 iterations, got 20"),
    "path": ({"checkpoint": 3}, "expected a path, got int"),
    "folder": ({"checkpoint": "no/x"}, r"expected a file in a folder.*, got 'no.x'"),
    "every": ({"checkpoint_every": 0}, "expected an integer of at least 1, got 0"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_another_runs_or_no_checkpoint_is_refused(name, tmp_path):
    changes, message = CHANGES[name]
    path = tmp_path / "run.pt"
    train(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises((TypeError, ValueError), match=rf"^checkpoint.*: .*{message}"):
        train(**{"checkpoint": path, **changes})
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
    "another zip file": lambda path: zipfile.main(["-c", str(path), __file__]),
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


def test_a_checkpoint_holds_the_state_of_optimizer_and_generator(tmp_path):
    W, V = (torch.ones(2, requires_grad=True) for _ in range(2))
    ours, theirs = (torch.optim.Adam([A]) for A in (W, V))
    generator, other = torch.Generator().manual_seed(1), torch.Generator()

    def step(A, optimizer, generator):
        (A * torch.randn(2, generator=generator)).sum().backward()
        optimizer.step()

    step(W, ours, generator)
    state = {"W": W, "Adam": ours.state_dict(), "drawn": generator.get_state()}
    save_checkpoint(tmp_path / "run.pt", {}, state)
    state = load_checkpoint(tmp_path / "run.pt", {})
    V.data = state["W"].data
    theirs.load_state_dict(state["Adam"])
    other.set_state(state["drawn"])
    for A, optimizer, drawn in ((W, ours, generator), (V, theirs, other)):
        optimizer.zero_grad()
        step(A, optimizer, drawn)
    assert torch.equal(W, V)


@pytest.mark.parametrize("path", [3, "no/run.pt"])
def test_what_is_no_path_is_refused_before_it_is_written(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=r"^checkpoint: expected a "):
        save_checkpoint(path, {}, {})


def test_a_timeout_is_a_number_above_0():
    with (
        pytest.raises(ValueError, match="timeout: expected a finite number above 0"),
        process_group(timeout=0),
    ):
        pass
