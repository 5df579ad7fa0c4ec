"""Answers to the exercises of cost_and_modes, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

replies, test_reply, test_every_exercise = answer_tests(
    "cost_and_modes",
    {
        "ex-cost-by-hand": Forms(
            right=[
                "[200, 280]",
                "(200, 280)",
                "np.array([200.0, 280.0])",
            ],
            wrong={
                "[20, 28]": "this is for one sample",
                "[200, 400]": "with respect to X is not needed",
                "[200, 200]": "a product for its input",
            },
        ),
        "ex-cost-segments": Forms(
            right=[
                "[4, 3, 2, 1]",
                "range(4, 0, -1)",
                "np.arange(4, 0, -1)",
            ],
            wrong={
                "[1, 2, 3, 4]": "[1, 2, 3, 4] keeps 7 arrays",
                "[5, 5]": "[5, 5] keeps 6 arrays",
                "np.array([5, 3, 2])": "[5, 3, 2] keeps 5 arrays; fewer are enough",
                "[3, 3, 2, 2]": "[3, 3, 2, 2] keeps 5 arrays",
                "[4, 3, 2]": "expected shape (4,)",
            },
        ),
        "ex-backpropagation-brackets": Forms(
            right=[
                "20000",
                "20_000.0",
                "50 * 100 + 100 * 50 + 100 * 100",
            ],
            wrong={
                "510_000": "this is forward or reverse mode",
                "10_000": "the last product is missing",
                "25_000": "is off by",
            },
        ),
    },
)
