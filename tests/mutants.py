"""Change the library in small ways, one at a time, and see whether a test notices.

One process collects the tests once and forks for each mutant of ``mutations.py``. The
child puts it in the place of the right code, and runs the tests until one fails. A
mutant that fails a test or takes too long is dead. What a test starts in a new Python
is not mutated.

``tests/mutants.toml`` says which tests a module is run against, and which survivors are
known, with the reason. Results are kept in ``_build/mutants.json``, so that an
interrupted run goes on: a module's are dropped when it changes, its survivors are tried
again when its tests change. ``python tests/mutants.py engine fast`` runs these two.
"""

import gc
import hashlib
import json
import os
import re
import resource
import signal
import sys
import time
import tomllib
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from mutations import make_mutants, mutate

ROOT = Path(__file__).parents[1]
STATE = ROOT / "_build" / "mutants.json"
OPTIONS = [
    *("-q", "-s", "--tb=native", "-p", "no:logging", "-p", "no:cacheprovider"),
    *("--hypothesis-profile", "mutants", str(ROOT / "tests" / "lib")),
]
LEAST = 0.95  # of all mutants, to be killed


def survives(mutant: tuple[str, str], tests: list[pytest.Item], limit: int) -> bool:
    """Run the tests in a fork of this process; say whether all passed in time.

    The limit is processor time, which a busy machine does not use up; ten times as much
    on the clock ends a mutant that waits. The test that fails goes to the head of the
    list: it may kill the next mutant too.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            mutate(*mutant)
            for number, test in enumerate(tests):
                after = tests[number + 1] if number + 1 < len(tests) else None
                test.config.hook.pytest_runtest_protocol(item=test, nextitem=after)
                if test.session.testsfailed:
                    os._exit(min(number + 1, 255))
            os._exit(0)
        finally:
            os._exit(1)
    end, done, status = time.monotonic() + 10 * limit, 0, 0
    while not done and time.monotonic() < end:
        time.sleep(0.005)
        done, status = os.waitpid(child, os.WNOHANG)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if not done:
        os.waitpid(child, 0)
    elif failed := os.waitstatus_to_exitcode(status):
        tests.insert(0, tests.pop(max(failed, 1) - 1))
    return bool(done) and status == 0


def processor_time() -> float:
    """Return the seconds that the forks until now have used, and what they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Run:
    """A plugin that runs mutants where pytest would run tests."""

    def __init__(self, plan: dict, names: list[str]) -> None:
        self.plan, self.names = plan, names
        self.states = json.loads(STATE.read_text()) if STATE.exists() else {}
        self.ends, self.wrong = Counter(), []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.texts = {item.path: item.path.read_bytes() for item in session.items}
        gc.freeze()  # children need not look through all that was imported
        for name in self.names:
            self.judge(name, self.run(session, name))
        return True

    def run(self, session: pytest.Session, name: str) -> dict[str, str]:
        """Return what became of each mutant of a module, from the last run if known."""
        patterns = self.plan[name]["tests"]
        order = {
            item: None
            for pattern in patterns
            for item in session.items
            if re.search(pattern, item.nodeid)
        }
        source = (ROOT / "lib" / "backprop_book" / f"{name}.py").read_bytes()
        texts = b"".join(self.texts[path] for path in sorted({t.path for t in order}))
        now = {
            "source": hashlib.sha256(source).hexdigest(),
            "tests": hashlib.sha256(texts + str(patterns).encode()).hexdigest(),
        }
        old = self.states.get(name, now | {"results": {}})
        known = old["results"] if old["source"] == now["source"] else {}
        if old["tests"] != now["tests"]:
            known = {mutant: end for mutant, end in known.items() if end == "killed"}
        mutants = dict(make_mutants(source.decode()))
        results = {mutant: known[mutant] for mutant in mutants if mutant in known}
        self.states[name] = now | {"results": results}
        tests, before = [*order], processor_time()
        unchanged = (name, source.decode())
        if len(results) < len(mutants) and not survives(unchanged, tests, 600):
            sys.exit(f"{name}: a test fails without any mutant")
        limit = 10 + 3 * round(processor_time() - before)
        for mutant, code in mutants.items():
            if mutant in results:
                continue
            lives = survives((name, code), tests, limit)
            results[mutant] = "survived" if lives else "killed"
            STATE.parent.mkdir(exist_ok=True)
            new = STATE.with_suffix(".new")  # an interrupted run leaves no half of it
            new.write_text(json.dumps(self.states))
            new.replace(STATE)
        return results

    def judge(self, name: str, results: dict[str, str]) -> None:
        """Print a module's score, and note what is wrong with it."""
        entries = self.plan[name].get("survivors", [])
        listed = {mutant for entry in entries for mutant in entry["mutants"]}
        self.ends.update(results.values())
        survivors = {mutant for mutant, end in results.items() if end == "survived"}
        print(f"{name:18} {len(results) - len(survivors):4} of {len(results):4} killed")
        for mutant in sorted(survivors - listed):
            print(f"    survived  {mutant}")
        if survivors - listed and self.plan[name].get("gradients"):
            self.wrong.append(f"{name}: a mutant of gradient code survived")
        for mutant in sorted(listed - survivors):
            self.wrong.append(f"{name}: listed, but dead or gone: {mutant}")


def main() -> None:
    plan = tomllib.loads((ROOT / "tests" / "mutants.toml").read_text())
    run = Run(plan, sys.argv[1:] or list(plan))
    if pytest.main(OPTIONS, plugins=[run]):
        sys.exit("the mutants were not run")
    killed, total = run.ends["killed"], run.ends.total()
    print(f"{'all':18} {killed:4} of {total:4} killed, {killed / total:.1%}")
    if killed < LEAST * total:
        run.wrong.append(f"less than {LEAST:.0%} of the mutants were killed")
    sys.exit("\n".join(run.wrong) or None)


if __name__ == "__main__":
    main()
