"""The search of a project: two processes at once, and its answers back in Copier."""

import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from generator.projects import render

ANSWERS = {
    "project_name": "Searched",
    "package": "searched",
    "tasks": "price:regression, sold:binary",
    "loss_weighting": "fixed",
    "backend": "jax",
    "extras": ["tune"],
}


def test_two_processes_share_a_study_and_its_answers_render(template: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    render.render(template, ANSWERS, project)
    environment = {**os.environ, "PYTHONPATH": "src", "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-m", "searched"]
    write = "from pathlib import Path; from searched.sample import write_sample; "
    write += "write_sample(Path('data'), 200)"
    subprocess.run([sys.executable, "-c", write], cwd=project, env=environment, check=True)
    search = [*command, "tune", "--data", "data/sample.csv", "--trials", "3", "--epochs", "1"]
    both = []
    for _ in range(2):
        process = subprocess.Popen(
            search,
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        both.append(process)
        while process.poll() is None and not (project / "tuning/study.db").exists():
            time.sleep(0.1)
    for process in both:
        printed, _ = process.communicate()
        assert process.returncode == 0 and "The best of" in printed, printed
    trials = list((project / "tuning/trials").iterdir())
    assert len(trials) in (3, 4)  # the last ones may end together
    assert all((trial / "best.keras").is_file() for trial in trials)
    best = render.read_answers(project / "tuning/best.yml")
    render.render(template, ANSWERS | best, tmp_path / "best")
    text = (tmp_path / "best/.copier-answers.yml").read_text(encoding="utf-8")
    recorded = yaml.safe_load(text)
    assert best.items() <= recorded.items() and "learning_rate" in best
