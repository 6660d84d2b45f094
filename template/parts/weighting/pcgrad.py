{% set coupled = true %}
{% set random = true %}
{% set stateful = true %}
{% set gradients = 'gradients' %}
{% set cost = ('1.3', '1.5') %}
{% set advice = 'PCGrad is worth a try where tasks conflict. What it calls weight of a task is how much of its gradient is in the step: 1 where nothing conflicts, more where others point against it.' %}
{% set total = 'the plain sum of the task losses, whose gradients are freed of what points against other tasks (PCGrad)' %}
class Weighting(layers.Layer):
    """PCGrad: from each task's gradient goes what points against the gradient of another task.

    Each gradient meets those of the other tasks in a random order of its own, and where its
    product with one is negative, its projection on that one is subtracted; the step is along the
    sum. Weights in the logs are the shares of the original gradients in it. A backward pass of
    the shared layers a task.

    Yu, Kumar, Gupta, Levine, Hausman and Finn, "Gradient Surgery for Multi-Task Learning"
    (NeurIPS 2020), https://arxiv.org/abs/2001.06782
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        tasks = len(config.TASKS)
        self.task_weights = self.add_weight(
            shape=(tasks,), initializer="ones", trainable=False, name="task_weights"
        )
        self.random = keras.random.SeedGenerator()

    def combine(self, gradients: Tensor) -> Tensor:
        """The sum of the projected gradients, from (tasks, parameters)."""
        tasks = len(config.TASKS)
        order = ops.argsort(keras.random.uniform((tasks, tasks), seed=self.random))
        self.task_weights.assign(ops.sum(project(gradients @ ops.transpose(gradients), order), 0))
        return self.task_weights @ gradients

    # The state of the random numbers is saved here: it is no weight of the layer.

    def save_own_variables(self, store: Any) -> None:
        super().save_own_variables(store)
        store["random"] = self.random.state

    def load_own_variables(self, store: Any) -> None:
        self.task_weights.assign(store["0"])
        self.random.state.assign(store["random"])


def project(products: Tensor, order: Tensor) -> Tensor:
    """The shares (row) of the tasks' gradients in each projected one, by their inner products.

    order: (tasks, tasks), which other task each one meets first, second and so on.
    """
    tasks = len(config.TASKS)
    shares = itself = ops.eye(tasks)
    for turn in range(tasks):
        other = ops.take(itself, order[:, turn], axis=0)
        inner = ops.sum((shares @ products) * other, axis=1)
        square = ops.sum((other @ products) * other, axis=1)
        against = (inner < 0) & (square > 0) & (ops.sum(other * itself, axis=1) == 0)
        size = ops.where(against, inner / ops.where(against, square, 1.0), 0.0)
        shares = shares - size[:, None] * other
    return shares
{% set tests %}
def gradients_of_two(*rows):
    """Gradients of the first two tasks; the others have none."""
    return np.array([*rows, *np.zeros((T - 2, len(rows[0])))], "float32")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((1, 0), (-1, 1), (0.5, 1.5)),
        ((-4, 1, 1), (6, 1, 1), (0.58480, 3.80117, 3.80117)),
        ((1, 0), (-1, 0), (0, 0)),
        ((1, 2), (2, 1), (3, 3)),
    ],
)
def test_what_conflicts_is_projected_away(first, second, expected):
    combined = Weighting().combine(gradients_of_two(first, second))
    np.testing.assert_allclose(combined, expected, atol=1e-5)


def test_the_step_of_two_tasks_conflicts_with_neither():
    rng = np.random.default_rng(0)
    for _ in range(5):
        gradients = gradients_of_two(*rng.normal(size=(2, 3)))
        assert (gradients @ np.array(Weighting().combine(gradients))).min() >= -1e-5


def test_gradients_that_agree_are_added_up():
    gradients = np.random.default_rng(0).uniform(0.1, 1, (T, 5)).astype("float32")
    weighting = Weighting()
    np.testing.assert_allclose(weighting.combine(gradients), gradients.sum(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(weighting.task_weights.numpy(), np.ones(T))


def test_the_order_of_the_projections_comes_from_the_seed():
    gradients = np.random.default_rng(0).normal(size=(T, 5)).astype("float32")
    series = []
    for _ in range(2):
        keras.utils.set_random_seed(1)
        weighting = Weighting()
        series.append([np.array(weighting.combine(gradients)) for _ in range(3)])
    np.testing.assert_array_equal(*series)
{% endset %}
