"""Settings for all tests."""

import os

import pytest
from hypothesis import Phase, settings
from xdist.scheduler import LoadScopeScheduling

# Fixtures for tests/book, tests/play and tests/site.
from browsers import browser  # noqa: F401
from built_book import book  # noqa: F401
from handed_out import handout  # noqa: F401

# Before PyTorch is imported, and inherited by the kernels that execute chapters: sums
# over two threads round otherwise than over one, and pages are compared to the letter.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples at every run: what was green stays green until something changes.
settings.register_profile("fixed", derandomize=True, deadline=None)
# For `make mutants`: most die at the first example, and nobody reads which one it was.
settings.register_profile(
    "mutants",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=15,
    phases=[Phase.explicit, Phase.generate],
)
settings.load_profile("fixed")


class Together(LoadScopeScheduling):
    """Give one process what shares something: the tests of a page, or of a file.

    pytest-xdist's own groups do nothing since pytest 9.2, and say nothing.
    """

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        if file.endswith("test_pages.py"):
            return test.partition("[")[2]
        return nodeid if "tests/lib/" in file else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Together(config, log)
