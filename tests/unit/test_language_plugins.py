"""Plugins that the stand-in of the language host runs: by which command, with what they say, and to which end."""

import asyncio
import sys
import time
from pathlib import Path

import psutil
import pytest

from lab.standins.language_python import plugin

PYTHON = Path("/venv/bin/python")


def test_a_policy_pack_and_a_component_package_are_started_as_by_the_official_host() -> None:
    analyzer = plugin.command(PYTHON, "analyzer", "/pack", ["127.0.0.1:1"])
    assert analyzer == ["/venv/bin/python", "-u", "-m", "pulumi.policy", "127.0.0.1:1", "/pack"]
    assert plugin.command(PYTHON, "resource", "/package", ["127.0.0.1:1"]) == [
        "/venv/bin/python",
        "/package",
        "127.0.0.1:1",
    ]


def test_another_kind_of_plugin_is_refused() -> None:
    with pytest.raises(ValueError, match="no plugins of kind 'converter'"):
        plugin.command(PYTHON, "converter", "/x", [])


def test_what_it_prints_comes_as_it_prints_it_and_its_exit_code_last(tmp_path: Path) -> None:
    program = "import os, sys; print(os.getcwd(), os.environ['WORD']); print('oh', file=sys.stderr); sys.exit(3)"

    async def collect() -> list[str]:
        answers = plugin.run([sys.executable, "-c", program], str(tmp_path), {"WORD": "given"})
        return [str(answer.stdout.decode() or answer.stderr.decode() or answer.exitcode) async for answer in answers]

    said = asyncio.run(collect())
    assert sorted(said[:-1]) == sorted([f"{tmp_path} given\n", "oh\n"])
    assert said[-1] == "3"


def test_it_ends_with_all_that_it_started_when_nobody_listens_any_more(tmp_path: Path) -> None:
    program = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"

    async def listen_once() -> int:
        answers = plugin.run([sys.executable, "-c", program], str(tmp_path), {"PATH": "/usr/bin:/bin"})
        first = await anext(answers)
        await answers.aclose()  # type: ignore[attr-defined]
        return int(first.stdout)

    child = asyncio.run(listen_once())
    end = time.monotonic() + 10
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
