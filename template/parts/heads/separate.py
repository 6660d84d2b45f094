def heads(representations: dict[str, Tensor]) -> dict[str, Tensor]:
    """A private head for each task: hidden layers, then one layer of the task's width."""
    logits = {}
    for task in config.TASKS:
        x = representations[task.name]
        for i, units in enumerate(config.HEAD_UNITS{{ '[task.name]' if answers.unequal_heads }}, start=1):
            x = layers.Dense(units, activation="relu", name=f"{task.name}_hidden_{i}")(x)
        logits[task.name] = layers.Dense(task.width, name=f"{task.name}_logits")(x)
    return logits
