def share(encoding: Tensor) -> dict[str, Tensor]:
    """Shared bottom (Caruana 1997, "Multitask Learning"): every task reads the one encoding."""
    return {task.name: encoding for task in config.TASKS}
