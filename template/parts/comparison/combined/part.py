from keras import ops

from .kinds import Tensor


def compare(a: Tensor, b: Tensor) -> Tensor:
    """Join level, distance and agreement, [a + b, |a - b|, a * b], in either order."""
    return ops.concatenate([a + b, ops.absolute(a - b), a * b], axis=-1)
