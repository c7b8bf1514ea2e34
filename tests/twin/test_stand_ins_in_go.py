"""The stand-ins in Go have tests of their own, beside their code."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import paths
from lab.tools import golang
from lab.tools.gobuild import SOURCES
from lab.tools.machine import architecture
from lab.tools.progress import Progress
from lab.tools.store import Store

pytestmark = pytest.mark.twin

DIRECTORIES = sorted(file.parent.name for file in SOURCES.glob("*/go.mod"))


@pytest.fixture(scope="module")
def go() -> Iterator[Path]:
    """The Go that builds the tools."""
    with Progress() as progress:
        yield golang.find(Store(paths.cache() / "tools"), architecture(), progress)


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_tests_beside_the_code_pass(go: Path, directory: str) -> None:
    command = [str(go), "test", "-mod=readonly", "./..."]
    result = subprocess.run(
        command,
        cwd=SOURCES / directory,
        # The controller's test builds the server's program with the same Go.
        env={**os.environ, "GOFLAGS": "-buildvcs=false", "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "ok  \tlab.invalid/" in result.stdout, "there are no tests"


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_the_code_is_formatted_and_sound(go: Path, directory: str) -> None:
    root = subprocess.run([str(go), "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    for command in ([f"{root}/bin/gofmt", "-d", "."], [str(go), "vet", "-mod=readonly", "./..."]):
        result = subprocess.run(
            command, cwd=SOURCES / directory, capture_output=True, text=True, check=False, timeout=900
        )
        assert (result.returncode, result.stdout) == (0, ""), result.stdout + result.stderr


def test_every_stand_in_in_go_is_looked_at() -> None:
    assert DIRECTORIES == ["proxy", "spire", "workload"]
