    def train_step(self, data: Any) -> dict[str, Tensor]:
        """One step on a batch; returns the logs."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        variables = self.trainable_variables
{% if gradients %}
        values = [v.value for v in variables]  # of a Keras variable, TensorFlow makes no zeros
        shared, private = self.split(values)
        with tf.GradientTape(persistent=True) as tape:
            y_pred = self(x, training=True)
            losses = self.measure(y, y_pred, sample_weight)
            each, of_layers = tf.unstack(losses), self.losses
        zero = tf.UnconnectedGradients.ZERO
        by_task = [tape.gradient(loss, shared, unconnected_gradients=zero) for loss in each]
        by_variable = zip(*by_task, strict=True)
        stacked = [tf.stack([tf.convert_to_tensor(g) for g in same]) for same in by_variable]
{% if mirrored %}
        stacked = [distributed.together(gradient) for gradient in stacked]
{% endif %}
        steps = self.merge(self.steer(stacked, losses), tape.gradient(losses, private))
        if of_layers:  # such as those of regularizers, which no task's gradient meets
            added = tape.gradient(of_layers, values, unconnected_gradients=zero)
            steps = [step + more for step, more in zip(steps, added, strict=True)]
{% if mirrored %}
        # The optimizer adds those of all devices.
        steps = [tf.convert_to_tensor(step) / distributed.count() for step in steps]
{% endif %}
        self.optimizer.apply(steps, variables)
{% else %}
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            losses = self.measure(y, y_pred, sample_weight)
            total = sum(self.losses, self.weighting(losses, training=True))
{% if mirrored %}
            total /= distributed.count()  # the gradients of all devices are added
{% endif %}
        self.optimizer.apply(tape.gradient(total, variables), variables)
        after = self.measure(y, self(x, training=True), sample_weight)
        self.weighting.follow(losses, after)
        self.watch(losses > 0)
{% endif %}
        return self.log(x, y, y_pred, sample_weight, losses)
