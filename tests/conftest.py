"""Settings for all tests."""

import os

import pytest
from hypothesis import Phase, settings

# Fixtures for tests/book and tests/site.
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep together what shares something: a file's tests, or those of one page."""
    for item in items:
        page = "visits" in item.fixturenames and item.callspec.params["name"]
        if item.path.parent.name != "lib":
            item.add_marker(pytest.mark.xdist_group(page or item.path.stem))
