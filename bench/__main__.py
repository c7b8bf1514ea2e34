"""`python -m bench`: prints how long each way takes, and the ratios. Exit status 0 however slow; 1 when something failed."""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker
from rich.console import Console

from bench.ansible import Playbook, ensure_ansible
from bench.clock import BenchError, Timing
from bench.devices import Devices, devices
from bench.engine import Project
from bench.image import ensure_image
from bench.no_change import compare
from bench.report import Row, report
from bench.work import Work, files_on_a_device
from lab import docker as engine
from lab import paths
from lab.docker import DockerError
from lab.twin.devices.client import connected
from lab.twin.devices.present import present

OURS, AGAIN = "this program", "this program, nothing to change"
SAME, EMPTY = "plain commands, same work", "plain commands that do nothing"
MODULES, CARRIED = "Ansible, its own modules", "Ansible, carrying our scripts"
RATIOS = (
    (MODULES, OURS, "at least 10"),
    (CARRIED, OURS, ""),
    (OURS, SAME, "at most 1.5"),
    (OURS, EMPTY, ""),
)
_WIDTH = 120


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where and with how many devices is measured; `rows` are filled as runs end."""

    client: docker.DockerClient
    image: str
    ansible: Path
    count: int
    console: Console
    rows: dict[str, Row]

    def pulumi(self, name: str, program: str, again: str | None = None) -> None:
        """An `up` on new devices; then, when `again` has a name, another one."""

        def run(on: Devices, directory: Path) -> None:
            project = Project(directory / "p", program, Work.on(on))
            self._note(name, on, project.up)
            if again:
                self._note(again, on, lambda: project.up("--expect-no-changes"))

        self._fresh(run)

    def playbook(self, name: str, playbook: str) -> None:
        """A playbook on new devices."""

        def run(on: Devices, directory: Path) -> None:
            self._note(name, on, Playbook(self.ansible, directory / "a", playbook, Work.on(on), on.client_key).run)

        self._fresh(run)

    def _fresh(self, run: Callable[[Devices, Path], None]) -> None:
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            keys = Path(directory, "keys")
            with devices(self.client, self.image, self.count, keys) as new:
                run(new, Path(directory))

    def _note(self, name: str, on: Devices, run: Callable[[], Timing]) -> None:
        before = on.cpu_seconds()
        timing = run()
        spent = on.cpu_seconds() - before
        self.rows.setdefault(name, Row()).add(timing, spent)
        self.console.print(f"{name}: {timing.wall:.1f} s (load {os.getloadavg()[0]:.1f})", style="dim")


def main() -> int:
    """Measures and prints."""
    options = _options()
    console = Console(highlight=False, soft_wrap=True, width=_WIDTH)
    rows: dict[str, Row] = {}
    was_there = present() is not None
    failure = ""
    try:
        ansible = ensure_ansible()
        with connected(engine.ensure().host) as client:
            image = ensure_image(client)
            bench = Bench(
                client=client, image=image, ansible=ansible, count=options.devices, console=console, rows=rows
            )
            # In turn, so that a machine that gets busier does so for all of them.
            for _ in range(options.runs):
                bench.pulumi(OURS, "devices", AGAIN)
                bench.pulumi(SAME, "plain_same_work")
                bench.pulumi(EMPTY, "plain_empty")
                bench.playbook(CARRIED, "carried")
            for _ in range(options.ansible_runs):
                bench.playbook(MODULES, "modules")
        # In the checkout, as the lab is: the engine looks for the revision of what it runs.
        with tempfile.TemporaryDirectory(prefix="bench-", dir=paths.home()) as directory:
            compare(console, Path(directory, "plain"), options.previews)
    except (BenchError, DockerError, subprocess.TimeoutExpired) as failed:
        failure = f"bench: {failed}\n"
    finally:
        if not was_there:
            engine.down()
    # What was measured before a failure is not lost.
    report(console, rows, options.devices, RATIOS, files_on_a_device())
    sys.stderr.write(failure)
    return 1 if failure else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--ansible-runs", type=int, default=1, help="of the playbook of modules: minutes each")
    parser.add_argument("--previews", type=int, default=9, help="of the lab and of plain resources, in turn")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
