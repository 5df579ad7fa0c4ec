"""Models that the protocol has to judge: right ones, and others with one fault each.

A case's arguments are those of `before_training`. What the fault of a case is, which
check has to find it and which section explains it was written down before the checks.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from backprop_book import load_iris_regression, two_layer_regression_nn_model


@dataclass(frozen=True)
class Case:
    """A model with its loss and data, and what the protocol must say of it."""

    build: Callable[[], dict]
    check: str = ""
    section: str = ""

    @property
    def name(self) -> str:
        """The builder's name, in words."""
        return self.build.__name__.replace("_", " ")


RIGHT: list[Case] = []
FAULTY: list[Case] = []


def right(build):
    RIGHT.append(Case(build))
    return build


def faulty(check, section):
    def add(build):
        FAULTY.append(Case(build, check, section))
        return build

    return add


def regression(N=80, D=4, D_out=2, seed=0):
    random = torch.Generator().manual_seed(seed)
    X = torch.randn(N, D, generator=random)
    Y = torch.tanh(X @ torch.randn(D, D_out, generator=random)) + 0.3 * X[:, :D_out]
    return X, (Y - Y.mean(0)) / Y.std(0)


def classes(N=90, D=5, C=3):
    X, _ = regression(N, D)
    return X, X[:, :C].argmax(1)


def images(N=80):
    """Class: the quarter of the image that is bright."""
    random = torch.Generator().manual_seed(1)
    X = torch.randn(N, 1, 8, 8, generator=random)
    Y = torch.randint(4, (N,), generator=random)
    for n, quarter in enumerate(Y.tolist()):
        row, column = 4 * (quarter // 2), 4 * (quarter % 2)
        X[n, 0, row : row + 4, column : column + 4] += 2
    return X, Y


def sequences(N=80, T=6, D=3):
    random = torch.Generator().manual_seed(2)
    X = torch.randn(N, T, D, generator=random)
    return X, (X[:, :, 0].sum(1) > 0).long()


def tokens(N=60, T=8, V=7):
    """Counters with a step of 1 or 2; the target is the next token."""
    random = torch.Generator().manual_seed(3)
    start = torch.randint(V, (N, 1), generator=random)
    step = torch.randint(1, 3, (N, 1), generator=random)
    whole = (start + step * torch.arange(T + 1)) % V
    return whole[:, :-1], whole[:, 1:]


def mlp(*sizes, activation=nn.ReLU):
    layers = []
    for fan_in, fan_out in itertools.pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def case(model, loss, data, **more):
    X, Y = data
    return {"model": model, "loss": loss, "X": X, "Y": Y, **more}


def loss_of_tokens(scores, Y):
    return F.cross_entropy(scores.transpose(1, 2), Y)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(8 * 4 * 4, 4)

    def forward(self, X):
        H = F.max_pool2d(torch.relu(self.norm(self.conv(X))), 2)
        return self.head(self.dropout(H.flatten(1)))


class LastState(nn.Module):
    """A recurrent layer whose last state is classified."""

    def __init__(self, layer=nn.LSTM, batch_first=True):
        super().__init__()
        self.layer = layer(3, 16, batch_first=batch_first)
        self.head = nn.Linear(16, 2)

    def forward(self, X):
        return self.head(self.layer(X)[0][:, -1])


class Attention(nn.Module):
    def __init__(self, D, axis=-1, causal=True):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(D, D) for _ in range(3))
        self.axis, self.causal = axis, causal

    def forward(self, H):
        T, D = H.shape[-2:]
        scores = self.query(H) @ self.key(H).transpose(-2, -1) / D**0.5
        if self.causal:
            future = torch.ones(T, T, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(future, -1e9)
        return scores.softmax(self.axis) @ self.value(H)


class Transformer(nn.Module):
    def __init__(self, V=7, D=16, T=8, **attention):
        super().__init__()
        self.embedding = nn.Embedding(V, D)
        self.position = nn.Parameter(0.1 * torch.randn(T, D))
        self.first, self.second = nn.LayerNorm(D), nn.LayerNorm(D)
        self.attention = Attention(D, **attention)
        self.network = mlp(D, 32, D, activation=nn.GELU)
        self.head = nn.Linear(D, V)

    def forward(self, X):
        H = self.embedding(X) + self.position
        H = H + self.attention(self.first(H))
        return self.head(H + self.network(self.second(H)))


@right
def network_of_three_layers():
    return case(mlp(4, 32, 32, 2), nn.MSELoss(), regression(), lr=0.1)


@right
def network_of_the_book():
    iris = load_iris_regression(seed=0)
    data = torch.from_numpy(iris.X), torch.from_numpy(iris.Y)
    model = two_layer_regression_nn_model(2, 100, 2, seed=0)
    return case(model, nn.MSELoss(reduction="sum"), data, lr=1e-4)


@right
def cnn_with_batch_norm_and_dropout():
    return case(Cnn(), nn.CrossEntropyLoss(), images(), lr=0.02)


@right
def lstm():
    return case(LastState(), nn.CrossEntropyLoss(), sequences())


@right
def transformer_block():
    return case(Transformer(), loss_of_tokens, tokens(), causal=True, lr=0.05)


@right
def mean_of_embeddings():
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.head = nn.Embedding(7, 16), nn.Linear(16, 7)

        def forward(self, X):
            return self.head(self.embedding(X).mean(1))

    X, _ = tokens()
    return case(Bag(), nn.CrossEntropyLoss(), (X[:, :3], X[:, 0]))


@right
def logistic_regression():
    X, Y = regression(D_out=1)
    data = X, (Y > 0).float()
    return case(nn.Linear(4, 1), nn.BCEWithLogitsLoss(), data, lr=0.5)


@right
def log_probabilities_and_weighted_classes():
    model = nn.Sequential(mlp(5, 32, 3), nn.LogSoftmax(dim=1))
    loss = nn.NLLLoss(weight=torch.tensor([1.0, 3, 0.5]))
    return case(model, loss, classes())


@right
def plain_function():
    def model(X, W1, W2):
        return torch.tanh(X @ W1) @ W2

    X, Y = (A.double() for A in regression())
    weights = [0.5 * torch.randn(4, 30).double(), 0.2 * torch.randn(30, 2).double()]

    def loss(Y_hat, Y):
        return ((Y_hat - Y) ** 2).sum()

    return case(model, loss, (X, Y), weights=weights, lr=1e-4)


@right
def autoencoder():
    random = torch.Generator().manual_seed(4)
    X = torch.randn(80, 3, generator=random) @ torch.randn(3, 8, generator=random)
    X = (X - X.mean(0)) / X.std(0)
    return case(mlp(8, 32, 3, 32, 8, activation=nn.Tanh), nn.MSELoss(), (X, X))


@right
def dropout_and_one_column_of_targets():
    model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 1))
    X, Y = regression(D_out=1)

    def loss(Y_hat, Y):
        return F.mse_loss(Y_hat.squeeze(1), Y)

    return case(model, loss, (X, Y[:, 0]))


@right
def inputs_that_are_true_or_false():
    class OfFloats(nn.Sequential):
        def forward(self, X):
            return super().forward(X.float())

    X = regression()[0] > 0
    Y = X.float() @ torch.tensor([[1.0, 0.5], [-1, 0.5], [0.5, -1], [0.5, 1]])
    return case(OfFloats(mlp(4, 32, 2)), nn.MSELoss(), (X, Y), lr=0.1)


@right
def last_layer_starts_at_zero():
    model = mlp(4, 32, 2)
    nn.init.zeros_(model[-1].weight)
    nn.init.zeros_(model[-1].bias)
    return case(model, nn.MSELoss(), regression(), lr=0.1)


@right
def counts_with_a_floor_of_their_own():
    X, _ = regression()
    rates = torch.exp(X[:, :1] - 0.5 * X[:, 1:2] + 0.5)
    Y = torch.poisson(rates, generator=torch.Generator().manual_seed(6))
    mean = Y.mean()
    floors = {
        "expected_loss": (mean - mean * mean.log()).item(),
        "least_loss": (Y - torch.special.xlogy(Y, Y)).mean().item(),
    }
    return case(mlp(4, 32, 1), nn.PoissonNLLLoss(), (X, Y), **floors)


@faulty("dependence", "pitfall-mixed-rows")
def view_for_permute():
    class Wrong(LastState):
        def __init__(self):
            super().__init__(batch_first=False)

        def forward(self, X):
            N, T, D = X.shape
            return self.head(self.layer(X.view(T, N, D))[0][-1])

    return case(Wrong(), nn.CrossEntropyLoss(), sequences())


@faulty("dependence", "pitfall-mixed-rows")
def rnn_without_batch_first():
    model = LastState(nn.RNN, batch_first=False)
    return case(model, nn.CrossEntropyLoss(), sequences())


@faulty("dependence", "pitfall-mixed-rows")
def attention_normalised_over_the_batch():
    model = Transformer(axis=0, causal=False)
    return case(model, loss_of_tokens, tokens())


@faulty("dependence", "pitfall-mixed-rows")
def centred_by_the_batch():
    class Wrong(nn.Sequential):
        def forward(self, X):
            return super().forward(X - X.mean())

    return case(Wrong(mlp(4, 32, 2)), nn.MSELoss(), regression())


@faulty("dependence", "pitfall-mixed-rows")
def centred_by_the_batch_without_a_gradient():
    class Wrong(nn.Sequential):
        def forward(self, X):
            return super().forward(X - X.mean(0).detach())

    return case(Wrong(mlp(4, 32, 2)), nn.MSELoss(), regression())


@faulty("dependence", "no-grad-and-detach")
def threshold_in_the_middle():
    class Wrong(nn.Sequential):
        def forward(self, X):
            return self[1]((self[0](X) > 0).float())

    model = Wrong(nn.Linear(4, 64), nn.Linear(64, 2))
    return case(model, nn.MSELoss(), regression())


@faulty("dependence", "pitfall-mixed-rows")
def transformer_that_sees_the_future():
    return case(Transformer(causal=False), loss_of_tokens, tokens(), causal=True)


@faulty("dependence", "pitfall-train-eval")
def dropout_that_is_never_off():
    class Wrong(nn.Sequential):
        def forward(self, X):
            return self[1](F.dropout(torch.relu(self[0](X))))

    model = Wrong(nn.Linear(4, 32), nn.Linear(32, 2))
    return case(model, nn.MSELoss(), regression())


@faulty("dependence", "pitfall-backward-twice")
def state_kept_from_call_to_call():
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.head = nn.Linear(3 + 8, 8), nn.Linear(8, 2)
            self.H = torch.zeros(1, 8)

        def forward(self, X):
            for t in range(X.shape[1]):
                H = self.H.expand(len(X), -1) if len(self.H) == 1 else self.H
                if len(H) != len(X):
                    H = torch.zeros(len(X), 8)
                self.H = torch.tanh(self.inner(torch.cat([X[:, t], H], 1)))
            return self.head(self.H)

    return case(Wrong(), nn.CrossEntropyLoss(), sequences())


@faulty("dependence", "pitfall-broadcast")
def column_against_row():
    X, Y = regression(D_out=1)

    def loss(Y_hat, Y):
        return ((Y_hat - Y) ** 2).mean()

    return case(mlp(4, 32, 1), loss, (X, Y[:, 0]))


@faulty("overfit", "pitfall-softmax")
def softmax_twice():
    model = nn.Sequential(mlp(5, 32, 3), nn.Softmax(dim=1))
    return case(model, nn.CrossEntropyLoss(), classes())


@faulty("first loss", "pitfall-softmax")
def no_softmax_at_all():
    return case(mlp(5, 32, 3), nn.NLLLoss(), classes())


@faulty("first loss", "vanishing-and-exploding")
def weights_too_large():
    model = mlp(5, 100, 100, 3)
    for layer in model[::2]:
        nn.init.normal_(layer.weight)
    return case(model, nn.CrossEntropyLoss(), classes())


@faulty("first loss", "step-downhill")
def sign_of_the_loss():
    def loss(Y_hat, Y):
        return -((Y_hat - Y) ** 2).mean()

    return case(mlp(4, 32, 2), loss, regression())


@faulty("gradient", "no-grad-and-detach")
def detached_between_layers():
    class Wrong(nn.Sequential):
        def forward(self, X):
            return self[1](torch.relu(self[0](X)).detach())

    model = Wrong(nn.Linear(4, 32), nn.Linear(32, 2))
    return case(model, nn.MSELoss(), regression())


@faulty("gradient", "custom-autograd-function")
def backward_of_ones_own():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, Z):
            ctx.save_for_backward(Z)
            return Z**3

        @staticmethod
        def backward(ctx, grad):
            (Z,) = ctx.saved_tensors
            return 3 * Z * grad  # not Z**2

    def model(X, W1, W2):
        return Cube.apply(X @ W1) @ W2

    weights = [0.3 * torch.randn(4, 20), 0.1 * torch.randn(20, 2)]
    return case(model, nn.MSELoss(), regression(), weights=weights)


@faulty("gradient", "pitfall-in-place")
def relu_over_its_input():
    def model(X, W1, W2):
        Z1 = X @ W1
        Z1.data.clamp_(min=0)
        return Z1 @ W2

    weights = [0.5 * torch.randn(4, 30), 0.2 * torch.randn(30, 2)]
    return case(model, nn.MSELoss(), regression(), weights=weights)


@faulty("gradient", "nan-hunting")
def root_at_zero():
    class Wrong(nn.Sequential):
        def forward(self, X):
            H = super().forward(X)
            return H / ((H - H.detach()) ** 2).sum().sqrt().add(1)

    return case(Wrong(mlp(4, 32, 2)), nn.MSELoss(), regression())


@faulty("signal", "modules-and-parameters")
def layers_in_a_list():
    class Wrong(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Linear(4, 32), nn.Linear(32, 32)]
            self.head = nn.Linear(32, 2)

        def forward(self, X):
            for layer in self.layers:
                X = torch.relu(layer(X))
            return self.head(X)

    return case(Wrong(), nn.MSELoss(), regression())


@faulty("signal", "dead-units")
def units_that_are_all_off():
    model = mlp(4, 32, 32, 2)
    nn.init.constant_(model[2].bias, -8.0)
    return case(model, nn.MSELoss(), regression())


@faulty("signal", "vanishing-and-exploding")
def twenty_layers_of_sigmoids():
    model = mlp(4, *[32] * 19, 2, activation=nn.Sigmoid)
    return case(model, nn.MSELoss(), regression())


@faulty("signal", "symmetry")
def equal_weights():
    model = mlp(4, 32, 2)
    for W in model.parameters():
        nn.init.constant_(W, 0.1)
    return case(model, nn.MSELoss(), regression())


@faulty("learning rate", "learning-rate-and-curvature")
def rate_too_large():
    return case(mlp(4, 32, 2), nn.MSELoss(reduction="sum"), regression(), lr=0.1)


@faulty("learning rate", "unscaled-inputs")
def inputs_in_their_units():
    X, Y = regression()
    X = X * torch.tensor([1.0, 20, 1, 0.5]) + torch.tensor([0.0, 150, 3, 40])
    return case(mlp(4, 32, 2), nn.MSELoss(), (X, Y), lr=0.1)


@faulty("overfit", "pitfall-last-activation")
def relu_after_the_last_layer():
    model = nn.Sequential(mlp(4, 32, 2), nn.ReLU())
    return case(model, nn.MSELoss(), regression())


@faulty("shuffled targets", "pitfall-wrong-targets")
def targets_of_other_rows():
    X, Y = classes()
    order = torch.randperm(len(Y), generator=torch.Generator().manual_seed(5))
    return case(mlp(5, 32, 3), nn.CrossEntropyLoss(), (X, Y[order]))


# Written after the checks.
@faulty("overfit", "pitfall-softmax")
def sigmoid_twice():
    X, Y = regression(D_out=1)
    model = nn.Sequential(mlp(4, 32, 1), nn.Sigmoid())
    return case(model, nn.BCEWithLogitsLoss(), (X, (Y > 0).float()))


@faulty("dependence", "pitfall-in-place")
def standardised_over_its_input():
    class Wrong(nn.Sequential):
        def forward(self, X):
            X -= 0.5
            X /= 2
            return super().forward(X)

    return case(Wrong(mlp(4, 32, 2)), nn.MSELoss(), regression())


@faulty("dependence", "before-training")
def loss_of_one_column_alone():
    def loss(Y_hat, Y):
        return F.l1_loss(Y_hat[:, 0], Y[:, 0])

    return case(mlp(4, 32, 2), loss, regression())


@faulty("gradient", "no-grad-and-detach")
def one_weight_without_requires_grad():
    def model(X, W1, W2):
        return torch.relu(X @ W1) @ W2

    weights = [0.5 * torch.randn(4, 30), 0.2 * torch.randn(30, 2)]
    weights[1].requires_grad_()
    return case(model, nn.MSELoss(), regression(), weights=weights)


@faulty("gradient", "no-grad-and-detach")
def tied_weights_one_of_them_as_data():
    class Wrong(nn.Linear):
        def forward(self, X):
            return super().forward(X) @ self.weight.data

    return case(Wrong(4, 4), nn.MSELoss(), (regression()[0],) * 2)


@faulty("overfit", "pitfall-softmax")
def softmax_in_the_loss():
    def loss(Y_hat, Y):
        return F.cross_entropy(Y_hat.softmax(1), Y)

    return case(mlp(5, 32, 3), loss, classes())


@faulty("overfit", "pitfall-softmax")
def sigmoid_in_the_loss():
    def loss(Y_hat, Y):
        return F.binary_cross_entropy_with_logits(Y_hat.sigmoid(), Y)

    X, Y = regression()
    return case(mlp(4, 32, 2), loss, (X, (Y > 0).float()))


@faulty("signal", "no-grad-and-detach")
def loss_of_the_class_that_scores_most():
    def loss(Y_hat, Y):
        return F.mse_loss(Y_hat.argmax(1) + 0 * Y_hat.sum(), Y.float())

    return case(mlp(5, 32, 3), loss, classes())


@faulty("signal", "symmetry")
def all_weights_zero():
    model = mlp(4, 32, 32, 2)
    for W in model.parameters():
        nn.init.zeros_(W)
    return case(model, nn.MSELoss(), regression())


@faulty("learning rate", "learning-rate-and-curvature")
def sum_over_pixels_some_of_which_are_blank():
    X, Y = images()
    X = X.flatten(1).clamp(min=0) / X.max()
    X[:, ::9] = 0
    return case(mlp(64, 32, 4), nn.CrossEntropyLoss(reduction="sum"), (X, Y), lr=0.5)
