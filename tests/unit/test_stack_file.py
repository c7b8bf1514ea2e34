"""A stack file that cannot be read is never taken for one that asks for nothing."""

from pathlib import Path

import pytest

from lab import cli, paths, stack_file
from lab.twin.errors import TwinError


@pytest.mark.parametrize("leaving", [False, True])
def test_a_stack_file_that_is_no_yaml_is_an_error_with_its_line_before_any_device_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaving: bool
) -> None:
    touched: list[str] = []
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/Pulumi.twin.yaml").write_text("config:\n  mesh-expansion:workloads:\n    - {name: smiley\n")
    monkeypatch.setattr(paths, "CHECKOUT", tmp_path)
    monkeypatch.setattr("lab.tools.install", lambda: None)
    monkeypatch.setattr("lab.twin_lab.prepare", lambda *_, **__: touched.append("devices"))
    with pytest.raises(TwinError, match=r"Pulumi\.twin\.yaml, line \d+: .*nothing was changed"):
        cli._ready("twin", leaving=leaving)
    assert touched == []


def test_an_empty_stack_file_asks_for_no_devices(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.twin.yaml"
    file.touch()
    stack_file.require_yaml(file)
    assert stack_file.outside(file) == ({}, {})
