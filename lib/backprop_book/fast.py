"""The NumPy and the tensor loop with every gain that was measured, for comparison.

They give the curves of the lessons' loops, and trust their arguments as those do.
"""

import numpy as np
import torch

from backprop_book.training_log import TrainingLog


def numpy_forward(X, Y, W1, W2, zeros=0):
    """Return the hidden layer H1 and the errors E, in units of Y.

    ReLU compares with ``zeros``: an array of them is faster than the number.
    """
    H1 = X.dot(W1)  # Z1
    np.maximum(H1, zeros, out=H1)
    E = H1.dot(W2)  # the prediction
    E -= Y
    return H1, E


def numpy_backward(X, H1, W2, G):
    """Return the gradients with respect to W1 and W2, from that of the prediction, G.

    They are linear in G. The derivative of ReLU at 0 is taken as 0.
    """
    grad_W2 = H1.T.dot(G)
    grad_Z1 = G.dot(W2.T)  # grad_H1
    grad_Z1 *= H1 > 0  # where Z1 > 0
    grad_W1 = X.T.dot(grad_Z1)
    return grad_W1, grad_W2


def numpy_train(
    X, Y, X_val, Y_val, lr, nite, *, hidden=100, weights=None, seed=None, log_every=10
):
    """Fit W1 and W2 as the lesson's function does; ``weights`` are given."""
    W1, W2 = (W.copy() for W in weights)
    # The rows of a batch don't meet: one forward pass serves both sets.
    N, X_all, Y_all = len(X), np.concatenate((X, X_val)), np.concatenate((Y, Y_val))
    zeros = np.zeros((len(X_all), W1.shape[1]), dtype=X.dtype)
    log = TrainingLog(log_every)
    for t in range(nite):
        H1, E = numpy_forward(X_all, Y_all, W1, W2, zeros)
        H1, E, E_val = H1[:N], E[:N], E[N:]
        log.record(t, np.vdot(E, E), np.vdot(E_val, E_val))
        # Gradients are linear in G: with G times lr they come as steps.
        step_W1, step_W2 = numpy_backward(X, H1, W2, 2 * lr * E)
        W1 -= step_W1
        W2 -= step_W2
    return W1, W2, log.losses_tr, log.losses_val


def tensor_forward(X, Y, W1, W2):
    """Return the hidden layer H1 and the errors E, in units of Y."""
    H1 = X.mm(W1).relu_()
    E = H1.mm(W2)  # the prediction
    E -= Y
    return H1, E


def tensor_backward(X, H1, W2, G):
    """Return the gradients with respect to W1 and W2, from that of the prediction, G.

    They are linear in G. The derivative of ReLU at 0 is taken as 0. H1 is overwritten.
    """
    grad_W2 = G.T.mm(H1).T  # H1.T @ G, column by column in memory
    grad_Z1 = G.mm(W2.T)  # grad_H1
    grad_Z1 *= H1.sign_()  # 1 where Z1 > 0, else 0
    grad_W1 = X.T.mm(grad_Z1)
    return grad_W1, grad_W2


def squared_length(E):
    """Return the sum of the squares of all entries, as a 0-d tensor."""
    e = E.flatten()
    return e.dot(e)


@torch.inference_mode()
def tensor_train(
    X, Y, X_val, Y_val, lr, nite, *,
    hidden=100, weights=None, seed=None, log_every=10, device=None,
):  # fmt: skip
    """Fit W1 and W2 as the lesson's function does; ``weights`` are given."""
    W1, W2 = (torch.as_tensor(W, device=device).clone() for W in weights)
    W2 = W2.T.contiguous().T  # the same numbers, column by column in memory
    # The rows of a batch don't meet: one forward pass serves both sets.
    N, X_all, Y_all = len(X), torch.cat((X, X_val)), torch.cat((Y, Y_val))
    log = TrainingLog(log_every)
    for t in range(nite):
        H1, E = tensor_forward(X_all, Y_all, W1, W2)
        H1, E, E_val = H1[:N], E[:N], E[N:]
        log.record(t, squared_length(E), squared_length(E_val))
        # Gradients are linear in G: with G times lr they come as steps.
        step_W1, step_W2 = tensor_backward(X, H1, W2, 2 * lr * E)
        W1 -= step_W1
        W2 -= step_W2
    return W1, W2.contiguous(), log.losses_tr, log.losses_val
