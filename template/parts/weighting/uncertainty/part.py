from collections.abc import Sequence

from keras import ops

from .weighting import TaskWeighting, Tensor


class Weighting(TaskWeighting):
    """Weight each loss by the noise of its task, which is learned with the network.

    With s = log σ² of a task, the total is the sum of exp(-s) L / 2 + s / 2 over the labeled tasks.
    At a constant loss L the best exp(s) is L; s starts there, at the first loss of its task. The
    paper has no factor 1 / 2 for classes; there it only shifts s by log 2. One backward pass.

    Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses" (CVPR 2018),
    https://arxiv.org/abs/1705.07115
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.first = self.numbers("first_losses", (len(names),))
        self.change = self.add_weight(shape=(len(names),), initializer="zeros", name="change")

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        """Compute the total of losses, (tasks,); outside training their sum."""
        if not training:
            return ops.sum(losses)
        first = ops.where(self.first > 0, self.first.value, ops.stop_gradient(losses))
        self.first.assign(first)
        log_variances = ops.log(ops.where(first > 0, first, 1.0)) + self.change
        self.task_weights.assign(ops.stop_gradient(ops.exp(-log_variances) / 2))
        return ops.sum(terms(losses, log_variances))


def terms(losses: Tensor, log_variances: Tensor) -> Tensor:
    """Compute what each task adds to the total: 0 without a label."""
    all_terms = ops.exp(-log_variances) * losses / 2 + log_variances / 2
    return ops.where(losses > 0, all_terms, 0.0)
