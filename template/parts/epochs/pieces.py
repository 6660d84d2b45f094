import math
from itertools import chain, count
from typing import Any

import keras
import numpy as np

from .data import Arrays, Examples
from .epochs import most_batches

# A piece has at most so many bytes, and multiplications of predicting: a second's work or two.
PIECE_BYTES, PIECE_WORK = 2**26, 2**32
# The rows of a batch are a multiple of this: of the number of devices, where there are several.
MULTIPLE = 1


class Pieces(keras.utils.PyDataset):
    """Training rows in pieces of equally many batches; seed and epoch decide the order.

    Rows are dealt to the batches evenly. So that all batches have one shape, some end with rows of
    others, whose weights are 0: no loss counts them, and to BatchNormalization they are real rows.
    """

    def __init__(self, rows: Examples, network: keras.Model, size: int, seed: int) -> None:
        super().__init__()
        self.rows, self.seed, batches = rows, seed, math.ceil(len(rows) / size)
        work = network.count_params() * max(math.prod(x.shape[1:-1]) for x in network.inputs)
        most = min(PIECE_BYTES // rows.row_bytes(), PIECE_WORK // work) // size
        self.pieces = math.ceil(batches / min(most_batches(network), max(1, most)))
        self.batches = math.ceil(batches / self.pieces)  # in each piece
        even = math.ceil(len(rows) / (self.pieces * self.batches))
        self.size = min(size, math.ceil(even / MULTIPLE) * MULTIPLE)
        self.begin(0)

    def begin(self, epoch: int, logs: Any = None) -> None:
        """Begin an epoch, as a callback; without one, the next epoch follows."""
        epochs = (self.rows.windows(len(self), number, self.seed) for number in count(epoch))
        self.windows = chain.from_iterable(map(enumerate, epochs))

    def __len__(self) -> int:
        return self.pieces

    def __getitem__(self, index: int) -> tuple[Arrays, Arrays, Arrays]:
        """Return the next piece; every `batches`-th row is one of the same batch."""
        piece, (rows, order) = next(self.windows)
        numbers = piece * self.batches + np.arange(self.batches + 1)
        bounds = len(self.rows) * numbers // (len(self) * self.batches)
        bounds -= bounds[0]
        places = bounds[:-1] + np.arange(self.size)[:, None]
        x, y, weights = rows.take(order[places.ravel() % len(order)]).as_tuple()
        return x, y, {k: weight * (places < bounds[1:]).ravel() for k, weight in weights.items()}


def convolves(layer: keras.layers.Layer) -> bool:
    """Tell whether a network has convolutions: XLA is 25 times slower with them in a CPU's loop."""
    inner = layer.layers if isinstance(layer, keras.Model) else []
    return "Conv" in type(layer).__name__ or any(map(convolves, inner))
