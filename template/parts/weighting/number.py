import math

from . import InputError, config


def number(name: str, least: float = 0.0) -> float:
    """Read a number of config.py. Raises InputError."""
    value = getattr(config, name)
    if not isinstance(value, int | float) or not least <= value < math.inf:
        raise InputError(f"{name} of config.py is {value!r}; write a number of {least:g} or more")
    return value
