"""The book's data: iris petal sizes from iris sepal sizes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backprop_book.arguments import FLOAT_DTYPES, check_integer, expect

# They take long to import: the functions that need them do it.
if TYPE_CHECKING:
    import pandas as pd
    from sklearn.preprocessing import StandardScaler

INPUT_COLUMNS = ["sepal_length", "sepal_width"]
TARGET_COLUMNS = ["petal_length", "petal_width"]
SPECIES_LABELS = {"versicolor": 1, "virginica": 2}


@dataclass(frozen=True, eq=False, repr=False)
class IrisRegression:
    """Iris as a regression problem, split and standardised.

    Attributes
    ----------
    frame : DataFrame, 150 rows
        All flowers, three species, in centimetres: for the plots.
    X, Y : ndarray, shapes (50, 2) and (50, 2)
        Training inputs (sepal length and width) and targets (petal length and width),
        standardised: in units of the training rows' standard deviation.
    X_val, Y_val : ndarray, shapes (50, 2) and (50, 2)
        The same for the validation rows, with the training rows' mean and deviation.
    labels, labels_val : ndarray of int, shape (50,)
        Species of each row, 1 for versicolor and 2 for virginica.
    scaler_X, scaler_Y : StandardScaler
        Fitted on the training rows. ``scaler_Y.inverse_transform`` turns predictions
        back into centimetres.
    """

    frame: "pd.DataFrame"
    X: np.ndarray
    Y: np.ndarray
    X_val: np.ndarray
    Y_val: np.ndarray
    labels: np.ndarray
    labels_val: np.ndarray
    scaler_X: "StandardScaler"
    scaler_Y: "StandardScaler"

    def __repr__(self) -> str:
        rows = f"{len(self.X)} training rows, {len(self.X_val)} validation rows"
        return f"IrisRegression({rows}, {self.X.dtype})"

    def baselines(self) -> dict[str, float]:
        """Return the validation losses that a network has to beat, by their names."""
        from sklearn.linear_model import LinearRegression

        line = LinearRegression().fit(self.X, self.Y)
        predictions = {
            "mean predictor": self.Y.mean(axis=0),
            "linear regression": line.predict(self.X_val),
        }
        return {
            f"{name}, validation": float(np.sum((predicted - self.Y_val) ** 2))
            for name, predicted in predictions.items()
        }


def load_iris_frame() -> "pd.DataFrame":
    """Return iris as a data frame of 150 rows, from the copy that scikit-learn ships.

    Returns
    -------
    frame : DataFrame
        Columns sepal_length, sepal_width, petal_length, petal_width in centimetres, and
        species (setosa, versicolor, virginica). Source: Fisher (1936).
    """
    import pandas as pd
    from sklearn.datasets import load_iris

    iris = load_iris()
    frame = pd.DataFrame(iris.data, columns=INPUT_COLUMNS + TARGET_COLUMNS)
    frame["species"] = iris.target_names[iris.target]
    return frame


def load_iris_regression(*, seed: int = 0, dtype: str = "float32") -> IrisRegression:
    """Load, split and standardise the data that all labs learn from.

    Versicolor and virginica only, 50 flowers each. Half of each species trains, the
    other half validates. Both scalers are fitted on the training rows alone: nothing of
    the validation rows reaches the training.

    Parameters
    ----------
    seed : int
        Seed of the stratified split.
    dtype : str
        ``"float32"`` or ``"float64"``, of X, Y, X_val and Y_val.

    Returns
    -------
    IrisRegression
        The arrays, the labels, both scalers and the data frame.

    Raises
    ------
    TypeError, ValueError
        An argument does not fit; the message names it.
    """
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    # scikit-learn takes no seed above 2**32 - 1.
    check_integer("seed", seed, 0, 2**32 - 1)
    expected = "'float32' or 'float64'"
    expect(dtype in FLOAT_DTYPES, "dtype", expected, repr(dtype))
    frame = load_iris_frame()
    flowers = frame[frame["species"].isin(SPECIES_LABELS)]
    labels = flowers["species"].map(SPECIES_LABELS).to_numpy()
    train, validation = train_test_split(
        np.arange(len(flowers)), test_size=0.5, stratify=labels, random_state=int(seed)
    )
    inputs = flowers[INPUT_COLUMNS].to_numpy()
    targets = flowers[TARGET_COLUMNS].to_numpy()
    scaler_X = StandardScaler().fit(inputs[train])
    scaler_Y = StandardScaler().fit(targets[train])
    return IrisRegression(
        frame=frame,
        X=scaler_X.transform(inputs[train]).astype(dtype),
        Y=scaler_Y.transform(targets[train]).astype(dtype),
        X_val=scaler_X.transform(inputs[validation]).astype(dtype),
        Y_val=scaler_Y.transform(targets[validation]).astype(dtype),
        labels=labels[train],
        labels_val=labels[validation],
        scaler_X=scaler_X,
        scaler_Y=scaler_Y,
    )
