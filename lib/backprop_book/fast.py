"""The NumPy and the tensor loop with every gain that was measured, for comparison.

They give the curves of the lessons' loops, and trust their arguments as those do.
"""

import numpy as np
import torch

from backprop_book.training_log import TrainingLog


def numpy_train(X, Y, X_val, Y_val, lr, nite, *, weights, log_every=10):
    """Fit W1 and W2 as the lesson's function does, from ``weights``."""
    W1, W2 = (W.copy() for W in weights)
    # Each row is computed from its own alone: one forward pass serves both sets.
    N, X_all, Y_all = len(X), np.concatenate((X, X_val)), np.concatenate((Y, Y_val))
    # ReLU compares with an array of zeros faster than with the number.
    zeros = np.zeros((len(X_all), W1.shape[1]), dtype=X.dtype)
    log = TrainingLog(log_every)
    for t in range(nite):
        Z1 = X_all.dot(W1)
        H1 = np.maximum(Z1, zeros, out=Z1)
        E = H1.dot(W2)  # the prediction
        E -= Y_all
        H1, E, E_val = H1[:N], E[:N], E[N:]
        log.record(t, np.vdot(E, E), np.vdot(E_val, E_val))
        G = 2 * lr * E  # gradients are linear in G: with lr they come as steps
        step_W2 = H1.T.dot(G)
        grad_Z1 = G.dot(W2.T)  # grad_H1
        grad_Z1 *= H1 > 0  # where Z1 > 0
        step_W1 = X.T.dot(grad_Z1)
        W1 -= step_W1
        W2 -= step_W2
    return W1, W2, log.losses_tr, log.losses_val


@torch.inference_mode()
def tensor_train(X, Y, X_val, Y_val, lr, nite, *, weights, log_every=10):
    """Fit W1 and W2 as the lesson's function does, from ``weights``."""
    W1, W2 = (torch.as_tensor(W).clone() for W in weights)
    W2 = W2.T.contiguous().T  # the same numbers, column by column in memory
    N, X_all, Y_all = len(X), torch.cat((X, X_val)), torch.cat((Y, Y_val))
    log = TrainingLog(log_every)
    for t in range(nite):
        H1 = X_all.mm(W1).relu_()
        E = H1.mm(W2)  # the prediction
        E -= Y_all
        H1, e, e_val = H1[:N], E[:N].flatten(), E[N:].flatten()
        log.record(t, e.dot(e), e_val.dot(e_val))
        G = 2 * lr * E[:N]
        step_W2 = G.T.mm(H1).T  # H1.T @ G, column by column
        grad_Z1 = G.mm(W2.T)
        grad_Z1 *= H1.sign_()  # 1 where Z1 > 0, else 0
        step_W1 = X.T.mm(grad_Z1)
        W1 -= step_W1
        W2 -= step_W2
    return W1, W2.contiguous(), log.losses_tr, log.losses_val
