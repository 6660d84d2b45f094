{% set coupled = true %}
{% set gradients = 'gradients' %}
{% set refused = {'CAGRAD_C': 1.0} %}
{% set cost = ('1.3 to 2.1', '1.6') %}
{% set advice = 'CAGrad is worth a try where tasks conflict and the worst of them matters most.' %}
{% set total = 'the plain sum of the task losses, whose gradients are combined so that the task that gains least gains most (CAGrad)' %}
{% set constants %}
# How far the step may be from the mean gradient, in units of its length: 0 for the mean itself.
CAGRAD_C = {{ cagrad_c }}
{% endset %}
# Of a squared length, where their mean is 1: what float32 does not resolve.
ROUNDING = 1e-7


class Weighting(layers.Layer):
    """CAGrad: the step near the mean gradient that helps the worst-off task most.

    Among the d with |d - g| <= c |g|, g being the mean of the task gradients, it takes the one
    with the greatest least d·g_i; times T / (1 + c²), as the authors do, T for the sum of losses.
    Weights in the logs are the shares of the task gradients in it. c is CAGRAD_C of config.py, 0.4
    in the paper. A backward pass of the shared layers a task.

    Liu, Liu, Jin, Stone and Liu, "Conflict-Averse Gradient Descent for Multi-task Learning"
    (NeurIPS 2021), https://arxiv.org/abs/2110.14048
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check("CAGRAD_C", 0, 1)
        self.task_weights = self.add_weight(
            shape=(len(config.TASKS),), initializer="ones", trainable=False, name="task_weights"
        )

    def combine(self, gradients: Tensor) -> Tensor:
        """The step, from (tasks, parameters)."""
        self.task_weights.assign(shares(gradients @ ops.transpose(gradients)))
        return self.task_weights @ gradients


def shares(products: Tensor) -> Tensor:
    """The shares of the task gradients in the step, by their inner products."""
    products = ops.where(ops.isfinite(products), products, 0.0)  # TensorFlow solves no NaN
    labelled = ops.cast(ops.diagonal(products) > 0, "float32")
    tasks = ops.maximum(ops.sum(labelled), 1.0)
    mean = labelled / tasks
    scale = ops.trace(products) / tasks
    products = products / ops.where(scale > 0, scale, 1.0)
    slopes = ops.matmul(products, mean)
    length = config.CAGRAD_C * ops.sqrt(ops.dot(mean, slopes))
    slopes = ops.where(labelled > 0, slopes, 100.0)
    worst = labelled * worst_off(products, slopes, ops.maximum(length, 1e-4))
    norm = ops.sqrt(ops.dot(worst, ops.matmul(products, worst)) + ROUNDING)
    return tasks * (mean + length / norm * worst) / (1 + config.CAGRAD_C**2)


def worst_off(products: Tensor, linear: Tensor, length: Tensor) -> Tensor:
    """The w >= 0 with sum 1 and least linear·w + length n, where n² = w·products·w + ROUNDING.

    n is the least (t + n² / t) / 2 over t. A primal-dual interior-point method takes 30 Newton
    steps over x = (w, t), which brings the worst-off task to within 1e-6 of the mean square of
    the gradients' lengths; to 1e-5 where these differ a thousand times, and to 1e-2 where
    gradients all but cancel out.
    """
    tasks = len(config.TASKS)
    sums = ops.array([1.0] * tasks + [0.0])

    def newton(_: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        x, slack = state
        w, t = x[:-1], x[-1]
        along = ops.matmul(products, w) / t
        square = (ops.dot(w, along) + ROUNDING / t) / t
        slope = ops.append(linear + length * along, length * (1 - square) / 2)
        bend = length / t * bordered(products, -along, square)
        aim = ops.maximum(0.1 * ops.mean(x * slack), 1e-10)
        # The sum of w stays: a multiplier for it beside the steps of x.
        rows = bordered(bend + ops.diag(slack / x), sums, 0.0)
        dx = ops.solve(rows, ops.append(aim / x - slope, 0.0))[:-1]
        dslack = (aim - slack * dx) / x - slack
        step = 1 / ops.maximum(ops.max(ops.maximum(-dx / x, -dslack / slack)) / 0.95, 1.0)
        return x + step * dx, slack + step * dslack

    start = ops.append(ops.full((tasks,), 1 / tasks), 1.0)
    x, _ = ops.fori_loop(0, 30, newton, (start, ops.ones(tasks + 1)))
    return x[:-1]


def bordered(matrix: Tensor, column: Tensor, corner: Any) -> Tensor:
    """A symmetric matrix with one more row and column."""
    wide = ops.concatenate([matrix, column[:, None]], axis=1)
    return ops.concatenate([wide, ops.append(column, corner)[None]])
{% set tests %}
def test_a_known_answer(monkeypatch):
    monkeypatch.setattr(config, "CAGRAD_C", 0.5)
    gradients = np.zeros((T, 3), "float32")
    gradients[:2] = [[-4, 1, 1], [6, 1, 1]]
    expected = np.array([0.18350, 1.20412, 1.20412]) * 2 / (1 + 0.5**2)
    np.testing.assert_allclose(Weighting().combine(gradients), expected, atol=1e-4)


@pytest.mark.parametrize("opposed", [False, True])
def test_no_step_within_the_radius_helps_the_worst_off_task_more(opposed):
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = rng.normal(size=(T, 4)).astype("float32")
        if opposed:  # all but cancels the first one out
            gradients[1] = 1e-3 * gradients[1] - gradients[0]
        mean, square = gradients.mean(axis=0), (gradients**2).sum() / T
        radius = config.CAGRAD_C * np.linalg.norm(mean)
        step = np.array(Weighting().combine(gradients)) * (1 + config.CAGRAD_C**2) / T
        # In float32 the square of a length is known to some 1e-7 of `square`.
        slack = 1e-3 * np.sqrt(square) if opposed else 1e-4 * radius
        assert np.linalg.norm(step - mean) <= radius + slack
        others = rng.normal(size=(2000, 4))
        others = mean + radius * others / np.linalg.norm(others, axis=1, keepdims=True)
        best = (others @ gradients.T).min(axis=1).max()
        assert best <= (gradients @ step).min() + (1e-2 * square if opposed else 1e-4)


def test_without_a_radius_it_is_the_sum(monkeypatch):
    monkeypatch.setattr(config, "CAGRAD_C", 0.0)
    gradients = np.random.default_rng(0).normal(size=(T, 5)).astype("float32")
    combined = Weighting().combine(gradients)
    np.testing.assert_allclose(combined, gradients.sum(axis=0), rtol=1e-4, atol=1e-5)


def test_permuting_the_tasks_permutes_their_shares():
    rng = np.random.default_rng(0)
    gradients, order = rng.normal(size=(T, 5)).astype("float32"), rng.permutation(T)
    weighting = Weighting()
    weighting.combine(gradients)
    expected = weighting.task_weights.numpy()[order]
    weighting.combine(gradients[order])
    np.testing.assert_allclose(weighting.task_weights.numpy(), expected, rtol=1e-3, atol=1e-4)
{% endset %}
