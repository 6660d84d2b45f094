"""Test stacked heads: they are separate heads with the same weights, computed at once."""

import keras
import numpy as np
import pandas as pd
import pytest

from the_package import config
from the_package.model import build_model, group_tasks
from the_package.multi_task import MultiTaskModel
from the_package.stacking import Stacked


@pytest.fixture(scope="module")
def network(splits):
    """Build a network whose biases are not zero."""
    keras.utils.set_random_seed(0)
    network = build_model(splits.schema)
    for i, variable in enumerate(network.trainable_variables):
        if variable.path.endswith("bias"):
            variable.assign(variable + 0.1 * np.random.default_rng(i).normal(size=variable.shape))
    return network


@pytest.fixture(params=[True, False], ids=["some labels are missing", "no sample weights"])
def weights(request, batch):
    """Give the sample weights of the batch, or none."""
    return batch.weights if request.param else None


def own_columns(layer, place, tasks):
    """Cut the kernel and the bias of one task out of a layer."""
    kernel, bias = layer.get_weights()
    if kernel.ndim == 3:
        return kernel[place], bias[place]
    return np.split(kernel, tasks, axis=1)[place], np.split(bias, tasks)[place]


def test_predictions_are_those_of_separate_heads(network, splits, batch):
    predictions = network.predict(batch.inputs, verbose=0)
    for name, group in group_tasks(splits.schema.tasks).items():
        hidden = [f"{name}_hidden_{i}" for i in range(1, len(config.HEAD_UNITS) + 1)]
        dense = [network.get_layer(layer) for layer in (*hidden, f"{name}_logits")]
        read = keras.Model(network.inputs, dense[0].input).predict(batch.inputs, verbose=0)
        for place, task in enumerate(group):
            x = read[:, place] if read.ndim == 3 else read
            for layer in dense:
                kernel, bias = own_columns(layer, place, len(group))
                x = x @ kernel + bias
                x = x if layer is dense[-1] else np.maximum(x, 0)
            expected = keras.ops.convert_to_numpy(task.output(keras.ops.convert_to_tensor(x)))
            np.testing.assert_allclose(predictions[task.name], expected, rtol=1e-4, atol=1e-4)


def test_losses_are_those_of_each_task_alone(network, splits, batch, weights):
    stacked, apart = (cls(network, splits.schema.tasks) for cls in (Stacked, MultiTaskModel))
    inputs = {name: keras.ops.convert_to_tensor(array) for name, array in batch.inputs.items()}
    found = stacked.measure(batch.labels, stacked(inputs, training=True), weights)
    expected = apart.measure(batch.labels, apart(inputs, training=True), weights)
    found, expected = map(keras.ops.convert_to_numpy, (found, expected))
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert len(set(expected)) == len(expected)  # else their order would not be tested


def test_step_and_logs_are_those_of_each_task_alone(splits, batch, weights):
    after, logs = [], []
    for cls in (Stacked, MultiTaskModel):
        keras.utils.set_random_seed(0)
        network = build_model(splits.schema)
        model = cls(network, splits.schema.tasks)
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(batch.inputs, batch.labels, sample_weight=weights, verbose=0)
        after.append(network.get_weights())
        given = {"sample_weight": weights, "return_dict": True, "verbose": 0}
        logs.append(model.evaluate(batch.inputs, batch.labels, **given))
    for found, expected in zip(*after, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for task in splits.schema.tasks:
        for what in ("mean_loss", *task.row_metrics):
            name = f"{task.name}_{what}"
            np.testing.assert_allclose(logs[0][name], logs[1][name], rtol=1e-4, err_msg=name)


def test_history_has_a_number_for_each_task_and_none_for_a_group(run):
    columns = set(pd.read_csv(run / "history.csv").select_dtypes("number"))
    for task in config.TASKS:
        assert {f"{task.name}_loss", f"val_{task.name}_loss"} <= columns
    assert not [name for name in columns if "heads_" in name or name.endswith("mean_loss")]


def test_every_task_is_in_one_group_with_others_of_its_kind_and_width(splits):
    grouped = group_tasks(splits.schema.tasks).values()
    for group in grouped:
        assert len({(type(task), task.width) for task in group}) == 1
    names = [task.name for group in grouped for task in group]
    assert sorted(names) == sorted(task.name for task in config.TASKS)
