    def train_step(self, state: Any, data: Any) -> tuple[dict[str, Tensor], Any]:
        """One step on a batch; returns the logs and the state after it."""
        trainable, others, optimizer, measured = state
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)

{% if gradients %}
        def forward(*parts: list[Tensor]) -> Any:
            with self.scope(self.merge(*parts), others, measured) as scope:
                y_pred = self(x, training=True)
                losses = self.measure(y, y_pred, sample_weight)
                both = losses, self.losses
            return both, (y_pred, self.state(scope))

        (losses, of_layers), pull_back, (y_pred, (others, measured)) = jax.vjp(
            forward, *self.split(trainable), has_aux=True
        )
        none, all_of = ([of(loss) for loss in of_layers] for of in (ops.zeros_like, ops.ones_like))
        # One task after the other: cuDNN's LSTM has no vmap.
        by_task = jax.lax.map(lambda task: pull_back((task, none))[0], ops.eye(len(config.TASKS)))
        private = pull_back((ops.ones_like(losses), none))[1]
        with self.scope(trainable, others, measured) as scope:
            steps = self.merge(self.steer(by_task, losses), private)
            if of_layers:  # such as those of regularizers, which no task's gradient meets
                added = self.merge(*pull_back((ops.zeros_like(losses), all_of)))
                steps = [step + more for step, more in zip(steps, added, strict=True)]
            logs = self.log(x, y, y_pred, sample_weight, losses)
        others, measured = self.state(scope)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
{% else %}
        def forward(trainable: list[Tensor]) -> Any:
            with self.scope(trainable, others, measured) as scope:
                y_pred = self(x, training=True)
                losses = self.measure(y, y_pred, sample_weight)
                total = sum(self.losses, self.weighting(losses, training=True))
            return total, (losses, y_pred, self.state(scope))

        steps, (losses, y_pred, (others, measured)) = jax.grad(forward, has_aux=True)(trainable)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, steps, trainable)
        with self.scope(trainable, others, measured) as scope:
            after = self.measure(y, self(x, training=True), sample_weight)
            self.weighting.follow(losses, after)
            self.watch(losses > 0)
            logs = self.log(x, y, y_pred, sample_weight, losses)
        others, measured = self.state(scope)
{% endif %}
        return logs, (trainable, others, optimizer, measured)

    def scope(self, *values: list[Tensor]) -> keras.StatelessScope:
        """Within it, trainable variables, others and those of metrics have these values."""
        variables = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        pairs = zip(itertools.chain(*variables), itertools.chain(*values), strict=True)
        return keras.StatelessScope(state_mapping=list(pairs), collect_losses=True)

    def state(self, scope: keras.StatelessScope) -> list[list[Tensor]]:
        """What a scope has made of the other variables, and of those of metrics."""
        variables = (self.non_trainable_variables, self.metrics_variables)
        return [[scope.get_current_value(v) for v in group] for group in variables]
