"""The table and the ratios."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.clock import Timing
from domain.parts import PARTS
from lab import engine

_EXPLAINED = """\
Each of the {count} devices: an OpenSSH sshd of its own, with its own /etc, /opt, /run and /var/lib, as nobody has touched it.
The work on each: look at the machine; user, key and certificate request there; certificate of the device authority here;
image named, second user, {files} files, {units} units enabled and started. Every way does all of it, as root.
Left out on all sides, since it takes as long with any tool: artefacts and image on their way; systemd and podman are answered by
scripts at once. Left out too: what the program does in the cluster. Devices share this machine's {processors} processors with what is timed.
"plain commands" is one command.remote.Command a device; with "same work" it sends the same scripts in one session."""


@dataclass(frozen=True)
class Row:
    """The runs of one way; `devices` are seconds of processor time on the devices."""

    timings: list[Timing] = field(default_factory=list)
    devices: list[float] = field(default_factory=list)

    def add(self, timing: Timing, devices: float) -> None:
        """Keeps one run."""
        self.timings.append(timing)
        self.devices.append(devices)

    @property
    def wall(self) -> list[float]:
        return sorted(timing.wall for timing in self.timings)

    @property
    def processor(self) -> float:
        """Seconds of processor time, here and on the devices."""
        return median(timing.cpu for timing in self.timings) + median(self.devices)


def report(
    console: Console, rows: Mapping[str, Row], count: int, ratios: Sequence[tuple[str, str, str]], files: int
) -> None:
    """Prints `rows`, and for each (way, other, target) of `ratios` how many times as long the one takes as the other.

    `files` is how many a device of the `count` gets.
    """
    table = Table(title=f"Seconds, {count} devices", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for heading in ("runs", "min", "median", "max", "CPU here", "CPU there"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in rows.items():
        here = median(timing.cpu for timing in row.timings)
        numbers = (row.wall[0], median(row.wall), row.wall[-1], here, median(row.devices))
        table.add_row(name, str(len(row.timings)), *(f"{number:.1f}" for number in numbers))
    console.print(table)
    for way, other, target in ratios:
        if way not in rows or other not in rows:
            continue
        by_clock = median(rows[way].wall) / median(rows[other].wall)
        by_processor = rows[way].processor / rows[other].processor
        wanted = f" (wanted: {target})" if target else ""
        console.print(f"{way} / {other}: {by_clock:.1f} by the clock{wanted}, {by_processor:.1f} by CPU")
    parallel = engine.settings_for_shell().get("PULUMI_PARALLEL") or os.environ.get("PULUMI_PARALLEL", "not set")
    console.print(
        f"\nload {os.getloadavg()[0]:.1f}, PULUMI_PARALLEL {parallel}, Ansible with {count} forks and pipelining"
    )
    console.print(_EXPLAINED.format(count=count, files=files, units=len(PARTS), processors=os.cpu_count()))
