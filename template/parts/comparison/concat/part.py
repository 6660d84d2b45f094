from keras import ops

from .kinds import Tensor


def compare(a: Tensor, b: Tensor) -> Tensor:
    """Join the pair as [a, b]: its order matters."""
    return ops.concatenate([a, b], axis=-1)
