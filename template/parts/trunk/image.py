def trunk() -> keras.Model:
    """Convolutions that each halve the image, then the mean over all places (any size of image)."""
    inputs = keras.Input((None, None, config.CHANNELS), dtype="uint8", name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for i, units in enumerate(config.TRUNK_UNITS, start=1):
        x = layers.Conv2D(units, config.KERNEL_SIZE, strides=2, padding="same", name=f"conv_{i}")(x)
        x = layers.ReLU()(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, x, name="trunk")
