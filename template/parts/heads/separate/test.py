"""Test that each task has a head of its own."""

import keras
import numpy as np

from the_package import config
from the_package.kinds import TASKS
from the_package.model import heads


def test_prediction_is_that_of_the_layers_of_the_task():
    inputs = {task.name: keras.Input((5,), name=f"{task.name}_encoding") for task in TASKS}
    network = keras.Model([*inputs.values()], heads(inputs, TASKS))
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.3, weight.shape) for weight in network.get_weights()])
    rows = {name: rng.normal(size=(7, 5)).astype("float32") for name in inputs}
    predictions = network.predict([*rows.values()], verbose=0)
    for task in TASKS:
        x = rows[task.name]
        for i, units in enumerate(config.HEAD_UNITS, start=1):
            kernel, bias = network.get_layer(f"{task.name}_hidden_{i}").get_weights()
            x = np.maximum(x @ kernel + bias, 0)
            assert x.shape == (7, units)
        kernel, bias = network.get_layer(f"{task.name}_logits").get_weights()
        expected = task.output(x @ kernel + bias)
        np.testing.assert_allclose(predictions[task.name], expected, rtol=1e-4, atol=1e-5)
