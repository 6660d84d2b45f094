import os
from typing import Any

import keras
import tensorflow as tf

from .data import Examples
from .epochs import Pieces, convolves
from .kinds import Tensor

# Sums in a fixed order: the same seed gives the same history.
os.environ.setdefault("TF_DETERMINISTIC_OPS", "1")
# XLA compiles for 1 s and saves 0.4 ms a batch: worth it from so many batches an epoch (20 epochs).
XLA_BATCHES = 150


def most_batches(network: keras.Model) -> int:
    """Return how many batches a piece may have."""
    return 2048


class EpochModel(keras.Model):
    """Train a network on a whole piece at once: a loop over its batches, in one program.

    Callbacks that save the model save its `network`.
    """

    pieces: "Pieces | None" = None  # else a step is one batch, as in any model

    def __init__(self, network: keras.Model) -> None:
        super().__init__(name=network.name)
        self.network, self.built = network, True

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile as Keras does."""
        super().compile(*args, **kwargs)
        # Traced anew for each number of variables, since metrics make theirs late.
        self.results = tf.function(lambda _: keras.Model.get_metrics_result(self), autograph=False)
        self.reset = tf.function(lambda _: keras.Model.reset_metrics(self), autograph=False)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Predict with the network."""
        return self.network(inputs, training=training)

    def make_train_function(self, force: bool = False) -> None:
        """Make what `fit` calls; pieces are read here: tf.data takes longer, and hides errors."""
        pieces = self.pieces
        if not pieces:
            return super().make_train_function(force)
        many = len(pieces) * pieces.batches >= XLA_BATCHES
        layers = self.network._flatten_layers()  # LSTMs of cuDNN, for one, cannot be compiled
        xla = many and not convolves(self.network) and all(x.supports_jit for x in layers)
        program = tf.function(self.train_step, jit_compile=xla or None, autograph=False)
        self.train_function = lambda _: program(pieces[0])

    def make_metrics(self, row: Examples) -> None:
        """Make the variables of losses and metrics, else the program is traced once for that."""
        x, y, weights = row.as_tuple()
        self.compute_loss(x, y, self(x), weights, training=False)
        self.compute_metrics(x, y, self(x), weights)

    def train_batch(self, data: Any) -> dict[str, Tensor]:
        """Train on a batch; return the logs."""
        return super().train_step(data)

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Train on a piece; return the logs."""
        count = self.pieces.batches if self.pieces else 1
        if count == 1:
            return self.train_batch(data)
        data = tf.nest.map_structure(lambda a: tf.reshape(a, (-1, count, *a.shape[1:])), data)

        def train(number: tf.Tensor) -> list[tf.Tensor]:
            self.train_batch(tf.nest.map_structure(lambda array: array[:, number], data))
            return [number + 1]

        tf.while_loop(lambda number: number < count, train, [0], parallel_iterations=1)
        return super().get_metrics_result()

    def get_metrics_result(self) -> dict[str, Tensor]:
        """Compute the results of the metrics, in one call."""
        return self.results(len(self.metrics_variables))

    def reset_metrics(self) -> None:
        """Reset the metrics, in one call."""
        self.reset(len(self.metrics_variables))
