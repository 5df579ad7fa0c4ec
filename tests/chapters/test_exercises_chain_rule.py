"""Answers to the exercises of chain_rule, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

# What clamp's derivative is at 0 depends on PyTorch's version.
OF_CLAMP = 'slope_at_0(ways["z.clamp(min=0)"])'

replies, test_reply, test_every_exercise = answer_tests(
    "chain_rule",
    {
        "ex-chain-by-hand": Forms(
            right=[
                "[12, -6]",
                "(12.0, -6.0)",
                "np.array([12, -6])",
                "torch.tensor([12.0, -6.0])",
            ],
            wrong={
                "[-6, 12]": "the order is w1, w2",
                "[6, -3]": "the factor 2 of the square is missing",
                "[-12, 6]": "the error is negative",
                "12": "expected shape (2,)",
            },
        ),
        "ex-chain-identity": Forms(
            right=[
                f"[0, 2 * {OF_CLAMP}, 1]",
                f"(0.0, 2.0 * {OF_CLAMP}, 1.0)",
                f"2 * np.array([0, {OF_CLAMP}, 0.5])",
            ],
            wrong={
                "[1, 1, 1]": "this is the true slope",
                f"[0, {OF_CLAMP}, 0.5]": "add the second path",
                f"[1, 2 * {OF_CLAMP}, 0]": "2 of 3 entries are off",
            },
        ),
        "ex-chain-one-step": Forms(
            right=["1 / 8", "0.125", "[0.1251]", "torch.tensor(0.125)"],
            wrong={
                "0.25": "this step goes twice as far",
                "8": "8 is off by",
                "0.1": "0.1 is off by",
                "-1 / 8": "is off by 0.25",
            },
        ),
    },
)
