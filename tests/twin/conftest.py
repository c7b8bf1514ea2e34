"""A lab of the tests' own: a copy of the project with its own state, beside whatever the user has running."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
_PROGRAM = (
    "Pulumi.yaml",
    "__main__.py",
    "versions.py",
    "domain",
    "settings",
    "components",
    "stacks",
    "lab",
    "assets",
    "policy",
)


@dataclass(frozen=True)
class Run:
    """A finished command; `text` is what it printed, both streams."""

    status: int
    text: str
    seconds: float

    @property
    def document(self) -> Any:
        """The JSON in it; on a busy machine stderr says before it what is waited for."""
        return json.JSONDecoder().raw_decode(self.text[self.text.index("{") :])[0]


class Lab:
    """The copy, and what a person would type in it."""

    def __init__(self, directory: Path, *, devices: bool = False) -> None:
        self.directory = directory
        for name in _PROGRAM:
            source = CHECKOUT / name
            if source.is_dir():
                shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
            elif source.exists():
                shutil.copyfile(source, directory / name)
        for own in (directory / "stacks").glob("Pulumi.*.yaml"):
            own.unlink()
        for virtualenv in (".venv", "policy/.venv"):
            (directory / virtualenv).symlink_to(CHECKOUT / virtualenv)
        if not devices:
            shutil.copyfile(directory / "stacks" / "examples" / "Pulumi.twin.yaml", self.stack_file)
            self.configure(_register_only)

    @property
    def stack_file(self) -> Path:
        return self.directory / "stacks" / "Pulumi.twin.yaml"

    @property
    def home(self) -> Path:
        return self.directory / ".lab"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "LAB_HOME": str(self.home), "COLUMNS": "160"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """`python -m lab ...`, not waited for."""
        return subprocess.Popen(
            [".venv/bin/python", "-m", "lab", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *arguments: str, ok: bool = True) -> Run:
        """`python -m lab ...` to its end; its failure is the test's unless `ok` is False."""
        begun = time.monotonic()
        process = self.start(*arguments)
        text, _ = process.communicate(timeout=600)
        run = Run(process.returncode, text, time.monotonic() - begun)
        assert not ok or run.status == 0, text
        return run

    def shell(self, command: str, ok: bool = True) -> Run:
        """A command in a shell that was set up as the README says."""
        begun = time.monotonic()
        result = subprocess.run(
            ["/bin/sh", "-c", f'eval "$(.venv/bin/python -m lab env)"; {command}'],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        run = Run(result.returncode, result.stdout + result.stderr, time.monotonic() - begun)
        assert not ok or run.status == 0, run.text
        return run

    def kubectl(self, *arguments: str) -> str:
        """Kubectl's standard output on the twin's cluster."""
        return subprocess.run(
            [str(self.home / "bin" / "kubectl"), "--kubeconfig", str(self.home / "twin" / "kubeconfig"), *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def objects(self) -> set[str]:
        """Every object of the cluster, but for what the cluster itself keeps making."""
        kinds = self.kubectl("api-resources", "--verbs=list", "-o", "name").split()
        passing = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"}
        names = self.kubectl("get", ",".join(sorted(set(kinds) - passing)), "-A", "-o", "json", "--ignore-not-found")
        return {
            f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for item in json.loads(names)["items"]
        }

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit the stack file; `change` gets its `config` with keys as written there."""
        document = yaml.safe_load(self.stack_file.read_text())
        change(document["config"])
        self.stack_file.write_text(yaml.safe_dump(document))

    def preview(self) -> dict[str, str]:
        """Which resources a preview would change, by name: create, update, replace or delete."""
        steps = json.loads(self.shell("pulumi preview --json -s twin 2>/dev/null").text)["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] != "same"}


def _register_only(config: dict[str, Any]) -> None:
    """Workloads at addresses kept for documentation: nothing has to be brought up for them, and nothing answers."""
    devices = [workload for workload in config["mesh-expansion:workloads"] if "device" in workload]
    config["mesh-expansion:workloads"] = devices
    for number, workload in enumerate(devices, start=11):
        del workload["device"]
        workload["addresses"] = [f"198.51.100.{number}"]


@pytest.fixture(scope="session")
def new_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Lab]]:
    """Make labs; each is taken down when the tests end, however they end."""
    labs: list[Lab] = []

    def new_lab(*, devices: bool = False) -> Lab:
        labs.append(Lab(tmp_path_factory.mktemp("lab"), devices=devices))
        return labs[-1]

    yield new_lab
    for lab in labs:
        lab("twin", "down", ok=False)


@pytest.fixture(scope="module")
def lab(new_lab: Callable[[], Lab]) -> Iterator[Lab]:
    """A lab whose cluster runs and whose stack does not exist yet."""
    lab = new_lab()
    lab("twin", "up")
    yield lab
    lab("twin", "down", ok=False)
