"""One look at a stack: everything at once, each for itself, and none longer than there is time."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from lab import at_once, paths, recovery, twin_lab
from lab.doctor import configuration, state
from lab.doctor.configuration import Configuration
from lab.status import certificates, cluster, containers, gui, machines, policy, routes, twin, workloads
from lab.status.api import SilentError, api_of
from lab.status.context import SECONDS, Context
from lab.status.item import NOT_ASKED, Item, Part, State
from lab.status.recorded import Recorded
from lab.status.screen import Screen
from settings import Settings

# Top-level keys without which nobody knows whom to ask.
_NEEDED = frozenset({"lab", "cluster", "workloads", "ssh"})


@dataclass(frozen=True, kw_only=True)
class Look:
    """`run` gives items as they come; `part` and `subject` say what is missing when it does not end."""

    part: Part
    subject: str
    run: Callable[[], AsyncIterator[Item]]


async def look(
    stack: str, *, seconds: float = SECONDS, ask_machines: bool = True, project: Path = paths.CHECKOUT
) -> Screen:
    """How a stack is now; changes nothing. Raises NoStackFile."""
    begun = time.monotonic()
    written, known = configuration.read(stack, project), state.read(stack)
    lab = written.settings.lab if written.settings and "lab" not in written.unusable else ""
    items = list(_stack(written, known))
    usable = known.exists and not known.fault and not written.unusable & _NEEDED
    if usable and written.settings is not None:
        items += await _items(written, written.settings, known, seconds, project, ask_machines=ask_machines)
    return Screen(stack=stack, lab=lab, items=items, at=datetime.now(UTC), seconds=time.monotonic() - begun)


async def _items(
    written: Configuration, settings: Settings, known: state.State, seconds: float, project: Path, *, ask_machines: bool
) -> list[Item]:
    async with api_of(settings, written.stack, project) as api:
        context = Context(
            stack=written.stack,
            project=project,
            settings=settings,
            recorded=Recorded(known),
            api=api,
            encrypted_key="ssh-private-key" in written.encrypted,
            seconds=seconds,
        )
        return await collect(list(looks(context, ask_machines=ask_machines)), seconds)


def looks(context: Context, *, ask_machines: bool) -> Iterator[Look]:
    """What is looked at, in the order of the screen."""
    if context.stack == twin_lab.STACK:
        yield Look(part=Part.CLUSTER, subject="twin", run=partial(twin.look, context))
    yield Look(part=Part.CLUSTER, subject="API", run=partial(cluster.look, context))
    yield Look(part=Part.CERTIFICATES, subject="certificates", run=partial(certificates.look, context))
    yield Look(part=Part.WORKLOADS, subject="workloads", run=partial(workloads.look, context))
    if ask_machines:
        for name, run in machines.looks(context):
            yield Look(part=Part.MACHINES, subject=f"device {name}", run=run)
    yield Look(part=Part.MACHINES, subject="containers", run=partial(containers.look, context))
    yield Look(part=Part.ROUTES, subject="routes", run=partial(routes.look, context))
    yield Look(part=Part.POLICY, subject="access", run=partial(policy.look, context))
    yield Look(part=Part.GUI, subject="Faces", run=partial(gui.look, context))


async def collect(looks: list[Look], seconds: float) -> list[Item]:
    """What all of them found; whoever gave no answer within `seconds` is said to be silent."""

    def unanswered(index: int, state: State, text: str, following: str) -> Item:
        asked = looks[index]
        return Item(part=asked.part, subject=asked.subject, state=state, word=NOT_ASKED, text=text, next=following)

    def late(index: int) -> Item:
        text, following = f"no answer within {seconds:.0f} s", "type the same with --seconds 60"
        return unanswered(index, State.BAD, text, following)

    def crashed(index: int, error: Exception) -> Item:
        if isinstance(error, SilentError):
            # Why is said by what looks at the API itself.
            return unanswered(index, State.UNKNOWN, "the cluster does not answer", "")
        text = f"this look itself failed: {type(error).__name__}: {error}"
        return unanswered(index, State.BAD, text, "report it with this line; the others went on")

    found = await at_once.collect([asked.run for asked in looks], seconds, late, crashed)
    return list(_each_once(item for place in found for item in place))


def _stack(written: Configuration, known: state.State) -> Iterator[Item]:
    """What there is to say of the stack itself; with nothing up, or a file of no use, that is all there is."""

    def item(state: State, word: str, text: str, following: str) -> Item:
        return Item(part=Part.STACK, subject=written.stack, state=state, word=word, text=text, next=following)

    stack, which = written.stack, "" if written.stack == twin_lab.STACK else f" STACK={written.stack}"
    up, doctor = f"make up{which}", f"make doctor{which}"
    if known.fault:
        yield item(State.BAD, NOT_ASKED, known.fault, doctor)
    elif not known.exists:
        yield item(State.BAD, "not up", "nothing of it is up", up)
    elif written.settings is None or written.unusable & _NEEDED:
        text = f"{written.file.name} has mistakes, so nobody knows how to ask"
        yield item(State.BAD, NOT_ASKED, text, doctor)
    elif owners := recovery.held_locks(stack):
        yield item(State.UNKNOWN, "updating", f"an update of it is running: {', '.join(owners)}", "")
    elif known.pending:
        yield item(State.SOON, "half-way", "the last update was killed; the next looks what became of it", up)


def _each_once(items: Iterable[Item]) -> Iterator[Item]:
    """Without a machine that could not be asked where it is known already why."""
    down: set[str] = set()
    for item in items:
        if item.subject in down and item.word == NOT_ASKED:
            continue
        if item.part is Part.MACHINES and item.state is State.BAD:
            down.add(item.subject)
        yield item
