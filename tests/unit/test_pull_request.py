"""Trying a pull request: a worktree with the base and then the checkout, and nothing left however it ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import application
from lab.pull_request.programs import Interrupted, interruptible, run
from lab.pull_request.trial import Trial, TrialFailed
from lab.pull_request.work import Work, WorkError
from tests.unit.comment_fixtures import changed, preview, route

_EXAMPLE = "config:\n  mesh-expansion:lab: twin\n  mesh-expansion:cluster: {kubeconfig: kubeconfig}\n"
# Stands for the lab's programs: says what it was asked for, and makes what they make in the worktree.
_LAB = """#!/bin/sh
echo "$*" >> "$LAB_TEST/asked"
case "$*" in
"-m lab down") grep -q "salt" stacks/Pulumi.twin.yaml || echo "down without the salt" >> "$LAB_TEST/asked" ;;
"-m lab env") echo "PATH=$LAB_TEST/bin:\\$PATH" ;;
"-m lab twin up") test ! -e "$LAB_TEST/fails" && cp stacks/examples/Pulumi.twin.yaml stacks/Pulumi.twin.yaml ;;
"-m lab up")
    test -e stacks/Pulumi.twin.yaml || {
        cp stacks/examples/Pulumi.twin.yaml stacks/
        echo "encryptionsalt: v1:the-salt" >> stacks/Pulumi.twin.yaml
    }
    cp stacks/Pulumi.twin.yaml "$LAB_TEST/stack-$(ls "$LAB_TEST" | grep -c ^stack)"
    cp new "$LAB_TEST/new" 2> /dev/null
    test ! -e "$LAB_TEST/wait" || { touch "$LAB_TEST/waits"; exec sleep 100; } ;;
esac
test ! -e "$LAB_TEST/fails" || test "$(cat "$LAB_TEST/fails")" != "$*"
"""


def _git(directory: Path, *arguments: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    return subprocess.run(
        ["git", "-C", str(directory), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for what the stand-in of the lab's programs was asked."""
    directory = tmp_path / "seen"
    (directory / "bin").mkdir(parents=True)
    document = tmp_path / "preview.json"
    document.write_text(preview(changed("update", route({"smiley": 80, "smiley2": 20}), route({"smiley": 1})), same=3))
    (directory / "bin" / "pulumi").write_text(f"#!/bin/sh\ncat {document}\n")
    (directory / "bin" / "pulumi").chmod(0o755)
    monkeypatch.setenv("LAB_TEST", str(directory))
    return directory


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit, and changes that are not committed."""
    directory = tmp_path / "checkout"
    for name, text in {
        "stacks/examples/Pulumi.twin.yaml": _EXAMPLE,
        "requirements.txt": "a",
        "requirements-dev.txt": "b",
        "old": "1",
        ".gitignore": ".venv/\n.lab/\nstacks/Pulumi.*.yaml\n",
    }.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    _git(directory.parent, "init", "--quiet", "--initial-branch=main", str(directory))
    _git(directory, "add", ".")
    _git(directory, "commit", "--quiet", "-m", "first")
    (directory / "old").unlink()
    (directory / "new").write_text("not committed")
    python = directory / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(_LAB)
    python.chmod(0o755)
    return directory


def _asked(seen: Path) -> list[str]:
    return [line.removeprefix("-m lab ") for line in (seen / "asked").read_text().splitlines()]


def test_the_base_comes_up_first_and_what_is_proposed_is_applied_on_top_of_it(checkout: Path, seen: Path) -> None:
    trial = Trial(checkout, checkout / ".lab" / "pr")
    trial.run("main")
    assert _asked(seen) == ["up", "twin up", "preview", "env", "up", "down"]
    assert (seen / "new").read_text() == "not committed"
    text = trial.comment.read_text()
    assert "smiley 80 % → 100 %" in text
    assert "applying it to main on the twin worked" in text


def test_what_is_proposed_brings_its_own_stack_file_and_keeps_the_salt_of_the_state(checkout: Path, seen: Path) -> None:
    example = checkout / "stacks" / "examples" / "Pulumi.twin.yaml"
    example.write_text(f"{_EXAMPLE}  mesh-expansion:faces: {{error-fraction: 20}}\n")
    Trial(checkout, checkout / ".lab" / "pr").run("main")
    base, head = ((seen / name).read_text() for name in ("stack-0", "stack-1"))
    assert "error-fraction" not in base
    assert head == f"{example.read_text()}encryptionsalt: v1:the-salt\n"


def test_nothing_of_a_trial_stays_but_its_comment_and_the_checkout_is_as_it_was(checkout: Path, seen: Path) -> None:
    before = _git(checkout, "status", "--porcelain")
    Trial(checkout, checkout / ".lab" / "pr").run("main")
    assert not (checkout / ".lab" / "pr" / "work").exists()
    assert _git(checkout, "worktree", "list").count("\n") == 1
    assert _git(checkout, "status", "--porcelain") == before
    assert not (checkout / "stacks" / "Pulumi.twin.yaml").exists()


@pytest.mark.parametrize(
    ("fails", "said", "comment"),
    [
        ("-m lab up", "does not come up", None),
        ("-m lab preview", "the preview failed, or breaks a rule", "not applied to main yet"),
        ("-m lab twin up", "surroundings", None),
    ],
)
def test_a_trial_that_fails_is_taken_away_too(
    checkout: Path, seen: Path, fails: str, said: str, comment: str | None
) -> None:
    (seen / "fails").write_text(fails)
    trial = Trial(checkout, checkout / ".lab" / "pr")
    with pytest.raises(TrialFailed, match=said):
        trial.run("main")
    assert _asked(seen)[-1] == "down"
    assert not (checkout / ".lab" / "pr" / "work").exists()
    assert trial.comment.exists() == (comment is not None)
    assert comment is None or comment in trial.comment.read_text()


def test_a_trial_that_is_interrupted_is_taken_away_and_its_program_has_ended(checkout: Path, seen: Path) -> None:
    (seen / "wait").touch()

    def interrupt() -> None:
        _until((seen / "waits").exists)
        (seen / "wait").unlink()
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(Interrupted):
        Trial(checkout, checkout / ".lab" / "pr").run("main")
    watcher.join()
    assert _asked(seen) == ["up", "down"]
    assert not (checkout / ".lab" / "pr" / "work").exists()


def test_what_a_killed_trial_has_left_is_taken_away_by_the_next_one(checkout: Path, seen: Path) -> None:
    work = Work(checkout, checkout / ".lab" / "pr" / "work")
    work.base(work.revision("main"))
    work.stack_file.write_text("encryptionsalt: left")
    Trial(checkout, checkout / ".lab" / "pr").run("main")
    assert _asked(seen)[:2] == ["down", "up"]
    assert _git(checkout, "worktree", "list").count("\n") == 1


def test_packages_that_the_base_asks_for_are_not_taken_from_the_checkout(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(*command: str, directory: Path) -> int:
        made.append(f"{' '.join(command)} in {directory.name}")
        return 0

    monkeypatch.setattr("lab.pull_request.work.run", make)
    (checkout / "requirements.txt").write_text("another one")
    work = Work(checkout, checkout / ".lab" / "pr" / "work")
    work.base(work.revision("main"))
    assert made == ["make tools in work"]
    assert not (work.directory / ".venv").is_symlink()


@pytest.mark.parametrize("name", ["nothing-of-that-name", "--help", "main:old"])
def test_a_base_that_is_none_is_wrong_usage(checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorkError, match="no such branch"):
        Work(checkout, checkout / "work").revision(name)
    monkeypatch.setattr("lab.paths.CHECKOUT", checkout)
    monkeypatch.setenv("LAB_HOME", str(checkout / ".lab"))
    assert CliRunner().invoke(application, ["pr", f"--base={name}"]).exit_code == 2


@pytest.mark.parametrize(("error", "status"), [(TrialFailed("x"), 1), (Interrupted("SIGINT"), 130)])
def test_exit_statuses_tell_a_failure_from_an_interruption(
    error: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: Trial, _base: str) -> None:
        raise error

    monkeypatch.setattr(Trial, "run", refuse)
    assert CliRunner().invoke(application, ["pr"]).exit_code == status


def test_a_program_and_what_it_has_started_may_end_in_order_when_they_are_interrupted(tmp_path: Path) -> None:
    ready, ended = tmp_path / "ready", tmp_path / "ended"
    # As the engine does: it goes on after the program that started it has gone.
    engine = f"trap 'sleep 0.5; touch {ended}; exit 1' INT; touch {ready}; while :; do sleep 0.05; done"
    starts = (
        "import subprocess, sys, signal\n"
        "signal.signal(signal.SIGINT, lambda *_: sys.exit(1))\n"
        f'subprocess.Popen(["/bin/sh", "-c", {engine!r}]).wait()\n'
    )

    def interrupt() -> None:
        _until(ready.exists)
        os.kill(os.getpid(), signal.SIGTERM)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(Interrupted), interruptible():
        run(sys.executable, "-c", starts, directory=tmp_path)
    watcher.join()
    assert ended.exists()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_a_program_writes_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    output = tmp_path / "output"
    assert run(sys.executable, "-c", "print(1); raise SystemExit(3)", directory=tmp_path, output=output) == 3
    assert output.read_text() == "1\n"
    assert output.stat().st_mode & 0o777 == 0o600


def _until(found: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not found():
        assert time.monotonic() < end, "what is waited for did not come within 60 s"
        time.sleep(0.02)
