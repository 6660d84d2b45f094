from keras import layers

from . import config
from .kinds import TASKS, Tensor


def share(encoding: Tensor) -> dict[str, Tensor]:
    """Mix shared experts by a gate for each task (MMoE).

    A gate is a softmax over the experts, and a task's representation the mean of their outputs
    under its gate. The experts of a layer are one batched product: (batch, experts, units).

    Reference: Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
    Mixture-of-Experts" (KDD 2018), https://doi.org/10.1145/3219819.3220007

    Args:
        encoding: What the trunk returns, (batch, features).

    Returns:
        The representation of each task, (batch, units).
    """
    experts, axes = encoding, "bf"  # the first layer of all experts reads the same encoding
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        experts = layers.EinsumDense(
            f"{axes},nfu->bnu",
            (config.NUM_EXPERTS, units),
            activation="relu",
            bias_axes="nu",
            kernel_initializer="lecun_uniform",  # by fan-in: experts would count as fan-out
            name=f"experts_{i}",
        )(experts)
        axes = "bnf"
    representations = {}
    for task in TASKS:
        gate = layers.Dense(config.NUM_EXPERTS, activation="softmax", name=f"{task.name}_gate")
        representations[task.name] = layers.Dot(axes=1)([gate(encoding), experts])
    return representations
