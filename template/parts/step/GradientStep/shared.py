from collections import Counter
from collections.abc import Sequence

import keras
from keras import ops

from . import config
from .kinds import Tensor


def shared_paths(network: keras.Model) -> frozenset[str]:
    """Find the variables that the losses of several tasks depend on, by their paths."""
    outputs = [keras.Model(network.inputs, output) for output in network.outputs]
    # All weights: what is frozen now may be trained later.
    reached = Counter(v.path for output in outputs for v in output.weights)
    private = private_layers()
    return frozenset(p for p, tasks in reached.items() if tasks > 1 and not p.startswith(private))


def private_layers() -> tuple[str, ...]:
    """Name the layers with a separate part for each task, though they reach all outputs.

    The outputs of the tasks are cut from one array after stacked heads, the last stitch, and the
    private experts of the last level. The gates before these serve one task each.
    """
    level, stitch = getattr(config, "NUM_LEVELS", 1), len(getattr(config, "EXPERT_UNITS", ()))
    gates = [f"{task.name}_gate" for task in config.TASKS]
    ends = ["/", f"_{level}/", f"_{level - 1}/"]
    separate = ("heads_", f"stitch_{stitch}/", f"experts_{level}_private_")
    return separate + tuple(gate + end for gate in gates for end in ends)


def layer_products(variables: Sequence[keras.Variable], gradients: Sequence[Tensor]) -> Tensor:
    """Multiply the gradients of the tasks with one another: (layers, tasks, tasks).

    gradients: of each variable, (tasks, *shape).
    """
    products: dict[str, Tensor] = {}
    for variable, gradient in zip(variables, gradients, strict=True):
        rows = ops.reshape(gradient, (gradient.shape[0], -1))
        layer = variable.path.rpartition("/")[0]
        products[layer] = products.get(layer, 0.0) + rows @ ops.transpose(rows)
    return ops.stack(list(products.values()))
