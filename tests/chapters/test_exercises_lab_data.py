"""Answers to the exercises of the data lab, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

replies, test_reply, test_every_exercise = answer_tests(
    "lab_data",
    {
        "ex-data-standardise": Forms(
            right=["0.6123724", "(7 - 6) / np.sqrt(8 / 3)", "[1 / (8 / 3) ** 0.5]"],
            wrong={"1.0": "off by", "0.5": "off by", "'0.612'": "expected numbers"},
        ),
        "ex-data-centimetres": Forms(
            right=[
                "0.5 * iris.scaler_Y.scale_[0]",
                "np.sqrt(iris.scaler_Y.var_[0]) / 2",
                "def a(): return 0.5 * iris.scaler_Y.scale_[0]\nanswer = a()",
            ],
            wrong={"0.5": "off", "iris.scaler_Y.mean_[0]": "off", "aa": "NameError"},
        ),
        "ex-data-luck": Forms(
            right=["18.003"],
            wrong={"100": "off", "1": "off", "[1, 2]": "expected one number"},
        ),
    },
)
