from . import config


def total(losses: dict[str, float]) -> float:
    """Add up the losses of the tasks over an epoch, times LOSS_WEIGHTS of config.py."""
    return sum(config.LOSS_WEIGHTS[name] * loss for name, loss in losses.items())
