import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import heads, share


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: one input, a trunk that all tasks share, a head for each.

    Args:
        schema: Columns and statistics, as `data.load` finds them; without it, those of the sample.

    Returns:
        A functional model from the inputs that `data.encode` makes to a dict of predictions, one
        output for each task, named after it: (batch, width), in the unit of the table or as
        probabilities.
    """
    schema = schema or Schema()
    inputs = input_layers(schema.inputs)
    [x] = inputs.values()
    encoding = trunk(schema.inputs)(x)
    outputs = heads(share(encoding), schema.tasks)
    return keras.Model(inputs, outputs, name="multi_head")
