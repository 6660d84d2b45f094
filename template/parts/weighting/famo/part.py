from collections.abc import Sequence

from keras import ops

from .weighting import TaskWeighting, Tensor, number


class Weighting(TaskWeighting):
    """Make the logarithms of all losses fall at one rate.

    The total is the sum of w L, where w = z / L with z = softmax(ξ), scaled to a sum of 1 (in a
    batch without a label of some tasks, to the share of the others). After each step ξ moves by
    Adam against each task's share in the fall of the log losses on the same batch, plus a decay.
    A task whose loss is near 0 takes the weight of all others. Step size and decay are
    FAMO_LEARNING_RATE and FAMO_DECAY of config.py. One backward and a second forward pass.

    Liu, Feng, Stone and Liu, "FAMO: Fast Adaptive Multitask Optimization" (NeurIPS 2023),
    https://arxiv.org/abs/2306.03792
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.learning_rate, self.decay = number("FAMO_LEARNING_RATE"), number("FAMO_DECAY")
        self.losses_before = self.numbers("losses_before", (len(names),))
        self.logits = self.numbers("logits", (len(names),))
        self.moments = self.numbers("moments", (2, len(names)))
        self.steps = self.numbers("steps", ())

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        """Compute the total of losses, (tasks,); outside training their sum."""
        if not training:
            return ops.sum(losses)
        before = ops.stop_gradient(losses)
        weights = even_out(before, self.logits)
        self.losses_before.assign(before)
        self.task_weights.assign(weights)
        return ops.sum(weights * losses)

    def follow(self, after: Tensor) -> None:
        """Move the logits by how far the losses of a batch have fallen in a step."""
        labeled = ops.cast(self.losses_before > 0, "float32")
        slopes = logit_slopes(self.losses_before, after, self.logits)
        slopes += labeled * self.decay * self.logits
        self.steps.assign_add(1.0)
        rates = ops.array([[0.9], [0.999]])
        news = ops.stack([slopes, slopes**2])
        self.moments.assign(rates * self.moments + (1 - rates) * news)
        first, second = ops.unstack(self.moments / (1 - rates**self.steps))
        step = self.learning_rate * first / (ops.sqrt(second) + 1e-8)
        self.logits.assign_add(-labeled * step)


def even_out(losses: Tensor, logits: Tensor) -> Tensor:
    """Compute the weights of the losses: softmax(logits) / losses, with a sum of at most 1."""
    labeled = losses > 0
    ratios = ops.where(labeled, ops.softmax(logits) / ops.maximum(losses, 1e-8), 0.0)
    total = ops.mean(ops.cast(labeled, "float32"))
    return total * ratios / ops.maximum(ops.sum(ratios), 1e-8)


def logit_slopes(before: Tensor, after: Tensor, logits: Tensor) -> Tensor:
    """Compute the slopes of the logits, from how far each log loss fell in a step."""
    shares = ops.cast(before > 0, "float32") * ops.softmax(logits)
    shares = shares / ops.maximum(ops.sum(shares), 1e-8)
    falls = ops.log(ops.maximum(before, 1e-8)) - ops.log(ops.maximum(after, 1e-8))
    return shares * (falls - ops.sum(shares * falls))
