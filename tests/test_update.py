"""`copier update`: other answers, later versions of the template; and what people had changed.

What an update leaves must be what a new project with the same answers would be, with the same
changes made by hand.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import updating
import yaml
from copier.errors import CopierError, UnsafeTemplateError
from plumbum import ProcessExecutionError, local
from test_cli import shell_commands
from updating import BASES, FEATURES, LEARNING_RATE, Edit, git
from yaml import YAMLError

from generator.choices.combinations import Combination
from generator.choices.questions import ROOT, Answers, Questionnaire
from generator.cli import main
from generator.projects import render, suites
from generator.releases import releases

# Other answers to questions that take any text, where they are asked.
OTHERS: Answers = {
    "project_name": "Yours",
    "trunk_units": "48, 24",
    "head_units": "24",
    "input_shape": {"tabular": "9", "text": "24", "sequence": "8, 2"},
    "learning_rate": 0.01,
    "label_smoothing": 0.1,
    "expert_units": "24",
    "num_experts": 3,
    "num_private_experts": 1,
    "num_levels": 1,
    "embedding_dim": 8,
    "loss_weights": "3, 1, 1",
    "package": "other",
}
# What else must be said where tasks come or go.
COUNTED = {
    "siamese": ({"head_units": "8"}, {"head_units": "8"}),
    "parallel": ({"loss_weights": "1, 2, 0.5, 1"}, {"loss_weights": "1, 2"}),
}
KINDS_DIFFER = "shared_output needs tasks of one kind"
# By base and answer: what is said where an answer does not go with the others.
REFUSED = {
    ("default", "heads", "shared_output"): KINDS_DIFFER,
    ("multi_head", "heads", "shared_output"): KINDS_DIFFER,
    ("siamese", "heads", "shared_output"): KINDS_DIFFER,
    ("siamese", "heads", "stacked"): "'head_units': the present one, '8; 8, 4; ', does not go",
    ("parallel", "distribution", "data_parallel"): "needs the table in memory",
} | {(base, "package", "other"): "an update does not rename mine" for base in BASES}
# And which edit clashes where an answer is about the very line that was edited.
CLASHES = {
    (base, "input_kind", kind): FEATURES
    for base in ("default", "multi_head")
    for kind in ("sequence", "image", "text")
} | {(base, "learning_rate", 0.01): LEARNING_RATE for base in BASES}


def switches(base: str) -> Iterator[Answers]:
    """Every other answer to every question that the project was asked; other tasks."""
    questionnaire = Questionnaire()
    answers = questionnaire.resolve({"project_name": "Mine", **BASES[base]})
    for question in questionnaire.questions:
        other = OTHERS.get(question.name)
        if isinstance(other, dict):
            other = other[answers["input_kind"]]
        for answer in question.choices or [other] if question.name in answers else []:
            if answer not in (None, answers[question.name]):
                yield {question.name: answer}
    tasks = answers["tasks"].split(", ")
    kind = tasks[0].partition(":")[2]
    more, fewer = COUNTED.get(base, ({}, {}))
    yield {"tasks": ", ".join([*tasks, f"another:{kind}"]), **more}
    yield {"tasks": ", ".join(tasks[:-1]), **fewer}
    yield {"tasks": ", ".join([f"renamed:{kind}", *tasks[1:]])}


SWITCHES = [(base, switch) for base in BASES for switch in switches(base)]


@pytest.fixture(scope="module", autouse=True)
def fast() -> Iterator[None]:
    """Save what Copier does anew in each of the hundreds of renderings."""
    with pytest.MonkeyPatch.context() as patch, render.compiled_once(wherever=True):
        if yaml.__with_libyaml__:
            patch.setattr("yaml.SafeLoader", yaml.CSafeLoader)
        yield


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as a repository with one version."""
    return updating.template_repository(tmp_path_factory.mktemp("repository") / "template")


@pytest.fixture(scope="module")
def bases(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, list[Edit]]]:
    """A project of each kind, edited, with the edits that were possible."""
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
    """A copy of such a project."""

    def copied(name: str) -> tuple[Path, list[Edit]]:
        project, edits = bases[name]
        shutil.copytree(project, tmp_path / "project")
        return tmp_path / "project", edits

    return copied


Another = Callable[[str], tuple[Path, list[Edit]]]


def name_of(value: object) -> str:
    """As a test's name."""
    if isinstance(value, dict):
        return ",".join(f"{key}={answer}" for key, answer in value.items())[:60]
    return str(value)


@pytest.mark.parametrize(("base", "switch"), SWITCHES, ids=name_of)
def test_a_switch_leaves_what_a_new_project_would_be_with_the_same_edits(
    base: str, switch: Answers, another: Another, repository: Path, tmp_path: Path
) -> None:
    project, edits = another(base)
    before = updating.texts(project)
    [(key, answer), *_] = switch.items()
    if said := REFUSED.get((base, key, answer)):
        with pytest.raises(ValueError, match=re.escape(said)):
            updating.update(project, switch)
        assert updating.texts(project) == before and not git(project, "status", "--porcelain")
        return
    updating.update(project, switch)
    answers = updating.recorded(project)
    assert switch.items() <= answers.items()
    clash = CLASHES.get((base, key, answer))
    expected = updating.fresh(
        repository, tmp_path / "fresh", answers, edits, [clash] if clash else []
    )
    found = updating.texts(project)
    if clash:
        assert updating.conflicts(project) == [clash.file]
        # Both versions are there, one of them the edit; the rest of the file is as it must be.
        mine, theirs = sides(found[clash.file])
        assert clash.new in mine and theirs == expected[clash.file]
        assert git(project, "diff", "--name-only", "--diff-filter=U").split() == [clash.file]
        found[clash.file] = theirs
    assert found == expected
    # As the README says; also where there is a conflict.
    git(project, "reset", "--quiet", "--hard")
    git(project, "clean", "--quiet", "-d", "--force")
    assert updating.texts(project) == before


def sides(text: str) -> tuple[str, str]:
    """A file with conflicts, as it was before the update, and as the template would have it."""
    conflict = r"<<<<<<< before updating\n(.*?)=======\n(.*?)>>>>>>> after updating\n"
    choose = (re.sub(conflict, side, text, flags=re.DOTALL) for side in (r"\1", r"\2"))
    mine, theirs = choose
    return mine, theirs


def test_most_switches_are_clean_and_every_question_is_switched() -> None:
    switched = {(base, key) for base, switch in SWITCHES for key in switch}
    for base, answers in BASES.items():
        resolved = Questionnaire().resolve({"project_name": "Mine", **answers})
        asked = set(resolved) - {"num_tasks"}  # it follows the tasks
        defaults = {"gradnorm_alpha", "kernel_size"}
        assert not {name for name in asked - defaults if (base, name) not in switched}
    known = {(base, *next(iter(switch.items()))) for base, switch in SWITCHES}
    assert (REFUSED.keys() | CLASHES.keys()) <= known


# The most that one update can change, and other tasks.
MANY_AT_ONCE: list[tuple[str, Answers]] = [
    (
        "default",
        {
            "sharing": "mmoe",
            "heads": "stacked",
            "loss_weighting": "cagrad",
            "tracking": "tensorboard",
            "tasks": "task_1:regression, more:multiclass(3)",
        },
    ),
    ("multi_head", {"layout": "siamese", "comparison": "difference", "backend": "tensorflow"}),
]
CLEAN = [
    (base, switch)
    for base, switch in SWITCHES
    if (base, *next(iter(switch.items()))) not in REFUSED.keys() | CLASHES.keys()
]


def test_the_suites_of_updated_projects_pass(
    request: pytest.FixtureRequest,
    bases: dict[str, tuple[Path, list[Edit]]],
    repository: Path,
    tmp_path: Path,
) -> None:
    every = request.config.getoption("--strength") == "all"
    asked: list[Combination] = []
    projects: dict[str, Path] = {}
    for base, switch in MANY_AT_ONCE + (CLEAN if every else []):
        name = f"{len(asked)}-{base}-{name_of(switch)}"
        original, edits = bases[base]
        project = tmp_path / str(len(asked))
        shutil.copytree(original, project)
        updating.update(project, switch)
        answers = updating.recorded(project)
        assert switch.items() <= answers.items()
        if switch in dict(MANY_AT_ONCE).values():
            fresh = updating.fresh(repository, tmp_path / "fresh", answers, edits, [])
            assert updating.texts(project) == fresh
        asked.append(Combination(name, {}, answers))
        projects[name] = project
    verdicts = {verdict.name: verdict for verdict in suites.run(asked, projects)}
    assert verdicts.keys() == projects.keys()
    failed = {name: verdict.output for name, verdict in verdicts.items() if not verdict.passed}
    assert not failed, "\n".join(f"{name}\n{output}" for name, output in failed.items())


RELEASES = releases.released(ROOT / releases.BUNDLE)


def next_version(repository: Path, change: Callable[[Path], None] | None = None) -> None:
    """The present template, perhaps changed, as the version after all others."""
    releases.add(ROOT, repository, "present")
    if change:
        change(repository)
    updating.commit(repository, "v1000.0.0")


def replace_in(folder: Path, old: str, new: str) -> None:
    """In all files below a folder."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix in (".jinja", ".py", ".yml"):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(old, new), encoding="utf-8")


def test_there_is_a_release() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'version = "{RELEASES[-1]}"' in settings
    assert f"## {RELEASES[-1]} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", RELEASES, ids=str)
@pytest.mark.parametrize("base", BASES)
def test_a_release_updates_to_the_present(base: str, version: object, tmp_path: Path) -> None:
    repository, project = tmp_path / "template", tmp_path / "project"
    releases.unpack(ROOT / releases.BUNDLE, repository)
    updating.copy(repository, project, BASES[base], f"v{version}")
    assert updating.git(project.parent / "template", "describe", "--tags")
    edits = updating.edited(project)
    before = updating.recorded(project)
    next_version(repository)
    updating.update(project)
    after = updating.recorded(project)
    assert {name: after.get(name) for name in before} == before
    assert "_commit: v1000.0.0" in (project / ".copier-answers.yml").read_text()
    assert updating.texts(project) == updating.fresh(
        repository, tmp_path / "fresh", after, edits, []
    )


def test_deleted_files_stay_deleted(template_versions: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {}, "v1.0.0")
    for name in ("tests/test_precision.py", "src/mine/curves.py"):
        (project / name).unlink()
    updating.commit(project)
    next_version(
        template_versions, lambda root: replace_in(root / "template/project", '"""', '"""Now: ')
    )
    updating.update(project, {"backend": "jax"})
    assert not (project / "tests/test_precision.py").exists()
    assert not (project / "src/mine/curves.py").exists()
    assert "Now: " in (project / "src/mine/data.py").read_text(encoding="utf-8")
    assert updating.recorded(project)["backend"] == "jax"


@pytest.fixture
def template_versions(tmp_path: Path) -> Path:
    """A repository of the template with version v1.0.0, to which a test adds one."""
    return updating.template_repository(tmp_path / "versions")


def test_a_renamed_question_keeps_its_answer(template_versions: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    answers: Answers = {"loss_weighting": "cagrad", "cagrad_c": 0.7}
    updating.copy(template_versions, project, answers)
    updating.commit(project)

    def rename(root: Path) -> None:
        replace_in(root, "cagrad_c", "cagrad_distance")
        replace_in(root, "default: 0.4", 'default: "{{ cagrad_c | default(0.4) }}"')
        replace_in(root, "retired = []", "retired = ['cagrad_c']")

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
      - "src/{{ package }}/curves.py"
      - "src/{{ package }}/pictures.py"
"""


def moves(first: str) -> Callable[[Path], None]:
    """A version that changes the first line of a module, and its name."""

    def move(root: Path) -> None:
        replace_in(root, first, first.replace('"""', '"""Now elsewhere: ', 1))
        replace_in(root, "curves import", "pictures import")
        source = root / "template/project/src/{{ package }}"
        (source / "curves.py.jinja").rename(source / "pictures.py.jinja")
        settings = root / "copier.yml"
        settings.write_text(settings.read_text(encoding="utf-8") + MIGRATION, encoding="utf-8")

    return move


@pytest.mark.parametrize("clash", [False, True], ids=["beside", "the same line"])
def test_a_moved_file_keeps_what_was_changed_in_it(
    clash: bool, template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    curves = project / "src/mine/curves.py"
    original = curves.read_text(encoding="utf-8")
    first = original.splitlines()[0]
    mine = first.replace('"""', '"""My own: ', 1) if clash else first
    curves.write_text(original.replace(first, mine) + "\n\n# Mine.\n", encoding="utf-8")
    updating.commit(project)

    next_version(template_versions, moves(first))
    before = updating.texts(project)
    with pytest.raises(UnsafeTemplateError, match="migrations"):
        updating.update(project)
    assert updating.texts(project) == before and not git(project, "status", "--porcelain")
    updating.update(project, trust=True)
    assert not curves.exists()
    text = (project / "src/mine/pictures.py").read_text(encoding="utf-8")
    assert text.endswith("\n\n# Mine.\n") and "Now elsewhere: " in text
    assert ("<<<<<<<" in text) == clash == ("My own: " in text)
    # The next update has nothing to move, and asks for no trust.
    updating.commit(project)
    updating.update(project)


def test_a_moved_file_is_not_called_gone_and_its_conflict_is_named(
    template_versions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    curves = project / "src/mine/curves.py"
    text = curves.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    curves.write_text(text.replace('"""', '"""My own: ', 1), encoding="utf-8")
    updating.commit(project)
    next_version(template_versions, moves(first))
    assert main(["update", str(project)]) == 2
    assert "--trust it" in capsys.readouterr().err
    assert main(["update", str(project), "--trust"]) == 1
    printed = capsys.readouterr().out
    assert "conflict: src/mine/pictures.py" in printed and "gone" not in printed


def test_a_moved_file_that_the_answers_had_not_asked_for_is_as_written(
    template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    updating.commit(project)
    module = (
        "template/project/src/{{ package }}/{% if tracking != 'none' %}tracking.py{% endif %}.jinja"
    )

    def move(root: Path) -> None:
        replace_in(root, "from .tracking import", "from .logs import")
        (root / module).rename(root / module.replace("tracking.py", "logs.py"))
        settings = root / "copier.yml"
        migration = MIGRATION.replace("curves", "tracking").replace("pictures", "logs")
        settings.write_text(settings.read_text(encoding="utf-8") + migration, encoding="utf-8")

    next_version(template_versions, move)
    updating.update(project, trust=True)
    assert not (project / "src/mine/logs.py").exists()
    git(project, "reset", "--quiet", "--hard")
    updating.update(project, {"tracking": "tensorboard"}, trust=True)
    assert (project / "src/mine/logs.py").exists()


def test_a_moved_file_that_was_deleted_stays_deleted(
    template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    curves = project / "src/mine/curves.py"
    first = curves.read_text(encoding="utf-8").splitlines()[0]
    curves.unlink()
    updating.commit(project)
    next_version(template_versions, moves(first))
    updating.update(project, trust=True)
    assert not curves.exists() and not (project / "src/mine/pictures.py").exists()
    assert "pictures import" in (project / "src/mine/train.py").read_text(encoding="utf-8")


def dirty(project: Path) -> None:
    (project / "notes.txt").write_text("mine", encoding="utf-8")


def no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def by_hand(old: str, new: str) -> Callable[[Path], None]:
    """Change the answers file, and commit it."""

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
    "a size": (by_hand("^trunk_units: .*", "trunk_units: big"), {}, "'big' in 'big' is no size"),
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
    "counted": (lambda project: None, {"num_tasks": 4}, "'tasks': the present one, 'task_1:"),
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
    tracking = project / "src/mine/tracking.py"
    tracking.write_text(tracking.read_text(encoding="utf-8") + "\n\n# Mine.\n", encoding="utf-8")
    updating.commit(project)
    assert main(["update", str(project), "--data=tracking=none", "--data=learning_rate=0.1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{project}: v1.0.0 -> v1.0.0"
    # test_tracking.py is gone, too, but nobody had changed it.
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["conflict:", updating.CONFIG],
        ["gone:", "src/mine/tracking.py,"],
    ]
    assert len(lines) == 4
    git(project, "restore", "src/mine/tracking.py")
    assert tracking.read_text(encoding="utf-8").endswith("# Mine.\n")


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
        file.write("compare.py\nsharing.py\n")
    git(project, "rm", "--quiet", "--cached", "src/mine/compare.py")
    updating.commit(project)
    (project / "src/mine/compare.py").write_text("# Mine.\n", encoding="utf-8")
    (project / "src/mine/sharing.py").write_text("# Mine, too.\n", encoding="utf-8")


def in_another_encoding(project: Path) -> None:
    with (project / "README.md").open("ab") as file:
        file.write(b"caf\xe9\n")
    updating.commit(project)


def with_a_directory_in_the_way(project: Path) -> None:
    (project / "src/mine/sharing.py").mkdir()
    (project / "src/mine/sharing.py/notes.txt").touch()
    updating.commit(project)


def contents(project: Path) -> dict[Path, bytes]:
    """All files of a project, of any encoding, but for git's."""
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


def test_git_settings_of_ones_own_do_not_lose_edits(
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


def test_an_update_that_is_not_merged_is_red(another: Another) -> None:
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
    assert failed == 1 and "config.py, line" in printed
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
    template_versions: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    updating.copy(template_versions, project, {})
    updating.commit(project)
    readme = (project / "README.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sh\n(copier check-update\n.*?)```", readme, re.DOTALL)
    check, newer, other = block.splitlines()
    copier = [sys.executable, "-m", "copier"]

    def run(command: str) -> str:
        words = [*copier, *command.split()[1:]]
        done = subprocess.run(words, cwd=project, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

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
    updating.copy(repository, project, {"template_updates": "workflow"})
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
    commands = shell_commands((project / "README.md").read_text(encoding="utf-8"))
    assert steps[0] == commands[0] and steps[1:] == commands[-4:]


def test_the_update_workflow_commits_a_new_version(template_versions: Path, tmp_path: Path) -> None:
    project, remote, bin_ = tmp_path / "project", tmp_path / "remote.git", tmp_path / "bin"
    updating.copy(template_versions, project, {"template_updates": "workflow"})
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
    assert subject == "Update of the template to v1000.0.0"
    asked, gone = log.read_text().splitlines()
    head = "pr create --head template-v1000.0.0"
    assert asked.startswith(f"{head} --title {subject} --body") and asked.endswith("no file")
    assert gone.endswith("no file")
    # Once a version, whatever becomes of it.
    git(project, "switch", "--quiet", "-")
    run(take["run"])
    assert len(log.read_text().splitlines()) == 2
    # Where something clashes the pull request says what.
    git(project, "reset", "--quiet", "--hard")
    Edit("src/mine/curves.py", "", "# Mine.\n").apply(project)
    updating.commit(project)
    Edit("template/project/src/{{ package }}/curves.py.jinja", "", "# Theirs.\n").apply(
        template_versions
    )
    updating.commit(template_versions, "v1001.0.0")
    run(take["run"])
    asked = log.read_text().splitlines()[2]
    assert "v1001.0.0, with conflicts --body" in asked and asked.endswith("in: src/mine/curves.py")
    assert "<<<<<<<" in git(remote, "show", "template-v1001.0.0:src/mine/curves.py")
