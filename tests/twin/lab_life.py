"""The life of a lab that a stack file alone describes: nothing, up, no change, one change, no drift, destroyed, nothing."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import yaml

from lab.tools.links import write_launcher
from tests.twin.conftest import Lab, Run


class LabLife:
    """`stack` of a copy of the project, as its example has it, changed by `change`; with the stand-ins of k3d and kind.

    Without a change the file is new, so that it follows where the range of its addresses is taken on this machine.
    """

    def __init__(self, lab: Lab, stack: str, change: Callable[[dict[str, Any]], None] | None) -> None:
        self.lab, self.stack = lab, stack
        self.file = lab.directory / "stacks" / f"Pulumi.{stack}.yaml"
        example = self.file.parent / "examples" / self.file.name
        self.file.write_text(example.read_text())
        if change:
            self.configure(change)
        self._tools = lab.directory / "standins"
        self._tools.mkdir()
        for name in ("k3d", "kind"):
            write_launcher(self._tools / name, name)

    def configure(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit the stack file; `change` gets its `config`, keys without the project's name."""
        document = yaml.safe_load(self.file.read_text())
        config = {key.removeprefix("mesh-expansion:"): value for key, value in document["config"].items()}
        change(config)
        document["config"] = {f"mesh-expansion:{key}": value for key, value in config.items()}
        self.file.write_text(yaml.safe_dump(document))

    def __call__(self, command: str, ok: bool = True) -> Run:
        """`python -m lab COMMAND -s STACK`."""
        return self.shell(f".venv/bin/python -m lab {command} -s {self.stack} 2>&1", ok)

    def shell(self, command: str, ok: bool = True) -> Run:
        """A command with the stand-ins first on PATH."""
        return self.lab.shell(f'export PATH="{self._tools}:$PATH"; {command}', ok)

    def up(self) -> dict[str, int]:
        """`pulumi up`; how many resources it made, changed, and left alone."""
        self.shell(f"pulumi up --yes --skip-preview --non-interactive -s {self.stack} 2>&1")
        history = self.shell(f"pulumi stack history --json --page-size 1 -s {self.stack} 2>/dev/null").text
        return dict(json.loads(history)[0]["resourceChanges"])

    def preview(self) -> dict[str, str]:
        """What a preview would change, by name of the resource."""
        steps = json.loads(self.shell(f"pulumi preview --json -s {self.stack} 2>/dev/null").text)["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    def refresh(self) -> None:
        """Fails when what is there is not what the state says."""
        self.shell(f"pulumi refresh --preview-only --expect-no-changes --non-interactive -s {self.stack} 2>&1")

    def output(self, name: str) -> Any:
        found = self.shell(f"pulumi stack output --json --show-secrets -s {self.stack} 2>/dev/null").text
        return json.loads(found)[name]

    @cached_property
    def kubeconfig(self) -> Path:
        """The stack's own, in a file that nobody else can read."""
        file = self.lab.directory / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(self.output("kubeconfig"))
        return file

    def get(self, *what: str) -> Any:
        """Objects of the cluster, as kubectl gives them."""
        command = [str(self.lab.home / "bin" / "kubectl"), "--kubeconfig", str(self.kubeconfig), "get", *what]
        return json.loads(subprocess.run([*command, "-o", "json"], capture_output=True, text=True, check=True).stdout)

    def ready(self, workload: str) -> bool:
        """Whether the cluster says that it is."""
        conditions = self.get("externalworkload", workload, "-n", "faces")["status"]["conditions"]
        return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)

    def left(self) -> list[str]:
        """Whatever the lab left behind on this machine: processes and files, but for the tools and an empty state."""
        processes = []
        for process in psutil.process_iter(["cmdline", "pid"]):
            words = process.info["cmdline"] or []
            if process.info["pid"] != os.getpid() and any(str(self.lab.home) in word for word in words):
                processes.append(" ".join(words)[:120])
        kept = {"bin", "passphrase", "pulumi", "state"}
        files = [
            str(path)
            for path in self.lab.home.rglob("*")
            if path.is_file() and path.relative_to(self.lab.home).parts[0] not in kept
        ]
        return [*processes, *files]


@contextmanager
def living(lab: Lab, stack: str, change: Callable[[dict[str, Any]], None] | None = None) -> Iterator[LabLife]:
    """However a test ends, nothing of the lab stays."""
    life = LabLife(lab, stack, change)
    try:
        yield life
    finally:
        life("down", ok=False)


def own_name() -> str:
    """For what has one name on a machine, so that two runs do not meet."""
    return f"t{uuid4().hex[:8]}"
