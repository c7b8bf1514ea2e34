"""The runner as a program of the twin: started, looked at, ended with all that it runs."""

import sys
from pathlib import Path

from filelock import FileLock

from lab import paths
from lab.twin.inside.places import PODS, RUNNER, Places
from lab.twin.process import ProcessState, Program

LOOPBACK = "127.0.0.1"


class Inside:
    """What runs inside the twin's cluster below `directory`; NodePorts are served on `node_address`."""

    def __init__(self, directory: Path, node_address: str = LOOPBACK) -> None:
        self._places = Places(twin=directory.resolve(), address=node_address)

    def up(self) -> None:
        """Start the runner, or start it anew when its address or code changed; the cluster must be up."""
        with FileLock(self._places.twin / "inside.lock", timeout=60):
            self._runner().ensure()

    def down(self) -> None:
        """End the runner and everything that it runs."""
        if not self._places.of(RUNNER).parent.is_dir():
            return
        for name in (RUNNER, *PODS):
            self._places.known(name, sys.executable).stop(grace=0)

    def status(self) -> list[ProcessState]:
        """What runs; asks nobody."""
        return [self._places.known(name, sys.executable).state(None) for name in (RUNNER, *self._places.possible)]

    def _runner(self) -> Program:
        return Program(
            name=RUNNER,
            binary=sys.executable,
            arguments=(
                "-m",
                "lab.twin.inside",
                self._places.mark(RUNNER),
                f"--node-address={self._places.address}",
            ),
            mark=self._places.mark(RUNNER),
            directory=self._places.of(RUNNER),
            reads=tuple(sorted(Path(__file__).parent.glob("*.py"))),
            environment={
                "PYTHONPATH": str(paths.CHECKOUT),
                "PYTHONUNBUFFERED": "1",
                "LAB_HOME": str(paths.home()),
            },
        )
