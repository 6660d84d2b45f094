def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """Private hidden layers for each task, then one output layer that all tasks use."""
    combine = layers.Dense(config.TASKS[0].width, name="shared_output")
    logits = {}
    for task in config.TASKS:
        x = representations[task.name]
        for i, units in enumerate(config.HEAD_UNITS, start=1):
            x = layers.Dense(units, activation="relu", name=f"{task.name}_hidden_{i}")(x)
        logits[task.name] = combine(x)
    return logits
