import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import compare, heads


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: a pair goes through one trunk, and is compared for all tasks.

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
    a, b = (encode(x) for x in inputs.values())
    comparison = compare(a, b)
    outputs = heads({task.name: comparison for task in schema.tasks}, schema.tasks)
    return keras.Model(inputs, outputs, name="siamese")
