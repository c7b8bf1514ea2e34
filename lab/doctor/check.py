"""Running checks: all at once, each for itself, and none longer than there is time."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from lab import at_once
from lab.doctor.finding import Finding, not_checked


@dataclass(frozen=True, kw_only=True)
class Check:
    """`run` gives findings as they come; `name` and `subject` say what is missing when it does not end."""

    name: str
    subject: str
    run: Callable[[], AsyncIterator[Finding]]


async def run_all(checks: Sequence[Check], seconds: float) -> list[Finding]:
    """Findings in the order of the checks; what was not done within `seconds` is said to be not checked."""

    def late(index: int) -> Finding:
        why, following = f"no answer within {seconds:.0f} s", "type the same with --seconds 300"
        return not_checked(checks[index].name, checks[index].subject, why, following)

    def crashed(index: int, error: Exception) -> Finding:
        # A mistake in one check must not hide what the others found.
        text = f"this check itself failed: {type(error).__name__}: {error}"
        following = "report it with this line; the other checks went on"
        return not_checked(checks[index].name, checks[index].subject, text, following)

    found = await at_once.collect([check.run for check in checks], seconds, late, crashed)
    return [finding for place in found for finding in place]
