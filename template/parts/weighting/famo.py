{% set coupled = true %}
{% set stateful = true %}
{% set trains = true %}
{% set follows = true %}
{% set refused = {'FAMO_LEARNING_RATE': 'math.inf', 'FAMO_DECAY': -0.001} %}
{% set cost = ('1.1', '1.2') %}
{% set advice = 'FAMO is worth a try where losses fall at very different rates and there are many tasks; where one of them is all but solved, with a loss near 0, it takes the weight of all others.' %}
{% set total = 'a sum with weights under which the logarithms of all losses fall alike (FAMO)' %}
{% set constants %}
# Of the logits of the loss weights: their step size, and what pulls them together.
FAMO_LEARNING_RATE = {{ famo_learning_rate }}
FAMO_DECAY = {{ famo_decay }}
{% endset %}
class Weighting(layers.Layer):
    """FAMO: weights under which the logarithms of all losses fall alike.

    The total is the sum of w L, with w = z / L and z = softmax(ξ), scaled to a sum of 1 (in a batch
    without a label of some tasks, to the share of the others). After each step ξ moves, by Adam,
    against the share that each task has in the fall of the log losses on the same examples, plus a
    decay. A task whose loss is near 0 takes the weight of all others. One backward pass and a
    second forward pass a step. Step size and decay: FAMO_LEARNING_RATE and FAMO_DECAY of
    config.py, the authors' 0.025 and 0.001.

    Liu, Feng, Stone and Liu, "FAMO: Fast Adaptive Multitask Optimization" (NeurIPS 2023),
    https://arxiv.org/abs/2306.03792
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check("FAMO_LEARNING_RATE", 1e-6, 1e6)
        check("FAMO_DECAY", 0, 1e6)
        tasks = {"shape": (len(config.TASKS),), "initializer": "zeros", "trainable": False}
        self.task_weights = self.add_weight(name="task_weights", **tasks)
        self.logits = self.add_weight(name="logits", **tasks)
        self.moments = [self.add_weight(name=f"moment_{i}", **tasks) for i in (1, 2)]
        self.steps = self.add_weight(shape=(), initializer="zeros", trainable=False, name="steps")

    def call(self, losses: Tensor, training: bool = False) -> Tensor:
        if not training:
            return ops.sum(losses)
        ratios = ops.where(losses > 0, ops.softmax(self.logits) / ops.maximum(losses, 1e-8), 0.0)
        total = ops.mean(ops.cast(losses > 0, "float32"))
        weights = total * ratios / ops.maximum(ops.sum(ratios), 1e-8)
        self.task_weights.assign(ops.stop_gradient(weights))
        return ops.sum(self.task_weights * losses)

    def follow(self, losses: Tensor, after: Tensor) -> None:
        """Move the logits, from the losses before a step and after it."""
        labelled = ops.cast(losses > 0, "float32")
        shares = labelled * ops.softmax(self.logits)
        shares = shares / ops.maximum(ops.sum(shares), 1e-8)
        falls = ops.log(ops.maximum(losses, 1e-8)) - ops.log(ops.maximum(after, 1e-8))
        slopes = shares * (falls - ops.sum(shares * falls))
        slopes += labelled * config.FAMO_DECAY * self.logits
        self.steps.assign_add(1.0)
        first, second = self.moments
        first.assign(0.9 * first + 0.1 * slopes)
        second.assign(0.999 * second + 0.001 * slopes**2)
        length = ops.sqrt(second / (1 - 0.999**self.steps)) + 1e-8
        step = config.FAMO_LEARNING_RATE * first / (1 - 0.9**self.steps) / length
        self.logits.assign_add(-labelled * step)
{% set tests %}
def test_the_first_weights_by_hand():
    weighting, losses = Weighting(), np.geomspace(2, 0.5, T, dtype="float32")
    total = float(weighting(losses, training=True))
    expected = (1 / losses) / (1 / losses).sum()
    np.testing.assert_allclose(weighting.task_weights.numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(total, expected @ losses, rtol=1e-5)


def test_the_first_step_of_the_logits_by_hand():
    weighting, losses = Weighting(), np.ones(T, "float32")
    falls = (np.arange(T) / T) ** 2
    weighting.follow(losses, np.exp(-falls).astype("float32"))
    # Adam's first step is as long as its learning rate, whatever the slope.
    expected = -config.FAMO_LEARNING_RATE * np.sign(falls - falls.mean())
    np.testing.assert_allclose(weighting.logits.numpy(), expected, rtol=1e-3, atol=1e-6)


def test_a_task_without_a_loss_has_no_weight_and_keeps_its_logit():
    weighting, losses = Weighting(), np.ones(T, "float32")
    losses[0] = 0
    weighting(losses, training=True)
    assert float(weighting.task_weights[0]) == 0
    np.testing.assert_allclose(np.sum(weighting.task_weights), (T - 1) / T, rtol=1e-6)
    weighting.follow(losses, losses / 2)
    assert float(weighting.logits[0]) == 0


def test_the_logits_follow_a_training_step(model, batch):
    def losses():
        return model.measure(batch.labels, model(batch.inputs), batch.weights)

    before, first = model.get_weights(), losses()
    model.optimizer.learning_rate = 0.01
    model.train_on_batch(batch.inputs, batch.labels, sample_weight=batch.weights)
    weighting = Weighting()
    weighting.follow(first, losses())
    expected, found = weighting.moments[0].numpy(), model.weighting.moments[0].numpy()
    model.optimizer.learning_rate = STEP
    model.set_weights(before)
    assert expected.any()
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-7)
{% endset %}
