def trunk(schema: Schema) -> keras.Model:
    """An LSTM over the normalised steps, then dense layers on its last state."""
    inputs = keras.Input((None, len(schema.mean)), name="sequence")
    variance = [s**2 for s in schema.std]
    x = layers.Normalization(mean=schema.mean, variance=variance, dtype="float32")(inputs)
    x = layers.LSTM(config.TRUNK_UNITS[0], name="lstm")(x)
    for i, units in enumerate(config.TRUNK_UNITS[1:], start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")
