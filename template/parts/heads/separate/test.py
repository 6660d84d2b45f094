"""Test that each task has a head of its own."""

import keras

from the_package import config
from the_package.kinds import TASKS
from the_package.model import heads


def test_no_layer_of_a_head_is_shared():
    inputs = {task.name: keras.Input((5,), name=f"{task.name}_encoding") for task in TASKS}
    outputs, seen = heads(inputs, TASKS), set()
    for task in TASKS:
        head = keras.Model(inputs[task.name], outputs[task.name])  # fails if it reads another input
        dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
        assert [layer.units for layer in dense] == [*config.HEAD_UNITS, task.width]
        assert not seen & {id(layer) for layer in head.layers}
        seen |= {id(layer) for layer in head.layers}
