import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import heads, share


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: one input, a trunk that all tasks share, a head for each.

    Outputs are predictions by task, (batch, width), in the unit of the table or as probabilities.
    Without a schema, as `data.load` makes it, columns are those of the sample.
    """
    schema = schema or Schema()
    inputs = input_layers(schema.inputs)
    [x] = inputs.values()
    encoding = trunk(schema.inputs)(x)
    outputs = heads(share(encoding), schema.tasks)
    return keras.Model(inputs, outputs, name="multi_head")
