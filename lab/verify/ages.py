"""Spans of time in words."""

from datetime import timedelta

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def span(length: timedelta) -> str:
    """Two digits and a unit: `12 s`, `4 min`, `3 h`, `90 days`."""
    seconds = max(length.total_seconds(), 0)
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE:.0f} min"
    return f"{seconds // _HOUR:.0f} h" if seconds < 2 * _DAY else f"{seconds // _DAY:.0f} days"


def ago(length: timedelta) -> str:
    """The same, of the past."""
    return f"{span(length)} ago"
