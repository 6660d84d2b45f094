def total(losses: dict[str, float]) -> float:
    """Add up the losses of the tasks over an epoch."""
    return sum(losses.values())
