import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import compare, heads


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: a pair goes through one trunk, and is compared for all tasks.

    Outputs are predictions by task, (batch, width), in the unit of the table or as probabilities.
    Without a schema, as `data.load` makes it, columns are those of the sample.
    """
    schema = schema or Schema()
    inputs = input_layers(schema.inputs)
    encode = trunk(schema.inputs)
    a, b = (encode(x) for x in inputs.values())
    comparison = compare(a, b)
    outputs = heads({task.name: comparison for task in schema.tasks}, schema.tasks)
    return keras.Model(inputs, outputs, name="siamese")
