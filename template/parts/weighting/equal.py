{% set total = 'the plain sum of the task losses' %}
class Weighting(layers.Layer):
    """Equal weighting: the total loss is the plain sum of the task losses."""

    task_weights = (1.0,) * len(config.TASKS)

    def call(self, losses: Tensor) -> Tensor:
        return ops.sum(losses)
