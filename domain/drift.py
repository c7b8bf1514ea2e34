"""What was written to a device, held against what is there: what is asked, how the answer is read, and what differs."""

import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain import look
from domain.device import BINARIES
from domain.device_files import CONFIGURATION
from domain.shell import closed
from domain.written import Written

_OURS = "mesh-expansion-"
_BY_HAND = " was added by hand"
_UNIT = re.compile(r"[^/ ]+\.(service|timer) is ")
_DEVICE_KEY = f"{CONFIGURATION}/device.key"
_INTERMEDIATE = f"{CONFIGURATION}/intermediate"
_KEY_MODE, _PROGRAM_MODE = 0o600, 0o755
_MODE = re.compile(r"mode ([0-9a-f]+) (\S+) (\S+)")
_SUM = re.compile(r"sum \\?([0-9a-f]{64})  (\S+)")
_ENABLED = ("enabled", "generated", "static")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a machine said: `modes` as (raw st_mode, user:group), `sums` and `units` (systemd's properties) by name.

    `facts` end with `end` where nothing was cut off.
    """

    facts: Mapping[str, str]
    modes: Mapping[str, tuple[int, str]]
    sums: Mapping[str, str]
    units: Mapping[str, Mapping[str, str]]


def compare_stdin(wanted: Written, functions: str) -> str:
    """What is sent to a device; `functions` defines `compare`. Changes nothing there."""
    lines = [
        *(f"file {path}" for path in _paths(wanted)),
        *(f"key {path}" for path in _keys(wanted)),
        *(f"unit {unit}" for unit in wanted.units),
    ]
    return closed(functions, "".join(("compare <<'WRITTEN'\n", *(f"{line}\n" for line in lines), "WRITTEN\n")))


def found(said: str) -> Found:
    """What a device printed."""
    modes, sums = {}, {}
    units: dict[str, dict[str, str]] = {}
    properties: dict[str, str] = {}
    for line in said.splitlines():
        if match := _MODE.fullmatch(line):
            modes[match[3]] = (int(match[1], 16), match[2])
        elif match := _SUM.fullmatch(line):
            sums[match[2]] = match[1]
        elif line.startswith("unit"):
            name, assigned, value = line.removeprefix("unit ").partition("=")
            if not assigned:
                properties = {}  # an empty line parts one unit from the next
                continue
            properties[name] = value
            if name == "Id":
                units[value] = properties
    return Found(facts=look.facts(said), modes=modes, sums=sums, units=units)


def differences(wanted: Written, there: Found) -> list[str]:
    """Everything that is not as it was written, each in a few words that begin with its name; empty when nothing is."""
    return [
        *_member(wanted, there),
        *(f"{path}{_BY_HAND}" for path in drop_ins(wanted, there)),
        *_files(wanted, there),
        *_key_files(wanted, there),
        *_artefacts(wanted, there),
        *_image(wanted, there),
        *_units(wanted, there),
    ]


def drop_ins(wanted: Written, there: Found) -> list[str]:
    """Files by which somebody has changed units of ours beside what was written: no `up` goes on while they are there."""
    paths = (
        path
        for unit in wanted.units
        if unit.startswith(_OURS)
        for path in there.units.get(unit, {}).get("DropInPaths", "").split()
    )
    # What a distribution adds to all units is not ours to judge.
    return [path for path in paths if path.startswith(("/etc/", "/run/")) and f"/{_OURS}" in path]


def units_alone(differences: list[str]) -> bool:
    """Whether nothing but the state of units differs."""
    return all(_UNIT.match(text) for text in differences)


def _paths(wanted: Written) -> list[str]:
    return [*(file.path for file in wanted.files), *(f"{BINARIES}/{artefact.name}" for artefact in wanted.artefacts)]


def _keys(wanted: Written) -> list[str]:
    own_server = any(file.path == f"{_INTERMEDIATE}.crt" for file in wanted.files)
    return [_DEVICE_KEY, *([f"{_INTERMEDIATE}.key"] if own_server else [])]


def _member(wanted: Written, there: Found) -> Iterator[str]:
    member = there.facts.get("member", "")
    if member != wanted.workload:
        yield f"the machine is prepared as workload {member}" if member else "the machine is not in the mesh"


def _files(wanted: Written, there: Found) -> Iterator[str]:
    quadlet = there.facts.get("quadlet") == "yes"
    for file in wanted.files:
        if (file.when, quadlet) in (("quadlet", False), ("plain", True)):
            continue
        if how := _mode(file.path, file.mode, file.owner, there):
            yield how
        elif there.sums.get(file.path) != file.sha256:
            yield f"{file.path} has other contents"


def _mode(path: str, mode: int, owner: str, there: Found) -> str:
    if path not in there.modes:
        return f"{path} is missing"
    raw, user = there.modes[path]
    if not stat.S_ISREG(raw):
        return f"{path} is no regular file"
    if stat.S_IMODE(raw) != mode:
        return f"{path} has mode {stat.S_IMODE(raw):04o} instead of {mode:04o}"
    return f"{path} belongs to {user} instead of {owner}" if user != owner else ""


def _key_files(wanted: Written, there: Found) -> Iterator[str]:
    for path in _keys(wanted):
        # `mesh-agent` has a group of its own name.
        if how := _mode(path, _KEY_MODE, "mesh-agent:mesh-agent", there):
            yield how


def _artefacts(wanted: Written, there: Found) -> Iterator[str]:
    for artefact in wanted.artefacts:
        path = f"{BINARIES}/{artefact.name}"
        # What `converge` keeps: the checksum of what it came in, the member, and the program's own.
        kept = there.facts.get(f"artefact-{artefact.name}", "").split(" ")
        own = artefact.sha256 if artefact.member == "-" else kept[-1]
        if how := _mode(path, _PROGRAM_MODE, "root:root", there):
            yield how
        elif kept[:-1] != [artefact.sha256, artefact.member] or there.sums.get(path) != own:
            yield f"{path} is another program"


def _image(wanted: Written, there: Found) -> Iterator[str]:
    kept, _, loaded = there.facts.get("image", "").rpartition(" ")
    if kept != wanted.image:
        yield "the workload's image is another one"
    elif there.facts.get("current") != loaded:
        yield (
            "the workload's image is gone" if not there.facts.get("current") else "the workload's image is another one"
        )
    elif there.facts.get("running") not in (loaded, ""):
        yield "the workload runs another image than the one that was written"


def _units(wanted: Written, there: Found) -> Iterator[str]:
    for unit in wanted.units:
        properties = there.units.get(unit, {})
        active, enabled = properties.get("ActiveState", "unknown"), properties.get("UnitFileState") or "not enabled"
        if active != "active":
            yield f"{unit} is {active}"
        if enabled not in _ENABLED:
            yield f"{unit} is {enabled}"
