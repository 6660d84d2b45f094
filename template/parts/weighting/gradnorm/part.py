from collections.abc import Sequence

from keras import ops

from .weighting import TaskWeighting, Tensor, number


class Weighting(TaskWeighting):
    """Draw the gradients of all tasks to lengths that let the tasks train at similar rates.

    n is the length of a task's gradient on the last shared layer, and r its L / L(0) over the mean
    of all tasks, where L(0) is its first loss. log w descends along the slope of the sum of
    |w n - mean(w n) r^α|, in units of mean(w n); then w is scaled to keep its sum. A head takes the
    gradient of its own loss, not w times it. α and the step size are GRADNORM_ALPHA and
    GRADNORM_LEARNING_RATE of config.py. A backward pass of the shared layers for each task.

    Chen, Badrinarayanan, Lee and Rabinovich, "GradNorm" (ICML 2018),
    https://arxiv.org/abs/1711.02257
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.alpha = number("GRADNORM_ALPHA")
        self.learning_rate = number("GRADNORM_LEARNING_RATE")
        self.first = self.numbers("first_losses", (len(names),))

    def weigh(self, products: Tensor, losses: Tensor) -> Tensor:
        """Return the weights for this step, (tasks,), and set those for the next."""
        weights = ops.copy(self.task_weights)
        first = ops.where(self.first > 0, self.first.value, losses)
        self.first.assign(first)
        norms = ops.sqrt(ops.diagonal(products[-1]))
        rates = losses / ops.where(first > 0, first, 1.0)
        moved = balance(weights, norms, rates, self.alpha, self.learning_rate)
        self.task_weights.assign(moved)
        return weights


def balance(
    weights: Tensor, norms: Tensor, rates: Tensor, alpha: float, learning_rate: float
) -> Tensor:
    """Compute the weights after a step; a task without a loss keeps its weight."""
    labeled = ops.cast(rates > 0, "float32")
    tasks = ops.maximum(ops.sum(labeled), 1.0)
    lengths = weights * norms
    mean = ops.sum(labeled * lengths) / tasks
    rates = rates / ops.maximum(ops.sum(labeled * rates) / tasks, 1e-8)
    slopes = ops.sign(lengths - mean * rates**alpha) * lengths / ops.where(mean > 0, mean, 1.0)
    moved = labeled * weights * ops.exp(-learning_rate * slopes)
    scale = ops.sum(labeled * weights) / ops.maximum(ops.sum(moved), 1e-8)
    return ops.where(labeled > 0, scale * moved, weights)
