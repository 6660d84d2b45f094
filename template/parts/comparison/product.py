{% set picture = 'a × b' %}
{% set symmetric = true %}
def compare(a: Tensor, b: Tensor) -> Tensor:
    """a * b: what the pair has in common, in either order."""
    return a * b
