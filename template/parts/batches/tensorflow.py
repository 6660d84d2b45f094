def in_batches(rows: Examples, size: int) -> tf.data.Dataset:
    """What `fit` validates on: the rows in batches, in their order."""
    arrays = tf.nest.map_structure(tf.constant, rows.as_tuple())

    def batch(start: tf.Tensor) -> tuple[dict[str, tf.Tensor], ...]:
        return tf.nest.map_structure(lambda array: array[start : start + size], arrays)

    starts = tf.data.Dataset.range(0, len(rows), size)
{% if distribution == 'none' %}
    # This hides the number of batches: Keras makes two iterators for each validation if it knows.
    starts = starts.filter(lambda start: True)
{% endif %}
    return starts.map(batch).prefetch(tf.data.AUTOTUNE)


{% if not answers.streamed %}
def batches(rows: Examples, size: int, seed: int) -> tuple[tf.data.Dataset, callbacks.Callback]:
    """What `fit` trains on, and the callback that shuffles it before each epoch.

    (Of arrays, `fit` itself would make one order, and repeat it in every epoch.)
    """
    arrays = tf.nest.map_structure(tf.constant, rows.as_tuple())
    order = tf.Variable(np.arange(len(rows)))

    def batch(start: tf.Tensor) -> tuple[dict[str, tf.Tensor], ...]:
        chosen = order[start : start + size]
        return tf.nest.map_structure(lambda array: tf.gather(array, chosen), arrays)

    def shuffle(epoch: int, logs: Any) -> None:
        order.assign(shuffled(len(rows), seed, epoch))

    starts = tf.data.Dataset.range(0, len(rows), size)
    dataset = starts.map(batch, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return dataset, callbacks.LambdaCallback(on_epoch_begin=shuffle)
{% else %}
def batches(rows: Streamed, size: int, seed: int) -> tuple[tf.data.Dataset, callbacks.Callback]:
    """What `fit` trains on, and the callback that says which epoch begins."""
    current = 0

    def begin(epoch: int, logs: Any) -> None:
        nonlocal current
        current = epoch

    def windows() -> Iterator[tuple[dict[str, Any], ...]]:
        for window in rows.windows(size, seed, current):
            yield window.as_tuple()

    def cut(*window: dict[str, tf.Tensor]) -> tf.data.Dataset:  # in the graph: Python is slow
        count = tf.shape(tf.nest.flatten(window)[0], tf.int64)[0]
        return tf.data.Dataset.range(0, count, size).map(
            lambda start: tf.nest.map_structure(lambda array: array[start : start + size], window)
        )

    signature = tf.nest.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), rows.none.as_tuple()
    )
    dataset = tf.data.Dataset.from_generator(windows, output_signature=signature).flat_map(cut)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps(len(rows), size)))
    return dataset.prefetch(tf.data.AUTOTUNE), callbacks.LambdaCallback(on_epoch_begin=begin)
{% endif %}
