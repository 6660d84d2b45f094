from collections.abc import Sequence
from typing import Any

import jax
import keras

from .epochs import Pieces, convolves
from .kinds import Tensor


def most_batches(network: keras.Model) -> int:
    """Return how many batches a piece may have: 1 where a loop is slow."""
    return 1 if jax.default_backend() == "cpu" and convolves(network) else 2048


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
        self.compiled_results, self.compiled_reset = jax.jit(self.results), jax.jit(self.reset)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Predict with the network."""
        return self.network(inputs, training=training)

    def train_batch(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a batch; return the logs and the new state."""
        return super().train_step(state, data)

    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """Train on a piece; return the logs and the new state."""
        count = self.pieces.batches if self.pieces else 1
        if count == 1:
            return self.train_batch(state, data)
        data = jax.tree.map(lambda a: a.reshape(-1, count, *a.shape[1:]).swapaxes(0, 1), data)
        state, _ = jax.lax.scan(lambda s, b: (tuple(self.train_batch(s, b)[1]), None), state, data)
        return self.results(state[3]), state

    def results(self, values: Sequence[Tensor]) -> dict[str, Tensor]:
        """Compute the results of the metrics from the values of their variables."""
        with keras.StatelessScope(list(zip(self.metrics_variables, values, strict=True))):
            return super().get_metrics_result()

    def reset(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Compute the values of the metrics' variables after a reset."""
        pairs = list(zip(self.metrics_variables, values, strict=True))
        with keras.StatelessScope(pairs) as scope:
            super().reset_metrics()
        return [scope.get_current_value(variable) for variable, _ in pairs]

    def get_metrics_result(self) -> dict[str, Tensor]:
        """Compute the results of the metrics, in one program."""
        return self.compiled_results([variable.value for variable in self.metrics_variables])

    def reset_metrics(self) -> None:
        """Reset the metrics, in one program."""
        values = self.compiled_reset([variable.value for variable in self.metrics_variables])
        for variable, value in zip(self.metrics_variables, values, strict=True):
            variable.assign(value)
