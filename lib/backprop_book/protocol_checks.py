"""The seven checks of the protocol, on copies of the reader's model."""

import copy
import itertools
import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch

SECONDS = 12.0  # of computing; then a loop ends, and its check says what it has found
HIGH = 3, 10  # times the expected loss, for classes and numbers; He's weights reach 3
SLOPES: dict[str, Callable] = {
    **dict.fromkeys(("relu", "clamp", "clamp_min", "maximum"), lambda H: 1.0 * (H > 0)),
    "sigmoid": lambda H: H * (1 - H),
    "tanh": lambda H: 1 - H**2,
}
IN_PLACE = re.compile(r"\w*[a-z]_|__(setitem|i(add|sub|mul|truediv))__")
PASSED, LEFT_OUT = "", None
Verdict = tuple[str, str | None]  # what was found; PASSED, LEFT_OUT or the section


class Subject(torch.nn.Module):
    """The model with its weights and the loss; all checks work on copies of it."""

    def __init__(self, model: Any, loss: Any, weights: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.model, self.loss = model, loss
        train = not any(W.requires_grad for W in weights)  # numbers, no leaves yet
        self.given = torch.nn.ParameterList(
            torch.nn.Parameter(W.detach().clone(), train or W.requires_grad)
            for W in weights
        )

    def copy(self, *, train: bool, dtype: Any = None, move: float = 0) -> "Subject":
        """Return a copy on the CPU, its weights moved by that part of their size."""
        made = copy.deepcopy(self).to("cpu", dtype).train(train)
        with torch.no_grad():
            for W in made.weights if move else ():
                W += move * _spread(W) * torch.randn_like(W)
        return made

    @property
    def weights(self) -> list[torch.Tensor]:
        """All that training would change."""
        return [W for W in self.parameters() if W.requires_grad]

    def forward(self, X: torch.Tensor, seed: int = 0) -> torch.Tensor:
        """Predict; dropout draws the same units again, unless the seed is another."""
        torch.manual_seed(seed)
        return self.model(X, *self.given)

    def value(self, X: torch.Tensor, Y: torch.Tensor, seed: int = 0) -> torch.Tensor:
        """Return the loss."""
        return self.loss(self(X, seed), Y)

    def descend(self, X: Any, Y: Any, rates: Iterable[float]) -> Iterator[float]:
        """Train with Adam at one rate after the other; give the loss before each."""
        adam = torch.optim.Adam(self.weights)
        for step, rate in enumerate(_in_time(rates)):
            L = self.value(X, Y, seed=step)
            yield L.item()
            adam.param_groups[0]["lr"] = rate
            for W, grad in zip(self.weights, _grad(L, self.weights), strict=True):
                W.grad = grad
            adam.step()


class _Signal(torch.overrides.TorchFunctionMode):
    """Records what layers compute, and which units of an activation are stuck."""

    def __init__(self, weights: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.weights = {id(W) for W in weights}
        self.layers: list[torch.Tensor] = []
        self.stuck: list[tuple[str, float]] = []
        self.in_place = False

    def __torch_function__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        self.in_place |= bool(IN_PLACE.fullmatch(name))
        result = function(*args, **(kwargs or {}))
        H = result[0] if isinstance(result, tuple) and result else result
        if not isinstance(H, torch.Tensor) or not H.requires_grad or H.ndim < 2:
            return result
        name = name.strip("_")
        given = [*args, *(kwargs or {}).values()]
        lists = [a if isinstance(a, list | tuple) else [a] for a in given]
        if self.weights & {id(a) for a in itertools.chain(*lists)}:
            self.layers.append(H)
        elif name in SLOPES:
            steep = SLOPES[name](H.detach()) > 1e-3
            units = steep.movedim(1 if H.ndim > 3 else -1, 0).flatten(1)
            self.stuck.append((name, 1 - units.any(1).double().mean().item()))
        return result


def _in_time(things: Iterable) -> Iterator:
    until = time.thread_time() + SECONDS
    return itertools.takewhile(lambda _: time.thread_time() < until, things)


def _grad(L: torch.Tensor, of: Any, graph: bool = False) -> tuple[torch.Tensor, ...]:
    zeros = {"allow_unused": True, "materialize_grads": True}
    return torch.autograd.grad(L, of, create_graph=graph, retain_graph=True, **zeros)


def _flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    return torch.cat([A.flatten() for A in tensors])


def _spread(W: torch.Tensor) -> float:
    return W.detach().square().mean().sqrt().item() or 1.0


def _equal(A: torch.Tensor, axis: int) -> bool:
    first = A.narrow(axis, 0, 1).expand_as(A)
    return A.shape[axis] > 1 and torch.allclose(A, first, rtol=1e-4, atol=0)


def _too_large(X: torch.Tensor, other: str) -> str:
    """Return the section on inputs without a scale, where X has none, or another."""
    if not X.is_floating_point():
        return other
    size = _spread(X)
    unscaled = size > 10 or size > 3 * _spread(X - X.mean(0))
    return "unscaled-inputs" if unscaled else other


def _nodes(L: torch.Tensor) -> Iterator[Any]:
    """Give each node of the graph that leads to L once."""
    ahead, seen = [L.grad_fn], {None}
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead += [before for before, _ in node.next_functions]
            yield node


def _exchanged(A: torch.Tensor, axis: int) -> Iterator[torch.Tensor]:
    """Give copies, in each of which one place along the axis holds another row's."""
    for j in range(A.shape[axis]):
        other = A.clone()
        other.select(axis, j).copy_(A.roll(1, 0).select(axis, j))
        yield other


def _reach(ask: Callable, X: torch.Tensor, axis: int) -> torch.Tensor:
    """Return a matrix: how much output i along the axis depends on input j."""
    out = ask(X).detach()
    moves = [(ask(A).detach() - out).movedim(axis, 0) for A in _exchanged(X, axis)]
    return torch.stack([A.reshape(len(A), -1).norm(dim=1) for A in moves], dim=1)


def _least(copied: Subject, X: Any, Y: Any, rates: Sequence[float]) -> float:
    """Return the least loss that predictions reach which no model has to make."""
    free = Subject(lambda _, P: P, copied.loss, [copied(X)])
    try:
        return min(free.descend(X, Y, rates))
    except RuntimeError:  # from a loss of probabilities, which takes nothing else
        return -math.inf


def _slopes(copied: Subject, X: Any, Y: Any, W: Any, grad: Any) -> tuple[float, ...]:
    """Return the error of a gradient along one direction, its slope, and the truth."""
    V, start = _spread(W) * torch.randn_like(W), W.detach().clone()
    claim = (grad * V).sum().item()
    for step in (1e-5, 1e-6, 1e-7):  # a smaller one crosses fewer kinks
        ends = []
        for move in (step, -step, 0):
            W.data.copy_(start + move * V)
            ends.append(copied.value(X, Y).item())
        truth = (ends[0] - ends[1]) / (2 * step)
        scale = max(abs(claim), abs(truth), 1e-6 * abs(ends[2]), 1e-30)
        error = abs(claim - truth) / scale
        if error <= 1e-4:
            break
    return error, claim, truth


class Checks:
    """The seven checks; each returns what it found, and its verdict."""

    def __init__(self, subject: Subject, X: Any, Y: Any, options: dict) -> None:
        self.subject, self.X, self.Y, self.options = subject, X, Y, options
        rows: list[int] = []  # five that differ, for no model can tell equal ones apart
        for n in torch.randperm(len(X)).tolist():
            if len(rows) < 5 and not any(torch.equal(X[n], X[m]) for m in rows):
                rows.append(n)
        self.five = X[rows], Y[rows]
        P = subject.copy(train=False)(X)
        self.classes = not Y.is_floating_point() and P.ndim == Y.ndim + 1
        self.learnt = False

    def blind(self, X: Any, Y: Any) -> tuple[float, bool]:
        """Return the loss of ignoring X, or 0, and if it falls towards the targets."""
        copied = self.subject.copy(train=False)
        P = copied(X).detach()
        if self.classes:
            axis = -1 if P.shape[:-1] == Y.shape else 1
            C = P.shape[axis]
            hot = torch.nn.functional.one_hot(Y.long().clamp(0, C - 1), C)
            right = hot.to(P.dtype).movedim(-1, axis)
            constants = [torch.full_like(P, -math.log(C))]  # scores, log probabilities
        elif P.numel() == Y.numel():
            right = Y.to(P.dtype).reshape(P.shape)
            constants = [right.mean(0).expand_as(P), torch.zeros_like(P)]
        else:
            return 0.0, True
        L, n = min((copied.loss(A, Y).item(), n) for n, A in enumerate(constants))
        nearer = constants[n] + 0.1 * (right - constants[n])
        pairs = self.classes or P.shape == Y.shape
        return L, not pairs or copied.loss(nearer, Y).item() <= L + 1e-6 * abs(L)

    def first_loss(self) -> Verdict:
        """Compare the first loss with that of predictions that ignore the input."""
        first = self.subject.copy(train=False).value(self.X, self.Y).item()
        if not math.isfinite(first):
            return f"it is {first}", "nan-hunting"
        blind, falls = self.blind(self.X, self.Y)
        if not falls:
            return "it grows when predictions near their targets", "step-downhill"
        least = self.options["expected_loss"] or blind
        if not least > 0:
            return f"{first:.4g}; give expected_loss to compare it with", LEFT_OUT
        says = f"{first:.4g}, and {least:.4g} for predictions that ignore the input"
        if first > least * HIGH[not self.classes]:
            return says, _too_large(self.X, "vanishing-and-exploding")
        if self.classes and first < least / HIGH[0]:
            return says, "pitfall-softmax"
        return says, PASSED

    def dependence(self) -> Verdict:
        """Ask which inputs and targets each output depends on."""
        X, Y = (A.clone() for A in self.five)
        copied = self.subject.copy(train=False, move=0.01)
        copied.value(X, Y)
        if not all(map(torch.equal, (X, Y), self.five)):
            return "the model or the loss changes its data", "pitfall-in-place"
        P, again, other = (copied(X, seed).detach() for seed in (0, 0, 1))
        if not torch.equal(P, again):
            return "the same input gives two outputs", "pitfall-backward-twice"
        if not torch.equal(P, other):
            return "in eval mode the output is random", "pitfall-train-eval"
        reach = felt = _reach(copied, X, axis=0)
        if X.is_floating_point():  # a threshold passes numbers on, and no gradient
            out = copied(inputs := X.clone().requires_grad_())
            (felt,) = torch.autograd.grad((out * torch.randn_like(out)).sum(), inputs)
        if not felt.any():
            return "no output depends on any input", "dead-units"
        wrong = {"row": reach - reach.diag().diag()}
        if self.options["causal"]:
            wrong["position"] = _reach(copied, X, axis=1).triu(1)
        for kind, others in wrong.items():
            if not others.max() <= 1e-6 * reach.max():
                i, j = divmod(int(others.argmax()), len(others))
                says = f"the output of {kind} {i} depends on the input of {kind} {j}"
                return says, "pitfall-mixed-rows"
        P.requires_grad_()

        def asked(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            L = copied.loss(P, targets)
            return L, _grad(L, P)[0]

        L, G = asked(Y)
        for n, changed in enumerate(_exchanged(Y, axis=0)):
            others = torch.arange(len(Y)) != n
            before, after = G[others], asked(changed)[1][others]
            # Class weights scale all rows alike.
            scale = (before * after).sum() / (before**2).sum().clamp(1e-30)
            if (after - scale * before).norm() > 1e-4 * after.norm():
                says = "the loss compares an output with the targets of other rows"
                return says, "pitfall-broadcast"
        columns = _in_time(_exchanged(Y, axis=1) if Y.ndim > 1 else ())
        ignored = {
            j: all(map(torch.equal, asked(changed), (L, G)))
            for j, changed in enumerate(columns)
            if not torch.equal(changed, Y)
        }
        if any(ignored.values()) and not all(ignored.values()):
            column = max(ignored, key=ignored.__getitem__)
            says = f"the loss ignores column {column} of the targets"
            return says, "before-training"
        return "each output depends on its own input and target only", PASSED

    def gradient(self) -> Verdict:
        """Compare each weight's gradient with central differences in float64."""
        torch.set_default_dtype(torch.float64)
        # Zeros, as biases and blank pixels are, lie on the kink of ReLU: so move.
        copied = self.subject.copy(train=True, dtype=torch.float64, move=0.01)
        X, Y = (A.double() if A.is_floating_point() else A for A in self.five)
        weights, errors = [*copied.given] or copied.weights, []
        with _Signal(weights) as seen:
            L = copied.value(X, Y)
        grads = _grad(L, weights)
        if not all(grad.isfinite().all() for grad in grads):
            return "it is not finite", "nan-hunting"
        for W, grad in _in_time(zip(weights, grads, strict=True)):
            error, claim, truth = _slopes(copied, X, Y, W, grad)
            if not error <= 1e-4:
                says = f"of the weight of shape {tuple(W.shape)}: slope {claim:.4g}"
                own = any(hasattr(node, "_forward_cls") for node in _nodes(L))
                wrong = "custom-autograd-function" if own else "pitfall-in-place"
                cut = not grad.any() or not (own or seen.in_place)
                section = "no-grad-and-detach" if cut else wrong
                return f"{says}, central difference {truth:.4g}", section
            errors.append(error)
        says = f"{len(errors)} of {len(grads)} weights, relative error at most"
        return f"{says} {max(errors, default=0):.0e}", PASSED if errors else LEFT_OUT

    def overfit(self) -> Verdict:
        """Learn five rows."""
        X, Y = self.five
        copied, floor = self.subject.copy(train=False), self.options["least_loss"]
        start = last = self.blind(X, Y)[0] or copied.value(X, Y).item()
        rates = [1e-3 * 300 ** (step / 400) for step in range(400)]
        if floor:  # of five rows it is another
            floor = max(floor, _least(copied, X, Y, rates))
        step = 0
        for step, last in enumerate(copied.descend(X, Y, rates)):
            if last - floor <= 0.1 * (start - floor):
                self.learnt = True
                return f"{len(X)} rows are learnt in {step} steps", PASSED
        if step < len(rates) - 1:
            return f"no time: after {step} steps the loss is {last:.3g}", LEFT_OUT
        says, P = f"the loss of {len(X)} rows stays at {last:.3g}", copied(X).detach()
        labels = self.classes or bool(((Y == 0) | (Y == 1)).all())
        if labels and P.min() >= 0 and P.max() <= 1:
            return f"{says}; it gets probabilities", "pitfall-softmax"
        least = _least(copied, X, Y, rates)
        if least - floor > 0.1 * (start - floor):
            says += f"; no predictions get it below {least:.3g}"
            if not _grad(copied.loss(P.requires_grad_(), Y), P)[0].any():
                return says, "no-grad-and-detach"
            return says, "pitfall-softmax" if labels else "before-training"
        for low, high in ((0, math.inf), (-1, 1)) if not self.classes else ():
            inside = low <= P.min() and P.max() <= high
            if inside and (Y.min() < low or Y.max() > high):
                says += f", outputs from {P.min():.3g} to {P.max():.3g}"
                return says, "pitfall-last-activation"
        return says, "before-training"

    def learning_rate(self) -> Verdict:
        """Compare the rate with 2/λ, by power iteration."""
        lr = self.options["lr"]
        if lr is None:
            return "give lr, the rate of plain gradient descent", LEFT_OUT
        copied, eigenvalue = self.subject.copy(train=True), 0.0
        L = copied.value(self.X, self.Y)
        gradient = _flat(_grad(L, copied.weights, graph=True))
        v = torch.randn_like(gradient)
        for _ in _in_time(range(50)):
            v = v / (v.norm() or 1.0)
            product = _flat(_grad(gradient @ v, copied.weights))
            eigenvalue, v = (v @ product).item(), product
        if eigenvalue <= 0:
            return f"the largest curvature is downwards, {eigenvalue:.1e}", LEFT_OUT
        says = f"lr is {lr:.1e}, the limit 2/λ is {2 / eigenvalue:.1e}"
        too_large = _too_large(self.X, "learning-rate-and-curvature")
        return says, PASSED if lr * eigenvalue <= 2 else too_large

    def signal(self) -> Verdict:
        """Look for strange tensors, dead and equal units, and δ by layer."""
        copied = self.subject.copy(train=True)
        with _Signal(copied.weights) as seen:
            L = copied.value(self.X, self.Y)
        known = {id(W) for W in copied.parameters()}
        for leaf in (getattr(node, "variable", None) for node in _nodes(L)):
            if leaf is not None and id(leaf) not in known:
                says = f"a tensor of shape {(*leaf.shape,)} is no weight of the model"
                return says, "modules-and-parameters"
        weights = [W for W in copied.weights if W.ndim > 1]
        zero = not all(map(torch.any, weights))
        for name, share in seen.stuck:
            if share > 0.4:
                says = f"{100 * share:.0f} % of the units of one {name} have no slope"
                return says, "symmetry" if zero else "dead-units"
        grads = zip(weights, _grad(L, weights), strict=True)
        pairs = [(W, grad) for W, grad in grads if grad.any()]
        if not pairs:
            section = "symmetry" if zero else "no-grad-and-detach"
            return "the gradient is 0 in every layer", section
        if any(_equal(W, a) and _equal(g, a) for W, g in pairs for a in (0, 1)):
            return "units are equal, and so are their gradients", "symmetry"
        sizes = [delta.norm().item() for delta in _grad(L, seen.layers)]
        # A last layer of zeros sends nothing back at first, and is learnt.
        sizes = [size for size in sizes if size > 0 or not self.learnt]
        if not sizes:
            return "no layer was seen", LEFT_OUT
        says = f"δ {sizes[0]:.1e} in the first of {len(sizes)} layers, {sizes[-1]:.1e}"
        steady = min(sizes) > 1e-4 * max(sizes)
        return f"{says} in the last", PASSED if steady else "vanishing-and-exploding"

    def shuffled_targets(self) -> Verdict:
        """Compare targets with those of other rows, where none was learnt."""
        half = len(self.X) // 2
        if half < 10:
            return "give at least 20 rows", LEFT_OUT
        order, copied = torch.randperm(len(self.X)), self.subject.copy(train=True)
        train, test = order[:half], order[half:]
        steps = len(list(copied.descend(self.X[train], self.Y[train], [1e-2] * 200)))
        P, Y = copied.eval()(self.X[test]).detach(), self.Y[test]
        own = copied.loss(P, Y).item()
        orders = [torch.randperm(len(Y)) for _ in range(200)]
        others = [copied.loss(P, Y[order]).item() for order in orders]
        share = sum(not other > own for other in others) / len(others)
        says = f"on other rows {own:.3g}; with their targets shuffled"
        says += f" {sum(others) / len(others):.3g} on average, as low in"
        says += f" {100 * share:.0f} % of the orders"
        if share <= 0.05:
            return says, PASSED
        if steps < 200:
            return f"no time: only {steps} steps of training", LEFT_OUT
        return says, "pitfall-wrong-targets" if math.isfinite(own) else "nan-hunting"
