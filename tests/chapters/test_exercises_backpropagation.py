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
BY_COMPLEX_STEP = "complex_step_gradient(lambda W: chain_loss(*5 * [W]), W_tied)"

replies, test_reply, test_every_exercise = answer_tests(
    "backpropagation",
    {
        "ex-backpropagation-cancel": Forms(
            right=[
                '{"a": -0.5, "b": 3}',
                '{"a": -1 / 2, "b": np.array(-2.5)}',
                '"https://book.example/backpropagation.html?play1=v0_-0.5*s8#order"',
            ],
            wrong={
                '{"a": 2, "b": 3}': "grad u is 15, and the goal is == 0",
                '{"a": 0, "b": 0}': "L is 0, and the goal is < -1",
                '{"a": -1, "b": 3}': "grad u is -3",
                '"?play1=v0_-0.5*v1_1*s8"': "L is -0.25",
                "[-0.5, 3]": "numbers by name",
                '{"u": -1.5}': "expected the name of a leaf, got 'u'",
            },
        ),
        "ex-backpropagation-tied": Forms(
            right=[BY_HAND, BY_PYTORCH, BY_COMPLEX_STEP],
            wrong={
                LAST_USE: "only the share of the last use",
                f"{BY_COMPLEX_STEP} / 2": "the factor 2 of the square",
                f"{BY_COMPLEX_STEP}.T": "this is transposed",
                f"{BY_COMPLEX_STEP} / 5": "the five uses add up",
            },
        ),
    },
)
