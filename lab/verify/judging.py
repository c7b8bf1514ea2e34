"""From rows to outcomes: all cases at once, each for itself, none longer than there is time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lab import at_once
from lab.verify.context import Context
from lab.verify.outcome import Outcome, Verdict
from lab.verify.place import NotProvable
from lab.verify.row import Case, Row
from lab.verify.selection import Selection

_LONGEST = 400  # characters of what was found: programs may say much when they fail
_AT_ONCE = 50  # each may be a connection to a machine of its own


@dataclass(frozen=True, kw_only=True)
class _Asserted:
    row: Row
    case: Case


async def judge(
    context: Context,
    rows: Sequence[Row],
    selection: Selection,
    seconds: float,
    told: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """What came of every row, in their order; `told` hears of each as it comes.

    What has not ended within `seconds` has failed: it is not proven.
    """
    gate = asyncio.Semaphore(_AT_ONCE)
    asserted, found = [], []
    for row in rows:
        cases = selection.cases(row, context)
        asserted += [_Asserted(row=row, case=case) for case in cases]
        if not cases:
            found.append(_unasked(row, context, selection))

    def late(index: int) -> Outcome:
        return replace(
            _outcome(asserted[index], Verdict.FAILED, f"no answer within {seconds:.0f} s"),
            next=f"type the same with --seconds {2 * seconds:.0f}",
            seconds=seconds,
        )

    def crashed(index: int, error: Exception) -> Outcome:
        text = f"this row itself failed: {type(error).__name__}: {error}"
        return replace(
            _outcome(asserted[index], Verdict.FAILED, text), next="report it with this line; the other rows went on"
        )

    looks = [partial(_look, item, context.stack, gate, told) for item in asserted]
    found += [outcome for place in await at_once.collect(looks, seconds, late, crashed) for outcome in place]
    order = {row.id: number for number, row in enumerate(rows)}
    return sorted(found, key=lambda outcome: order[outcome.row])


async def _look(
    item: _Asserted, stack: str, gate: asyncio.Semaphore, told: Callable[[Outcome], None]
) -> AsyncIterator[Outcome]:
    async with gate:
        begun = time.monotonic()
        try:
            seen = await item.case.look()
        except NotProvable as why:
            outcome = _outcome(item, Verdict.NOT_PROVABLE, str(why))
        except (OSError, TimeoutError) as problem:
            text = str(problem) or type(problem).__name__
            outcome = replace(_outcome(item, Verdict.FAILED, text), next=f"make doctor STACK={stack}")
        else:
            verdict = Verdict.PASSED if seen.right else Verdict.FAILED
            outcome = replace(_outcome(item, verdict, seen.found), next=seen.next)
        outcome = replace(outcome, seconds=time.monotonic() - begun)
    told(outcome)
    yield outcome


def _outcome(item: _Asserted, verdict: Verdict, text: str) -> Outcome:
    found = " ".join(text.split())
    return Outcome(
        row=item.row.id,
        subject=item.case.subject,
        verdict=verdict,
        found=found if len(found) <= _LONGEST else f"{found[:_LONGEST]} ...",
        expected=item.case.expected,
    )


def _unasked(row: Row, context: Context, selection: Selection) -> Outcome:
    configured = selection.device is not None and any(True for _ in row.cases(context))
    why = f"it says nothing of {selection.device}" if configured else row.unasked
    return Outcome(row=row.id, subject=row.title, verdict=Verdict.NOT_ASKED, found=why)
