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


def batches(rows: Examples, size: int, seed: int) -> tuple[Batches, callbacks.Callback]:
    """What `fit` trains on, and the callback that shuffles it before each epoch."""
    dataset = Batches(rows, size)

    def shuffle(epoch: int, logs: Any) -> None:
        dataset.order = shuffled(len(rows), seed, epoch)

    return dataset, callbacks.LambdaCallback(on_epoch_begin=shuffle)
