{% set picture = '|a − b|' %}
{% set symmetric = true %}
def compare(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|: how far apart the pair is, in either order."""
    return ops.absolute(a - b)
