from typing import Any

import keras

from .epochs import Pieces
from .kinds import Tensor


def most_batches(network: keras.Model) -> int:
    """Bound the batches of a piece: each is divided among the devices by itself."""
    return 1


class EpochModel(keras.Model):
    """Train a network on one batch after the other."""

    pieces: "Pieces | None" = None

    def __init__(self, network: keras.Model) -> None:
        super().__init__(name=network.name)
        self.network, self.built = network, True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Predict with the network."""
        return self.network(inputs, training=training)

    def train_batch(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        return super().train_step(data)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        return self.train_batch(data)
