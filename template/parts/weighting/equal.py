{% set total = 'the plain sum of the task losses' %}
class Weighting(layers.Layer):
    """Equal weighting: the total loss is the plain sum of the task losses."""

    task_weights = (1.0,) * len(config.TASKS)

    def call(self, losses: Tensor) -> Tensor:
        return ops.sum(losses)
{% set tests %}
def test_the_total_is_the_sum_of_the_losses():
    losses = np.arange(1.0, T + 1, dtype="float32")
    assert float(Weighting()(losses)) == losses.sum()
{% endset %}
