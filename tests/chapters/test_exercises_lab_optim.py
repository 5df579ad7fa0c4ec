"""Answers to the exercises of the lab on torch.optim, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

replies, test_reply, test_every_exercise = answer_tests(
    "lab_optim",
    {
        "ex-optim-flip": Forms(
            right=["0.0526", "1 / 19", "0.053", "[0.04 / 0.19 / 4]"],
            wrong={
                "-1 / 19": "the step is minus the corrected average",
                "0.2237": "the bias correction is missing",
                "-1": "-1 is off by",
                "'a twentieth'": "expected real numbers",
            },
        ),
        "ex-optim-ten-steps": Forms(
            right=["0.0345", "0.0337", "[0.0354]", "np.float32(0.0339)"],
            wrong={
                "0.05": "is off by",
                "0.0336": "is off by",
                "0.0355": "is off by",
                "1 / 25": "at the limit q never settles",
                "1 / 50": "p is slow",
                "0.03": "is off by",
                "1 / 26": "is off by",
            },
        ),
    },
)
