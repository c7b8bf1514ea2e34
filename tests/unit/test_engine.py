"""The engine's surroundings: a passphrase that nobody sees, and a shell that is set up for it."""

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab import engine, paths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "a lab"))
    return paths.home()


def test_a_passphrase_is_made_once_and_readable_by_its_owner_alone(home: Path) -> None:
    engine.prepare()
    passphrase = home / "passphrase"
    first = passphrase.read_text()
    assert len(first) >= 32
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    engine.prepare()
    assert passphrase.read_text() == first


def test_runs_that_meet_agree_on_one_passphrase_and_leave_no_other(home: Path) -> None:
    def read(_: int) -> str:
        engine.prepare()
        return (home / "passphrase").read_text()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(32)))) == 1
    assert [file.name for file in home.glob("passphrase*")] == ["passphrase"]


def test_the_passphrase_is_in_no_variable_and_no_other_account_leaks_in(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another project")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "of another account")
    variables = engine.environment()
    assert "PULUMI_CONFIG_PASSPHRASE" not in variables
    assert "PULUMI_ACCESS_TOKEN" not in variables
    assert (home / "passphrase").read_text() not in str(variables) + engine.exports()


def test_a_shell_can_be_set_up_even_where_the_path_has_a_space(home: Path) -> None:
    script = f'{engine.exports()}\nprintf "%s|%s" "$PULUMI_HOME" "$PULUMI_CONFIG_PASSPHRASE_FILE"'
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"{home / 'pulumi'}|{home / 'passphrase'}"


def test_the_engine_keeps_no_trace_unless_the_user_made_room_for_it(home: Path) -> None:
    engine.prepare()
    assert (home / "pulumi" / "logs").is_file()
    (home / "pulumi" / "logs").unlink()
    (home / "pulumi" / "logs").mkdir()
    engine.prepare()
    assert (home / "pulumi" / "logs").is_dir()


def test_the_engine_writes_nothing_beside_its_state_that_a_kill_could_leave_in_pieces(home: Path) -> None:
    assert engine.settings_for_shell()["PULUMI_BACKEND_URL"] == f"{(home / 'state').as_uri()}?metadata=skip"
