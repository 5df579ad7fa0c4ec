"""Answers to the exercises of the data lab, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

TWENTY = "[np.sum(load_iris_regression(seed=s).Y_val ** 2) for s in range(20)]"

replies, test_reply, test_every_exercise = answer_tests(
    "lab_data",
    {
        "ex-data-standardise": Forms(
            right=[
                "0.612",
                "(7 - 6) / np.sqrt(8 / 3)",
                "[0.6124]",
                "np.float32(0.61237)",
            ],
            wrong={
                "0.5": "this deviation divides by N - 1, not by N",
                "3 / 8": "this divides by the variance",
                "7 - 6": "divide by the deviation too",
                "'0.612'": "expected real numbers, got str",
            },
        ),
        "ex-data-centimetres": Forms(
            right=[
                "0.416",
                "0.5 * iris.scaler_Y.scale_[0]",
                "np.sqrt(scaler_Y.var_[0]) / 2",
                "error = 0.5 * np.std(targets.values[train][:, 0])\nanswer = error",
            ],
            wrong={
                "scaler_Y.mean_[0] + 0.416": "an error is a difference",
                "0.5 * scaler_Y.scale_[1]": "this is petal width",
                "0.5 * scaler_Y.var_[0]": "this uses the variance",
                "0.5 / scaler_Y.scale_[0]": "multiply by the deviation",
                "0.5 * scaler_Y.scale_": "expected one number, got shape (2,)",
            },
        ),
        "ex-data-luck": Forms(
            right=[
                "18.1",
                f"np.std({TWENTY})",
                f"np.std({TWENTY}, ddof=1)",
                f"import statistics\nanswer = float(statistics.stdev({TWENTY}))",
            ],
            wrong={
                f"np.mean({TWENTY})": "this is the mean of the losses",
                f"np.var({TWENTY})": "this is their variance",
                f"np.std({TWENTY.replace('sum', 'mean')})": "a sum, not a mean",
                TWENTY: "expected one number, got shape (20,)",
            },
        ),
    },
)
