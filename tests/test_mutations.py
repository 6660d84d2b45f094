"""Proof that the generated suites can fail: the template is broken in ways that matter."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.choices.combinations import Combinations
from generator.projects import render, suites

SOURCE = "template/project/src/{{ package }}/"
STREAMING = SOURCE + "{% if streaming == 'row_groups' %}streaming.py{% endif %}.jinja"
TOTALS = "                EpochTotals(),\n                checkpoint,\n"
TRACKER = """{% if tracking != 'none' and not parallel %}
                track(checkpoint.run),
{% endif %}
"""


@dataclass(frozen=True)
class Mutation:
    """One text of one template file replaced; which project then fails, and by which test."""

    file: str
    old: str
    new: str
    combination: str
    test: str


MUTATIONS = {
    "twins do not share": Mutation(
        SOURCE + "model.py.jinja",
        "    a, b = (encode(inputs[name]) for name in config.INPUTS)\n",
        "    other = trunk(schema)\n"
        '    other.name = "other"\n'
        "    a, b = (f(inputs[name]) for f, name in zip((encode, other), config.INPUTS))\n",
        "siamese-tabular-difference-separate-equal-jax",
        "test_one_trunk_serves_every_input",
    ),
    "a head reads the wrong output of the trunk": Mutation(
        "template/parts/heads/separate.py",
        "x = representations[task.name]",
        "x = representations[config.TASKS[0].name]",
        "parallel-tabular-separate-equal-jax",
        "test_a_task_reads_its_own_input_only",
    ),
    "a head is not private": Mutation(
        "template/parts/heads/separate.py",
        "    return logits",
        "    first, second = (task.name for task in config.TASKS[:2])\n"
        "    logits[first] += 0.01 * logits[second]\n"
        "    return logits",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_task_has_no_gradient_on_the_head_of_another",
    ),
    "the weights of the losses are ignored": Mutation(
        "template/parts/weighting/fixed.py",
        "ops.array(self.task_weights) * losses",
        "losses",
        "multi_head-tabular-shared_bottom-separate-fixed-jax",
        "test_the_weight_of_a_loss_scales_its_gradient",
    ),
    "a missing label counts as zero": Mutation(
        SOURCE + "multi_task.py.jinja",
        "else 'sample_weight[task.name]' %}",
        "else 'ops.ones_like(sample_weight[task.name])' %}",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_missing_label_changes_no_gradient",
    ),
    "every epoch is traced anew": Mutation(
        SOURCE + "multi_task.py.jinja",
        "self.weighting.built = True",
        "self.weighting.built = False",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
        "test_a_step_is_traced_in_the_first_epoch_only",
    ),
    "outputs are rounded to bfloat16": Mutation(
        SOURCE + "model.py.jinja",
        ', dtype="float32")(logits)',
        ")(logits)",
        "parallel-tabular-separate-equal-jax",
        "test_weights_outputs_and_losses_stay_in_single_precision",
    ),
    "a model of mixed precision predicts in it": Mutation(
        SOURCE + "runs.py.jinja",
        'text.replace("mixed_bfloat16", "float32")',
        "text",
        "parallel-tabular-separate-equal-jax",
        "test_it_predicts_in_single_precision",
    ),
    "stacked heads are transposed between tasks": Mutation(
        SOURCE + "model.py.jinja",
        "for task, row in zip(tasks, rows, strict=True)",
        "for task, row in zip(tasks, rows[::-1], strict=True)",
        "siamese-sequence-concat-stacked-fixed-jax+two-alike",
        "test_predictions_in_training_are_the_same_by_group",
    ),
    "rare classes count as little as they are": Mutation(
        "template/parts/heads/stacked.py",
        "weights[group] *= ops.sum(",
        "weights[group] += 0 * ops.sum(",
        "siamese-sequence-concat-stacked-fixed-jax+balanced",
        "test_classes_count_alike_however_rare_they_are",
    ),
    "labels are smoothed in validation too": Mutation(
        SOURCE + "multi_task.py.jinja",
        "config.LABEL_SMOOTHING if training else 0.0",
        "config.LABEL_SMOOTHING",
        "siamese-sequence-concat-stacked-fixed-jax+smoothed",
        "test_labels_are_smoothed_in_training_and_not_in_validation",
    ),
    "Huber's loss is in the labels' unit": Mutation(
        "template/parts/heads/stacked.py",
        "huber(labels / stds, predicted / stds)",
        "huber(labels, predicted)",
        "siamese-sequence-concat-stacked-fixed-jax+huber",
        "test_logged_losses_are_means_over_labelled_rows",
    ),
    "losses of layers are lost": Mutation(
        SOURCE + "multi_task.py.jinja",
        "sum(self.losses, total) if training else total",
        "total",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_losses_of_layers_add_their_own_gradient_and_no_more",
    ),
    "losses of layers are lost beside gradients": Mutation(
        "template/parts/gradients/jax.py",
        "if of_layers:",
        "if False:",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
        "test_losses_of_layers_add_their_own_gradient_and_no_more",
    ),
    "losses that layers add when called are lost": Mutation(
        "template/parts/gradients/jax.py",
        ", collect_losses=True",
        "",
        "multi_head-tabular-shared_bottom-separate-famo-jax",
        "test_losses_of_layers_add_their_own_gradient_and_no_more",
    ),
    "what was frozen when loaded is shared no more": Mutation(
        SOURCE + "multi_task.py.jinja",
        "for v in output.weights)",
        "for v in output.trainable_variables)",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
        "test_a_frozen_trunk_stays_as_it_is_until_it_is_not",
    ),
    "validation rows leak into normalisation": Mutation(
        SOURCE + "data.py.jinja",
        "describe_columns([v.iloc[train] for v in views.values()])",
        "describe_columns(list(views.values()))",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_statistics_come_from_training_rows_only",
    ),
    "the seed is ignored": Mutation(
        SOURCE + "train.py.jinja",
        "keras.utils.set_random_seed(training.seed)",
        "keras.utils.set_random_seed(__import__('time').time_ns() % 2**31)",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_killed_run_goes_on_as_if_it_had_not_been",
    ),
    "Keras is imported before the arguments are read": Mutation(
        SOURCE + "train.py.jinja",
        "    cli.parse(Training)  # --help",
        "    pass  # --help",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_help_and_mistakes_are_answered_before_keras_is_imported",
    ),
    "no checkpoint is written": Mutation(
        SOURCE + "callbacks.py.jinja",
        '            with replaced(self.run / "best.keras") as path:\n'
        "                best.save(path)\n",
        "",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_run_leaves_models_history_metrics_and_curves",
    ),
    "an export that is broken off stays half written": Mutation(
        SOURCE + "export.py.jinja",
        'new = Path(folder, "new")',
        "new = out",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_an_export_is_replaced_only_by_a_whole_one",
    ),
    "the last model is kept as the best": Mutation(
        SOURCE + "callbacks.py.jinja",
        "best.set_weights(self.weights)",
        "best.set_weights(self.model.get_weights())",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_the_best_model_is_that_of_the_best_epoch",
    ),
    "predictions are not in the user's unit": Mutation(
        SOURCE + "model.py.jinja",
        "scale, offset = target.std, target.prior[0]",
        "scale, offset = target.std, 0.0",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_regression_is_around_the_mean_in_its_unit",
    ),
    "an order matters where it must not": Mutation(
        "template/parts/comparison/difference.py",
        "ops.absolute(a - b)",
        "a - b",
        "siamese-tabular-difference-separate-equal-jax",
        "test_swapping_the_pair_changes_nothing",
    ),
    "a regression's noise is that of a class": Mutation(
        "template/parts/weighting/uncertainty.py",
        "[0.5 if task.kind",
        "[1.0 if task.kind",
        "multi_head-tabular-shared_bottom-separate-uncertainty-jax",
        "test_the_best_variance_is_the_loss_of_a_regression_and_twice_that_of_a_class",
    ),
    "a loss that falls fast weighs more": Mutation(
        "template/parts/weighting/dwa.py",
        "ops.softmax(ratios",
        "ops.softmax(-ratios",
        "multi_head-tabular-shared_bottom-separate-dwa-jax",
        "test_weights_by_hand_over_three_epochs",
    ),
    "a slower task weighs less": Mutation(
        "template/parts/weighting/gradnorm.py",
        "rates**config.GRADNORM_ALPHA",
        "rates**-config.GRADNORM_ALPHA",
        "multi_head-tabular-shared_bottom-separate-gradnorm-jax",
        "test_the_weight_of_a_slower_task_grows",
    ),
    "what agrees is projected away": Mutation(
        "template/parts/weighting/pcgrad.py",
        "(inner < 0)",
        "(inner < 1e9)",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
        "test_gradients_that_agree_are_added_up",
    ),
    "the random order of projections is not saved": Mutation(
        "template/parts/weighting/pcgrad.py",
        'self.random.state.assign(store["random"])',
        "pass",
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
        "test_a_reloaded_model_goes_on_as_the_saved_one_would",
    ),
    "the step leaves the radius": Mutation(
        "template/parts/weighting/cagrad.py",
        "length = config.CAGRAD_C *",
        "length = 2 * config.CAGRAD_C *",
        "multi_head-tabular-shared_bottom-separate-cagrad-jax",
        "test_no_step_within_the_radius_helps_the_worst_off_task_more",
    ),
    "logits follow the falls of the losses": Mutation(
        "template/parts/weighting/famo.py",
        "self.logits.assign_add(-labelled * step)",
        "self.logits.assign_add(labelled * step)",
        "multi_head-tabular-shared_bottom-separate-famo-jax",
        "test_the_first_step_of_the_logits_by_hand",
    ),
    "heads go along the combined gradient": Mutation(
        "template/parts/gradients/jax.py",
        "pull_back((ops.ones_like(losses), none))[1]",
        "pull_back((losses / ops.sum(losses), none))[1]",
        "multi_head-tabular-shared_bottom-separate-cagrad-jax",
        "test_a_head_goes_along_the_gradient_of_its_own_task",
    ),
    "heads count as shared": Mutation(
        SOURCE + "multi_task.py.jinja",
        "if tasks > 1}",
        "if tasks > 0}",
        "multi_head-tabular-shared_bottom-separate-cagrad-jax",
        "test_what_is_shared_is_what_several_losses_reach",
    ),
    "a cosine has no sign": Mutation(
        SOURCE + "multi_task.py.jinja",
        "ops.sum(pairs * cosines, axis=1)",
        "ops.sum(pairs * ops.abs(cosines), axis=1)",
        "multi_head-sequence-shared_bottom-separate-pcgrad-jax",
        "test_the_logs_have_the_cosines_of_the_task_gradients",
    ),
    "weights do not follow the epochs": Mutation(
        SOURCE + "callbacks.py.jinja",
        '        weighting.end_epoch(np.array(losses, "float32"))\n',
        "",
        "multi_head-tabular-shared_bottom-separate-dwa-jax",
        "test_the_weights_of_a_run_follow_from_its_losses",
    ),
    "logits do not follow the steps": Mutation(
        "template/parts/gradients/jax.py",
        "            self.weighting.follow(losses, after)\n",
        "",
        "multi_head-tabular-shared_bottom-separate-famo-jax",
        "test_the_logits_follow_a_training_step",
    ),
    "the output layer is not shared": Mutation(
        "template/parts/heads/shared_output.py",
        "logits[task.name] = combine(x)",
        "logits[task.name] = layers.Dense(1, name=f'{task.name}_own')(x) + 0 * combine(x)",
        "multi_head-tabular-shared_bottom-shared_output-equal-jax",
        "test_every_task_has_a_gradient_on_the_shared_output",
    ),
    "a task's mixture is by the gate of another": Mutation(
        "template/parts/sharing/mmoe.py",
        "    return representations\n{% set shares",
        "    names = [task.name for task in config.TASKS]\n"
        "    return dict(zip(names, reversed(representations.values()), strict=True))\n"
        "{% set shares",
        "multi_head-tabular-mmoe-separate-equal-jax",
        "test_a_gate_has_gradients_of_its_own_task_only",
    ),
    "a gate is no distribution": Mutation(
        "template/parts/sharing/mmoe.py",
        'activation="softmax"',
        'activation="sigmoid"',
        "multi_head-tabular-mmoe-separate-equal-jax",
        "test_a_gate_is_a_distribution_over_the_experts",
    ),
    "experts start smaller the more there are": Mutation(
        "template/parts/sharing/mmoe.py",
        '"lecun_uniform"',
        '"glorot_uniform"',
        "multi_head-tabular-mmoe-separate-equal-jax",
        "test_the_number_of_experts_does_not_change_how_large_weights_start",
    ),
    "a task gets the private experts of another": Mutation(
        "template/parts/sharing/ple.py",
        "zip(config.TASKS, streams, by_task, strict=True)",
        "zip(config.TASKS, streams, by_task[::-1], strict=True)",
        "multi_head-tabular-ple-separate-equal-jax",
        "test_private_experts_of_the_last_level_have_gradients_of_their_own_task_only",
    ),
    "private experts read the shared stream": Mutation(
        "template/parts/sharing/ple.py",
        "private = experts(streams, config",
        "private = experts([common] * len(streams), config",
        "multi_head-tabular-ple-separate-equal-jax",
        "test_with_all_gates_on_a_private_expert_tasks_are_separate_networks",
    ),
    "a task's gate of PLE reads the shared stream": Mutation(
        "template/parts/sharing/ple.py",
        "mix(stream, [own, shared]",
        "mix(common, [own, shared]",
        "multi_head-tabular-ple-separate-equal-jax",
        "test_representations_are_the_paper_s_by_hand",
    ),
    "shared experts are listed first": Mutation(
        "template/parts/sharing/ple.py",
        'columns = [*(f"private {i}" for i in own), *common]',
        'columns = [*common, *(f"private {i}" for i in own)]',
        "multi_head-tabular-ple-separate-equal-jax",
        "test_the_tables_name_the_expert_that_a_gate_takes",
    ),
    "the table of gates is of one row": Mutation(
        "template/parts/sharing/mmoe.py",
        "gate.mean(axis=0) for task, gate",
        "gate[0] for task, gate",
        "multi_head-tabular-mmoe-separate-equal-jax",
        "test_the_table_names_the_expert_that_a_task_takes",
    ),
    "the table of a stitch is transposed": Mutation(
        "template/parts/sharing/cross_stitch.py",
        "layer.kernel.numpy(), names",
        "layer.kernel.numpy().T, names",
        "multi_head-tabular-cross_stitch-separate-equal-jax",
        "test_the_table_s_rows_are_the_tasks_that_take",
    ),
    "the last stitch counts as shared": Mutation(
        SOURCE + "multi_task.py.jinja",
        "if not path.startswith(own)",
        'if not path.startswith("none")',
        "multi_head-tabular-cross_stitch-separate-pcgrad-jax",
        "test_what_is_shared_is_what_several_losses_reach",
    ),
    "stitches are transposed": Mutation(
        "template/parts/sharing/cross_stitch.py",
        "bsu,ts->btu",
        "bsu,st->btu",
        "multi_head-tabular-cross_stitch-separate-equal-jax",
        "test_the_stitch_says_what_a_task_takes_of_each",
    ),
    "the order of an epoch is by chance": Mutation(
        SOURCE + "batches.py.jinja",
        "default_rng([seed, epoch])",
        "default_rng()",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_killed_run_goes_on_as_if_it_had_not_been",
    ),
    "a run that is taken up again forgets its last epoch": Mutation(
        SOURCE + "callbacks.py.jinja",
        "self.model.epochs = epoch + 1",
        "self.model.epochs = epoch",
        "multi_head-tabular-shared_bottom-separate-dwa-jax",
        "test_a_killed_run_goes_on_as_if_it_had_not_been",
    ),
    "a file that is written half takes its place": Mutation(
        SOURCE + "runs.py.jinja",
        "        draft.replace(path)\n    finally:\n",
        "    finally:\n        draft.replace(path)\n",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_file_is_replaced_whole_or_not_at_all",
    ),
    "rows get the predictions of others": Mutation(
        SOURCE + "predict.py.jinja",
        "full[name][:rows] = array",
        "full[name][:rows] = array[::-1]",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_columns_stay_as_they_were_and_predictions_follow",
    ),
    "a bad row is left out and not said": Mutation(
        SOURCE + "predict.py.jinja",
        "            skip(rows.index[0] + 1, str(error))\n",
        "",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_row_that_cannot_be_read_is_named_or_skipped",
    ),
    "intervals are of fewer rows": Mutation(
        SOURCE + "evaluate.py.jinja",
        "size=len(labels))",
        "size=len(labels) // 2)",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_the_interval_of_a_mean_is_that_of_the_normal_distribution",
    ),
    "a lower error counts as a loss": Mutation(
        SOURCE + "{% if num_tasks > 1 %}compare.py{% endif %}.jinja",
        "* (-100 if next",
        "* (100 if next",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_gaps_and_gains_by_hand",
    ),
    "stitches start as averages": Mutation(
        "template/parts/sharing/cross_stitch.py",
        "kernel_initializer=near_identity",
        'kernel_initializer="ones"',
        "multi_head-tabular-cross_stitch-separate-equal-jax",
        "test_stitches_start_near_the_identity",
    ),
    "TensorBoard misses an epoch": Mutation(
        "template/parts/tracking/tensorboard.py",
        "            writer.add_scalar(name, value, epoch)\n",
        "            writer.add_scalar(name, value, max(epoch, 1))\n",
        "siamese-sequence-concat-stacked-fixed-jax+tensorboard",
        "test_tensorboard_reads_the_values_of_history_csv",
    ),
    "MLflow sees the logs before their totals": Mutation(
        SOURCE + "train.py.jinja",
        "shuffle,\n" + TOTALS + TRACKER,
        "shuffle,\n" + TRACKER + TOTALS,
        "siamese-sequence-concat-stacked-fixed-jax+mlflow",
        "test_mlflow_has_the_settings_and_the_values_of_history_csv",
    ),
    "rows that fill up a batch count": Mutation(
        "template/parts/distribution/jax.py",
        "weights[mine >= count] = 0",
        "weights[mine >= count] = 1",
        "siamese-sequence-concat-stacked-fixed-jax+data_parallel",
        "test_two_devices_train_as_one",
    ),
    "every process trains on the same rows": Mutation(
        "template/parts/distribution/jax.py",
        "jax.process_count())[jax.process_index()]",
        "jax.process_count())[0]",
        "siamese-sequence-concat-stacked-fixed-jax+data_parallel",
        "test_two_processes_train_as_one_and_the_first_writes",
    ),
    "each device combines the gradients of its own rows": Mutation(
        "template/parts/distribution/tensorflow.py",
        'all_reduce("mean", gradient)',
        'all_reduce("mean", 0 * gradient) + gradient',
        "siamese-tabular-difference-separate-pcgrad-tensorflow+data_parallel",
        "test_two_devices_train_as_one_and_a_run_goes_on",
    ),
    "rows are left out between windows": Mutation(
        STREAMING,
        "left = [(table.take(np.arange(whole, len(table))), numbers[whole:])]",
        "left = []",
        "siamese-sequence-concat-stacked-fixed-jax+row_groups",
        "test_every_training_row_comes_once_an_epoch_in_an_order_of_its_own",
    ),
    "windows are read in the order of the file": Mutation(
        STREAMING,
        "rng.permutation(len(groups)).tolist()",
        "groups",
        "siamese-sequence-concat-stacked-fixed-jax+row_groups",
        "test_windows_are_few_rows_of_several_groups_in_whole_batches",
    ),
    "the order of streamed rows is by chance": Mutation(
        STREAMING,
        "default_rng([seed, epoch])",
        "default_rng()",
        "siamese-sequence-concat-stacked-fixed-jax+row_groups",
        "test_a_killed_run_goes_on_as_if_it_had_not_been",
    ),
    "means of parts are not weighted by their rows": Mutation(
        STREAMING,
        "self.mean += gap * count / together",
        "self.mean += gap / 2",
        "siamese-sequence-concat-stacked-fixed-jax+row_groups",
        "test_statistics_do_not_depend_on_the_windows",
    ),
    "the search minds the weights of the losses": Mutation(
        SOURCE + "{% if tuning == 'optuna' %}tune.py{% endif %}.jinja",
        'history[[f"val_{task.name}_loss" for task in config.TASKS]]',
        'history[["val_loss"]]',
        "siamese-sequence-concat-stacked-fixed-jax+optuna",
        "test_the_best_answers_are_those_of_the_least_plain_sum_of_validation_losses",
    ),
    "a trial trains with the sizes of config.py": Mutation(
        SOURCE + "{% if tuning == 'optuna' %}tune.py{% endif %}.jinja",
        'config.TRUNK_UNITS = sizes(trial, "trunk_units")\n'
        '    answers["trunk_units"] = listed(config.TRUNK_UNITS)\n',
        'answers["trunk_units"] = listed(sizes(trial, "trunk_units"))\n',
        "siamese-sequence-concat-stacked-fixed-jax+optuna",
        "test_a_trial_is_trained_with_its_answers",
    ),
}


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory, combinations: Combinations
) -> dict[str, suites.Verdict]:
    """The verdict on the project of each mutation."""
    folder = tmp_path_factory.mktemp("mutated")
    projects: dict[str, dict[str, Path]] = {"jax": {}, "tensorflow": {}}
    for name, mutation in MUTATIONS.items():
        with render.snapshot() as template:
            file = template / mutation.file
            text = file.read_text(encoding="utf-8")
            assert text.count(mutation.old) >= 1, name
            file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
            [combination] = combinations.select(mutation.combination)
            project = projects[combination.backend][name] = folder / name.replace(" ", "_")
            render.render(template, combination.data, project)
            settings = project / "pyproject.toml"  # only the test that is to see it
            text = settings.read_text(encoding="utf-8")
            assert text.count('addopts = "--strict-markers"') == 1
            only = f'addopts = "--strict-markers -k {mutation.test}"'
            text = text.replace('addopts = "--strict-markers"', only)
            settings.write_text(text, encoding="utf-8")
    found = suites.run_backends(projects)
    return {verdict.name: verdict for verdict in found}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_template_is_seen(name: str, verdicts: dict[str, suites.Verdict]) -> None:
    verdict = verdicts[name]
    assert not verdict.passed
    red = rf"^(FAILED|ERROR) \S+::{MUTATIONS[name].test}\b"
    assert re.search(red, verdict.output, re.MULTILINE)
