def split_inputs(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Column TASK_NAME is feature NAME of that task's input; all tasks have the same features."""
    # A column belongs to the longest task name that it starts with.
    by_length = sorted((task.name for task in config.TASKS), key=len, reverse=True)
    owners = {
        column: next((name for name in by_length if column.startswith(f"{name}_")), None)
        for column in table.columns
    }
    found = [column.removeprefix(f"{owner}_") for column, owner in owners.items() if owner]
    features = config.FEATURES or tuple(dict.fromkeys(found))
    return {
        f"{task.name}_features": pick(table, {name: f"{task.name}_{name}" for name in features})
        for task in config.TASKS
    }
