import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import heads


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: an input and a head for each task, and one trunk for all.

    Args:
        schema: Columns and statistics, as `data.load` finds them; without it, those of the sample.

    Returns:
        A functional model from the inputs that `data.encode` makes to a dict of predictions, one
        output for each task, named after it: (batch, width), in the unit of the table or as
        probabilities.
    """
    schema = schema or Schema()
    inputs = input_layers(schema.inputs)
    encode = trunk(schema.inputs)
    encodings = {}
    for task, x in zip(schema.tasks, inputs.values(), strict=True):
        encodings[task.name] = encode(x)
    return keras.Model(inputs, heads(encodings, schema.tasks), name="parallel")
