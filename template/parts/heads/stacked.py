{% if answers.one_dense %}
def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """All heads at once: they read one encoding, so each is some columns of one dense layer."""
    widths = [task.width for task in config.TASKS]
    encoding = representations[config.TASKS[0].name]
    logits = layers.Dense(sum(widths), name="heads_logits")(encoding)
    starts = [sum(widths[:i]) for i in range(1, len(widths))]
    columns = zip(config.TASKS, ops.split(logits, starts, axis=-1), strict=True)
    return {task.name: column for task, column in columns}
{% else %}
def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """All heads at once: each layer multiplies (batch, task, feature) by a kernel per task."""
    x = ops.stack([representations[task.name] for task in config.TASKS], axis=1)
    for i, units in enumerate(config.HEAD_UNITS, start=1):
        x = task_dense(len(config.TASKS), units, activation="relu", name=f"heads_hidden_{i}")(x)
{% if answers.task_list | map(attribute='width') | unique | list | length > 1 %}
    logits = {}
    for width in sorted({task.width for task in config.TASKS}):
        group = [i for i, task in enumerate(config.TASKS) if task.width == width]
        last = task_dense(len(group), width, name=f"heads_logits_{width}")
        rows = ops.unstack(last(ops.take(x, group, axis=1)), axis=1)
        logits.update({config.TASKS[i].name: row for i, row in zip(group, rows, strict=True)})
    return logits
{% else %}
    x = task_dense(len(config.TASKS), config.TASKS[0].width, name="heads_logits")(x)
    rows = zip(config.TASKS, ops.unstack(x, axis=1), strict=True)
    return {task.name: row for task, row in rows}
{% endif %}


def task_dense(tasks: int, units: int, **kwargs: Any) -> layers.Layer:
    """A dense layer for each task, on (batch, tasks, features)."""
    # By fan-in alone: the units of all tasks count as fan-out, which makes many tasks start small.
    kwargs |= {"bias_axes": "to", "kernel_initializer": "lecun_uniform"}
    return layers.EinsumDense("bti,tio->bto", (tasks, units), **kwargs)
{% endif %}
