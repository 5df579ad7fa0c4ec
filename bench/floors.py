"""The least that an iteration can cost in a library.

At tutorial and large size that is the seven matrix products alone, each into an array
that is ready, in the fastest form the library has for it. At iris size calls cost more
than arithmetic, so there the floor also holds one call for each of the other thirteen
operations of the formulas, an addition of arrays of the same shape as theirs: two
ReLUs, the mask and its product, two differences from the targets, two sums of squares,
the doubling, and two updates of a product and a difference each.
"""

import time

import numpy as np
import torch

from sizes import SIZES, Problem


def _with_calls(problem: Problem) -> bool:
    return problem.X.shape == (SIZES["iris"].N, SIZES["iris"].D_in)


def floor_numpy(problem: Problem, nite: int) -> float:
    """Return the seconds that ``nite`` iterations take at the least in NumPy."""
    X, Y, X_val, Y_val, W1, W2 = problem
    N, N_val, H = len(X), len(X_val), W1.shape[1]
    H1, Z1, G = np.ones((N, H), X.dtype), np.ones((N, H), X.dtype), np.ones_like(Y)
    H1_val, E_val = np.ones((N_val, H), X.dtype), np.ones_like(Y_val)
    grad_W1, grad_W2 = np.ones_like(W1), np.ones_like(W2)
    X_T, H1_T, W2_T = X.T, H1.T, W2.T
    # By their shapes: three of H1, one of the validation's H1, and so on.
    operands = [H1] * 3 + [H1_val] + [Y] * 3 + [Y_val] * 2 + [W1] * 2 + [W2] * 2
    calls = [(a, np.empty_like(a)) for a in operands] if _with_calls(problem) else []
    add = np.add
    start = time.perf_counter()
    for _ in range(nite):
        # ndarray.dot is the same BLAS call as np.matmul with less before it.
        X.dot(W1, H1)
        H1.dot(W2, G)
        H1_T.dot(G, grad_W2)
        G.dot(W2_T, Z1)
        X_T.dot(Z1, grad_W1)
        X_val.dot(W1, H1_val)
        H1_val.dot(W2, E_val)
        for a, out in calls:
            add(a, a, out=out)
    return time.perf_counter() - start


@torch.inference_mode()
def floor_torch(problem: Problem, nite: int) -> float:
    """Return the seconds that ``nite`` iterations take at the least in PyTorch."""
    X, Y, X_val, Y_val, W1, W2 = (torch.from_numpy(array) for array in problem)
    W2 = W2.T.contiguous().T  # MKL's small products are fastest with this layout
    N, N_val, H = len(X), len(X_val), W1.shape[1]
    H1, Z1, G = torch.ones(N, H), torch.ones(N, H), torch.ones_like(Y)
    H1_val, E_val = torch.ones(N_val, H), torch.ones_like(Y_val)
    grad_W1, grad_W2_T = torch.ones_like(W1), torch.ones(W2.T.shape)
    X_T, G_T, W2_T = X.T, G.T, W2.T
    operands = [H1] * 3 + [H1_val] + [Y] * 3 + [Y_val] * 2 + [W1] * 2 + [W2_T] * 2
    calls = [(a, torch.empty_like(a)) for a in operands] if _with_calls(problem) else []
    mm, add = torch.mm, torch.add
    start = time.perf_counter()
    for _ in range(nite):
        mm(X, W1, out=H1)
        mm(H1, W2, out=G)
        mm(G_T, H1, out=grad_W2_T)
        mm(G, W2_T, out=Z1)
        mm(X_T, Z1, out=grad_W1)
        mm(X_val, W1, out=H1_val)
        mm(H1_val, W2, out=E_val)
        for a, out in calls:
            add(a, a, out=out)
    return time.perf_counter() - start
