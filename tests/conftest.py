"""Settings for all tests."""

import os

import pytest
from hypothesis import settings

from built_book import book  # noqa: F401 (a fixture for tests/book and tests/site)

# Before PyTorch is imported, and inherited by the kernels that execute chapters: sums
# over two threads round otherwise than over one, and pages are compared to the letter.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples at every run: what was green stays green until something changes.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """Group what shares a costly fixture, for runs on several cores: see the Makefile.

    All that looks at the built book stays together, and begins first: it takes longest.
    """
    groups = {
        item: "book" if "book" in item.fixturenames else item.path.stem
        for item in items
    }
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: groups[item] != "book")
