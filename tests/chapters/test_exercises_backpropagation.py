"""Answers to the exercises of backpropagation, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

FORWARD = """
H = [X_tied]
for _ in range(5):
    H.append(np.tanh(H[-1] @ W_tied))
"""
BY_HAND = f"""{FORWARD}
answer, G = 0, 2 * (H[5] - Y_tied)
for k in range(5, 0, -1):
    delta_k = G * (1 - H[k] ** 2)
    answer, G = answer + H[k - 1].T @ delta_k, delta_k @ W_tied.T
"""
BY_PYTORCH = """
W = torch.tensor(W_tied, requires_grad=True)
H = torch.tensor(X_tied)
for _ in range(5):
    H = torch.tanh(H @ W)
((H - torch.tensor(Y_tied)) ** 2).sum().backward()
answer = W.grad
"""
LAST_USE = f"""{FORWARD}
answer = H[4].T @ (2 * (H[5] - Y_tied) * (1 - H[5] ** 2))
"""
BY_COMPLEX_STEP = "complex_step_gradient(tied_loss, W_tied)"

replies, test_reply, test_every_exercise = answer_tests(
    "backpropagation",
    {
        "ex-backpropagation-by-hand": Forms(
            right=["[24, 60]", "(24.0, 60.0)", "np.array([24, 60])"],
            wrong={
                "[24, 36]": "1 of 2 entries are off",
                "[24, 24]": "1 of 2 entries are off",
                "[60, 24]": "2 of 2 entries are off",
            },
        ),
        "ex-backpropagation-tied": Forms(
            right=[BY_HAND, BY_PYTORCH, BY_COMPLEX_STEP],
            wrong={
                LAST_USE: "16 of 16 entries are off",
                f"{BY_COMPLEX_STEP}.T": "this is transposed",
                f"{BY_COMPLEX_STEP} / 5": "the five uses add up",
            },
        ),
    },
)
