"""Answers to the exercises of the tensor lab, right ones and wrong ones."""

from exercise_forms import Forms, answer_tests

LEAKY = """
Z1 = A @ V1
slopes = torch.where(Z1 > 0, 1.0, 0.1).double()
slopes[Z1 <= 0] = 0.1
G = 2 * ((Z1 * slopes) @ V2 - B)
answer = A.T @ ((G @ V2.T) * slopes)
"""
IN_NUMPY = """
a, b, v1, v2 = (M.numpy() for M in (A, B, V1, V2))
z = a @ v1
h = np.where(z > 0, z, z / 10)
answer = a.T @ ((2 * (h @ v2 - b) @ v2.T) * np.where(z > 0, 1, 0.1))
"""
OTHERS = """
V = V1.clone().requires_grad_()
(torch.nn.functional.leaky_relu(A @ V, 0.1) @ V2 - B).square().sum().backward()
answer = V.grad
"""

replies, test_reply, test_every_exercise = answer_tests(
    "lab_tensor",
    {
        "ex-tensor-memory": Forms(
            right=[
                "[5, 20, 2, 3]",
                "(5.0, 20.0, 2.0, 3.0)",
                "np.array([5, 20, 2, 3])",
                "torch.tensor([5, 20, 2, 3])",
            ],
            wrong={
                "[10, 20, 2, 3]": "t shares the memory of a",
                "[5, 20, 5, 20]": "u was copied",
                "[5, 2, 2, 3]": "t *= 10 changes t in place",
                "[5, 20, 11, 21]": "u was copied before t *= 10",
                "[5, 20, 5, 3]": "a[0] = 5 does not reach u",
                "torch.cat([t, u])": "name 't' is not defined",
                "[[5, 20], [2, 3]]": "expected shape (4,), got shape (2, 2)",
            },
        ),
        "ex-tensor-leaky": Forms(
            right=[LEAKY, IN_NUMPY, OTHERS, LEAKY + "answer = answer.tolist()"],
            wrong={
                LEAKY.replace("slopes[Z1 <= 0] = 0.1\n", ""): "both 0.1 are float32",
                LEAKY.replace(
                    "V2.T) * slopes", "V2.T) * torch.where(Z1 > 0, 1, 0.1)"
                ): "the mask's 0.1 is a float32 number",
                LEAKY.replace("(Z1 * slopes)", "Z1.clamp(min=0)"): "forward pass leaks",
                LEAKY.replace("* slopes)\n", "* (Z1 > 0))\n"): "the mask is still that",
                LEAKY.replace("2 * ", ""): "a factor 2 is missing",
                LEAKY + "answer = answer.T": "expected shape (3, 6), got shape (6, 3)",
            },
        ),
    },
)
