"""Settings for all tests."""

import os

# Before PyTorch is imported, and inherited by the kernels that execute chapters: sums
# over two threads round otherwise than over one, and pages are compared to the letter.
os.environ.setdefault("OMP_NUM_THREADS", "1")
