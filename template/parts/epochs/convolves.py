import keras


def convolves(layer: keras.layers.Layer) -> bool:
    """Tell whether a network has convolutions: XLA's loops on CPUs take 25 times as long for them."""
    inner = layer.layers if isinstance(layer, keras.Model) else []
    return "Conv" in type(layer).__name__ or any(map(convolves, inner))
