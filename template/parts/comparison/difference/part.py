from keras import ops

from .kinds import Tensor


def compare(a: Tensor, b: Tensor) -> Tensor:
    """Measure how far apart the pair is, |a - b|, in either order."""
    return ops.absolute(a - b)
