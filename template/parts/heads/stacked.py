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
    x = ops.stack([representations[task.name] for task in ORDER], axis=1)
    for i, units in enumerate(config.HEAD_UNITS, start=1):
        x = task_dense(len(ORDER), units, activation="relu", name=f"heads_hidden_{i}")(x)
{% if single %}
    [(group, tasks)] = GROUPS.items()
    return {group: task_dense(len(tasks), tasks[0].width, name=f"{group}_logits")(x)}
{% else %}
    ends = list(itertools.accumulate(len(tasks) for tasks in GROUPS.values()))
    parts = zip(GROUPS.items(), ops.split(x, ends[:-1], axis=1), strict=True)
    return {
        group: task_dense(len(tasks), tasks[0].width, name=f"{group}_logits")(part)
        for (group, tasks), part in parts
    }
{% endif %}


def task_dense(tasks: int, units: int, **kwargs: Any) -> layers.Layer:
    """A dense layer for each task, on (batch, tasks, features)."""
    # By fan-in alone: the units of all tasks count as fan-out, which makes many tasks start small.
    kwargs |= {"bias_axes": "to", "kernel_initializer": "lecun_uniform"}
    return layers.EinsumDense("bti,tio->bto", (tasks, units), **kwargs)
{% endif %}
