def trunk(schema: Schema) -> keras.Model:
    """Dense layers on the normalised features; a missing number counts as its mean."""
    inputs = keras.Input((len(schema.mean),), name="features")
    variance = [s**2 for s in schema.std]
    x = layers.Normalization(mean=schema.mean, variance=variance, dtype="float32")(inputs)
    x = ops.where(ops.isnan(x), 0.0, x)
    for i, units in enumerate(config.TRUNK_UNITS, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense_{i}")(x)
    return keras.Model(inputs, x, name="trunk")
