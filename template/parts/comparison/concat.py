{% set picture = '[a, b]' %}
{% set symmetric = false %}
def compare(a: Tensor, b: Tensor) -> Tensor:
    """[a, b]: the order of the pair matters."""
    return ops.concatenate([a, b], axis=-1)
