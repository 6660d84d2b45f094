{% set picture = '[a + b, |a − b|, a × b]' %}
{% set symmetric = true %}
def compare(a: Tensor, b: Tensor) -> Tensor:
    """[a + b, |a - b|, a * b]: level, distance and agreement of the pair, in either order."""
    return ops.concatenate([a + b, ops.absolute(a - b), a * b], axis=-1)
