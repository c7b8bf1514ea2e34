"""The engine has every subcommand and every option that the pages type."""

import os
import re
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.docs_shell import PULUMI


@pytest.fixture(scope="module")
def helps(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the engine says of each subcommand; asked at the same time, as each takes a second or two."""
    home = tmp_path_factory.mktemp("pulumi-home")
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(PULUMI, pool.map(lambda name: _help(name, home), PULUMI), strict=True))


def _help(name: str, home: Path) -> str:
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    return subprocess.run(
        ["pulumi", *name.split(), "--help"], capture_output=True, text=True, env=environment, timeout=120, check=True
    ).stdout


@pytest.mark.parametrize("name", PULUMI)
def test_the_engine_has_what_the_pages_type(name: str, helps: Mapping[str, str]) -> None:
    # For a subcommand that it does not know the engine shows the help of the command above it.
    usage = re.search(r"^Usage:\n\s+pulumi ([a-z -]*)", helps[name], re.MULTILINE)
    aliases = re.search(r"^Aliases:\n\s+(.*)", helps[name], re.MULTILINE)
    *above, last = name.split() or [""]
    shown = usage[1].split() if usage else []
    assert shown[: len(above)] == above
    assert not last or last in {*shown[len(above) : len(above) + 1], *(aliases[1].split(", ") if aliases else ())}
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", helps[name])) >= PULUMI[name]
