"""What is on machines over SSH, held against what the last `up` wrote: one connection each, which only looks."""

import shlex
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache, partial

import asyncssh

from domain import drift
from lab import paths
from lab.doctor import ssh
from lab.doctor.finding import Finding, Status
from lab.doctor.way_in import WayIn
from lab.status.context import Context
from lab.status.item import NOT_ASKED, Item, Part, State
from lab.status.recorded import Unread
from settings.model import WorkloadSettings

_REST = 2.0  # seconds of the time for everything, for the way in and for the screen
_DEVICE = paths.CHECKOUT / "assets" / "edge" / "device"
_SHOWN = 3  # differences of one machine

Look = Callable[[], AsyncIterator[Item]]


@cache
def functions() -> str:
    """The text that defines `compare`, as it is sent."""
    return "".join((_DEVICE / name).read_text() for name in ("common", "look", "compare"))


def looks(context: Context) -> Iterator[tuple[str, Look]]:
    """Workload and look for each machine."""
    for name in sorted(context.recorded.devices):
        yield name, partial(_look, context, name)


async def _look(context: Context, name: str) -> AsyncIterator[Item]:
    asked = next(((index, item) for index, item in enumerate(context.settings.workloads) if item.name == name), None)
    if asked is None or asked[1].device is None:
        yield not_asked(name, f"{context.file} has no such device any more", State.UNKNOWN, context.up)
        return
    index, workload = asked
    if asked[1].device.gone:
        yield not_asked(name, "it is marked as gone", State.UNKNOWN)
        return
    try:
        yield await _compare(context, index, workload)
    except Unread as why:
        yield not_asked(name, str(why), State.UNKNOWN, context.up)
    except ssh.Refused as refused:
        yield _refused(name, refused.finding)


async def _compare(context: Context, index: int, workload: WorkloadSettings) -> Item:
    wanted = context.recorded.bundle(workload.name)
    way_in = WayIn(settings=context.settings, project=context.project, encrypted_key=context.encrypted_key)
    target = way_in.to_device(index, workload)
    script, seconds = drift.compare_stdin(wanted, functions()), max(context.seconds - _REST, 1.0)
    try:
        async with context.gate, ssh.login(target) as connection:
            done = await connection.run(f"{target.sudo}sh -s", input=script, timeout=seconds)
    except (TimeoutError, asyncssh.TimeoutError):
        why = f"it let {target.user} in, and did not say within {seconds:.0f} s what is there"
        return not_asked(workload.name, why, State.BAD, f"{target.command} uptime")
    except (OSError, asyncssh.Error) as error:
        why = f"the connection broke: {error}"
        return not_asked(workload.name, why, State.BAD, f"{target.command} uptime")
    there = drift.found(str(done.stdout or ""))
    if "end" not in there.facts:
        said = str(done.stderr or done.stdout or "").strip().splitlines()[-1:] or ["nothing was said"]
        why = f"its shell did not come to an end: {said[0]}"
        return not_asked(workload.name, why, State.BAD, context.doctor)
    differences = drift.differences(wanted, there)
    if not differences:
        text = f"{len(there.modes)} files, {len(wanted.units)} units, image"
        return _item(workload.name, State.WELL, "as written", text, differences=[])
    shown = "; ".join(differences[:_SHOWN])
    more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
    following = _mended(context, target, differences, drift.drop_ins(wanted, there))
    return _item(workload.name, State.BAD, "differs", f"{shown}{more}", following, differences=differences)


def _mended(context: Context, target: ssh.Target, differences: list[str], drop_ins: list[str]) -> str:
    """What to type next."""
    if drop_ins:
        directories = shlex.join(sorted({path.rpartition("/")[0] for path in drop_ins}))
        return f"{target.command} '{target.sudo}rm -r {directories} && {target.sudo}systemctl daemon-reload'"
    if drift.units_alone(differences):
        return f"{target.command} systemctl status {differences[0].split(' ')[0]}"
    # Nothing that `up` compares has changed, so without that it would not ask the machine.
    return f"raise spire.device by one in {context.file}, then: {context.up}; it writes what differs"


def not_asked(name: str, why: str, state: State, following: str = "") -> Item:
    """A machine that nobody has seen."""
    return _item(name, state, NOT_ASKED, why, following, why=why)


def _refused(name: str, finding: Finding) -> Item:
    # Without a key that can be read here nobody knows; a machine that does not answer is down.
    state = State.UNKNOWN if finding.status is Status.NOT_CHECKED else State.BAD
    return not_asked(name, finding.cause, state, finding.next)


def _item(name: str, state: State, word: str, text: str, following: str = "", **facts: object) -> Item:
    known: Mapping[str, object] = {"kind": "device", **facts}
    return Item(
        part=Part.MACHINES,
        subject=f"device {name}",
        state=state,
        word=word,
        text=text,
        next=following,
        plural="devices",
        facts=known,
    )
