{% set refused = {'LOSS_WEIGHTS': '{}'} %}
{% set total = 'the sum of the task losses times `LOSS_WEIGHTS` of `config.py`' %}
{% set constants %}
LOSS_WEIGHTS = {
{% for task in answers.task_list %}
    "{{ task.name }}": {{ answers.weights[loop.index0] }},
{% endfor %}
}
{% endset %}
class Weighting(layers.Layer):
    """Fixed weighting: the total loss is the sum of the task losses times LOSS_WEIGHTS."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        weights = getattr(config, "LOSS_WEIGHTS", None)
        if not isinstance(weights, dict) or set(weights) != {task.name for task in config.TASKS}:
            raise cli.InputError("LOSS_WEIGHTS of config.py: give each task a number, and no other")
        for name, weight in weights.items():
            if not isinstance(weight, int | float) or not 1e-6 < weight < 1e6:
                raise cli.InputError(f"LOSS_WEIGHTS of config.py: {name}: {weight!r} is no weight")
        self.task_weights = tuple(weights[task.name] for task in config.TASKS)

    def call(self, losses: Tensor) -> Tensor:
        return ops.sum(ops.array(self.task_weights) * losses)
{% set tests %}
def test_the_total_is_the_sum_of_the_losses_times_their_weights():
    losses = np.arange(1.0, T + 1, dtype="float32")
    expected = np.dot(losses, [config.LOSS_WEIGHTS[task.name] for task in config.TASKS])
    np.testing.assert_allclose(Weighting()(losses), expected, rtol=1e-6)
{% endset %}
