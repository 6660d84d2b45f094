from keras import layers, ops

from . import config
from .kinds import TASKS, Tensor


def share(encoding: Tensor) -> dict[str, Tensor]:
    """Mix private and shared experts by gates, level by level (PLE; one level is CGC).

    A level turns a stream for each task and a shared stream into new ones. The gate of a task
    mixes its private experts with the shared ones; the gate of the shared stream mixes all experts.
    The last level has no shared stream: it returns the representations of the tasks.

    Reference: Tang et al., "Progressive Layered Extraction (PLE)" (RecSys 2020),
    https://doi.org/10.1145/3383313.3412236

    Args:
        encoding: What the trunk returns, (batch, features).

    Returns:
        The representation of each task, (batch, units).
    """
    streams, common = dict.fromkeys([task.name for task in TASKS], encoding), encoding
    for level in range(1, config.NUM_LEVELS + 1):
        name = f"experts_{level}"
        private = experts([*streams.values()], config.NUM_PRIVATE_EXPERTS, f"{name}_private")
        shared = experts([common], config.NUM_EXPERTS, f"{name}_shared")
        parts = zip(streams.items(), ops.split(private, len(streams), axis=1), strict=True)
        streams = {t: mix(s, [own, shared], f"{t}_gate_{level}") for (t, s), own in parts}
        if level < config.NUM_LEVELS:
            common = mix(common, [private, shared], f"{name}_gate")
    return streams


def experts(streams: list[Tensor], each: int, name: str) -> Tensor:
    """Add `each` experts on every stream, one batched product a layer: (batch, experts, units)."""
    x = ops.stack([stream for stream in streams for _ in range(each)], axis=1)
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        x = layers.EinsumDense(
            "bnf,nfu->bnu",
            (len(streams) * each, units),
            activation="relu",
            bias_axes="nu",
            kernel_initializer="lecun_uniform",  # by fan-in: experts would count as fan-out
            name=f"{name}_{i}",
        )(x)
    return x


def mix(stream: Tensor, experts: list[Tensor], name: str) -> Tensor:
    """Average experts under the softmax gate of a stream: (batch, units)."""
    mixed = ops.concatenate(experts, axis=1)
    gate = layers.Dense(mixed.shape[1], activation="softmax", name=name)
    return layers.Dot(axes=1)([gate(stream), mixed])
