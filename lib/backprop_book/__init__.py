"""The tested code of the book: data, training functions, gradient checks, plots."""

from typing import TYPE_CHECKING

from backprop_book.answers import check_answer
from backprop_book.backward_check import BackwardReport, check_backward
from backprop_book.data import IrisRegression, load_iris_frame, load_iris_regression
from backprop_book.derivative_check import check_derivative
from backprop_book.engine import Value
from backprop_book.goal_check import check_goal
from backprop_book.gradient_check import (
    GradientCheck,
    complex_step_gradient,
    complex_step_jacobian,
    gradient_check,
    numerical_gradient,
    numerical_jacobian,
    relative_error,
)
from backprop_book.graph_drawing import draw
from backprop_book.initial_weights import draw_weights
from backprop_book.play import play
from backprop_book.plots import (
    COLORS,
    SPECIES_COLORS,
    SPECIES_MARKERS,
    plot_curves,
    plot_losses,
    use_book_style,
)
from backprop_book.public import exported
from backprop_book.recordings import load_recording
from backprop_book.source import show_source
from backprop_book.training_log import DivergenceError

if TYPE_CHECKING:
    from backprop_book.protocol import TrainingReport, before_training
    from backprop_book.train_autograd import (
        two_layer_regression_autograd_gradient,
        two_layer_regression_autograd_loss,
        two_layer_regression_autograd_train,
    )
    from backprop_book.train_ddp import (
        two_layer_regression_ddp_train,
    )
    from backprop_book.train_engine import (
        two_layer_regression_engine_gradient,
        two_layer_regression_engine_loss,
        two_layer_regression_engine_train,
    )
    from backprop_book.train_nn import (
        two_layer_regression_nn_gradient,
        two_layer_regression_nn_loss,
        two_layer_regression_nn_model,
        two_layer_regression_nn_train,
    )
    from backprop_book.train_numpy import (
        two_layer_regression_numpy_gradient,
        two_layer_regression_numpy_loss,
        two_layer_regression_numpy_train,
    )
    from backprop_book.train_optim import (
        two_layer_regression_nn_optim_gradient,
        two_layer_regression_nn_optim_train,
    )
    from backprop_book.train_tensor import (
        two_layer_regression_tensor_gradient,
        two_layer_regression_tensor_loss,
        two_layer_regression_tensor_train,
    )

__all__ = [
    "COLORS",
    "SPECIES_COLORS",
    "SPECIES_MARKERS",
    "BackwardReport",
    "DivergenceError",
    "GradientCheck",
    "IrisRegression",
    "TrainingReport",
    "Value",
    "before_training",
    "check_answer",
    "check_backward",
    "check_derivative",
    "check_goal",
    "complex_step_gradient",
    "complex_step_jacobian",
    "draw",
    "draw_weights",
    "gradient_check",
    "load_iris_frame",
    "load_iris_regression",
    "load_recording",
    "numerical_gradient",
    "numerical_jacobian",
    "play",
    "plot_curves",
    "plot_losses",
    "relative_error",
    "show_source",
    "two_layer_regression_autograd_gradient",
    "two_layer_regression_autograd_loss",
    "two_layer_regression_autograd_train",
    "two_layer_regression_ddp_train",
    "two_layer_regression_engine_gradient",
    "two_layer_regression_engine_loss",
    "two_layer_regression_engine_train",
    "two_layer_regression_nn_gradient",
    "two_layer_regression_nn_loss",
    "two_layer_regression_nn_model",
    "two_layer_regression_nn_optim_gradient",
    "two_layer_regression_nn_optim_train",
    "two_layer_regression_nn_train",
    "two_layer_regression_numpy_gradient",
    "two_layer_regression_numpy_loss",
    "two_layer_regression_numpy_train",
    "two_layer_regression_tensor_gradient",
    "two_layer_regression_tensor_loss",
    "two_layer_regression_tensor_train",
    "use_book_style",
]


# PyTorch takes a second to import, and who doesn't have it can use all the rest. Tools
# that read types would believe this to have any name at all.
if not TYPE_CHECKING:

    def __getattr__(name):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            if name.startswith("two_layer_regression"):
                return exported(name)
            from backprop_book import protocol
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            command = "python -m pip install torch"
            message = f"{name} computes with PyTorch. To install it: {command}"
            raise ImportError(message) from None
        return getattr(protocol, name)

    def __dir__():
        return sorted({*globals(), *__all__})
