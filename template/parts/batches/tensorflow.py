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
