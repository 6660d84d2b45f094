{% set stateful = true %}
{% set trains = true %}
{% set regression = 'regression' in answers.kinds %}
{% set mixed = regression and answers.kinds | length > 1 %}
{% set cost = ('1.1', '1.0') %}
{% set advice = 'Uncertainty weighting is worth a try where the labels of some tasks are much noisier than those of others.' %}
{% set total = 'that of homoscedastic uncertainty: every task has a noise of its own, learned with the network' %}
{% if mixed %}
# Of a regression's loss, and of the others'.
FACTORS = np.array([0.5 if task.kind == "regression" else 1.0 for task in config.TASKS], "float32")
{% elif regression %}
# A regression's loss counts half.
FACTORS = np.full(len(config.TASKS), 0.5, "float32")
{% else %}
# A regression's would be a half.
FACTORS = np.ones(len(config.TASKS), "float32")
{% endif %}


class Weighting(layers.Layer):
    """Uncertainty weighting: every task has a noise σ of its own, learned with the network.

{% if mixed %}
    With s = log σ², the total is the sum of exp(-s) L / 2 + s / 2 over regressions and of
    exp(-s) L + s / 2 over the other tasks. At a loss L that stays, the best exp(s) is L, or 2 L;
{% elif regression %}
    With s = log σ², the total is the sum of exp(-s) L / 2 + s / 2 over the tasks, which are all
    regressions. At a loss L that stays, the best exp(s) is L;
{% else %}
    With s = log σ², the total is the sum of exp(-s) L + s / 2 over the tasks, of which none is a
    regression. At a loss L that stays, the best exp(s) is 2 L;
{% endif %}
    there each s starts, by its task's first loss. One backward pass a step.

    Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses" (CVPR 2018),
    https://arxiv.org/abs/1705.07115
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        tasks = (len(config.TASKS),)
        self.first = self.add_weight(
            shape=tasks, initializer="zeros", trainable=False, name="first_losses"
        )
        self.change = self.add_weight(shape=tasks, initializer="zeros", name="change")

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        if not training:
            return ops.sum(losses)
        first = self.first.value
        self.first.assign(ops.where(first > 0, first, ops.stop_gradient(losses)))
        terms = self.task_weights * losses + self.log_variances / 2
        return ops.sum(ops.where(losses > 0, terms, 0.0))

    @property
    def log_variances(self) -> Tensor:
        """Each task's s: its change since the start, where the first loss had put it."""
        first = self.first.value
        return ops.log(ops.where(first > 0, 2 * FACTORS * first, 1.0)) + self.change

    @property
    def task_weights(self) -> Tensor:
        """What each loss is multiplied by."""
        return FACTORS * ops.exp(-self.log_variances)
{% set tests %}
def test_every_variance_starts_at_its_best_for_the_first_loss():
    weighting = Weighting()
    losses = np.linspace(0.5, 2, T, dtype="float32")
    weighting(losses, training=True)
    weighting(3 * losses, training=True)
    np.testing.assert_allclose(np.exp(weighting.log_variances), 2 * FACTORS * losses, rtol=1e-5)


def test_the_best_variance_is_the_loss_of_a_regression_and_twice_that_of_a_class():
    losses = np.linspace(0.5, 2, T, dtype="float32")
    weighting = Weighting()
    least = float(weighting(losses, training=True))
    best = {"regression": losses, "binary": 2 * losses, "multiclass": 2 * losses}
    best["multilabel"] = 2 * losses
    expected = [best[task.kind][i] for i, task in enumerate(config.TASKS)]
    np.testing.assert_allclose(np.exp(weighting.log_variances), expected, rtol=1e-5)
    for i, change in itertools.product(range(T), (-0.1, 0.1)):
        weighting.change.assign(change * np.eye(T)[i])
        assert float(weighting(losses, training=True)) > least


def test_a_task_without_a_label_adds_nothing_and_starts_later():
    weighting = Weighting()
    losses = np.full(T, 2, "float32")
    losses[0] = 0
    total = float(weighting(losses, training=True))
    np.testing.assert_array_equal(weighting.first.numpy(), losses)
    weighting.change.assign(np.eye(T)[0])
    assert float(weighting(losses, training=True)) == total
{% endset %}
