{% set total = 'the sum of the task losses times `LOSS_WEIGHTS` of `config.py`' %}
class Weighting(layers.Layer):
    """Fixed weighting: the total loss is the sum of the task losses times LOSS_WEIGHTS."""

    task_weights = tuple(config.LOSS_WEIGHTS[task.name] for task in config.TASKS)

    def call(self, losses: Tensor) -> Tensor:
        return ops.sum(ops.array(self.task_weights) * losses)
