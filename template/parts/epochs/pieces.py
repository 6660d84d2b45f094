import math
from itertools import chain, count
from typing import Any

import keras
import numpy as np

from .data import Arrays, Examples
from .epochs import most_batches

# A piece has at most this many bytes, and multiplications in its forward pass: a second or two.
PIECE_BYTES, PIECE_WORK = 2**26, 2**32
# The size of a batch is rounded up to a multiple of this: the number of devices.
MULTIPLE = 1


class Pieces(keras.utils.PyDataset):
    """Training rows in pieces of equally many batches; seed and epoch decide the order.

    Rows are dealt to the batches evenly. Short batches are filled with rows of their piece at
    weight 0: losses ignore these, BatchNormalization and activity regularizers do not.
    """

    def __init__(self, rows: Examples, network: keras.Model, size: int, seed: int) -> None:
        super().__init__()
        self.rows, self.seed, batches = rows, seed, math.ceil(len(rows) / size)
        most = min(PIECE_BYTES // rows.row_bytes(), PIECE_WORK // row_work(network)) // size
        self.number = math.ceil(batches / min(most_batches(network), max(1, most)))
        self.batches = math.ceil(batches / self.number)  # in each piece
        even = math.ceil(len(rows) / (self.number * self.batches))
        self.size = min(size, math.ceil(even / MULTIPLE) * MULTIPLE)
        self.begin(0)

    def begin(self, epoch: int, logs: Any = None) -> None:
        """Begin an epoch, as a callback: Keras may have read a piece before."""
        epochs = (self.rows.windows(len(self), number, self.seed) for number in count(epoch))
        self.windows = chain.from_iterable(map(enumerate, epochs))

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, index: int) -> tuple[Arrays, Arrays, Arrays]:
        """Return the next piece, whatever the index: row i is in batch i % batches.

        So each of several devices, which take adjacent rows, has its part of every batch.
        """
        piece, (rows, order) = next(self.windows)
        numbers = piece * self.batches + np.arange(self.batches + 1)
        bounds = len(self.rows) * numbers // (len(self) * self.batches)
        bounds -= bounds[0]
        places = bounds[:-1] + np.arange(self.size)[:, None]
        x, y, weights = rows.take(order[places.ravel() % len(order)]).as_tuple()
        return x, y, {k: weight * (places < bounds[1:]).ravel() for k, weight in weights.items()}


def row_work(network: keras.Model) -> int:
    """Estimate the multiplications of predicting a row: parameters times positions."""
    shapes = [x.shape[1:] if "int" in x.dtype else x.shape[1:-1] for x in network.inputs]
    positions = max(math.prod(length or 1 for length in shape) for shape in shapes)
    return max(1, network.count_params() * positions)


def convolves(network: keras.Model) -> bool:
    """Tell whether it has convolutions: XLA is 25 times slower with them in a CPU's loop."""
    return any("Conv" in type(layer).__name__ for layer in network._flatten_layers())
