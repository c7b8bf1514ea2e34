"""Which answers are asked for again, as Linkerd's annotations on routes and Services say it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass

from domain import durations, timeouts
from domain.problem import Problem
from domain.timeouts import Timeouts

HIGHEST_LIMIT = 65535
GRPC_CONDITIONS = ("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable")
HTTP_CONDITIONS = ("5xx", "gateway-error")
_CODE = r"[1-5][0-9][0-9]"
_CODES = re.compile(rf"({_CODE})(?:-({_CODE}))?")


@dataclass(frozen=True, kw_only=True)
class Retry:
    """`http` and `grpc` are lists of answers with commas between them, `limit` how often to ask again, `timeout` how long one
    try may take.
    """

    http: str | None = None
    grpc: str | None = None
    limit: int | None = None
    timeout: str | None = None

    @property
    def annotations(self) -> Mapping[str, str]:
        """`retry.linkerd.io/*` of what is set."""
        return {f"retry.linkerd.io/{name}": str(value) for name, value in asdict(self).items() if value is not None}


def problems(key: str, retry: Retry) -> list[Problem]:
    """What Linkerd cannot read; `key` is where the group is in the stack file."""
    if not retry.annotations:
        wanted = "one of http, grpc, limit, timeout"
        return [Problem(key, "it says nothing", wanted, "say what is asked for again, or remove the key")]
    found: list[Problem] = []
    if retry.http is not None:
        expected = (
            f"{', '.join(HTTP_CONDITIONS)}, a status from 100 to 599 or a range 500-504; several with commas, no spaces"
        )
        found += _conditions(f"{key}.http", retry.http, _is_http, expected, "5xx")
    if retry.grpc is not None:
        expected = f"{', '.join(GRPC_CONDITIONS)}; several with commas, no spaces"
        found += _conditions(f"{key}.grpc", retry.grpc, _is_grpc, expected, "unavailable")
    if retry.limit is not None and not 1 <= retry.limit <= HIGHEST_LIMIT:
        found.append(
            Problem(
                f"{key}.limit",
                f"{retry.limit} tries after the first",
                f"a whole number from 1 to {HIGHEST_LIMIT}",
                "for example 3; without retry nothing is asked for again",
            )
        )
    if retry.timeout is not None:
        found += timeouts.unreadable(f"{key}.timeout", retry.timeout)
    return found


def contradictions(key: str, retry: Retry | None, limits: Timeouts | None, place: str) -> list[Problem]:
    """A try that may take as long as all of them, or longer than any: the try after it would never be.

    `place` is where the time limits are in the stack file, and `key` where the retry is. What cannot be read is left out.
    """
    if retry is None or limits is None:
        return []
    one = _length(retry.timeout)
    return [
        Problem(
            f"{key}.timeout",
            f"{retry.timeout}, while {place}.{name} ends {what} after {text}",
            f"less than {text}",
            f"shorten it, or raise {place}.{name}",
        )
        for name, text, what in (
            ("request", limits.request, "the whole request"),
            ("response", limits.response, "every try"),
        )
        if one is not None and (whole := _length(text)) is not None and one >= whole
    ]


def _length(text: str | None) -> int | None:
    try:
        return durations.milliseconds(text) if text is not None else None
    except ValueError:
        return None


def _conditions(key: str, text: str, is_one: Callable[[str], bool], expected: str, example: str) -> Iterable[Problem]:
    wrong = [part for part in text.split(",") if not is_one(part)]
    if not wrong:
        return
    stripped = [part.strip() for part in text.split(",")]
    mended = ",".join(stripped) if all(is_one(part) for part in stripped) else example
    yield Problem(key, f"{text!r}: {wrong[0]!r} is no answer that Linkerd knows", expected, f"for example {mended}")


def _is_http(text: str) -> bool:
    found = _CODES.fullmatch(text)
    return text.lower() in HTTP_CONDITIONS or bool(found and found[1] <= (found[2] or found[1]))


def _is_grpc(text: str) -> bool:
    return text.lower() in GRPC_CONDITIONS
