"""Answers to the exercises of the NumPy lab, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

GRADIENT = """
def student_gradient(X, Y, W1, W2):
    Z1 = X @ W1
    H1 = np.maximum(Z1, 0)
    G = 2 * (H1 @ W2 - Y)
    return X.T @ ((G @ W2.T) * (Z1 > 0)), H1.T @ G
"""
IN_TORCH = """
import torch


def student_gradient(X, Y, W1, W2):
    X, Y = torch.as_tensor(X), torch.as_tensor(Y)
    W1, W2 = (torch.as_tensor(W).clone().requires_grad_() for W in (W1, W2))
    ((torch.relu(X @ W1) @ W2 - Y) ** 2).sum().backward()
    return W1.grad, W2.grad
"""
LOOPS = """
def student_gradient(X, Y, W1, W2):
    grad_W1, grad_W2 = np.zeros_like(W1), np.zeros_like(W2)
    for x, y in zip(X, Y):
        h = np.clip(x @ W1, 0, None)
        g = 2 * (h @ W2 - y)
        grad_W2 += np.outer(h, g)
        grad_W1 += np.outer(x, np.where(h > 0, W2 @ g, 0))
    return [grad_W1, grad_W2]
"""
FRIEND = "relative_error(X.T @ ((G @ (V2 - 0.01 * (H1.T @ G)).T) * (Z1 > 0)), grad_V1)"

replies, test_reply, test_every_exercise = answer_tests(
    "lab_numpy",
    {
        "ex-numpy-mean": Forms(
            right=[
                "H1.T @ G / Y.size",
                "(H1.T @ (H1 @ V2 - Y) / 3).tolist()",
                "grad_V2 / 6",
                "((-0.8167, 4.7217), (-1.0666, 3.4619), (-0.0043, 1.1008),"
                "(-0.6233, 4.8619))",
                "import torch\nanswer = torch.tensor(grad_V2) / 6",
            ],
            wrong={
                "H1.T @ G": "this is the gradient of the sum",
                "H1.T @ G / len(X)": "this divides by N alone",
                "H1.T @ G / 2": "this divides by the outputs alone",
                "H1.T @ (Y_hat - Y) / Y.size": "a factor 2 is missing",
                "grad_W2 / 6": "grad_W2 belongs to the old weights",
                "(H1.T @ G / 6).T": "expected shape (4, 2), got shape (2, 4)",
            },
        ),
        "ex-numpy-order": Forms(
            right=["0.197", FRIEND, f"np.array([{FRIEND}])", f"round({FRIEND}, 3)"],
            wrong={
                "0.0": "this compares something with itself",
                "19.7": "give a fraction, not a percentage",
                "two_layer_regression_numpy_gradient(X, Y, V1, V2)[1]": "one number",
                "W = V2 - 0.01 * H1.T @ G\n"
                "answer = relative_error(two_layer_regression_numpy_gradient"
                "(X, Y, V1, W)[1], grad_V1)": "G is computed before the update",
            },
        ),
        "ex-numpy-dead": Forms(
            right=[
                '{"W1": -np.ones((2, 4))}',
                '{"W1": [[-1, 0, -2, -1], [-1, -1, -3, -2]]}',
                '{"W1": np.zeros((2, 4))}',
                '"?play1=v0_-1_-1_0_-1_-1_-1_-1_-1*s18"',
            ],
            wrong={
                '{"W1": np.ones((2, 4))}': "an entry of grad W1 is",
                '{"W2": np.zeros((4, 2))}': "an entry of grad W2 is",
                '{"W1": W1}': "expected shape (2, 4), got (2, 100)",
                '{"W1": -1}': "W1: expected shape (2, 4), got ()",
                '{"W1": -np.ones((2, 4)), "Y": Y}': "a leaf, got 'Y'",
                "-np.ones((2, 4))": "numbers by name",
            },
        ),
        "ex-numpy-backward": Forms(
            accepted="Right: both gradients",
            right=[GRADIENT, IN_TORCH, LOOPS],
            wrong={
                GRADIENT.replace("2 * ", ""): "factor 2 missing",
                GRADIENT.replace("Z1 > 0", "Z1 >= 0"): "ReLU at 0 taken as 1",
                GRADIENT.replace("W2.T) *", "W2.T).clip(0) *"): "at worst entry",
                "two_layer_regression_numpy_gradient": "nothing else, got 3 things",
                "lambda X, Y, W1, W2: None": "nothing else, got NoneType",
            },
        ),
    },
)
