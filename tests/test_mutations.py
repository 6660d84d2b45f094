"""Proof that the generated suites can fail: the template is broken in ways that matter."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.choices.combinations import enumeration
from generator.projects import render, suites

SOURCE = "template/project/src/{{ package }}/"
PARTS = "template/parts/"
PLAIN = "multi_head-tabular-shared_bottom-separate-equal-jax"
SETTINGS = 'addopts = "--strict-markers'


@dataclass(frozen=True)
class Mutation:
    """One text of one template file replaced; the test that then fails, and of which project."""

    file: str
    old: str
    new: str
    test: str
    combination: str = PLAIN


MUTATIONS = {
    "twins do not share a trunk": Mutation(
        PARTS + "layout/siamese/part.py",
        "    a, b = (encode(x) for x in inputs.values())\n",
        '    other = trunk(schema.inputs)\n    other.name = "other"\n'
        "    first, second = inputs.values()\n    a, b = encode(first), other(second)\n",
        "test_one_trunk_serves_both_inputs",
        "siamese-tabular-difference-separate-equal-jax",
    ),
    "a head reads the encoding of another task": Mutation(
        PARTS + "heads/separate/part.py",
        "encodings[task.name]",
        "encodings[tasks[0].name]",
        "test_task_reads_its_own_input_only",
        "parallel-tabular-separate-equal-jax",
    ),
    "stacked heads are exchanged between tasks": Mutation(
        PARTS + "heads/stacked/part.py",
        "zip(group, predictions, strict=True)",
        "zip(group, predictions[::-1], strict=True)",
        "test_predictions_are_those_of_separate_heads",
        "siamese-sequence-concat-stacked-fixed-jax+two-alike",
    ),
    "gates ignore their input": Mutation(
        PARTS + "sharing/mmoe/part.py",
        "gate(encoding)",
        "gate(0 * encoding)",
        "test_representation_is_the_mean_of_the_experts_under_the_gate",
        "multi_head-tabular-mmoe-separate-equal-jax",
    ),
    "conflicting gradients are not projected": Mutation(
        PARTS + "weighting/pcgrad/part.py",
        "(inner < 0)",
        "(inner < -1e9)",
        "test_conflicting_parts_are_projected_away",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
    ),
    "a saved model needs a class of the project": Mutation(
        PARTS + "layout/multi_head/part.py",
        '    return keras.Model(inputs, outputs, name="multi_head")',
        "    register = keras.saving.register_keras_serializable()\n"
        '    network = register(type("Network", (keras.Model,), {}))\n'
        '    return network(inputs, outputs, name="multi_head")',
        "test_saved_model_names_nothing_of_this_package",
    ),
    "a missing label counts": Mutation(
        SOURCE + "data.py",
        'weights[task.name] = np.zeros(len(table), "float32")',
        'weights[task.name] = np.ones(len(table), "float32")',
        "test_empty_cell_is_not_labeled",
    ),
    "statistics come from all rows": Mutation(
        SOURCE + "data.py",
        "fit_inputs(table, folder, train)",
        "fit_inputs(table, folder, np.arange(len(table)))",
        "test_statistics_come_from_training_rows_only",
    ),
    "a regression is not in units of its variance": Mutation(
        SOURCE + "kinds.py.jinja",
        "return 1 / self.scale**2",
        "return 1 / self.scale",
        "test_regression_is_learned_in_units_of_its_deviation",
    ),
    "training counts a regression in its own unit": Mutation(
        PARTS + "compile/plain/part.py",
        "loss_weights={task.name: task.loss_weight for task in tasks}",
        "loss_weights={task.name: 1.0 for task in tasks}",
        "test_minimized_loss_is_the_logged_total",
    ),
    "fixed weights are ignored": Mutation(
        PARTS + "compile/fixed/part.py",
        "config.LOSS_WEIGHTS[t.name] * t.loss_weight",
        "t.loss_weight",
        "test_minimized_loss_is_the_logged_total",
        "multi_head-tabular-shared_bottom-separate-fixed-jax",
    ),
    "a task without validation labels logs 0": Mutation(
        SOURCE + "train.py.jinja",
        "logs.keys(), math.nan)",
        "logs.keys(), 0.0)",
        "test_task_without_validation_labels_has_empty_cells",
    ),
    "the last epoch counts as the best": Mutation(
        SOURCE + "runs.py",
        "if self.wait == 0:",
        "if True:",
        "test_logged_losses_are_means_over_labeled_rows",
    ),
    "resume forgets the state of the optimizer": Mutation(
        SOURCE + "runs.py",
        "return [*model.variables, *model.optimizer.variables]",
        "return [*model.variables]",
        "test_interrupted_run_resumes_to_the_same_history",
    ),
    "resume forgets the weights of the tasks": Mutation(
        SOURCE + "runs.py",
        "return [*model.variables, *model.optimizer.variables]",
        "return [*model.trainable_variables, *model.optimizer.variables]",
        "test_interrupted_run_resumes_to_the_same_history",
        "multi_head-tabular-shared_bottom-separate-dwa-jax",
    ),
    "the order of an epoch depends on the one before": Mutation(
        SOURCE + "data.py",
        "default_rng([seed, epoch])",
        "default_rng(np.random.randint(9))",
        "test_interrupted_run_resumes_to_the_same_history",
    ),
    "rows that fill a batch count": Mutation(
        PARTS + "epochs/pieces.py",
        "(places < bounds[1:]).ravel()",
        "np.ones(places.size, 'float32')",
        "test_epoch_has_each_row_once_in_batches_of_one_shape",
    ),
    "an epoch trains on its first batch only": Mutation(
        PARTS + "epochs/jax/part.py",
        "swapaxes(0, 1), data)",
        "swapaxes(0, 1)[:1], data)",
        "test_epochs_are_loops_over_their_batches",
    ),
    "metrics go on from one epoch to the next": Mutation(
        PARTS + "epochs/jax/part.py",
        "return [scope.get_current_value(variable) for variable, _ in pairs]",
        "return list(values)",
        "test_epochs_are_loops_over_their_batches",
    ),
    "parts of the predictions are exchanged": Mutation(
        SOURCE + "predict.py",
        "for part in read_parts(table, size):",
        "for part in list(read_parts(table, size))[::-1]:",
        "test_result_depends_neither_on_part_size_nor_on_format",
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, suites.Verdict]:
    """Run, of the project of each mutation, only the test that is to see it."""
    folder = tmp_path_factory.mktemp("mutated")
    projects: dict[str, Path] = {}
    with render.compiled_once(), render.snapshot() as template:
        for name, mutation in MUTATIONS.items():
            file = template / mutation.file
            text = file.read_text(encoding="utf-8")
            assert text.count(mutation.old) == 1, name
            file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
            [combination] = enumeration().select(mutation.combination)
            project = projects[name] = folder / name.replace(" ", "_")
            render.render(template, combination.data, project)
            file.write_text(text, encoding="utf-8")
            settings = project / "pyproject.toml"
            text = settings.read_text(encoding="utf-8")
            assert text.count(SETTINGS) == 1
            settings.write_text(text.replace(SETTINGS, f"{SETTINGS} -k {mutation.test}"), "utf-8")
    return {verdict.name: verdict for verdict in suites.run_backends({"jax": projects})}


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_template_is_seen(name: str, verdicts: dict[str, suites.Verdict]) -> None:
    output = verdicts[name].output
    assert re.search(rf"(?m)^FAILED \S+::{MUTATIONS[name].test}\b", output), output[-2000:]
