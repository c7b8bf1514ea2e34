"""The policy pack's own virtualenv: made once, made anew when a pin changes, and a failure says what to do."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from lab import paths, policy_pack
from lab.engine import EngineError


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that ran, for a checkout with nothing but a pin."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        (tmp_path / "policy" / ".venv").mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "requirements.txt").write_text("pulumi-policy==1.0\n")
    monkeypatch.setattr(paths, "CHECKOUT", tmp_path)
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_it_is_installed_by_hash_on_first_use_and_when_a_pin_changes(installed: list[list[str]]) -> None:
    pack = policy_pack.ready()
    assert pack == paths.CHECKOUT / "policy"
    assert len(installed) == 2
    assert "--require-hashes" in installed[1]
    policy_pack.ready()
    assert len(installed) == 2
    (pack / "requirements.txt").write_text("pulumi-policy==1.1\n")
    policy_pack.ready()
    assert len(installed) == 4
    (pack / "requirements.txt").write_text("pulumi-policy==1.0\n")
    policy_pack.ready()
    assert len(installed) == 6


def test_a_failed_installation_is_one_message_and_is_tried_again(
    installed: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "no route to host")

    with monkeypatch.context() as failing:
        failing.setattr(subprocess, "run", fail)
        with pytest.raises(EngineError, match=r"no route to host\n.*pulumi preview"):
            policy_pack.ready()
    policy_pack.ready()
    assert installed
