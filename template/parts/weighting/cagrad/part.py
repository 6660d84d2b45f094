from collections.abc import Sequence

from keras import ops

from .weighting import TaskWeighting, Tensor, number

ROUNDING = 1e-7  # what float32 does not resolve of a squared length, where their mean is 1


class Weighting(TaskWeighting):
    """Step near the mean gradient in the direction that helps the worst-off task most.

    Among the d with |d - g| <= c |g|, where g is the mean of the task gradients, it takes the d
    with the greatest least d·g_i. As the authors do, d is divided by 1 + c²; it is multiplied by
    the number of tasks, because losses are summed. c is CAGRAD_C of config.py, 0.4 in the paper.
    A backward pass of the shared layers for each task.

    Liu, Liu, Jin, Stone and Liu, "Conflict-Averse Gradient Descent for Multi-task Learning"
    (NeurIPS 2021), https://arxiv.org/abs/2110.14048
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.c = number("CAGRAD_C")

    def weigh(self, products: Tensor, losses: Tensor) -> Tensor:
        """Return the weights of the tasks' gradients in the step, (tasks,)."""
        weights = avert(ops.sum(products, axis=0), self.c)
        self.task_weights.assign(weights)
        return weights


def avert(products: Tensor, c: float) -> Tensor:
    """Compute the weights of the task gradients in the step, from their inner products."""
    products = ops.where(ops.isfinite(products), products, 0.0)  # TensorFlow solves no NaN
    labeled = ops.cast(ops.diagonal(products) > 0, "float32")
    tasks = ops.maximum(ops.sum(labeled), 1.0)
    mean = labeled / tasks
    scale = ops.trace(products) / tasks
    products = products / ops.where(scale > 0, scale, 1.0)
    slopes = ops.matmul(products, mean)
    length = c * ops.sqrt(ops.dot(mean, slopes))
    slopes = ops.where(labeled > 0, slopes, 100.0)
    worst = labeled * worst_off(products, slopes, ops.maximum(length, 1e-4))
    norm = ops.sqrt(ops.dot(worst, ops.matmul(products, worst)) + ROUNDING)
    return tasks * (mean + length / norm * worst) / (1 + c**2)


def worst_off(products: Tensor, linear: Tensor, length: Tensor) -> Tensor:
    """Find the w >= 0 with sum 1 and least linear·w + length n, n² = w·products·w + ROUNDING.

    n is the least (t + n² / t) / 2 over t. 30 Newton steps of a primal-dual interior-point method
    over x = (w, t) bring the worst-off task to within 1e-6 of the mean squared length of the
    gradients, and to 1e-2 where gradients all but cancel out.
    """
    tasks = products.shape[0]
    sums = ops.array([1.0] * tasks + [0.0])

    def newton(_: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x, slack = state
        w, t = x[:-1], x[-1]
        along = ops.matmul(products, w) / t
        square = (ops.dot(w, along) + ROUNDING / t) / t
        slope = ops.append(linear + length * along, length * (1 - square) / 2)
        bend = length / t * bordered(products, -along, square)
        aim = ops.maximum(0.1 * ops.mean(x * slack), 1e-10)
        # The multiplier beside the steps of x keeps the sum of w.
        rows = bordered(bend + ops.diag(slack / x), sums, 0.0)
        dx = ops.solve(rows, ops.append(aim / x - slope, 0.0))[:-1]
        dslack = (aim - slack * dx) / x - slack
        step = 1 / ops.maximum(ops.max(ops.maximum(-dx / x, -dslack / slack)) / 0.95, 1.0)
        return x + step * dx, slack + step * dslack

    start = ops.append(ops.full((tasks,), 1 / tasks), 1.0)
    x, _ = ops.fori_loop(0, 30, newton, (start, ops.ones(tasks + 1)))
    return x[:-1]


def bordered(matrix: Tensor, column: Tensor, corner: Tensor) -> Tensor:
    """Extend a symmetric matrix by one row and column."""
    wide = ops.concatenate([matrix, column[:, None]], axis=1)
    return ops.concatenate([wide, ops.append(column, corner)[None]])
