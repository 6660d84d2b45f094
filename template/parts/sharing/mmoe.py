{% set by_row = true %}
{% set private = ['*(f"{task.name}_gate" for task in config.TASKS)'] if answers.head_style == 'stacked' else [] %}
{% set does = 'Every task mixes the same experts by a softmax of its own (MMoE)' %}
{% set reads = 'experts' %}
{% set last = 'f"experts_{len(config.EXPERT_UNITS)}"' %}
{% set tables = '1' %}
{% set advice %}
`train` and `evaluate` print the mean weight that each task's gate gives to each expert, over the held-out
rows or those of the table, labelled or not; `sharing.png` of a run shows it. Rows that are alike: the tasks share as with one trunk, and a
plain trunk would do. Rows with weights on different experts: the tasks have divided them among themselves.
A column near 0: no task uses that expert, and fewer would do. All near 1 / NUM_EXPERTS, where gates start:
they have not learned to choose. Weights say nothing of how large the numbers are that they multiply, and a
mean hides what a gate does by row: `gates` in `sharing.py` has the weights of each.
{% endset %}
{% set constants %}
# How many experts all tasks share, and the sizes of the layers of each.
NUM_EXPERTS = {{ num_experts }}
EXPERT_UNITS: tuple[int, ...] = {{ answers.tuple(answers.experts, 32) }}
{% endset %}
{% macro picture(last) %}
  {{ last }} --> experts["{{ num_experts }} experts<br/>of Dense {{ answers.experts | join(', ') }}"]
{% for task in answers.task_list %}
  {{ last }} --> gate{{ loop.index }}["{{ task.name }}_gate<br/>softmax {{ num_experts }}"]
  experts & gate{{ loop.index }} --> mixed{{ loop.index }}(("mean"))
{% endfor %}
{% endmacro %}
def share(encoding: Tensor) -> dict[str, Tensor]:
    """Experts that all tasks share, and for each task a gate that mixes them (MMoE).

    encoding: (batch, features). The experts are (batch, experts, units), one batched product a
    layer; a gate is a softmax over them, and a task's representation their mean under its gate.

    Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate
    Mixture-of-Experts" (KDD 2018), https://doi.org/10.1145/3219819.3220007
    """
    experts, axes = encoding, "bf"  # the first layer of all of them reads one encoding
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        experts = layers.EinsumDense(
            f"{axes},nfu->bnu",
            (config.NUM_EXPERTS, units),
            activation="relu",
            bias_axes="nu",
            kernel_initializer="lecun_uniform",  # by fan-in: experts would count as fan-out
            name=f"experts_{i}",
        )(experts)
        axes = "bnf"
    representations = {}
    for task in config.TASKS:
        gate = layers.Dense(config.NUM_EXPERTS, activation="softmax", name=f"{task.name}_gate")
        representations[task.name] = layers.Dot(axes=1)([gate(encoding), experts])
    return representations
{% set shares %}
def gates(model: MultiTaskModel, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By task, how much of each expert it takes: (rows, experts)."""
    outputs = {task: model.get_layer(f"{task}_gate").output for task in model.schema.targets}
    return dict(keras.Model(model.input, outputs).predict(inputs, verbose=0))


def shares(model: MultiTaskModel, inputs: dict[str, np.ndarray]) -> dict[str, pd.DataFrame]:
    """The mean over the rows of each task's gate: (tasks, experts)."""
    means = {task: gate.mean(axis=0) for task, gate in gates(model, inputs).items()}
    table = pd.DataFrame.from_dict(means, "index")
    return {"gates": table.rename(columns=lambda i: f"expert {i + 1}")}
{% endset %}
{% set tests %}
def test_a_gate_is_a_distribution_over_the_experts(model, batch):
    for gate in gates(model, batch.inputs).values():
        assert gate.shape == (len(batch), config.NUM_EXPERTS)
        assert (gate >= 0).all()
        np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-5)


def test_the_table_names_the_expert_that_a_task_takes(model, batch):
    before, (first, second, *_) = model.get_weights(), task_names()
    gate = model.get_layer(f"{second}_gate")
    kernel, bias = gate.get_weights()
    gate.set_weights([0 * kernel, 1000 * (np.arange(len(bias)) == 1)])
    [table] = shares(model, batch.inputs).values()
    by_row = gates(model, batch.inputs)[first]
    model.set_weights(before)
    assert table.loc[second, "expert 2"] == 1
    np.testing.assert_allclose(table.loc[first], by_row.mean(axis=0), rtol=1e-5)


def test_gates_differ_by_task(model, batch):
    first, *others = gates(model, batch.inputs).values()
    assert all(np.abs(first - other).max() > 1e-3 for other in others)


def test_representations_are_means_of_the_experts_under_the_gates():
    mixed, x = small(), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    experts = [x] * config.NUM_EXPERTS
    for i in range(1, len(config.EXPERT_UNITS) + 1):
        kernels, biases = mixed.get_layer(f"experts_{i}").get_weights()
        layer = zip(experts, kernels, biases, strict=True)
        experts = [np.maximum(expert @ kernel + bias, 0) for expert, kernel, bias in layer]
    for task, values in mixed.predict(x, verbose=0).items():
        kernel, bias = mixed.get_layer(f"{task}_gate").get_weights()
        odds = np.exp(x @ kernel + bias)
        gate = odds / odds.sum(axis=1, keepdims=True)
        expected = sum(g[:, None] * expert for g, expert in zip(gate.T, experts, strict=True))
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("expert", range(config.NUM_EXPERTS))
def test_with_all_gates_on_one_expert_it_is_a_shared_bottom_of_that_expert(expert):
    mixed, x = small(), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    for task in task_names():
        gate = mixed.get_layer(f"{task}_gate")
        kernel, bias = gate.get_weights()
        gate.set_weights([0 * kernel, 1000 * (np.arange(len(bias)) == expert)])
    dense = [keras.layers.Dense(units, activation="relu") for units in config.EXPERT_UNITS]
    bottom = keras.Sequential([keras.Input((5,)), *dense])
    for i, layer in enumerate(dense, start=1):
        layer.set_weights([w[expert] for w in mixed.get_layer(f"experts_{i}").get_weights()])
    expected = bottom.predict(x, verbose=0)
    for values in mixed.predict(x, verbose=0).values():
        np.testing.assert_allclose(values, expected, atol=1e-5)


def test_the_number_of_parameters():
    sizes = [5, *config.EXPERT_UNITS]
    expert = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
    gate = (5 + 1) * config.NUM_EXPERTS
    assert small().count_params() == config.NUM_EXPERTS * expert + T * gate
{% endset %}
