"""Answers to the exercises of matrix_derivatives, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

replies, test_reply, test_every_exercise = answer_tests(
    "matrix_derivatives",
    {
        "ex-vec-torch-orientation": Forms(
            right=[
                "grad_Z1.T @ X",
                "(X.T @ grad_Z1).T",
                'np.einsum("nj,ni->ji", grad_Z1, X)',
                "torch.tensor(grad_Z1).T @ torch.tensor(X)",
            ],
            wrong={
                "X.T @ grad_Z1": "this has the orientation of W1",
                "-grad_Z1.T @ X": "12 of 12 entries are off",
                "grad_Z1.T @ X / 5": "the samples add up",
                "grad_Z1": "expected shape (4, 3)",
            },
        ),
        "ex-vec-centring": Forms(
            right=[
                "G_C - G_C.mean(axis=0)",
                "G_C - np.ones((5, 5)) @ G_C / 5",
                "(G_C - G_C.mean(axis=0)).tolist()",
            ],
            wrong={
                "G_C": "the path through the mean is missing",
                "G_C - G_C.mean()": "each column has a mean of its own",
                "G_C - G_C.mean(axis=1, keepdims=True)": "the mean runs over",
                "G_C + G_C.mean(axis=0)": "its path changes the sign",
            },
        ),
    },
)
