import keras

from .data import Schema
from .inputs import input_layers, trunk
from .model import heads


def build_model(schema: Schema | None = None) -> keras.Model:
    """Build the network of config.py: an input and a head for each task, and one trunk for all.

    Outputs are predictions by task, (batch, width), in the unit of the table or as probabilities.
    Without a schema, as `data.load` makes it, columns are those of the sample.
    """
    schema = schema or Schema()
    inputs = input_layers(schema.inputs)
    encode = trunk(schema.inputs)
    encodings = {}
    for task, x in zip(schema.tasks, inputs.values(), strict=True):
        encodings[task.name] = encode(x)
    return keras.Model(inputs, heads(encodings, schema.tasks), name="parallel")
