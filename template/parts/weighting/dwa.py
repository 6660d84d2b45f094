{% set stateful = true %}
{% set refused = {'TEMPERATURE': -2.0} %}
{% set trains = true %}
{% set per_epoch = true %}
{% set cost = ('1.0', '1.0') %}
{% set advice = 'A dynamic weight average is worth a try where one task is learned much later than the others.' %}
{% set total = 'a sum with weights that follow how fast each loss falls (dynamic weight average)' %}
{% set constants %}
# Of the loss weights: the higher, the more even.
TEMPERATURE = {{ dwa_temperature }}
{% endset %}
class Weighting(layers.Layer):
    """Dynamic weight average: a task whose loss falls more slowly than the others' weighs more.

    In epoch t the weights are T softmax(r / τ), with r = L(t-1) / L(t-2) from each task's mean
    losses in the epochs before, T tasks and the temperature τ (TEMPERATURE of config.py; 2 in the
    paper). In the first two epochs all are 1. A loss near 0 that rises many times over takes all
    the weight for an epoch. One backward pass a step.

    Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention" (CVPR 2019),
    https://arxiv.org/abs/1803.10704
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check("TEMPERATURE", 0.01, 1e6)
        tasks = {"shape": (len(config.TASKS),), "trainable": False}
        self.task_weights = self.add_weight(initializer="ones", name="task_weights", **tasks)
        self.before = self.add_weight(initializer="zeros", name="before", **tasks)

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        return ops.sum(self.task_weights * losses if training else losses)

    def end_epoch(self, losses: Tensor) -> None:
        """Set the weights of the next epoch by the mean losses of this one."""
        self.task_weights.assign(average(losses, self.before.value))
        self.before.assign(ops.where(losses > 0, losses, self.before.value))


def average(losses: Tensor, before: Tensor) -> Tensor:
    """The weights after an epoch with `losses` and one with those `before`; 0 is for unknown."""
    known = (losses > 0) & (before > 0)
    ratios = ops.where(known, losses / ops.where(known, before, 1.0), 1.0)
    return len(config.TASKS) * ops.softmax(ratios / config.TEMPERATURE)
{% set tests %}
def test_weights_by_hand_over_three_epochs():
    weighting = Weighting()
    losses = np.linspace(1, 2, T, dtype="float32")
    np.testing.assert_array_equal(weighting.task_weights.numpy(), np.ones(T))
    weighting.end_epoch(2 * losses)
    np.testing.assert_allclose(weighting.task_weights.numpy(), np.ones(T), rtol=1e-6)
    falls = np.linspace(0.5, 1, T, dtype="float32")
    weighting.end_epoch(2 * losses * falls)
    exponents = np.exp(falls / config.TEMPERATURE)
    expected = T * exponents / exponents.sum()
    np.testing.assert_allclose(weighting.task_weights.numpy(), expected, rtol=1e-5)


def test_permuting_the_tasks_permutes_their_weights():
    rng = np.random.default_rng(0)
    losses, before = rng.uniform(0.5, 2, (2, T)).astype("float32")
    order = rng.permutation(T)
    weights = np.array(average(losses, before))
    np.testing.assert_allclose(average(losses[order], before[order]), weights[order], rtol=1e-5)


def test_an_epoch_without_a_label_of_a_task_is_no_change_of_its_loss():
    weighting = Weighting()
    losses = np.ones(T, "float32")
    weighting.end_epoch(losses)
    weighting.end_epoch(losses * (np.arange(T) > 0))
    np.testing.assert_allclose(weighting.task_weights.numpy(), np.ones(T), rtol=1e-6)
    np.testing.assert_array_equal(weighting.before.numpy(), losses)


def test_the_weights_of_a_run_follow_from_its_losses(run):
    history = pd.read_csv(run / "history.csv")
    losses, weights = (
        history[[f"{task.name}_{what}" for task in config.TASKS]].to_numpy("float32")
        for what in ("loss", "weight")
    )
    np.testing.assert_array_equal(weights[:2], 1)
    assert (weights[2:] != 1).any()
    for epoch in range(2, len(weights)):
        expected = average(losses[epoch - 1], losses[epoch - 2])
        np.testing.assert_allclose(weights[epoch], expected, rtol=1e-5)
{% endset %}
