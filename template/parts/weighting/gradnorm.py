{% import 'template/parts/sharing/' ~ answers.scheme ~ '.py' as shared with context %}
{% set stateful = true %}
{% set gradients = 'gradients, losses, last' %}
{% set last_layer = true %}
{% set refused = {'GRADNORM_ALPHA': -1.5, 'GRADNORM_LEARNING_RATE': 0.0} %}
{% set cost = ('1.2', '1.2') %}
{% set advice = 'GradNorm is worth a try where one task outruns the others.' %}
{% set total = 'a sum with weights under which all tasks train at similar rates (GradNorm)' %}
{% set constants %}
# Of the loss weights: how strongly slower tasks are favoured, and their step size.
GRADNORM_ALPHA = {{ gradnorm_alpha }}
GRADNORM_LEARNING_RATE = {{ gradnorm_learning_rate }}
{% endset %}
{% set others = answers.kinds | reject('equalto', 'regression') | list %}
{% set of_mean = 'huber_of_the_mean()' if answers.huber else '1.0' %}
{% if not others %}
def first_losses() -> np.ndarray:
    """Of predictions that know nothing: {{ 'of the mean' if answers.huber else 'the variance, its unit' }}."""
    return np.{{ 'full(len(config.TASKS), huber_of_the_mean(), ' if answers.huber else 'ones(len(config.TASKS), ' }}"float32")
{% elif 'multiclass' not in answers.kinds and 'regression' not in answers.kinds %}
def first_losses() -> np.ndarray:
    """Of predictions that know nothing: the entropy of even odds."""
    return np.full(len(config.TASKS), math.log(2), "float32")
{% else %}
def first_losses() -> np.ndarray:
    """Of predictions that know nothing."""
    return np.array([knowing_nothing(task) for task in config.TASKS], "float32")


def knowing_nothing(task: config.Task) -> float:
    """The loss of knowing nothing: {{ ('that of the mean, or ' if answers.huber else 'the variance, its unit, or ') if 'regression' in answers.kinds }}the entropy of even odds."""
    {% if 'regression' in answers.kinds %}
    if task.kind == "regression":
        return {{ of_mean }}
    {% endif %}
    {% if 'multiclass' in others and others | length > 1 %}
    return math.log(task.width if task.kind == "multiclass" else 2)
    {% elif 'multiclass' in others %}
    return math.log(task.width)
    {% else %}
    return math.log(2)
    {% endif %}
{% endif %}
{% if answers.huber %}


def huber_of_the_mean() -> float:
    """The loss of predicting the mean of normal labels; for a large HUBER_DELTA the variance, 1."""
    delta = config.HUBER_DELTA
    within = math.erf(delta / math.sqrt(2))
    density = math.sqrt(2 / math.pi) * math.exp(-(delta**2) / 2)
    return within + delta * density - delta**2 * (1 - within)
{% endif %}


class Weighting(layers.Layer):
    """GradNorm: weights under which the gradients of all tasks are as long as their rates ask.

    On the last shared layer, with the gradient norm n of each task's loss, w n is drawn to its
    mean over the tasks times r^α, r being the task's L / L(0) over the mean of that: log w goes
    down the slope of the sum of |w n - mean(w n) r^α|, in units of mean(w n), and w is scaled to
    a sum of T. As the paper proposes where the first loss is a matter of luck, L(0) is that of a
    prediction which knows nothing. Other than there, a head takes its own gradient, not w times
    it. A backward pass of the shared layers a task. α and the step size are GRADNORM_ALPHA and
    GRADNORM_LEARNING_RATE of config.py, 1.5 and 0.025.

    Chen, Badrinarayanan, Lee and Rabinovich, "GradNorm" (ICML 2018),
    https://arxiv.org/abs/1711.02257
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check("GRADNORM_ALPHA", 0, 1e6)
        check("GRADNORM_LEARNING_RATE", 1e-6, 1e6)
        self.task_weights = self.add_weight(
            shape=(len(config.TASKS),), initializer="ones", trainable=False, name="task_weights"
        )

    def combine(self, gradients: Tensor, losses: Tensor, last: int) -> Tensor:
        """The weighted sum of the tasks' gradients; the weights then move on.

        last: parameters of the last shared layer, in the last columns of the gradients.
        """
        combined = self.task_weights @ gradients
        norms = ops.norm(gradients[:, -last:], axis=1)
        self.task_weights.assign(balance(self.task_weights.value, norms, losses / first_losses()))
        return combined


def balance(weights: Tensor, norms: Tensor, rates: Tensor) -> Tensor:
    """The weights after a step; those of tasks without a loss stay, and so does the sum."""
    labelled = ops.cast(rates > 0, "float32")
    tasks = ops.maximum(ops.sum(labelled), 1.0)
    lengths = weights * norms
    mean = ops.sum(labelled * lengths) / tasks
    rates = rates / ops.maximum(ops.sum(labelled * rates) / tasks, 1e-8)
    pull = ops.sign(lengths - mean * rates**config.GRADNORM_ALPHA)
    pull = pull * lengths / ops.where(mean > 0, mean, 1.0)
    moved = labelled * weights * ops.exp(-config.GRADNORM_LEARNING_RATE * pull)
    scale = ops.sum(labelled * weights) / ops.maximum(ops.sum(moved), 1e-8)
    return ops.where(labelled > 0, scale * moved, weights)
{% set tests %}
def test_norms_are_those_of_the_last_layer_that_tasks_share(model):
{% if answers.head_style == 'shared_output' %}
    last = model.get_layer("shared_output")
{% elif shared.last is defined %}
    last = model.get_layer({{ shared.last }})
{% else %}
    *_, last = (layer for layer in model.get_layer("trunk").layers if layer.trainable_variables)
{% endif %}
    shared, _ = model.split(model.trainable_variables)
    assert last_layer_size(shared) == last.count_params()


def test_the_weight_of_a_slower_task_grows():
    weighting, gradients = Weighting(), np.ones((T, 4), "float32")
    weighting.combine(gradients, 0.5 * first_losses(), last=4)
    np.testing.assert_allclose(weighting.task_weights.numpy(), np.ones(T), rtol=1e-6)
    weighting.combine(gradients, np.where(np.arange(T) > 0, 0.5, 1) * first_losses(), last=4)
    slow, *others = weighting.task_weights.numpy()
    assert slow > max(others)
    np.testing.assert_allclose(slow + sum(others), T, rtol=1e-6)


def test_a_step_by_hand():
    weights = np.linspace(0.5, 1.5, T, dtype="float32")
    norms, rates = np.linspace(2, 1, T), np.linspace(1, 0.5, T)
    lengths = weights * norms
    aims = lengths.mean() * (rates / rates.mean()) ** config.GRADNORM_ALPHA
    slopes = np.sign(lengths - aims) * lengths / lengths.mean()
    expected = weights * np.exp(-config.GRADNORM_LEARNING_RATE * slopes)
    expected *= weights.sum() / expected.sum()
    moved = balance(weights, norms.astype("float32"), rates.astype("float32"))
    np.testing.assert_allclose(moved, expected, rtol=1e-5)


def test_tasks_of_one_rate_end_with_gradients_of_one_length():
    weights, rates = np.ones((2, T), "float32")
    norms = np.geomspace(1, 100, T, dtype="float32")
    for _ in range(1000):
        weights = np.array(balance(weights, norms, rates))
    lengths = weights * norms
    assert lengths.max() / lengths.min() < 1.5


def test_a_task_without_a_loss_keeps_its_weight_and_disturbs_none():
    weights, norms, rates = np.ones((3, T), "float32")
    norms[0] = rates[0] = 0
    np.testing.assert_array_equal(balance(weights, norms, rates), weights)


def test_the_step_is_the_weighted_sum_of_the_gradients():
    gradients = np.random.default_rng(0).normal(size=(T, 5)).astype("float32")
    weighting = Weighting()
    weighting.task_weights.assign(np.arange(1, T + 1))
    combined = weighting.combine(gradients, np.ones(T, "float32"), last=2)
    np.testing.assert_allclose(combined, np.arange(1, T + 1) @ gradients, rtol=1e-5)
{% if answers.huber %}


def test_the_first_loss_of_a_regression_is_that_of_the_mean_of_normal_labels():
    errors, delta = np.abs(np.random.default_rng(0).normal(size=100_000)), config.HUBER_DELTA
    expected = np.where(errors <= delta, errors**2, 2 * delta * errors - delta**2).mean()
    first = first_losses()[[task.kind for task in config.TASKS].index("regression")]
    np.testing.assert_allclose(first, expected, rtol=1e-2)
{% endif %}
{% endset %}
