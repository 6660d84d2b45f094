{#- Methods of the model: how it measures the losses of all tasks at once. -#}
{% macro measure(weighted, own_step, balanced, smoothed, huber, mirrored) %}
{% set weights = 'self.row_weights(y, sample_weight)' if balanced else 'by_group(sample_weight)' %}
{% set mixed = answers.kinds | length > 1 %}
{% set smoothing = ', training' if smoothed else '' %}
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Predictions by task; in training by group of tasks, (batch, tasks, width)."""
        if training:
            return self.together(inputs)
        return super().call(inputs, training=training, mask=mask)

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Keras's own, with the tasks' names in the logs."""
        logs = super().evaluate(*args, **kwargs)
        return by_task(logs) if isinstance(logs, dict) else logs

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """The logs after a batch: an array for all tasks of a group."""
        parts = (by_group(part) for part in (y, y_pred, sample_weight))
        return super().compute_metrics(x, *parts)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
{% if own_step %}
        """The sum of the task losses of a batch, as logged; `sample_weight` as in `measure`."""
{% if smoothed %}
        values = self.measure(y, y_pred, sample_weight, training)
        return self.track(values, {{ 'y, ' if balanced }}sample_weight)
{% else %}
        return self.track(self.measure(y, y_pred, sample_weight), {{ 'y, ' if balanced }}sample_weight)
{% endif %}
{% else %}
        """The total loss of a batch (a scalar); labels and weights are by task or by group.

        In training, the losses of layers are added, such as those of regularizers.
        """
        losses = self.measure(y, y_pred, sample_weight{{ smoothing }})
        self.track(losses, {{ 'y, ' if balanced }}sample_weight)
        total = self.weighting(losses{{ ', training=training' if weighted.trains is defined }})
{% if mirrored %}
        total = sum(self.losses, total) if training else total
        return total / distributed.count()  # the gradients of all devices are added
{% else %}
        return sum(self.losses, total) if training else total
{% endif %}
{% endif %}

    def track(self, losses: Tensor, {{ 'y: Any, ' if balanced }}sample_weight: Any) -> Tensor:
        """Count the task losses of a batch for the logs; their sum."""
        weights = {{ weights | replace('(y,', '(by_group(y),') }}
        rows = {group: ops.sum(weight, axis=0) for group, weight in weights.items()}
        self.task_losses.update_means(losses, in_order(rows))
        return ops.sum(losses)

    def measure(self, y: Any, y_pred: Any, sample_weight: Any{{ ', training: bool = True' if smoothed }}) -> Tensor:
        """Each task's loss of a batch, (tasks,); `sample_weight` is 0 where a label is missing."""
        y, y_pred = by_group(y), by_group(y_pred)
        weights = {{ weights }}
        losses = {}
{% if mixed or smoothed or 'regression' in answers.kinds %}
        for group, tasks in GROUPS.items():
{% else %}
        for group in GROUPS:
{% endif %}
            labels, predicted, weight = y[group], y_pred[group], weights[group]
{% if smoothed %}
            labels = smooth(tasks[0], labels, training)
{% endif %}
{% macro values(kind) %}
{% if kind == 'regression' %}
stds = np.array([[self.schema.targets[task.name].std] for task in tasks], "float32")
{% if huber %}
values = huber(labels / stds, predicted / stds)
{% else %}
values = {{ 'LOSSES["regression"]' if mixed else 'LOSS' }}.call(labels / stds, predicted / stds)
{% endif %}
{% else %}
values = {{ 'LOSSES[tasks[0].kind]' if mixed else 'LOSS' }}.call(labels, predicted)
{% endif %}
{% endmacro %}
{% if mixed and 'regression' in answers.kinds %}
            if tasks[0].kind == "regression":  # as if the targets were standardised
{{ values('regression') | trim | indent(16, true) }}
            else:
{{ values('') | trim | indent(16, true) }}
{% else %}
{{ values(answers.kinds[0]) | trim | indent(12, true) }}
{% endif %}
{% if mirrored %}
            parts = distributed.sums(row_sums(weight * values, weight))
            losses[group] = ops.divide_no_nan(*ops.unstack(parts))
{% else %}
            losses[group] = ops.divide_no_nan(*ops.unstack(row_sums(weight * values, weight)))
{% endif %}
        return in_order(losses)
{% if balanced %}

    def row_weights(self, y: Any, sample_weight: Any) -> dict[str, Tensor]:
        """What each row counts in the losses of a group, (batch, tasks): 0 without a label."""
        weights = dict(by_group(sample_weight))
        for group, tasks in GROUPS.items():
{% if 'regression' in answers.kinds or 'multilabel' in answers.kinds %}
            if tasks[0].kind not in ("binary", "multiclass"):
                continue
{% endif %}
            priors = [self.schema.targets[task.name].prior for task in tasks]
            by_class = ops.array([class_weights(prior) for prior in priors])
            classes = ops.one_hot(ops.cast(y[group][..., 0], "int32"), by_class.shape[1])
            weights[group] *= ops.sum(classes * by_class, axis=-1)
        return weights
{% endif %}
{% endmacro %}
{% set single = answers.groups | length == 1 %}
{% set shown = ', schema: Schema' if 'regression' in answers.kinds else '' %}
{% set activations = {'binary': 'sigmoid', 'multiclass': 'softmax', 'multilabel': 'sigmoid'} %}
{% set class_kinds = answers.kinds | reject('equalto', 'regression') | list %}
{% if answers.one_dense %}
def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """All heads at once: they read one encoding, so each is some columns of a dense layer."""
    encoding = representations[config.TASKS[0].name]
    logits = {}
    for group, tasks in GROUPS.items():
        shape = (len(tasks), tasks[0].width)
        columns = layers.Dense(math.prod(shape), name=f"{group}_logits")(encoding)
        logits[group] = layers.Reshape(shape, name=f"{group}_columns")(columns)
    return logits
{% else %}
def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """All heads at once: each layer multiplies (batch, task, feature) by a kernel per task."""
{% if answers.one_encoding %}
    x = representations[config.TASKS[0].name]  # all tasks read the same one
{% else %}
    x = ops.stack([representations[task.name] for task in ORDER], axis=1)
{% endif %}
    for i, units in enumerate(config.HEAD_UNITS, start=1):
        x = task_dense(x, len(ORDER), units, activation="relu", name=f"heads_hidden_{i}")
{% if single %}
    [(group, tasks)] = GROUPS.items()
    return {group: task_dense(x, len(tasks), tasks[0].width, name=f"{group}_logits")}
{% else %}
    ends = list(itertools.accumulate(len(tasks) for tasks in GROUPS.values()))
    parts = zip(GROUPS.items(), ops.split(x, ends[:-1], axis=1), strict=True)
    return {
        group: task_dense(part, len(tasks), tasks[0].width, name=f"{group}_logits")
        for (group, tasks), part in parts
    }
{% endif %}


def task_dense(x: Tensor, tasks: int, units: int, **kwargs: Any) -> Tensor:
{% if answers.one_encoding %}
    """A dense layer for each task, on (batch, tasks, features), or (batch, features) for all."""
    equation = "bi,tio->bto" if len(x.shape) == 2 else "bti,tio->bto"
{% else %}
    """A dense layer for each task, on (batch, tasks, features)."""
{% endif %}
    # By fan-in alone: the units of all tasks count as fan-out, which makes many tasks start small.
    kwargs |= {"bias_axes": "to", "kernel_initializer": "lecun_uniform"}
{% if answers.one_encoding %}
    return layers.EinsumDense(equation, (tasks, units), **kwargs)(x)
{% else %}
    return layers.EinsumDense("bti,tio->bto", (tasks, units), **kwargs)(x)
{% endif %}
{% endif %}
