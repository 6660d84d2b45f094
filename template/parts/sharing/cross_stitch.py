{% set private = ['f"stitch_{len(config.EXPERT_UNITS)}/"'] %}
{% set does = 'Every task has layers of its own, and after each of them takes a little of the other tasks (cross-stitch)' %}
{% set reads = 'tasks' %}
{% set signed = true %}
{% set last = 'f"experts_{len(config.EXPERT_UNITS)}"' %}
{% set tables = 'len(config.EXPERT_UNITS)' %}
{% set advice %}
`train` and `evaluate` print the stitches, a matrix for each layer; `sharing.png` of a run shows them. Row:
the task that takes; column: the task that it takes from. They start at 0.9 on the diagonal and 0.1 for all
others together, and move slowly: numbers close to these say little. A row whose diagonal has grown beside the
rest of the row: this task does better apart; one whose rest has grown beside it takes more of the others. A
column that has grown: that task's layers serve the others. Numbers can be negative, and say nothing of how
large the numbers are that they multiply.
{% endset %}
{% set constants %}
# Sizes of each task's own layers; after each of them the tasks are stitched together.
EXPERT_UNITS: tuple[int, ...] = {{ answers.tuple(answers.experts, 32) }}
{% endset %}
{% macro picture(last) %}
{% for task in answers.task_list %}
{% set number = loop.index %}
  {{ last }} --> own{{ number }}_1["Dense {{ answers.experts[0] }}"]
{% for size in answers.experts[1:] %}
  stitch{{ loop.index }} --> own{{ number }}_{{ loop.index + 1 }}["Dense {{ size }}"]
{% endfor %}
{% for size in answers.experts %}
  own{{ number }}_{{ loop.index }} --> stitch{{ loop.index }}{"stitch_{{ loop.index }}"}
{% endfor %}
  stitch{{ answers.experts | length }} --> mixed{{ number }}(("{{ task.name }}"))
{% endfor %}
{% endmacro %}
def share(encoding: Tensor) -> dict[str, Tensor]:
    """Layers of each task's own; after each, every task takes a mixture of all (cross-stitch).

    encoding: (batch, features). The layers of all tasks are one batched product, (batch, tasks,
    units), and so is the stitch: row t of its kernel, (tasks, tasks), is how much task t takes of
    each.

    Misra, Shrivastava, Gupta and Hebert, "Cross-stitch Networks for Multi-task Learning" (CVPR
    2016), https://arxiv.org/abs/1604.03539
    """
    tasks = len(config.TASKS)
    x = ops.stack([encoding] * tasks, axis=1)
    for i, units in enumerate(config.EXPERT_UNITS, start=1):
        x = layers.EinsumDense(
            "bsf,sfu->bsu",
            (tasks, units),
            activation="relu",
            bias_axes="su",
            kernel_initializer="lecun_uniform",  # by fan-in: tasks would count as fan-out
            name=f"experts_{i}",
        )(x)
        x = layers.EinsumDense(
            "bsu,ts->btu", (tasks, units), kernel_initializer=near_identity, name=f"stitch_{i}"
        )(x)
    rows = zip(config.TASKS, ops.unstack(x, axis=1), strict=True)
    return {task.name: row for task, row in rows}


@keras.saving.register_keras_serializable(package="{{ package }}")
def near_identity(shape: tuple[int, int], dtype: Any = None) -> Tensor:
    """0.9 of a task's own and 0.1 of all others together, as in the paper: (tasks, tasks)."""
    own = ops.eye(shape[0], dtype=dtype)
    return 0.9 * own + 0.1 / (shape[0] - 1) * (1 - own)
{% set shares %}
def shares(model: MultiTaskModel) -> dict[str, pd.DataFrame]:
    """The kernel of each stitch: how much a task (row) takes of each (column)."""
    names = list(model.schema.targets)
    stitches = [layer for layer in model.layers if layer.name.startswith("stitch_")]
    return {layer.name: pd.DataFrame(layer.kernel.numpy(), names, names) for layer in stitches}
{% endset %}
{% set tests %}
DEPTH = len(config.EXPERT_UNITS)


def stitched(matrix: np.ndarray) -> keras.Model:
    """The same under these stitches."""
    network = small()
    for i in range(1, DEPTH + 1):
        network.get_layer(f"stitch_{i}").set_weights([matrix])
    return network


def by_hand(network: keras.Model, x: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """What the tasks' layers make of the rows under one stitch: (tasks, rows, units)."""
    streams = [x] * T
    for i in range(1, DEPTH + 1):
        layer = zip(streams, *network.get_layer(f"experts_{i}").get_weights(), strict=True)
        own = [np.maximum(stream @ kernel + bias, 0) for stream, kernel, bias in layer]
        streams = [sum(w * part for w, part in zip(row, own, strict=True)) for row in matrix]
    return np.stack(streams)


@pytest.mark.parametrize(
    "matrix",
    [np.eye(T), np.full((T, T), 1 / T), np.random.default_rng(2).normal(size=(T, T))],
    ids=["separate networks", "averages", "any"],
)
def test_the_stitch_says_what_a_task_takes_of_each(matrix):
    network, x = stitched(matrix), np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    outputs = network.predict(x, verbose=0)
    for expected, task in zip(by_hand(network, x, matrix), task_names(), strict=True):
        rounding = 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(outputs[task], expected, rtol=1e-4, atol=rounding)


def test_the_identity_keeps_the_tasks_apart(model, batch):
    before = model.get_weights()
    for i in range(1, DEPTH + 1):
        model.get_layer(f"stitch_{i}").set_weights([np.eye(T)])
    for place, task in enumerate(task_names()):
        gradient = gradients(model, batch, task)
        paths = [path for path in gradient if path.startswith("experts_")]
        reached = {i for path in paths for i, row in enumerate(gradient[path]) if row.any()}
        assert reached == {place}
    model.set_weights(before)


def test_uniform_rows_give_all_tasks_one_representation():
    network = stitched(np.full((T, T), 1 / T))
    x = np.random.default_rng(1).normal(size=(7, 5)).astype("float32")
    first, *others = network.predict(x, verbose=0).values()
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-5)


def test_the_table_s_rows_are_the_tasks_that_take(model):
    before, (first, second, *_) = model.get_weights(), task_names()
    model.get_layer("stitch_1").set_weights([np.arange(T**2).reshape(T, T)])
    table = shares(model)["stitch_1"]
    model.set_weights(before)
    assert table.loc[first, second] == 1 and table.loc[second, first] == T


def test_stitches_start_near_the_identity(splits):
    for table in shares(build_model(splits.schema)).values():
        np.testing.assert_allclose(np.diag(table), 0.9, rtol=1e-6)
        np.testing.assert_allclose(table.sum(axis=1), 1, rtol=1e-6)


def test_the_last_stitch_is_row_by_row_a_task_s_own(model, batch):
    for place, task in enumerate(task_names()):
        rows = gradients(model, batch, task)[f"stitch_{DEPTH}/kernel"]
        assert [i for i, row in enumerate(rows) if row.any()] == [place]


def test_the_number_of_parameters():
    sizes = [5, *config.EXPERT_UNITS]
    own = sum((fan_in + 1) * units for fan_in, units in itertools.pairwise(sizes))
    assert stitched(np.eye(T)).count_params() == T * own + DEPTH * T**2
{% endset %}
