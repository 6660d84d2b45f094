"""Proof that the generated suites can fail: the template is broken in ways that matter."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator import render, suites
from generator.combinations import Combinations

SOURCE = "template/project/src/{{ package }}/"


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
        "weight = sample_weight[task.name]",
        "weight = ops.ones_like(sample_weight[task.name])",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_missing_label_changes_no_gradient",
    ),
    "stacked heads are transposed between tasks": Mutation(
        "template/parts/heads/stacked.py",
        "rows = zip(config.TASKS, ops.unstack(x, axis=1), strict=True)",
        "rows = zip(config.TASKS, ops.unstack(x, axis=1)[::-1], strict=True)",
        "multi_head-tabular-shared_bottom-stacked-equal-jax",
        "test_stacked_heads_equal_separate_ones_with_the_same_weights",
    ),
    "validation rows leak into normalisation": Mutation(
        SOURCE + "data.py.jinja",
        "describe_columns([view.iloc[train] for view in views.values()])",
        "describe_columns(list(views.values()))",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_statistics_come_from_training_rows_only",
    ),
    "the seed is ignored": Mutation(
        SOURCE + "train.py.jinja",
        "keras.utils.set_random_seed(training.seed)",
        "keras.utils.set_random_seed(__import__('time').time_ns() % 2**31)",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_the_same_seed_gives_the_same_history",
    ),
    "no checkpoint is written": Mutation(
        SOURCE + "callbacks.py.jinja",
        "            self.model.save(self.path)\n",
        "",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_a_run_leaves_models_history_metrics_and_curves",
    ),
    "the last model is kept as the best": Mutation(
        SOURCE + "callbacks.py.jinja",
        "            self.model.set_weights(self.weights)\n",
        "",
        "multi_head-tabular-shared_bottom-separate-equal-jax",
        "test_the_best_model_is_that_of_the_best_epoch",
    ),
    "predictions are not in the user's unit": Mutation(
        SOURCE + "model.py.jinja",
        "layers.Rescaling(target.std, target.prior[0], name=task.name)",
        "layers.Rescaling(target.std, 0.0, name=task.name)",
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
        "pull_back(ops.ones_like(losses))[1]",
        "pull_back(losses / ops.sum(losses))[1]",
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
        "multi_head-tabular-shared_bottom-separate-pcgrad-jax",
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
    "stitches start as averages": Mutation(
        "template/parts/sharing/cross_stitch.py",
        "kernel_initializer=near_identity",
        'kernel_initializer="ones"',
        "multi_head-tabular-cross_stitch-separate-equal-jax",
        "test_stitches_start_near_the_identity",
    ),
}


@pytest.fixture(scope="module")
def verdicts(
    tmp_path_factory: pytest.TempPathFactory, combinations: Combinations
) -> dict[str, suites.Verdict]:
    """The verdict on the project of each mutation."""
    folder = tmp_path_factory.mktemp("mutated")
    projects: dict[str, Path] = {}
    for name, mutation in MUTATIONS.items():
        with render.snapshot() as template:
            file = template / mutation.file
            text = file.read_text(encoding="utf-8")
            assert text.count(mutation.old) >= 1, name
            file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
            [combination] = combinations.select(mutation.combination)
            projects[name] = folder / name.replace(" ", "_")
            render.render(template, combination.data, projects[name])
    found = suites.run_backend("jax", projects)
    return {verdict.name: verdict for verdict in found}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_template_is_seen(name: str, verdicts: dict[str, suites.Verdict]) -> None:
    verdict = verdicts[name]
    assert not verdict.passed and verdict.tests
    red = rf"^(FAILED|ERROR) \S+::{MUTATIONS[name].test}\b"
    assert re.search(red, verdict.output, re.MULTILINE)
