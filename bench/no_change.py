"""A preview that finds nothing to change: the twin's whole lab against as many plain resources.

Plain once as ConfigMaps alone, and once as one plain kind of each provider plugin that the lab uses, in the lab's numbers: the
first ratio has in it what three more plugins and their packages cost to start, the second what this program adds.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console

from bench.clock import BenchError, timed
from lab import engine, paths, recovery, stack_file

_LAB = "twin"
_WANTED = 1.3
_PLUGINS = ("kubernetes", "tls", "command", "docker")
_PROGRAM = '''\
"""As many plain resources of each plugin as resources.json says."""

import json
from pathlib import Path

import pulumi

given = json.loads(Path("resources.json").read_text())
count = given["count"]
if count.get("kubernetes"):
    import pulumi_kubernetes as k8s

    cluster = k8s.Provider("cluster", kubeconfig=given["kubeconfig"])
    for number in range(count["kubernetes"]):
        k8s.core.v1.ConfigMap(
            f"plain-{number}",
            metadata={"name": f"bench-{pulumi.get_stack()}-{number}", "namespace": "default"},
            data={"number": str(number)},
            opts=pulumi.ResourceOptions(provider=cluster),
        )
if count.get("tls"):
    import pulumi_tls as tls

    for number in range(count["tls"]):
        tls.PrivateKey(f"key-{number}", algorithm="ECDSA", ecdsa_curve="P256")
if count.get("command"):
    import pulumi_command as command

    for number in range(count["command"]):
        command.local.Command(f"command-{number}", create="true")
if count.get("docker"):
    import pulumi_docker as docker

    engine = docker.Provider("engine", host=given["docker"])
    for number in range(count["docker"]):
        docker.Volume(
            f"volume-{number}", name=f"bench-plain-{number}", opts=pulumi.ResourceOptions(provider=engine)
        )
'''


def compare(console: Console, directory: Path, runs: int) -> None:
    """Print the ratios of `runs` previews of each, in turn. Brings the twin up when it is not. BenchError.

    A ratio is taken within each turn, as a machine's speed drifts by more than what is measured, and of those the median.
    """
    directory.mkdir(mode=0o700)
    with _lab_up():
        own = _Previews(paths.CHECKOUT, _LAB, _environment())
        own.preview()  # so that what Python compiles once is compiled
        counts = own.resources()
        plain: dict[str, _Previews] = {}
        took: dict[str, list[float]] = {}
        try:
            plain["ConfigMaps"] = _plain(directory / "one", {"kubernetes": counts.total()})
            plain["plain resources of the same plugins"] = _plain(directory / "same", counts)
            for _ in range(runs):
                for name, previews in {"": own, **plain}.items():
                    took.setdefault(name, []).append(timed(previews.preview).wall)
        finally:
            for previews in plain.values():
                previews.run("destroy", "--yes", "--skip-preview")
    ours = took.pop("")
    console.print(f"no-change preview of the twin's lab, {counts.total()} resources: {_words(ours)}")
    for name, theirs in took.items():
        ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns"
        console.print(f"  as many {name}: {_words(theirs)}: {median(ratios):.2f} ({spread}; wanted: at most {_WANTED})")


def _environment() -> dict[str, str]:
    """The engine's, in which Python keeps what it has compiled, as it does unless told otherwise."""
    return {name: value for name, value in engine.environment().items() if name != "PYTHONDONTWRITEBYTECODE"}


def _words(seconds: list[float]) -> str:
    return f"{median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


class _Previews:
    """A stack whose preview must find nothing."""

    def __init__(self, directory: Path, stack: str, environment: dict[str, str]) -> None:
        self._directory, self._stack, self._environment = directory, stack, environment

    def preview(self) -> None:
        self.run("preview", "--expect-no-changes")

    def resources(self) -> Counter[str]:
        """How many of each plugin the state holds; what belongs to none, as components, is counted as an object of Kubernetes."""
        state = json.loads(self.run("stack", "export"))
        packages = (item["type"].partition(":")[0] for item in state["deployment"].get("resources", []))
        return Counter(package if package in _PLUGINS else _PLUGINS[0] for package in packages)

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


def _plain(directory: Path, count: Mapping[str, int]) -> _Previews:
    (directory / "state").mkdir(parents=True)
    environment = {**_environment(), "PULUMI_BACKEND_URL": engine.state_url(directory / "state")}
    project = {"name": "bench", "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
    (directory / "Pulumi.yaml").write_text(json.dumps(project))
    (directory / "__main__.py").write_text(_PROGRAM)
    given = {
        "kubeconfig": str(paths.twin() / "kubeconfig"),
        "docker": stack_file.config(stack_file.find(_LAB))["mesh-expansion:docker"]["host"],
        "count": count,
    }
    (directory / "resources.json").write_text(json.dumps(given))
    plain = _Previews(directory, directory.name, environment)
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
