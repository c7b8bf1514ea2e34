"""How long certificates live: those of the mesh one by one, those of machines by the first that ends."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

from lab.doctor.certificates import SOON_DAYS, renewal
from lab.status.context import Context
from lab.status.item import Item, Part, State

_MACHINES = ("-device-", "-docker-")
_SPIRE = re.compile(r"spire-trust-(upstream|devices)-(\d+)-certificate")
_KEYS = {"upstream": "upstream", "devices": "device-ca"}  # of the stack file, below `spire`


async def look(context: Context) -> AsyncIterator[Item]:
    """Everything whose end is recorded."""
    own: list[tuple[str, datetime]] = []
    for name, end in sorted(_ends(context)):
        if not any(mark in name for mark in _MACHINES) or end - context.now() < timedelta(days=_soon(context, name)):
            yield _item(context, name, end)
        else:
            own.append((name, end))
    if own:
        name, end = min(own, key=lambda found: found[1])
        first = f"; that of {_shown(name)} ends first" if len(own) > 1 else ""
        yield Item(
            part=Part.CERTIFICATES,
            subject=f"{len(own)} of machines" if len(own) > 1 else _shown(name),
            state=State.WELL,
            word=_days(end, context.now()),
            text=f"until {end:%Y-%m-%d}{first}",
            facts={"end": end.isoformat(), "days": (end - context.now()).days, "count": len(own)},
        )


def _item(context: Context, name: str, end: datetime) -> Item:
    now, days = context.now(), (end - context.now()).days
    state, word, text = State.WELL, _days(end, now), f"until {end:%Y-%m-%d}"
    if end <= now:
        state, word, text = State.BAD, "EXPIRED", f"on {end:%Y-%m-%d}"
    elif days < _soon(context, name):
        state, text = State.SOON, f"soon: it ends on {end:%Y-%m-%d}"
    return Item(
        part=Part.CERTIFICATES,
        subject=_shown(name),
        state=state,
        word=word,
        text=text,
        next="" if state is State.WELL else _next(context, name),
        plural="certificates",
        facts={"end": end.isoformat(), "days": days},
    )


def _ends(context: Context) -> Iterator[tuple[str, datetime]]:
    """By name: what the stack gives out of its trust, brought or issued, and the ends of all others that it has issued."""
    given = context.recorded.outputs.get("certificates")
    for name, end in (given if isinstance(given, dict) else {}).items():
        yield f"trust-{name}", datetime.fromisoformat(str(end))
    for name, end in context.recorded.ends.items():
        if not name.startswith("trust-"):
            yield name, end


def _next(context: Context, name: str) -> str:
    if name.startswith("trust-") and context.settings.trust.own:
        return f"renew it where it was issued, put the new one below trust.own in {context.file}, then: {context.up}"
    # Names of resources say more than those that the stack gives.
    return f"{renewal(f'{name}-')} in {context.file}, then: {context.up}"


def _soon(context: Context, name: str) -> int:
    """Days before its end from which somebody should know: a machine's own authority is short-lived by design."""
    return context.settings.spire.intermediate_days // 3 if "-intermediate-" in name else SOON_DAYS


def _days(end: datetime, now: datetime) -> str:
    days = (end - now).days
    return "1 day" if days == 1 else f"{days} days"


def _shown(name: str) -> str:
    """What it is to people; `name` is that of the resource."""
    for mark in _MACHINES:
        if mark in name:
            own, _, rest = name.partition(mark)
            return f"{own}, its authority" if "intermediate-" in rest else own
    if found := _SPIRE.fullmatch(name):
        return f"{_KEYS[found[1]]}-{found[2]}"
    return name.removeprefix("trust-")
