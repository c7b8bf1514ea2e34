"""The workflows: pinned, bounded in time, and nothing that runs a pull request's code can write or knows a secret."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").iterdir())
JOBS = [(file.name, name) for file in FILES for name in yaml.safe_load(file.read_text())["jobs"]]
# What may write, and what for.
WRITING = {("comment.yaml", "comment"): {"pull-requests"}, ("release.yaml", "publish"): {"contents"}}


def _workflow(name: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_action_is_a_commit_with_its_version_beside_it(file: Path) -> None:
    lines = re.findall(r"uses: (.*)", file.read_text())
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize(("file", "name"), JOBS)
def test_a_job_ends_in_time_and_has_the_permissions_that_it_needs_and_no_other(file: str, name: str) -> None:
    workflow = _workflow(file)
    job = workflow["jobs"][name]
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert 0 < job["timeout-minutes"] <= 60
    writing = {what for what, level in job["permissions"].items() if level == "write"}
    assert writing == WRITING.get((file, name), set())


@pytest.mark.parametrize(("file", "name"), JOBS)
def test_what_is_checked_out_leaves_no_token_behind(file: str, name: str) -> None:
    for step in _workflow(file)["jobs"][name]["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
            assert (file, name) not in WRITING, "a job that may write runs no code of a checkout"


def test_only_a_lab_of_ones_own_has_secrets_and_somebody_has_to_agree() -> None:
    for file in FILES:
        workflow = _workflow(file.name)
        secrets = {name for name, job in workflow["jobs"].items() if "secrets." in str(job)}
        assert secrets == ({"preview", "up"} if file.name == "lab.yaml" else set())
        assert all(workflow["jobs"][name]["environment"] == "lab" for name in secrets)
    assert list(_workflow("lab.yaml")[True]) == ["workflow_dispatch"]  # YAML reads `on` as true


def test_the_comment_takes_what_the_pull_request_leaves() -> None:
    left = _workflow("pull-request.yaml")["jobs"]["preview"]["steps"][-1]["with"]
    taken = _workflow("comment.yaml")["jobs"]["comment"]["steps"][0]["with"]
    assert left["name"] == taken["name"]
    assert [Path(path).name for path in left["path"].split()] == ["comment.md", "number"]
    assert _workflow("comment.yaml")[True]["workflow_run"]["workflows"] == [_workflow("pull-request.yaml")["name"]]


def test_every_command_is_a_target_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    asked = {target for file in FILES for target in re.findall(r"\bmake ([a-z-]+)", file.read_text())}
    assert {"check", "test", "pr", "release", "tools"} <= asked
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in asked)
