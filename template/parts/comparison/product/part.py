from .kinds import Tensor


def compare(a: Tensor, b: Tensor) -> Tensor:
    """Measure what the pair has in common, a * b, in either order."""
    return a * b
