class Batches(keras.utils.PyDataset):
    """Rows of examples in batches, by an order that may change between epochs."""

    def __init__(self, rows: Examples, size: int) -> None:
        super().__init__()
        self.rows, self.size, self.order = rows, size, np.arange(len(rows))

    def __len__(self) -> int:
        return steps(len(self.rows), self.size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], ...]:
        start = index * self.size
{% if distribution == 'data_parallel' %}
        return distributed.share(self.rows, self.order[start : start + self.size])
{% else %}
        return self.rows.take(self.order[start : start + self.size]).as_tuple()
{% endif %}


{% if not answers.streamed %}
def batches(rows: Examples, size: int, seed: int) -> tuple[Batches, callbacks.Callback]:
    """What `fit` trains on, and the callback that shuffles it before each epoch."""
    dataset = Batches(rows, size)

    def shuffle(epoch: int, logs: Any) -> None:
        dataset.order = shuffled(len(rows), seed, epoch)

    return dataset, callbacks.LambdaCallback(on_epoch_begin=shuffle)
{% else %}
class StreamedBatches(keras.utils.PyDataset):
    """The rows of an epoch in batches, which Keras takes one after the other."""

    def __init__(self, rows: Streamed, size: int, seed: int) -> None:
        super().__init__()
        self.rows, self.size, self.seed, self.epoch = rows, size, seed, 0
        self.batches = self.read()

    def __len__(self) -> int:
        return steps(len(self.rows), self.size)

    def __getitem__(self, index: int) -> tuple[dict[str, np.ndarray], ...]:
        if index == 0:
            self.batches = self.read()
        return next(self.batches)

    def read(self) -> Iterator[tuple[dict[str, np.ndarray], ...]]:
        """The batches of an epoch."""
        for window in self.rows.windows(self.size, self.seed, self.epoch):
            for start in range(0, len(window), self.size):
                yield window.take(slice(start, start + self.size)).as_tuple()


def batches(rows: Streamed, size: int, seed: int) -> tuple[StreamedBatches, callbacks.Callback]:
    """What `fit` trains on, and the callback that says which epoch begins."""
    dataset = StreamedBatches(rows, size, seed)

    def begin(epoch: int, logs: Any) -> None:
        dataset.epoch = epoch

    return dataset, callbacks.LambdaCallback(on_epoch_begin=begin)
{% endif %}
