"""Answers to the exercises of the autograd lab, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

SOFTPLUS = """
class Mine(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return torch.logaddexp(z, torch.zeros_like(z))

    @staticmethod
    def backward(ctx, grad_s):
        (z,) = ctx.saved_tensors
        return grad_s * torch.sigmoid(z)


answer = Mine
"""
STABLE = "z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))"
LOG = "torch.logaddexp(z, torch.zeros_like(z))"

replies, test_reply, test_every_exercise = answer_tests(
    "lab_autograd",
    {
        "ex-autograd-mean": Forms(
            right=[
                "(5 * grad_5 + 2 * grad_2) / 7",
                "np.average([grad_5, grad_2], axis=0, weights=[5, 2])",
                "((10 * grad_5 + 4 * grad_2) / 14).float()",
                "[[2.3430, 5.0946, 0.2360, -8.6080, -0.5150, 0.1216],"
                "[-0.7355, -1.6833, 0.0413, 1.7764, 0.6798, 0.1009],"
                "[2.8362, 3.2325, -0.4822, -3.7293, -1.1554, -0.3930]]",
            ],
            wrong={
                "grad_5 + grad_2": "the mean of all entries is not the sum",
                "(grad_5 + grad_2) / 2": "the chunks differ in size",
                "(2 * grad_5 + 5 * grad_2) / 7": "the weights are swapped",
                "5 * grad_5 + 2 * grad_2": "divide by the number of rows",
                "grad_5": "entries are off; the first is at index (0, 0)",
            },
        ),
        "ex-autograd-softplus": Forms(
            right=[
                SOFTPLUS,
                SOFTPLUS.replace(LOG, STABLE),
                SOFTPLUS.replace(LOG, "torch.nn.functional.softplus(z)").replace(
                    "torch.sigmoid(z)", "1 / (1 + torch.exp(-z))"
                ),
            ],
            wrong={
                SOFTPLUS.replace("grad_s * ", ""): "must multiply by the upstream",
                SOFTPLUS.replace(LOG, "torch.log1p(torch.exp(z))"): "you have inf",
                SOFTPLUS.replace("torch.sigmoid(z)", "(z > 0)"): "index (1, 1)",
                "torch.nn.functional.softplus": "expected a subclass of torch.auto",
            },
        ),
    },
)
