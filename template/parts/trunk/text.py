def trunk() -> keras.Model:
    """Bytes are embedded, read by an LSTM that skips the padding, then dense layers."""
    inputs = keras.Input((None,), dtype="int32", name="text")
    # Keras's own start, within 0.05, shows an LSTM next to nothing.
    apart = keras.initializers.RandomNormal(stddev=1.0)
    embed = layers.Embedding(257, config.EMBEDDING_DIM, apart, mask_zero=True, name="embedding")
    x = embed(inputs)
    x = layers.LSTM(config.TRUNK_UNITS[0], name="lstm")(x)
    for i, units in enumerate(config.TRUNK_UNITS[1:], start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")
