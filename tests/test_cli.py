"""Test the commands of the generator, as the README has them."""

import contextlib
import json
import os
import re
import resource
import select
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from conftest import as_in_a_terminal

from generator.choices.combinations import enumeration
from generator.choices.questions import ROOT
from generator.cli import main
from generator.projects import checks, render

# By command of README.md's shell blocks: the test that runs it, or what else runs it.
COMMANDS = {
    "make demo": "test_demo_trains_on_real_penguins",
    "make test": "this very run",
    "python3 -m venv env && . env/bin/activate": "test_installs.py",
    "pip install copier": "the environment of this run",
    'pip install -e ".[dev]"': "test_installs.py",
    "python -m multi_task_model train --data TABLE.csv": "test_commands_of_a_generated_readme",
    'copier copy --defaults --data "tasks=price:regression, sold:binary, district:multiclass(3)"'
    " PATH_OR_URL_OF_THIS_REPOSITORY my-houses": "test_copier_copy_needs_no_trust",
    "make check": "the commands `check` and `test`, below",
    "copier check-update": "test_the_commands_of_a_generated_readme_update_it",
    "copier update --defaults": "test_the_commands_of_a_generated_readme_update_it",
    "copier update --defaults --data backend=jax": (
        "test_the_commands_of_a_generated_readme_update_it"
    ),
    ".venv/bin/python -m generator update PROJECT PROJECT": (
        "test_generator_update_says_what_clashes_and_what_is_gone"
    ),
    ".venv/bin/python -m generator check 'siamese-text-*'": "test_check_reports_an_unexpected_file",
    ".venv/bin/python -m generator test 'siamese-text-concat-*-jax'": "test_suite_runs_by_name",
    ".venv/bin/python -m generator random 20": "test_draws.py",
    ".venv/bin/python -m generator matrix --format github": "test_matrix.py",
    "copier copy PATH_OR_URL_OF_THIS_REPOSITORY my-project": "test_copier_copy_needs_no_trust",
    'cd my-project && pip install -e ".[dev]" && python -m multi_task_model train': (
        "test_commands_of_a_generated_readme"
    ),
    ".venv/bin/python -m generator demo same_record": "test_demo_trains_on_real_record_pairs",
    ".venv/bin/python -m generator combinations": "test_combinations_are_listed_by_pattern",
    ".venv/bin/python -m generator answers default": "test_answers_of_a_combination_render_it",
    ".venv/bin/python -m generator render my-project --data backend=jax": "test_render",
    ".venv/bin/python -m generator bench": "test_bench_saves_all_parts_in_one_file",
    ".venv/bin/python -m generator bench speed": "test_bench_speed_prints_ratios",
    ".venv/bin/python -m generator bench weighting": "test_bench_weighting_prints_tables",
    ".venv/bin/python -m generator bench sharing": "test_bench_sharing_prints_tables_and_resumes",
    ".venv/bin/python -m generator bench predict": "test_bench_predict_prints_a_table",
    ".venv/bin/python -m generator bench streaming": "test_bench_streaming_prints_a_table",
    ".venv/bin/python -m generator bench tasks": "test_bench_tasks_prints_ratios",
    ".venv/bin/python -m generator bench peers": "test_bench_peers_prints_ratios",
    ".venv/bin/python -m generator bench profile": "test_bench_profile_prints_shares",
}


def shell_commands(text: str) -> list[str]:
    """List the commands of a page's ```bash blocks, without comments."""
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    lines = (re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def python(*arguments: str, cwd: Path, src: bool = True) -> str:
    """Run Python in a project and return its output."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"PYTHONPATH": str(cwd / "src")} if src else {}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_command_of_the_readme_is_run_by_a_test() -> None:
    assert set(shell_commands((ROOT / "README.md").read_text(encoding="utf-8"))) == set(COMMANDS)


def test_demo_trains_on_real_penguins(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--into", str(tmp_path), "--epochs", "2"]) == 0
    printed = capfd.readouterr().out
    for words in ("species", "body_mass_g", "held-out rows", "curves.png"):
        assert words in printed
    assert main(["demo", "--into", str(tmp_path), "--epochs", "1"]) == 0
    assert "already exists" in capfd.readouterr().out


def test_demo_trains_on_real_record_pairs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "same_record", "--into", str(tmp_path), "--epochs", "1"]) == 0
    assert "same_postcode" in capfd.readouterr().out


def test_copier_copy_needs_no_trust(template: Path, tmp_path: Path) -> None:
    python(
        "-m", "copier", "copy", "--defaults", "--quiet", str(template), "my-project",
        cwd=tmp_path, src=False,
    )  # fmt: skip
    tasks = "tasks=price:regression, sold:binary, district:multiclass(3)"
    python(
        "-m", "copier", "copy", "--defaults", "--data", tasks, str(template), "my-houses",
        cwd=tmp_path, src=False,
    )  # fmt: skip
    assert "district" in (tmp_path / "my-houses/README.md").read_text()
    assert (tmp_path / "my-project/src/multi_task_model/train.py").is_file()


def test_commands_of_a_generated_readme(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "my-project"
    assert main(["render", str(project), "--data", "package=my_project"]) == 0
    commands = shell_commands((project / "README.md").read_text(encoding="utf-8"))
    own = [shlex.split(command)[1:] for command in commands if command.startswith("my-project ")]
    assert {words[0] for words in own} >= {"train", "evaluate", "predict"}
    for words in own:
        if words[0] == "train":
            words += ["--epochs", "2" if "--resume" in words else "1"]  # the last one counts
        python("-m", "my_project", *words, cwd=project)
    assert (project / "data/predictions.csv").is_file()
    others = {command for command in commands if not command.startswith("my-project ")}
    assert {"pytest", "ruff check", "ruff format --check", "mypy"} <= others


HEAVY = ("copier", "jax", "keras", "numpy", "pandas", "pytest", "tensorflow", "vulture")
IMPORTS = """
import sys
from generator.cli import main
try:
    status = main(sys.argv[1:])
except SystemExit as end:
    status = end.code
print(*sorted(set(sys.modules) & {heavy}), file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--help"], []),
        (["render", "OUT"], ["copier"]),
        (["combinations", "default"], []),
        (["answers", "default"], []),
        (["matrix", "--only", "default"], []),
    ],
)
def test_command_imports_only_what_it_needs(
    arguments: list[str], needed: list[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    words = [out if word == "OUT" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS.format(heavy=set(HEAVY)), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == needed


def test_combinations_take_little_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "generator", "combinations"]
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # On an idle machine, this is the wall time. A busy one may take twice as long.
    assert after.ru_utime - before.ru_utime < 2 * 1.5


def test_missing_package_is_reported_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vulture", None)
    monkeypatch.delitem(sys.modules, "generator.projects.checks", raising=False)
    monkeypatch.delattr("generator.projects.checks", raising=False)
    assert main(["check", "default"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == "error: vulture is not installed: run pip install -e '.[test]'"


def test_extras_are_given_as_a_list_with_commas(tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert main(["render", str(project), "--data", "extras=github_updates, compare"]) == 0
    recorded = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert recorded["extras"] == ["compare", "github_updates"]


def test_render(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "my-project"
    assert main(["render", str(project), "--data", "backend=jax"]) == 0
    assert "jax>=" in (project / "pyproject.toml").read_text()
    assert main(["render", str(project), "--data", "backend=jax"]) == 2
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render", "OUT", "--data", "tasks"], "give KEY=VALUE"),
        (["render", "OUT", "--data", "takss=a:binary"], "unknown answer 'takss'"),
        (["render", "OUT", "--data-file", "nowhere.yml"], "nowhere.yml cannot be read"),
        (["render", "OUT", "--data", "backend=torch"], "backend"),
        (["demo", "pinguins"], "no example is called 'pinguins': give one of parallel, penguins"),
        (["combinations", "siamese-nothing*"], "no combination is called 'siamese-nothing*'"),
        (["render", "OUT", "--data", "extras=compare, reprt"], "'reprt'"),
    ],
)
def test_mistake_is_reported_in_one_line_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(out) if word == "OUT" else word for word in arguments]) == 2
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1
    assert not out.exists()


def test_combinations_are_listed_by_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["combinations", "siamese-text-*-jax"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert names and all(name.startswith("siamese-text-") for name in names)


def test_answers_of_a_combination_render_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = enumeration().select("*+two-image-sizes")[0].name
    assert main(["answers", name]) == 0
    answers = tmp_path / "answers.yml"
    answers.write_text(capsys.readouterr().out, encoding="utf-8")
    assert main(["render", str(tmp_path / "project"), "--data-file", str(answers)]) == 0
    recorded = yaml.safe_load((tmp_path / "project/.copier-answers.yml").read_text())
    assert recorded["project_name"] == name
    assert recorded["input_shape"] == "16, 16, 3; 24, 20, 3"


def test_parts_name_the_files_that_they_add(tmp_path: Path) -> None:
    parts = tmp_path / "template/parts"
    for part, text in {
        "extras/compare": "modules: [compare]\ntests: [test_compare]",
        "extras/report": "modules: {shares: \"sharing == 'mmoe'\", report: true}",
        "extras/github_ci": "files: [.github/workflows/ci.yml]",
        "weighting/famo": "modules: [weighting]",
        "label_smoothing": "tests: {test_smoothing: label_smoothing > 0}",
        "": "tests: {test_pairs: layout == 'siamese'}",
    }.items():
        (parts / part).mkdir(parents=True, exist_ok=True)
        (parts / part / "about.yml").write_text(text, encoding="utf-8")

    def added(**answers: object) -> set[str]:
        package = {"package": "p"}
        files = checks.expected_files(package | answers, tmp_path)
        return files - checks.expected_files(dict(package), tmp_path)

    assert added(extras=[]) == added(label_smoothing=0.0, loss_weighting="equal") == set()
    assert added(extras=["compare"]) == {"src/p/compare.py", "tests/test_compare.py"}
    assert added(extras=["report"], sharing="ple") == {"src/p/report.py"}
    assert added(extras=["report"], sharing="mmoe") == {"src/p/report.py", "src/p/shares.py"}
    assert added(extras=["github_ci"], loss_weighting="famo") == {
        ".github/workflows/ci.yml",
        "src/p/weighting.py",
    }
    assert added(label_smoothing=0.1) == {"tests/test_smoothing.py"}
    assert added(layout="siamese") == {"tests/test_pairs.py"}


def test_dead_code_is_found_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/it.py").write_text("def alone():\n    return 1\n    print(2)\n")
    (tmp_path / "src/one.py").write_text("import os\nfrom it import alone\n\nalone()\n")
    found = [line.removeprefix(f"{tmp_path}/") for line in checks.dead_code(tmp_path, "it")]
    assert found == [
        "src/it.py:3: unused unreachable_code 'return'",
        "src/one.py:1: unused import 'os'",
    ]


def test_projects_rendered_together_equal_those_rendered_alone(
    template: Path, tmp_path: Path
) -> None:
    answers = {"jax": {"backend": "jax"}, "pairs": {"layout": "siamese", "input_kind": "text"}}
    assert not render.render_all(template, answers, tmp_path / "together")
    for name, data in answers.items():
        render.render(template, data, tmp_path / "alone" / name)
    texts = [
        {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "together", tmp_path / "alone")
    ]
    assert texts[0] == texts[1] and len(texts[0]) > 30


def test_combination_that_does_not_render_fails_alone(template: Path, tmp_path: Path) -> None:
    answers = {"good": {}, "bad": {"backend": "torch"}, "worse": {"tasks": "price:number"}}
    reasons = render.render_all(template, answers, tmp_path)
    assert reasons.keys() == {"bad", "worse"}
    assert "backend" in reasons["bad"] and "price" in reasons["worse"]
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


def test_project_with_broken_files_fails_alone(template: Path, tmp_path: Path) -> None:
    chosen = enumeration().select("multi_head-tabular-*-equal-jax")
    assert not render.render_all(template, {c.name: c.data for c in chosen}, tmp_path)
    projects = {c.name: tmp_path / c.name for c in chosen}
    good, bad = chosen[:2]
    (projects[bad.name] / "pyproject.toml").write_text("[project\n", encoding="utf-8")
    (projects[bad.name] / ".copier-answers.yml").unlink()
    (projects[bad.name] / "README.md").write_bytes(b"\xff\n")
    findings = checks.check_all([good, bad], projects)
    assert not findings[good.name]
    found = "\n".join(findings[bad.name])
    for words in (".copier-answers.yml: missing", "README.md: is not UTF-8", "pyproject.toml: "):
        assert f"{projects[bad.name]}/{words}" in found


def test_check_reports_an_unexpected_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"siamese-text-concat-separate-equal-{backend}" for backend in ("jax", "tensorflow")]
    assert main(["check", *names]) == 0
    assert "2 of 2 projects are clean" in capsys.readouterr().out
    # Now the project has an unexpected file.
    monkeypatch.setattr("generator.projects.checks.MODULES", checks.MODULES[1:])
    assert main(["check", *names]) == 1
    assert "__init__.py: not expected" in capsys.readouterr().out


def test_missing_part_fails_only_the_projects_that_need_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "template", tmp_path / "template")
    shutil.copy(ROOT / "copier.yml", tmp_path)
    (tmp_path / "template/parts/comparison/product/part.py").unlink()
    monkeypatch.setattr(
        "generator.projects.render.snapshot", lambda: contextlib.nullcontext(tmp_path)
    )
    bad, good = (f"siamese-tabular-{c}-separate-equal-jax" for c in ("product", "difference"))
    assert main(["check", bad, good]) == 1
    printed = capsys.readouterr().out
    assert f"{bad}: " in printed and "product" in printed and "1 of 2 projects" in printed
    report = tmp_path / "report.json"
    assert main(["test", bad, good, "--report", str(report)]) == 1
    assert "1 of 2 suites passed, 1 failed, 0 did not run" in capsys.readouterr().out
    verdicts = {name: found["passed"] for name, found in json.loads(report.read_text()).items()}
    assert verdicts == {bad: False, good: True}
    # If nothing renders, one line explains it.
    assert main(["check", bad]) == 2
    printed = capsys.readouterr().err
    assert "product" in printed and printed.count("\n") == 1


def test_suite_runs_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, report = "multi_head-tabular-shared_bottom-separate-equal-jax", tmp_path / "report.json"
    arguments = ["test", name, "--no-cache", "--report", str(report)]
    assert main(arguments) == 0
    assert "1 of 1 suites passed, 0 failed, 0 did not run" in capsys.readouterr().out
    assert json.loads(report.read_text())[name]["passed"] is True
    # A suite that hangs fails, and its verdict has the command that runs it again.
    assert main([*arguments, "--time-limit", "0.01"]) == 1
    printed = capsys.readouterr().out
    assert "did not end within 0.01 s" in printed and f"generator test '{name}'" in printed
    [folder] = re.findall(r"cd (\S+) && env ", printed)
    assert Path(folder, "pyproject.toml").is_file()
    shutil.rmtree(Path(folder).parent)


def processes(temporary: Path) -> dict[int, str]:
    """Return the command of each process, by number, that has inherited this TMPDIR."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"TMPDIR={temporary}\0".encode() in (folder / "environ").read_bytes():
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = words.decode(errors="replace")
    return found


@contextlib.contextmanager
def four_suites(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Iterator[str]]]:
    """Run four suites by the command, with their temporary files in a folder."""
    names = ["multi_head-*-shared_bottom-separate-equal-jax", "--no-cache"]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "generator", "test", *names],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=as_in_a_terminal,
    ) as running:
        assert running.stdout
        yield running, iter(running.stdout.readline, "")


def assert_nothing_is_left(tmp_path: Path) -> None:
    """Wait for every process with the environment of the run; some notice a bit later."""
    for pid, words in processes(tmp_path).items():
        with contextlib.suppress(ProcessLookupError):
            ended, _, _ = select.select([os.pidfd_open(pid)], [], [], 30)
            assert ended, words
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("send", "sent", "moment", "process", "passed"),
    [
        (os.kill, signal.SIGINT, "1/", "forkserver", "1-3"),
        (os.killpg, signal.SIGTERM, "1/", "forkserver", "1-3"),
        (os.killpg, signal.SIGHUP, "Rendering", "generator test", 0),
        (os.killpg, signal.SIGHUP, "Rendering", "spawn_main", 0),
    ],
)
def test_interrupted_run_ends_its_children_and_reports_what_passed(
    tmp_path: Path,
    send: Callable[[int, int], None],
    sent: signal.Signals,
    moment: str,
    process: str,
    passed: str,
) -> None:
    with four_suites(tmp_path) as (running, lines):
        next(line for line in lines if line.startswith(moment))  # others are running
        while not any(process in words for words in processes(tmp_path).values()):
            assert running.poll() is None
        send(running.pid, sent)
        rest = "".join(lines)
        assert running.wait() == 130
    assert re.search(rf"^[{passed}] of 4 suites passed, 0 failed, [1-4] did not run", rest, re.M)
    assert "Traceback" not in rest
    assert_nothing_is_left(tmp_path)


@pytest.mark.parametrize("moment", ["1/", "Rendering"])
def test_killed_run_leaves_nothing(moment: str, tmp_path: Path) -> None:
    with four_suites(tmp_path) as (running, lines):
        next(line for line in lines if line.startswith(moment))
        running.kill()
        assert running.wait() == -signal.SIGKILL and "Traceback" not in "".join(lines)
    assert_nothing_is_left(tmp_path)


def test_closed_pipe_is_not_an_error() -> None:
    command = f"{sys.executable} -m generator combinations | head -1"
    done = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == "default\n" and not done.stderr
