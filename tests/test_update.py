"""Test `copier update` with other answers, with later versions of the template, and after edits.

An update must leave what a new project with the same answers would be, with the same edits.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import updating
import yaml
from copier._cli import CopierApp
from copier._vcs import clone
from copier.errors import CopierError, UnsafeTemplateError
from packaging.version import Version
from plumbum import ProcessExecutionError, local
from updating import BASES, CALLBACKS, FEATURES, LEARNING_RATE, README, Edit, git
from yaml import YAMLError

from generator.choices.combinations import Combination
from generator.choices.questions import ROOT, Answers, Questionnaire
from generator.cli import main
from generator.projects import render
from generator.projects.verdicts import run
from generator.releases import releases

TASKS = "task_1:regression, task_2:binary, task_3:multiclass(3)"
# Each question is switched once, on a base where it is asked, with what its answer brings along.
SWITCHES: list[tuple[str, Answers]] = [
    ("default", {"project_name": "Yours"}),
    ("default", {"tasks": f"{TASKS}, another:multilabel(3)"}),
    ("multi_head", {"tasks": "price:regression, sold:binary"}),
    ("parallel", {"tasks": "a:regression, b:regression, new:regression"}),
    ("default", {"layout": "siamese"}),
    ("siamese", {"input_kind": "image", "input_shape": "8, 8, 3", "kernel_size": 2}),
    ("parallel", {"input_shape": "8, 2"}),
    ("default", {"sharing": "mmoe"}),
    ("default", {"trunk_units": "48, 24"}),
    ("siamese", {"comparison": "difference"}),
    ("default", {"heads": "stacked"}),
    ("siamese", {"head_units": "24"}),
    ("default", {"loss_weighting": "famo", "famo_learning_rate": 0.1, "famo_decay": 0.01}),
    (
        "multi_head",
        {"loss_weighting": "gradnorm", "gradnorm_alpha": 1.0, "gradnorm_learning_rate": 0.1},
    ),
    ("siamese", {"loss_weighting": "dwa", "dwa_temperature": 3.0}),
    ("parallel", {"loss_weighting": "cagrad", "cagrad_c": 0.5}),
    ("parallel", {"loss_weights": "3, 1, 1"}),
    ("default", {"backend": "jax"}),
    ("parallel", {"backend": "tensorflow"}),
    ("multi_head", {"optimizer": "sgd"}),
    ("siamese", {"class_weights": "balanced"}),
    ("multi_head", {"label_smoothing": 0.1}),
    ("parallel", {"regression_loss": "huber"}),
    ("multi_head", {"expert_units": "24"}),
    ("multi_head", {"num_experts": 3, "num_private_experts": 1, "num_levels": 1}),
    ("siamese", {"embedding_dim": 8}),
    ("siamese", {"extras": []}),
]
# By answer: the edit of a line, or of lines around it, that the answer changes.
CLASHES: list[tuple[str, Answers, Edit]] = [
    ("default", {"learning_rate": 0.01}, LEARNING_RATE),
    ("default", {"input_kind": "sequence"}, FEATURES),
    ("default", {"extras": ["transfer"]}, CALLBACKS),
    ("default", {"extras": ["row_groups"]}, README),
]
# By answer that does not go with the others: the words of the message.
REFUSED: list[tuple[str, Answers, str]] = [
    ("default", {"package": "other"}, "an update does not rename mine"),
    ("default", {"heads": "shared_output"}, "shared_output needs tasks of one kind"),
    ("siamese", {"heads": "stacked"}, "'head_units': the present answer, '8; 8, 4; ', does not go"),
    ("parallel", {"extras": ["row_groups", "data_parallel"]}, "leave one of them out"),
    ("parallel", {"tasks": "a:regression, b:regression"}, "'loss_weights': the present answer"),
]
EXTRAS = next(q for q in Questionnaire().questions if q.name == "extras").choices


@pytest.fixture(scope="module", autouse=True)
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let Copier clone each version and compile each file once, not for each of many renderings."""
    clones: dict[tuple[str, str], str] = {}
    folder = tmp_path_factory.mktemp("clones")

    def clone_once(url: str, ref: str, location: str) -> str:
        if (url, ref) not in clones:
            clones[url, ref] = clone(url, ref, tempfile.mkdtemp(dir=folder))
        return clones[url, ref]

    # It asks git about each file, and does nothing where git sees executable files by itself.
    modes = "copier._main.Worker._sync_git_index_executable_bit"
    with pytest.MonkeyPatch.context() as patch, render.compiled_once(wherever=True):
        patch.setattr("copier._template.clone", clone_once)
        patch.setattr(modes, lambda *arguments: None)
        if yaml.__with_libyaml__:
            patch.setattr("yaml.SafeLoader", yaml.CSafeLoader)
        yield


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with the present template as its only version."""
    return updating.template_repository(tmp_path_factory.mktemp("repository") / "template")


@pytest.fixture(scope="module")
def bases(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, list[Edit]]]:
    """Make a project of each base, and apply the edits that are possible there."""
    made = {}
    for name, answers in BASES.items():
        project = tmp_path_factory.mktemp("bases") / name
        updating.copy(repository, project, answers)
        made[name] = (project, updating.edited(project))
    return made


@pytest.fixture
def another(
    bases: dict[str, tuple[Path, list[Edit]]], tmp_path: Path
) -> Callable[[str], tuple[Path, list[Edit]]]:
    """Return a function that copies such a project."""

    def copied(name: str) -> tuple[Path, list[Edit]]:
        project, edits = bases[name]
        shutil.copytree(project, tmp_path / "project")
        return tmp_path / "project", edits

    return copied


Another = Callable[[str], tuple[Path, list[Edit]]]


def name_of(value: object) -> str:
    """Name a test after its answers."""
    if isinstance(value, dict):
        return ",".join(f"{key}={answer}" for key, answer in value.items())[:60]
    return str(value)


def test_every_question_is_switched() -> None:
    cases = [switch for _, switch in SWITCHES]
    cases += [switch for _, switch, _ in (*CLASHES, *REFUSED)]
    hidden = {"num_tasks", "how_many_tasks", "earlier", "known_kinds", "step", "own_model"}
    questions = {question.name for question in Questionnaire().questions} - hidden
    assert {name for switch in cases for name in switch} == questions


def test_every_edit_is_possible_in_the_default_project(
    bases: dict[str, tuple[Path, list[Edit]]],
) -> None:
    assert bases["default"][1] == list(updating.EDITS)


@pytest.mark.parametrize(("base", "switch"), SWITCHES, ids=name_of)
def test_updated_project_equals_a_new_one_with_the_same_edits(
    base: str, switch: Answers, another: Another, repository: Path, tmp_path: Path
) -> None:
    project, edits = another(base)
    updating.update(project, switch)
    answers = updating.recorded(project)
    assert switch.items() <= answers.items()
    assert updating.texts(project) == updating.fresh(
        repository, tmp_path / "fresh", answers, edits, []
    )


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_added_and_removed(
    extra: str, another: Another, repository: Path, tmp_path: Path
) -> None:
    project, edits = another("default")
    for _, switch, clash in CLASHES:
        if switch == {"extras": [extra]}:
            edits = [edit for edit in edits if edit != clash]
            Edit(clash.file, clash.new, clash.old).apply(project)
            updating.commit(project)
    before, had = updating.texts(project), updating.recorded(project)["extras"]
    other = [name for name in EXTRAS if (name in had) != (name == extra)]
    updating.update(project, {"extras": other})
    answers = updating.recorded(project)
    assert (extra in answers["extras"]) == (extra not in had)
    found = updating.texts(project)
    assert found == updating.fresh(repository, tmp_path / "fresh", answers, edits, [])
    # Every extra has a file of its own.
    assert found.keys() != before.keys()
    updating.commit(project)
    updating.update(project, {"extras": had})
    assert updating.texts(project) == before


def run_copier(project: Path, arguments: str) -> None:
    """Run a command line of Copier in a project, in this process to be fast."""
    with local.cwd(project):
        _, status = CopierApp.run(["copier", *shlex.split(arguments)], exit=False)
    assert status == 0


def test_copier_update_takes_extras_from_the_command_line(another: Another) -> None:
    project, _ = another("siamese")
    run_copier(project, 'update --defaults --data "extras=[report, tune]"')
    assert updating.recorded(project)["extras"] == ["report", "tune"]
    modules = {path.stem for path in (project / "src/mine").glob("*.py")}
    assert {"report", "tune"} <= modules and "track_tensorboard" not in modules


@pytest.mark.parametrize(("base", "switch", "edit"), CLASHES, ids=name_of)
def test_an_answer_about_an_edited_line_leaves_both_versions_of_it(
    base: str, switch: Answers, edit: Edit, another: Another, repository: Path, tmp_path: Path
) -> None:
    project, edits = another(base)
    before = updating.texts(project)
    updating.update(project, switch)
    answers = updating.recorded(project)
    expected = updating.fresh(repository, tmp_path / "fresh", answers, edits, [edit])
    found = updating.texts(project)
    assert updating.conflicts(project) == [edit.file]
    mine, theirs = sides(found[edit.file])
    assert edit.new in mine
    assert found | {edit.file: theirs} == expected
    assert git(project, "diff", "--name-only", "--diff-filter=U").split() == [edit.file]
    # The README's way to undo it.
    git(project, "reset", "--quiet", "--hard")
    git(project, "clean", "--quiet", "-d", "--force")
    assert updating.texts(project) == before


@pytest.mark.parametrize(("base", "switch", "said"), REFUSED, ids=name_of)
def test_a_refused_answer_changes_nothing(
    base: str, switch: Answers, said: str, another: Another
) -> None:
    project, _ = another(base)
    before = updating.texts(project)
    with pytest.raises(ValueError, match=re.escape(said)):
        updating.update(project, switch)
    assert updating.texts(project) == before and not git(project, "status", "--porcelain")


def sides(text: str) -> tuple[str, str]:
    """Resolve all conflicts of a file in favor of the edits, and in favor of the template."""
    conflict = r"<<<<<<< before updating\n(.*?)=======\n(.*?)>>>>>>> after updating\n"
    mine, theirs = (re.sub(conflict, side, text, flags=re.DOTALL) for side in (r"\1", r"\2"))
    return mine, theirs


# The most that one update can change, and other tasks; both end on JAX, whose suites are fast.
MANY_AT_ONCE: list[tuple[str, Answers]] = [
    (
        "default",
        {
            "backend": "jax",
            "sharing": "mmoe",
            "heads": "stacked",
            "loss_weighting": "cagrad",
            "tasks": "task_1:regression, more:multiclass(3)",
            "extras": ["compare", "tensorboard"],
        },
    ),
    ("multi_head", {"layout": "siamese", "comparison": "difference", "loss_weighting": "equal"}),
]


def test_the_suites_of_updated_projects_pass(
    request: pytest.FixtureRequest, bases: dict[str, tuple[Path, list[Edit]]], tmp_path: Path
) -> None:
    every = request.config.getoption("--strength") == "all"
    asked: list[Combination] = []
    projects: dict[str, Path] = {}
    for base, switch in MANY_AT_ONCE + (SWITCHES if every else []):
        name = f"{len(asked)}-{base}-{name_of(switch)}"
        projects[name] = tmp_path / str(len(asked))
        shutil.copytree(bases[base][0], projects[name])
        updating.update(projects[name], switch)
        assert not updating.conflicts(projects[name])
        asked.append(Combination(name, {}, updating.recorded(projects[name])))
    verdicts = {verdict.name: verdict for verdict in run(asked, projects)}
    assert verdicts.keys() == projects.keys()
    failed = {name: verdict.output for name, verdict in verdicts.items() if not verdict.passed}
    assert not failed, "\n".join(f"{name}\n{output}" for name, output in failed.items())


FIRST = Version("0.2.0")
VERSION = Version(
    tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
)
RELEASES = releases.released(ROOT / releases.BUNDLE)


def next_version(repository: Path, change: Callable[[Path], None] | None = None) -> None:
    """Add the present template, changed if a change is given, as the last version."""
    releases.add(ROOT, repository, "present")
    if change:
        change(repository)
    updating.commit(repository, "v1000.0.0")


def replace_in(folder: Path, old: str, new: str) -> None:
    """Replace a text in all files below a folder."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".jinja", ".py", ".yml"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.skipif(VERSION < FIRST, reason=f"{FIRST}, the first release, is still to be made")
def test_this_version_is_released() -> None:
    assert RELEASES and RELEASES[0] == FIRST and RELEASES[-1] == VERSION
    assert f"## {VERSION} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.skipif(not RELEASES, reason=f"{releases.BUNDLE} has no release yet")
@pytest.mark.parametrize("version", RELEASES or [FIRST], ids=str)
@pytest.mark.parametrize("base", BASES)
def test_a_release_updates_to_the_present(base: str, version: Version, tmp_path: Path) -> None:
    repository, project = tmp_path / "template", tmp_path / "project"
    releases.unpack(ROOT / releases.BUNDLE, repository)
    updating.copy(repository, project, BASES[base], f"v{version}")
    edits = updating.edited(project)
    before = updating.recorded(project)
    next_version(repository)
    updating.update(project)
    after = updating.recorded(project)
    assert {name: after.get(name) for name in before} == before
    assert "_commit: v1000.0.0" in (project / ANSWERS).read_text(encoding="utf-8")
    assert updating.texts(project) == updating.fresh(
        repository, tmp_path / "fresh", after, edits, []
    )


def test_deleted_files_stay_deleted(template_versions: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {}, "v1.0.0")
    for name in ("tests/test_evaluate.py", "src/mine/plots.py"):
        (project / name).unlink()
    updating.commit(project)
    next_version(
        template_versions, lambda root: replace_in(root / "template/project", '"""', '"""Now: ')
    )
    updating.update(project, {"backend": "jax"})
    assert not (project / "tests/test_evaluate.py").exists()
    assert not (project / "src/mine/plots.py").exists()
    assert "Now: " in (project / "src/mine/data.py").read_text(encoding="utf-8")
    assert updating.recorded(project)["backend"] == "jax"


@pytest.fixture
def template_versions(tmp_path: Path) -> Path:
    """Make a repository of the template with version v1.0.0, to which a test adds one."""
    return updating.template_repository(tmp_path / "versions")


def test_a_renamed_question_keeps_its_answer(template_versions: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    answers: Answers = {"loss_weighting": "cagrad", "cagrad_c": 0.7}
    updating.copy(template_versions, project, answers)
    updating.commit(project)

    def rename(root: Path) -> None:
        replace_in(root, "cagrad_c", "cagrad_distance")
        replace_in(root, "default: 0.4", 'default: "{{ cagrad_c | default(0.4) }}"')
        replace_in(root, "internal = [", "internal = ['cagrad_c', ")

    next_version(template_versions, rename)
    updating.update(project)
    found = updating.recorded(project)
    assert found["cagrad_distance"] == 0.7 and "cagrad_c" not in found
    assert re.search(r"^CAGRAD_\w+ = 0\.7$", (project / updating.CONFIG).read_text(), re.MULTILINE)


MIGRATION = """
_migrations:
  - version: v1000.0.0
    command:
      - "{{ _copier_python }}"
      - "{{ _copier_conf.src_path }}/template/moved.py"
      - "{{ _copier_conf.answers_file }}"
      - "src/{{ package }}/plots.py"
      - "src/{{ package }}/pictures.py"
"""


def moves(first: str) -> Callable[[Path], None]:
    """Return a change that renames a module and changes its first line."""

    def move(root: Path) -> None:
        replace_in(root, first, first.replace('"""', '"""Now elsewhere: ', 1))
        replace_in(root, "plots", "pictures")
        source = root / "template/project/src/{{ package }}"
        (source / "plots.py").rename(source / "pictures.py")
        settings = root / "copier.yml"
        settings.write_text(settings.read_text(encoding="utf-8") + MIGRATION, encoding="utf-8")

    return move


def test_a_moved_file_keeps_its_edits(template_versions: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    plots = project / "src/mine/plots.py"
    first = plots.read_text(encoding="utf-8").splitlines()[0]
    Edit("src/mine/plots.py", "", "\n\n# Mine.\n").apply(project)
    updating.commit(project)
    next_version(template_versions, moves(first))
    before = updating.texts(project)
    with pytest.raises(UnsafeTemplateError, match="migrations"):
        updating.update(project)
    assert updating.texts(project) == before and not git(project, "status", "--porcelain")
    updating.update(project, trust=True)
    assert not plots.exists() and not updating.conflicts(project)
    text = (project / "src/mine/pictures.py").read_text(encoding="utf-8")
    assert text.startswith('"""Now elsewhere: ') and text.endswith("\n\n# Mine.\n")
    # The next update has nothing to move, and asks for no trust.
    updating.commit(project)
    updating.update(project)


def test_a_moved_file_is_not_called_gone_and_its_conflict_is_named(
    template_versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    first = (project / "src/mine/plots.py").read_text(encoding="utf-8").splitlines()[0]
    Edit("src/mine/plots.py", first, first.replace('"""', '"""My own: ', 1)).apply(project)
    updating.commit(project)
    next_version(template_versions, moves(first))
    assert main(["update", str(project)]) == 2
    assert "--trust it" in capsys.readouterr().err
    assert main(["update", str(project), "--trust"]) == 1
    printed = capsys.readouterr().out
    assert "conflict: src/mine/pictures.py" in printed and "gone" not in printed
    mine, theirs = sides((project / "src/mine/pictures.py").read_text(encoding="utf-8"))
    assert "My own: " in mine and "Now elsewhere: " in theirs


def test_a_moved_file_that_is_new_in_the_project_is_as_written(
    template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    updating.commit(project)
    module = "template/project/src/{{ package }}/{% if 'tune' in extras %}tune.py{% endif %}.jinja"

    def move(root: Path) -> None:
        (root / module).rename(root / module.replace("tune.py", "search.py"))
        settings = root / "copier.yml"
        migration = MIGRATION.replace("plots", "tune").replace("pictures", "search")
        settings.write_text(settings.read_text(encoding="utf-8") + migration, encoding="utf-8")

    next_version(template_versions, move)
    updating.update(project, trust=True)
    assert not (project / "src/mine/search.py").exists()
    git(project, "reset", "--quiet", "--hard")
    updating.update(project, {"extras": ["tune"]}, trust=True)
    assert (project / "src/mine/search.py").exists()


def test_a_moved_file_that_was_deleted_stays_deleted(
    template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    plots = project / "src/mine/plots.py"
    first = plots.read_text(encoding="utf-8").splitlines()[0]
    plots.unlink()
    updating.commit(project)
    next_version(template_versions, moves(first))
    updating.update(project, trust=True)
    assert not plots.exists() and not (project / "src/mine/pictures.py").exists()
    assert "pictures.draw_curves" in (project / "src/mine/__main__.py").read_text(encoding="utf-8")


def dirty(project: Path) -> None:
    (project / "notes.txt").write_text("mine", encoding="utf-8")


def no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def by_hand(old: str, new: str) -> Callable[[Path], None]:
    """Return a change of the answers file, which is committed."""

    def change(project: Path) -> None:
        path = project / ".copier-answers.yml"
        text = path.read_text(encoding="utf-8")
        assert re.search(old, text, re.MULTILINE)
        path.write_text(re.sub(old, new, text, flags=re.MULTILINE), encoding="utf-8")
        updating.commit(project)

    return change


ANSWERS = ".copier-answers.yml"
FAILURES: dict[str, tuple[Callable[[Path], None], Answers, str]] = {
    "dirty": (dirty, {}, "changes that are not committed"),
    "no git": (no_git, {}, "not a git repository"),
    "a choice": (by_hand("^backend: .*", "backend: torch"), {}, "'backend': 'torch' is not in"),
    "a size": (by_hand("^trunk_units: .*", "trunk_units: big"), {}, "'big' in 'big' is not a size"),
    "tasks": (by_hand("^num_tasks: .*", "num_tasks: 5"), {}, "'tasks': 3 tasks are named"),
    "a number": (by_hand("^num_tasks: .*", "num_tasks: x"), {}, "question 'num_tasks'"),
    "a name": (by_hand("^optimizer: ", "optimiser: "), {}, "unknown answer 'optimiser'"),
    "no YAML": (by_hand("^backend: .*", "backend: [a"), {}, ".copier-answers.yml, line"),
    "no project": (lambda project: (project / ANSWERS).unlink(), {}, f"there is no {ANSWERS}"),
    "no template": (by_hand("^_src_path: .*\n", ""), {}, "has no _src_path"),
    "moved": (
        by_hand("^_src_path: .*", "_src_path: /nowhere/at/all"),
        {},
        "there is no /nowhere/at/all (if",
    ),
    "a URL": (
        by_hand("^_src_path: .*", "_src_path: file:///nowhere/it.git"),
        {},
        "change _src_path",
    ),
    "no version": (by_hand("^_commit: .*", "_commit: v77.0.0"), {}, "has no version v77.0.0"),
    "unknown": (lambda project: None, {"takss": "a:binary"}, "unknown answer 'takss'"),
    "invalid": (lambda project: None, {"heads": "shared_output"}, "one kind and width"),
    "counted": (lambda project: None, {"num_tasks": 4}, "'tasks': the present answer, 'task_1:"),
}


# What Copier itself raises.
REFUSALS = (ValueError, TypeError, OSError, CopierError, YAMLError, ProcessExecutionError)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_update_leaves_the_project_as_it_was(
    failure: str, another: Another, capsys: pytest.CaptureFixture[str]
) -> None:
    project, _ = another("default")
    change, answers, said = FAILURES[failure]
    change(project)
    before = updating.texts(project)
    with pytest.raises(REFUSALS):
        updating.update(project, answers)
    assert updating.texts(project) == before
    given = [f"--data={key}={answer}" for key, answer in answers.items()]
    assert main(["update", str(project), *given]) == 2
    assert updating.texts(project) == before
    printed = capsys.readouterr().err
    assert said in printed and printed.count("\n") == 1


def test_generator_update_says_what_clashes_and_what_is_gone(
    another: Another, capsys: pytest.CaptureFixture[str]
) -> None:
    project, _ = another("siamese")
    report = project / "src/mine/report.py"
    report.write_text(report.read_text(encoding="utf-8") + "\n\n# Mine.\n", encoding="utf-8")
    updating.commit(project)
    assert main(["update", str(project), "--data=extras=compare", "--data=learning_rate=0.1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{project}: v1.0.0 -> v1.0.0"
    # Other files are gone, too, but nobody had changed them.
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["conflict:", updating.CONFIG],
        ["gone:", "src/mine/report.py,"],
    ]
    assert len(lines) == 4
    assert updating.recorded(project)["extras"] == ["compare"]
    git(project, "restore", "src/mine/report.py")
    assert report.read_text(encoding="utf-8").endswith("# Mine.\n")


def test_an_interrupted_update_leaves_the_project_as_it_was(
    another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = another("default")
    before = updating.texts(project)
    written = []

    def interrupted(*arguments: object) -> None:
        written.append(updating.texts(project) != before)
        raise KeyboardInterrupt

    monkeypatch.setattr("copier._main._remove_old_files", interrupted)
    assert main(["update", str(project), "--data=backend=jax"]) == 130
    assert written == [True] and updating.texts(project) == before
    assert not git(project, "status", "--porcelain")


def in_a_repository_that_ignores_it(project: Path) -> None:
    shutil.rmtree(project / ".git")
    git(project.parent, "init", "--quiet")
    (project.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    updating.commit(project.parent)


def with_a_file_that_git_ignores(project: Path) -> None:
    with (project / ".gitignore").open("a", encoding="utf-8") as file:
        file.write("model.py\ntest_sharing.py\n")
    git(project, "rm", "--quiet", "--cached", "src/mine/model.py")
    updating.commit(project)
    (project / "src/mine/model.py").write_text("# Mine.\n", encoding="utf-8")
    (project / "tests/test_sharing.py").write_text("# Mine, too.\n", encoding="utf-8")


def in_another_encoding(project: Path) -> None:
    with (project / "README.md").open("ab") as file:
        file.write(b"caf\xe9\n")
    updating.commit(project)


def with_a_directory_in_the_way(project: Path) -> None:
    (project / "tests/test_sharing.py").mkdir()
    (project / "tests/test_sharing.py/notes.txt").touch()
    updating.commit(project)


def contents(project: Path) -> dict[Path, bytes]:
    """Return the content of each file of a project, in any encoding, except git's."""
    files = (path for path in project.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {path: path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_a_repository_that_ignores_it, "git does not have .copier-answers.yml"),
        (with_a_file_that_git_ignores, "py is yours, and git ignores it"),
        (in_another_encoding, "README.md is not UTF-8"),
        (with_a_directory_in_the_way, "Error"),
        (by_hand("^_src_path: .*", "_src_path: [a]"), "has no _src_path"),
        (by_hand("^_commit: .*", "_commit: 1.0"), "has no _commit"),
    ],
)
def test_what_copier_would_lose_is_refused(
    change: Callable[[Path], None],
    said: str,
    another: Another,
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project, _ = another("default")
    change(project)
    before = contents(project)
    following = tmp_path / "following"
    updating.copy(repository, following, {})
    updating.commit(following)
    assert main(["update", str(project), str(following), "--data=sharing=mmoe"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"error: {project}: ") and printed.err.count("\n") == 1
    assert said in printed.err
    assert contents(project) == before
    # The next one is updated all the same.
    assert updating.recorded(following)["sharing"] == "mmoe"


def test_edits_survive_a_users_git_settings(
    another: Another,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project, edits = another("default")
    Edit("README.md", "", "Two blanks  \n").apply(project)
    updating.commit(project)
    (tmp_path / "attributes").write_text("* -diff\n", encoding="utf-8")
    settings = tmp_path / "settings"
    settings.write_text(
        f"""
        [apply]
            whitespace = error
        [core]
            attributesFile = {tmp_path}/attributes
        [diff]
            orderFile = /nowhere
        [status]
            showUntrackedFiles = no
        """,
        encoding="utf-8",
    )
    with local.env(GIT_CONFIG_GLOBAL=str(settings)):
        (project / "notes.txt").touch()
        assert main(["update", str(project), "--data=backend=jax"]) == 2
        assert "not committed" in capsys.readouterr().err
        (project / "notes.txt").unlink()
        assert main(["update", str(project), "--data=backend=jax"]) == 0
    assert updating.recorded(project)["backend"] == "jax"
    found = updating.texts(project)
    assert found["README.md"].endswith("A paragraph of mine.\nTwo blanks  \n")
    for edit in edits:
        assert edit.new in found[edit.file]


def test_a_project_behind_a_link_takes_a_template_beside_it(
    another: Another, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project, _ = another("default")
    (tmp_path / "template").symlink_to(repository)
    by_hand("^_src_path: .*", "_src_path: ../template")(project)
    (tmp_path / "link").symlink_to(project)
    assert main(["update", str(tmp_path / "link"), "--data=backend=jax"]) == 0
    assert updating.recorded(project)["backend"] == "jax"


def test_a_project_with_unresolved_conflicts_fails_its_tests(another: Another) -> None:
    project, _ = another("default")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_project.py",
    ]

    def status() -> tuple[int, str]:
        # Only this one, without what the project's other tests need.
        done = subprocess.run(
            [*command, "--noconftest"], cwd=project, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    assert status()[0] == 0
    updating.update(project, {"learning_rate": 0.1})
    failed, printed = status()
    assert failed == 1 and "mine/config.py" in printed
    config = project / updating.CONFIG
    config.write_text(sides(config.read_text(encoding="utf-8"))[0], encoding="utf-8")
    assert status()[0] == 0
    for name in (
        "README.md",
        "tests/test_mine.py",
        ".github/workflows/ci.yml",
        ".copier-answers.yml",
    ):
        path = project / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text + ">>>>>>> after updating\n", encoding="utf-8")
        assert status()[0] == 1, name
        path.write_text(text, encoding="utf-8")
    (project / "src/mine/data.py.rej").touch()
    assert status()[0] == 1


def test_the_commands_of_a_generated_readme_update_it(
    template_versions: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    updating.commit(project)
    readme = (project / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sh\n(copier check-update\n.*?)```", readme, re.DOTALL)
    check, newer, other = block.splitlines()

    def run(command: str) -> str:
        run_copier(project, command.removeprefix("copier "))
        return "".join(capfd.readouterr())

    assert "up-to-date" in run(check)
    next_version(template_versions)
    assert "1000" in run(check)
    assert "git status" in run(newer)
    updating.commit(project)
    assert "up-to-date" in run(check)
    run(other)
    assert updating.recorded(project)["backend"] == "jax"


def test_a_package_is_renamed_as_the_readme_says(another: Another) -> None:
    project, _ = another("default")
    git(project, "mv", "src/mine", "src/yours")
    for name in git(project, "ls-files").splitlines():
        path = project / name
        text = re.sub(r"\bmine\b", "yours", path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
    updating.commit(project)
    updating.update(project, {"sharing": "mmoe", "learning_rate": 0.001})
    assert not updating.conflicts(project) and not (project / "src/mine").exists()
    config = (project / "src/yours/config.py").read_text(encoding="utf-8")
    assert "epochs: int = 7\n" in config and "EXPERT" in config


def test_a_projects_workflows_are_valid_and_run_what_its_readme_says(
    repository: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(repository, project, {"extras": ["github_ci", "github_updates"]})
    workflows = sorted((project / ".github/workflows").iterdir())
    assert [path.name for path in workflows] == ["ci.yml", "update.yml"]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    checked = subprocess.run(
        [*command, "vendor.github-workflows", *workflows],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
    ci = yaml.safe_load(workflows[0].read_text(encoding="utf-8"))
    steps = [step["run"] for step in ci["jobs"]["test"]["steps"] if "run" in step]
    readme = (project / "README.md").read_text(encoding="utf-8")
    commands = "".join(re.findall(r"```bash\n(.*?)```", readme, re.DOTALL)).splitlines()
    assert steps[0] == commands[0] and steps[1:] == commands[-4:]


def test_the_update_workflow_commits_a_new_version(template_versions: Path, tmp_path: Path) -> None:
    project, remote, bin_ = tmp_path / "project", tmp_path / "remote.git", tmp_path / "bin"
    updating.copy(template_versions, project, {"extras": ["github_ci", "github_updates"]})
    updating.commit(project)
    git(tmp_path, "init", "--quiet", "--bare", str(remote))
    git(project, "remote", "add", "origin", str(remote))
    bin_.mkdir()
    log = tmp_path / "gh.log"
    log.touch()
    for name, does in (
        # `pr list --head BRANCH` counts what `pr create --head BRANCH` has left.
        (
            "gh",
            f'if [ $2 = list ]; then grep -c -- "$3 $4" {log} || :; else echo "$@" >> {log}; fi',
        ),
        ("copier", f'exec {sys.executable} -m copier "$@"'),
    ):
        (bin_ / name).write_text(f"#!/bin/sh\n{does}\n")
        (bin_ / name).chmod(0o755)
    workflow = yaml.safe_load((project / ".github/workflows/update.yml").read_text())
    check, take = [step for step in workflow["jobs"]["update"]["steps"] if "run" in step][1:]
    path = f"{bin_}{os.pathsep}{os.environ['PATH']}"

    def run(script: str) -> str:
        output = tmp_path / "output"
        output.write_text("")
        subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=project,
            env={**os.environ, "PATH": path, "GITHUB_OUTPUT": str(output)},
            check=True,
        )
        return output.read_text()

    assert run(check["run"]) == "new=false\n"
    next_version(template_versions)
    assert run(check["run"]) == "new=true\n"
    assert take["if"] == "steps.check.outputs.new == 'true'"
    run(take["run"])
    subject = git(remote, "log", "--format=%s", "-1", "template-v1000.0.0").strip()
    assert subject == "Update the template to v1000.0.0"
    asked, deleted = log.read_text().splitlines()
    head = "pr create --head template-v1000.0.0"
    assert asked == f"{head} --title {subject} --body Files with conflicts: none"
    assert deleted.endswith(": none")
    # A version gets one pull request, even after it was closed.
    git(project, "switch", "--quiet", "-")
    run(take["run"])
    assert len(log.read_text().splitlines()) == 2
    # The pull request names the files with conflicts.
    git(project, "reset", "--quiet", "--hard")
    Edit("src/mine/plots.py", "", "# Mine.\n").apply(project)
    updating.commit(project)
    Edit("template/project/src/{{ package }}/plots.py", "", "# Theirs.\n").apply(template_versions)
    updating.commit(template_versions, "v1001.0.0")
    run(take["run"])
    asked = log.read_text().splitlines()[2]
    assert "v1001.0.0, with conflicts --body" in asked and asked.endswith(": src/mine/plots.py")
    assert "<<<<<<<" in git(remote, "show", "template-v1001.0.0:src/mine/plots.py")
