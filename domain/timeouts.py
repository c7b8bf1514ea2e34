"""Time limits of requests, as Linkerd's annotations on routes and Services say them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from domain import durations
from domain.problem import Problem


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """`request` is for all tries together, `response` for one try, `idle` for a stream on which nothing happens.

    Each is a duration such as `300ms`.
    """

    request: str | None = None
    response: str | None = None
    idle: str | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """`timeout.linkerd.io/*` of what is set."""
        return {f"timeout.linkerd.io/{name}": text for name, text in asdict(self).items() if text is not None}


def problems(key: str, timeouts: Timeouts) -> list[Problem]:
    """What Linkerd cannot read; `key` is where the group is in the stack file."""
    if not timeouts.annotations:
        return [
            Problem(key, "it says nothing", "one of request, response, idle", "give it a duration, or remove the key")
        ]
    return [
        problem
        for name, text in asdict(timeouts).items()
        if text is not None
        for problem in unreadable(f"{key}.{name}", text)
    ]


def unreadable(key: str, text: str) -> list[Problem]:
    """The problem of a duration that Linkerd does not take."""
    try:
        durations.milliseconds(text)
    except ValueError as reason:
        return [Problem(key, f"{text!r}: {reason}", durations.EXPECTED, durations.suggestion(text))]
    return []
