"""A preview that finds nothing to change: the twin's whole lab against as many plain resources on the same cluster."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console

from bench.clock import BenchError, timed
from lab import engine, paths, recovery

_LAB = "twin"
_PLAIN = "plain"
_WANTED = 1.3
_PROGRAM = '''\
"""As many ConfigMaps as resources.json says."""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

given = json.loads(Path("resources.json").read_text())
cluster = k8s.Provider("cluster", kubeconfig=given["kubeconfig"])
for number in range(given["count"]):
    k8s.core.v1.ConfigMap(
        f"plain-{number}",
        metadata={"name": f"bench-plain-{number}", "namespace": "default"},
        data={"number": str(number)},
        opts=pulumi.ResourceOptions(provider=cluster),
    )
'''


def compare(console: Console, directory: Path, runs: int) -> None:
    """Print the ratio of the medians of `runs` previews of each, in turn. Brings the twin up when it is not. BenchError."""
    with _lab_up():
        own = _Previews(paths.CHECKOUT, _LAB, engine.environment())
        plain = _plain(directory, own.resources() - 2)  # the stack and the provider are resources as well
        ours, theirs = [], []
        try:
            for _ in range(runs):
                ours.append(timed(own.preview).wall)
                theirs.append(timed(plain.preview).wall)
        finally:
            plain.run("destroy", "--yes", "--skip-preview")
    ratio = median(ours) / median(theirs)
    console.print(
        f"no-change preview, {own.count} resources: the twin's lab {median(ours):.1f} s ({min(ours):.1f} to {max(ours):.1f}), as "
        f"many ConfigMaps {median(theirs):.1f} s ({min(theirs):.1f} to {max(theirs):.1f}): {ratio:.2f} (wanted: at most {_WANTED})"
    )


class _Previews:
    """A stack whose preview must find nothing; `count` is known after `resources`."""

    def __init__(self, directory: Path, stack: str, environment: dict[str, str]) -> None:
        self._directory, self._stack, self._environment = directory, stack, environment
        self.count = 0

    def preview(self) -> None:
        self.run("preview", "--expect-no-changes")

    def resources(self) -> int:
        """How many the state holds."""
        state = json.loads(self.run("stack", "export"))
        self.count = len(state["deployment"].get("resources", []))
        return self.count

    def run(self, *arguments: str) -> str:
        """Standard output of `pulumi`. Raises BenchError."""
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", self._stack, "--non-interactive"],
            cwd=self._directory,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"pulumi {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return done.stdout


def _plain(directory: Path, count: int) -> _Previews:
    directory.mkdir(mode=0o700)
    (directory / "state").mkdir()
    environment = {**engine.environment(), "PULUMI_BACKEND_URL": (directory / "state").as_uri()}
    project = {"name": "bench", "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
    (directory / "Pulumi.yaml").write_text(json.dumps(project))
    (directory / "__main__.py").write_text(_PROGRAM)
    kubeconfig = str(paths.twin() / "kubeconfig")
    (directory / "resources.json").write_text(json.dumps({"kubeconfig": kubeconfig, "count": count}))
    plain = _Previews(directory, _PLAIN, environment)
    plain.run("stack", "init")
    plain.run("up", "--yes", "--skip-preview")
    return plain


@contextmanager
def _lab_up() -> Iterator[None]:
    """The twin's lab, taken down again where it was not up."""
    was_up = recovery.state_file(_LAB).exists()
    if not was_up:
        _lab("up")
    try:
        yield
    finally:
        if not was_up:
            _lab("down")


def _lab(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab", command],
        cwd=paths.CHECKOUT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"lab {command} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
