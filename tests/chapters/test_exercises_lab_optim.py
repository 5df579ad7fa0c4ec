"""Answers to the exercises of the lab on torch.optim, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

CM = "np.sqrt(S / 50) * iris64.scaler_Y.scale_[1]"

replies, test_reply, test_every_exercise = answer_tests(
    "lab_optim",
    {
        "ex-optim-flip": Forms(
            right=["0.0526", "1 / 19", "0.053", "[0.04 / 0.19 / 4]"],
            wrong={
                "-1 / 19": "the step is minus the corrected mean",
                "0.2237": "the bias correction is missing",
                "-1": "-1 is off by",
                "'a twentieth'": "expected real numbers",
            },
        ),
        "ex-optim-cm": Forms(
            right=[CM, "0.350", f"torch.tensor({CM})", f"np.array([{CM}])"],
            wrong={
                "np.sqrt(S / 50)": "this is in standardised units",
                "np.sqrt(S / 100) * iris64.scaler_Y.scale_[1]": "has 50 values",
                "np.sqrt(S / 50) * iris64.scaler_Y.scale_[0]": "second column",
                "S": "is off by",
                "iris64.scaler_Y.scale_": "expected one number",
            },
        ),
    },
)
