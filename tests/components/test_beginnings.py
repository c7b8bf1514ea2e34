"""What a program begins with: the engine works while the rest of the program is read, and is not kept from it by messages."""

import json
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi
import pytest

import stacks
from settings import load
from stacks import debug_log, on_cluster
from tests.components.conftest import Declare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def program(tmp_path: Path) -> Any:
    (tmp_path / "kubeconfig").touch()
    values = {"cluster": {"kubeconfig": "kubeconfig"}, "workloads": [{"name": "smiley", "addresses": ["192.0.2.11"]}]}
    raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
    return lambda: stacks.compose(load(raw, set(), source="test", project=tmp_path))


def test_the_engine_has_the_definitions_before_the_program_has_been_read(
    declare: Declare, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(piece: str) -> Any:
        time.sleep(0.02)  # what reading takes; the engine answers meanwhile
        return import_module(piece)

    monkeypatch.setattr(on_cluster, "import_module", read)
    monkeypatch.setattr(on_cluster, "_PIECES", (*["components.trust"] * 10, "stacks.mesh"))
    declared = list(declare(program).resources)
    assert declared.index("gateway-api-definitions") < min(map(declared.index, ("trust", "linkerd", "faces", "edge")))


@pytest.mark.parametrize(("asked", "sent"), [("", False), ("true", True)])
def test_messages_that_only_debugging_shows_are_sent_when_they_are_asked_for(
    declare: Declare, program: Any, monkeypatch: pytest.MonkeyPatch, asked: str, sent: bool
) -> None:
    monkeypatch.setenv(debug_log.ASKED, asked)
    declare(program)
    said: list[str] = []
    monkeypatch.setattr("pulumi.log._log", lambda _engine, _severity, message, *_: said.append(message))
    pulumi.log.debug("what the SDK does")
    assert bool(said) is sent


def test_a_warning_is_sent_all_the_same(declare: Declare, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log._log", lambda _engine, _severity, message, *_: said.append(message))

    async def warning() -> dict[str, Any]:
        outputs: dict[str, Any] = await program()
        pulumi.warn("look here")
        return outputs

    declare(warning)
    assert "look here" in said


def test_who_names_every_host_key_does_not_wait_for_an_ssh_client() -> None:
    code = "import sys, settings; from domain import host_keys; host_keys.parsed('no key'); print('asyncssh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
