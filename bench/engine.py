"""Runs a program of the bench by the real engine, in a project and a state of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.clock import BenchError, Timing, timed
from bench.work import Work
from lab import engine, paths

_STACK = "bench"
_LIMIT_SECONDS = 600


class Project:
    """`program` is the name of a function in bench/programs.py; `directory` is made, and holds everything."""

    def __init__(self, directory: Path, program: str, given: Work) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700)
        state = directory / "state"
        state.mkdir()
        self._environment: Mapping[str, str] = {
            **engine.environment(),
            "PULUMI_BACKEND_URL": engine.state_url(state),
            "PYTHONPATH": str(paths.CHECKOUT),
        }
        project = {"name": "bench", "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
        (directory / "Pulumi.yaml").write_text(json.dumps(project))
        (directory / "__main__.py").write_text(f"from bench import programs\n\nprograms.{program}()\n")
        with os.fdopen(os.open(directory / "work.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(given.text())
        self._pulumi("stack", "init", _STACK)

    def up(self, *flags: str) -> Timing:
        """One `pulumi up`. Raises BenchError."""
        return timed(lambda: self._pulumi("up", "--stack", _STACK, "--yes", "--skip-preview", *flags))

    def _pulumi(self, *arguments: str) -> None:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self._directory,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_LIMIT_SECONDS,
        )
        if done.returncode:
            raise BenchError(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
