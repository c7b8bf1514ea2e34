"""What labs without the Internet stand on goes with the last of them, and nobody's before."""

import shutil
from pathlib import Path

import pytest

from lab import ground, paths, recovery

EXAMPLES = paths.CHECKOUT / "stacks" / "examples"


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A checkout with the stack files of two labs; what was ended in it."""
    (tmp_path / "stacks").mkdir()
    for stack in ("pi-twin", "dual-twin"):
        shutil.copy(EXAMPLES / f"Pulumi.{stack}.yaml", tmp_path / "stacks")
    monkeypatch.setattr(paths, "CHECKOUT", tmp_path)
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    (ground.directory() / "charts").mkdir(parents=True)
    found: list[str] = []
    for name in ("Inside", "Rig"):
        monkeypatch.setattr(ground, name, lambda directory: _Ends(found, directory.name))
    monkeypatch.setattr("lab.docker.down", lambda: found.append("docker"))
    return found


class _Ends:
    def __init__(self, ended: list[str], name: str) -> None:
        self._ended, self._name = ended, name

    def down(self) -> None:
        self._ended.append(self._name)


def _exists(stack: str) -> None:
    file = recovery.state_file(stack)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")


def test_a_lab_that_leaves_takes_nothing_from_another_one(ended: list[str]) -> None:
    _exists("pi-twin")
    ground.leave("dual-twin")
    assert ended == []
    assert (ground.directory() / "charts").exists()


def test_the_last_lab_takes_everything_away(ended: list[str]) -> None:
    ground.leave("pi-twin")
    assert ended == ["twin", "devices", "docker"]
    assert not ground.directory().exists()


def test_the_engine_stays_while_the_twin_needs_it(ended: list[str]) -> None:
    _exists("twin")
    ground.leave("pi-twin")
    assert ended == ["twin", "devices"]
