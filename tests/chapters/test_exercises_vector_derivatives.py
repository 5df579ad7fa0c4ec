"""Answers to the exercises of vector_derivatives, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

replies, test_reply, test_every_exercise = answer_tests(
    "vector_derivatives",
    {
        "ex-vec-by-hand": Forms(
            right=[
                "[[5, 2], [1, 1], [4, 0]]",
                "np.array([[5.0, 2], [1, 1], [4, 0]])",
                "((5, 2), (1, 1), (4, 0))",
            ],
            wrong={
                "[[5, 1, 4], [2, 1, 0]]": "this is the other layout",
                "[[2, 5], [1, 1], [4, 0]]": "the order of the first row",
                "[[5, 2], [1, 1], [2, 0]]": "the slope of a square",
            },
        ),
        "ex-vec-running-sum": Forms(
            right=[
                "np.cumsum(g[::-1])[::-1]",
                "g.sum() - np.cumsum(g) + g",
                "[1.5, 0.5, 2.5, 2, -1]",
                "g @ np.tri(5)",
            ],
            wrong={
                "np.cumsum(g)": "this is the forward pass",
                "np.cumsum(g[::-1])": "in reverse order",
                "g[::-1]": "entries are off",
                "[[1.5, 0.5, 2.5, 2, -1]]": "expected shape (5,)",
            },
        ),
    },
)
