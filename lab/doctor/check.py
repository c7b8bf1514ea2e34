"""Running checks: all at once, each for itself, and none longer than there is time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from lab.doctor.finding import Finding, not_checked


@dataclass(frozen=True, kw_only=True)
class Check:
    """`run` gives findings as they come; `name` and `subject` say what is missing when it does not end."""

    name: str
    subject: str
    run: Callable[[], AsyncIterator[Finding]]


async def run_all(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """Findings in the order of the checks; what was not done within `seconds` is said to be not checked."""
    found: list[list[Finding]] = [[] for _ in checks]
    tasks = [asyncio.create_task(_run(check, place)) for check, place in zip(checks, found, strict=True)]
    _, late = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set[asyncio.Task[None]]())
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task, check, place in zip(tasks, checks, found, strict=True):
        if task in late:
            place.append(
                not_checked(
                    check.name, check.subject, f"no answer within {seconds:.0f} s", "type the same with --seconds 300"
                )
            )
    return [finding for place in found for finding in place]


async def _run(check: Check, found: list[Finding]) -> None:
    try:
        async for finding in check.run():
            found.append(finding)
    except Exception as error:  # a mistake in one check must not hide what the others found
        text = f"this check itself failed: {type(error).__name__}: {error}"
        found.append(not_checked(check.name, check.subject, text, "report it with this line; the other checks went on"))
