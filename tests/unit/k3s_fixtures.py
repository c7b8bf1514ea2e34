"""The functions of the scripts for a k3s cluster's machine, in a directory that stands for it."""

import subprocess
from pathlib import Path

from components.cluster.k3s_scripts import scripts
from tests.unit.device_fixtures import sh


class Machine:
    """A directory that stands for the machine's file system, and the functions of the scripts in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("data", "bin", "boot/firmware", "work", "rancher", "k3s", "sys"):
            (root / name).mkdir(parents=True)
        self.record = root / "data" / "record"

    def run(self, call: str, functions: str | None = None) -> subprocess.CompletedProcess[str]:
        places = {
            "data": "data",
            "state": "data",
            "record": "data/record",
            "binaries": "bin",
            "program": "bin/k3s",
            "settings": "rancher",
            "k3s": "k3s",
            "work": "work",
            "boot": "boot",
            "cgroups": "sys",
            "subsystems": "sys/none",
        }
        assigned = "".join(f"{name}={self.root / path}\n" for name, path in places.items())
        text = functions or scripts().prepare + scripts().converge
        return sh(f"{text}\n{assigned}problems=0 to_enable='' ADOPT=no ENABLE_CGROUPS=no CLUSTER=lab\n{call}")

    def remove(self, call: str) -> subprocess.CompletedProcess[str]:
        """With the functions of `remove`, which ends with its own call."""
        return self.run(call, scripts().remove.removesuffix('remove "$@"\nexit\n'))

    def program(self, version: str) -> Path:
        pushed = self.root / "pushed"
        pushed.write_text(f"#!/bin/sh\necho 'k3s version {version} (stand-in)'\n")
        return pushed
