"""Answers to the exercises of the lab on torch.nn, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

MODULE = """
class student({base}):
    def __init__(self, W1, W2):
        super().__init__()
        {body}

    def forward(self, X):
        return {forward}
"""
TWO = (
    "self.W1, self.W2 = nn.Parameter(torch.tensor(W1)), nn.Parameter(torch.tensor(W2))"
)
SINGLE = "self.W1, self.W2 = (nn.Parameter(torch.Tensor(W)) for W in (W1, W2))"
BACK = "self.W2, self.W1 = (nn.Parameter(torch.from_numpy(W)) for W in (W2, W1))"
LIST = "self.W = nn.ParameterList([torch.tensor(W1), torch.tensor(W2)])"
PLAIN = "self.W1, self.W2 = (torch.tensor(W, requires_grad=True) for W in (W1, W2))"
TURNED = (
    "self.W1, self.W2 = (nn.Parameter(torch.tensor(W).T.clone()) for W in (W1, W2))"
)
ONES = (
    "self.W1, self.W2 = (nn.Parameter(torch.ones(W.shape).double()) for W in (W1, W2))"
)
FORWARD = "torch.relu(X @ self.W1) @ self.W2"


def module(body, forward=FORWARD, base="nn.Module"):
    return MODULE.format(body=body, forward=forward, base=base)


replies, test_reply, test_every_exercise = answer_tests(
    "lab_nn",
    {
        "ex-nn-module": Forms(
            right=[
                module(TWO),
                module(BACK, "(X @ self.W1).clamp(min=0) @ self.W2"),
                module(LIST, "(X @ self.W[0]).relu() @ self.W[1]"),
            ],
            wrong={
                module(PLAIN): "parameters() finds the shapes []",
                module(TURNED, "torch.relu(X @ self.W1.T) @ self.W2.T"): (
                    "the parameter of shape (2, 4) is not W1"
                ),
                module(ONES): "the parameter of shape (2, 4) is not W1",
                module(SINGLE): "not float64",
                module(TWO, base="object"): "expected a class derived from nn.Module",
                module(TWO) + "student = student(W1, W2)": "expected a class",
                module(TWO, "X @ self.W1 @ self.W2"): "entries are off",
                module(TWO, "torch.relu(X @ self.W1) @ self.W2.detach()"): (
                    "gets no gradient"
                ),
            },
        ),
        "ex-nn-mean-bias": Forms(
            right=["Y.mean(axis=0)", "[0.33, 1.67]", "(1 / 3, 5 / 3)", "Y_t.mean(0)"],
            wrong={
                "Y.sum(axis=0)": "this is the sum over the samples",
                "[0, 0]": "entries are off",
                "Y.mean()": "expected shape (2,)",
            },
        ),
    },
)
