{% set by_row = true %}
{% set private = ['f"experts_{config.NUM_LEVELS}_private_"', '*(f"{task.name}_gate_" for task in config.TASKS)'] %}
{% set does = 'Every task mixes experts of its own with shared ones, level by level (PLE)' %}
{% set reads = 'experts' %}
{% set last = 'f"experts_{config.NUM_LEVELS}_shared_{len(config.EXPERT_UNITS)}"' %}
{% set tables = '2 * config.NUM_LEVELS - 1' %}
{% set advice %}
`train` and `evaluate` print the mean weight that each task's gate gives to each expert, over the held-out
rows or those of the table, labelled or not; `sharing.png` of a run shows it. Weight on the private columns
of the last level: the task goes its own way. (Those of a level before also feed the shared stream.) Weight on the shared ones: it learns with the others, and with the same columns for
all tasks a plain trunk would do. A shared column near 0 in all rows: fewer shared experts would do. The row
of the shared stream says whose experts the next level's shared ones build on. Gates start near
one weight for all. Weights say nothing of how large the numbers are that they multiply, and a mean hides
what a gate does by row: `gates` in `sharing.py` has the weights of each.
{% endset %}
{% set constants %}
# Levels of experts. In each: how many all tasks share, how many private ones each task has, and
# the sizes of the layers of each.
NUM_LEVELS = {{ num_levels }}
NUM_EXPERTS = {{ num_experts }}
NUM_PRIVATE_EXPERTS = {{ num_private_experts }}
EXPERT_UNITS: tuple[int, ...] = {{ answers.tuple(answers.experts, 32) }}
{% endset %}
{% macro picture(last) %}
{% for level in range(1, num_levels + 1) %}
{% set final = level == num_levels %}
  subgraph level{{ level }}["level {{ level }}, experts of Dense {{ answers.experts | join(', ') }}"]
    shared{{ level }}["{{ num_experts }} shared"]
{% for task in answers.task_list %}
{% set own = 'private' ~ level ~ '_' ~ loop.index %}
    {{ own }}["{{ num_private_experts }} of {{ task.name }}"]
    shared{{ level }} & {{ own }} --> {{ 'mixed' if final else 'gate' ~ level ~ '_' }}{{ loop.index }}(("{{ task.name }}<br/>_gate_{{ level }}"))
{% if not final %}
    {{ own }} --> gate{{ level }}
{% endif %}
{% endfor %}
{% if not final %}
    shared{{ level }} --> gate{{ level }}(("experts_{{ level }}<br/>_gate"))
{% endif %}
  end
  {{ 'gate' ~ (level - 1) if level > 1 else last }} --> shared{{ level }}
{% for task in answers.task_list %}
  {{ 'gate' ~ (level - 1) ~ '_' ~ loop.index if level > 1 else last }} --> private{{ level }}_{{ loop.index }}
{% endfor %}
{% endfor %}
{% endmacro %}
def share(encoding: Tensor) -> dict[str, Tensor]:
    """Levels of experts, some of each task's own, mixed by gates (PLE; a level is a CGC).

    encoding: (batch, features). A level turns a stream for each task and a shared one, each
    (batch, features), into new ones: a task's gate mixes its private experts with the shared
    ones, the shared stream's gate all experts. After the last level, which has no shared stream,
    the tasks' streams are their representations.

    Tang et al., "Progressive Layered Extraction (PLE)" (RecSys 2020),
    https://doi.org/10.1145/3383313.3412236
    """
    *streams, common = [encoding] * (len(config.TASKS) + 1)
    for level in range(1, config.NUM_LEVELS + 1):
        name = f"experts_{level}"
        private = experts(streams, config.NUM_PRIVATE_EXPERTS, f"{name}_private")
        shared = experts([common], config.NUM_EXPERTS, f"{name}_shared")
        by_task = ops.split(private, len(config.TASKS), axis=1)
        streams = [
            mix(stream, [own, shared], f"{task.name}_gate_{level}")
            for task, stream, own in zip(config.TASKS, streams, by_task, strict=True)
        ]
        if level < config.NUM_LEVELS:
            common = mix(common, [private, shared], f"{name}_gate")
    return {task.name: stream for task, stream in zip(config.TASKS, streams, strict=True)}


def experts(streams: list[Tensor], each: int, name: str) -> Tensor:
    """`each` experts on every stream, one batched product a layer: (batch, experts, units)."""
    x = ops.stack([stream for stream in streams for _ in range(each)], axis=1)
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        x = layers.EinsumDense(
            "bnf,nfu->bnu",
            (len(streams) * each, units),
            activation="relu",
            bias_axes="nu",
            kernel_initializer="lecun_uniform",  # by fan-in: experts would count as fan-out
            name=f"{name}_{i}",
        )(x)
    return x


def mix(stream: Tensor, experts: list[Tensor], name: str) -> Tensor:
    """The mean of the experts under the softmax that a gate makes of a stream: (batch, units)."""
    mixed = ops.concatenate(experts, axis=1)
    gate = layers.Dense(mixed.shape[1], activation="softmax", name=name)
    return layers.Dot(axes=1)([gate(stream), mixed])
{% set shares %}
def gates(model: MultiTaskModel, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By gate, how much of each expert it takes: (rows, experts), private ones first."""
    found = (layer for layer in model.layers if re.search(r"_gate(_\d+)?$", layer.name))
    outputs = {layer.name: layer.output for layer in found}
    return dict(keras.Model(model.input, outputs).predict(inputs, verbose=0))


def shares(model: MultiTaskModel, inputs: dict[str, np.ndarray]) -> dict[str, pd.DataFrame]:
    """The mean over the rows of each gate, by level: (tasks, experts), and the shared stream's."""
    means = {name: gate.mean(axis=0) for name, gate in gates(model, inputs).items()}
    names, tables, level = list(model.schema.targets), {}, 1
    # How many there are is the model's to say: config.py may have changed since.
    stacked = (model.get_layer(f"experts_1_{kind}_1").kernel for kind in ("private", "shared"))
    private, shared = (kernel.shape[0] for kernel in stacked)
    own = range(1, private // len(names) + 1)
    common = [f"shared {i}" for i in range(1, shared + 1)]
    while f"{names[0]}_gate_{level}" in means:
        rows = {name: means[f"{name}_gate_{level}"] for name in names}
        columns = [*(f"private {i}" for i in own), *common]
        tables[f"level {level}"] = pd.DataFrame.from_dict(rows, "index", columns=columns)
        if f"experts_{level}_gate" in means:
            rows = {"shared": means[f"experts_{level}_gate"]}
            columns = [*(f"{name} {i}" for name in names for i in own), *common]
            table = pd.DataFrame.from_dict(rows, "index", columns=columns)
            tables[f"level {level}, shared stream"] = table
        level += 1
    return tables
{% endset %}
{% set tests %}
P, S = config.NUM_PRIVATE_EXPERTS, config.NUM_EXPERTS
LAST = config.NUM_LEVELS


def test_a_gate_is_a_distribution_over_the_experts(model, batch):
    for name, gate in gates(model, batch.inputs).items():
        assert gate.shape == (len(batch), T * P + S if name.startswith("experts_") else P + S)
        assert (gate >= 0).all()
        np.testing.assert_allclose(gate.sum(axis=1), 1, rtol=1e-5)


def test_the_tables_name_the_expert_that_a_gate_takes(model, batch):
    before, (first, second, *_) = model.get_weights(), task_names()
    chosen = {f"{first}_gate_{LAST}": P - 1, f"{second}_gate_1": P, "experts_1_gate": P}
    for name in chosen.keys() & {layer.name for layer in model.layers}:
        gate = model.get_layer(name)
        kernel, bias = gate.get_weights()
        gate.set_weights([0 * kernel, 1000 * (np.arange(len(bias)) == chosen[name])])
    tables, by_row = shares(model, batch.inputs), gates(model, batch.inputs)
    model.set_weights(before)
    assert tables[f"level {LAST}"].loc[first, f"private {P}"] == 1
    assert tables["level 1"].loc[second, "shared 1"] == 1
    mean = by_row[f"{second}_gate_{LAST}"].mean(axis=0)
    np.testing.assert_allclose(tables[f"level {LAST}"].loc[second], mean, rtol=1e-5)
    if LAST > 1:
        assert tables["level 1, shared stream"].loc["shared", f"{second} 1"] == 1


@pytest.mark.parametrize("level", range(1, LAST + 1))
def test_gates_differ_by_task(model, batch, level):
    found = gates(model, batch.inputs)
    first, *others = (found[f"{task}_gate_{level}"] for task in task_names())
    assert all(np.abs(first - other).max() > 1e-3 for other in others)


@pytest.mark.parametrize("task", task_names())
def test_private_experts_of_the_last_level_have_gradients_of_their_own_task_only(
    model, batch, task
):
    gradient = gradients(model, batch, task)
    own = {task_names().index(task) * P + i for i in range(P)}
    paths = [path for path in gradient if path.startswith(f"experts_{LAST}_private_")]
    reached = {i for path in paths for i, row in enumerate(gradient[path]) if row.any()}
    assert reached and reached <= own


def test_representations_are_the_paper_s_by_hand():
    mixed, x = small(), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    weights = {layer.name: layer.get_weights() for layer in mixed.layers}

    def expert(x: np.ndarray, name: str, number: int) -> np.ndarray:
        for i in range(1, len(config.EXPERT_UNITS) + 1):
            kernels, biases = weights[f"{name}_{i}"]
            x = np.maximum(x @ kernels[number] + biases[number], 0)
        return x

    def mean(stream: np.ndarray, gate: str, parts: list[np.ndarray]) -> np.ndarray:
        kernel, bias = weights[gate]
        odds = np.exp(stream @ kernel + bias)
        pairs = zip((odds / odds.sum(axis=1, keepdims=True)).T, parts, strict=True)
        return sum(share[:, None] * part for share, part in pairs)

    streams, common = dict.fromkeys(task_names(), x), x
    for level in range(1, LAST + 1):
        name = f"experts_{level}"
        shared = [expert(common, f"{name}_shared", i) for i in range(S)]
        private = {
            task: [expert(stream, f"{name}_private", k * P + i) for i in range(P)]
            for k, (task, stream) in enumerate(streams.items())
        }
        streams = {
            task: mean(stream, f"{task}_gate_{level}", private[task] + shared)
            for task, stream in streams.items()
        }
        if level < LAST:
            every = [*itertools.chain(*private.values()), *shared]
            common = mean(common, f"{name}_gate", every)
    for task, values in mixed.predict(x, verbose=0).items():
        np.testing.assert_allclose(values, streams[task], rtol=1e-4, atol=1e-5)


def test_with_all_gates_on_a_private_expert_tasks_are_separate_networks():
    mixed, x = small(), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    for layer in mixed.layers:
        if "_gate" in layer.name:
            kernel, bias = layer.get_weights()
            layer.set_weights([0 * kernel, 1000 * (np.arange(len(bias)) == 0)])
    outputs = mixed.predict(x, verbose=0)
    for place, task in enumerate(task_names()):
        expected = x
        for level, i in itertools.product(range(LAST), range(len(config.EXPERT_UNITS))):
            name = f"experts_{level + 1}_private_{i + 1}"
            kernel, bias = (w[place * P] for w in mixed.get_layer(name).get_weights())
            expected = np.maximum(expected @ kernel + bias, 0)
        np.testing.assert_allclose(outputs[task], expected, rtol=1e-4, atol=1e-5)


def test_with_all_gates_on_a_shared_expert_it_is_a_shared_bottom_of_these():
    mixed, x = small(), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    for layer in mixed.layers:
        if "_gate" in layer.name:
            kernel, bias = layer.get_weights()
            layer.set_weights([0 * kernel, 1000 * (np.arange(len(bias)) == len(bias) - S)])
    expected = x
    for level, i in itertools.product(range(LAST), range(len(config.EXPERT_UNITS))):
        name = f"experts_{level + 1}_shared_{i + 1}"
        kernel, bias = (w[0] for w in mixed.get_layer(name).get_weights())
        expected = np.maximum(expected @ kernel + bias, 0)
    for values in mixed.predict(x, verbose=0).values():
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)


def test_the_number_of_parameters():
    count, features = 0, 5
    for level in range(LAST):
        sizes = [features, *config.EXPERT_UNITS]
        expert = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
        count += (T * P + S) * expert + T * (features + 1) * (P + S)
        if level < LAST - 1:
            count += (features + 1) * (T * P + S)
        features = sizes[-1]
    assert small().count_params() == count
{% endset %}
