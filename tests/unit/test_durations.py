"""Durations in annotations: what Linkerd's policy controller reads, and what to write instead of what it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import durations

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


@pytest.mark.parametrize(
    ("text", "length"),
    [("300ms", 300), ("1s", 1000), ("2m", 120_000), ("1h", 3_600_000), ("007s", 7000), ("365d", durations.LONGEST)],
)
def test_a_whole_number_and_a_unit_is_a_duration(text: str, length: int) -> None:
    assert durations.milliseconds(text) == length


@pytest.mark.parametrize(
    ("text", "reason", "instead"),
    [
        ("1.5s", "whole numbers only", "write 1500ms"),
        ("0.3s", "whole numbers only", "write 300ms"),
        ("1m30s", "one number and one unit only", "write 90000ms"),
        ("0.0001s", "whole numbers only", "for example 300ms"),
        ("5", "no unit", "for example 300ms"),
        ("-1s", "negative", "for example 300ms"),
        ("0s", "zero", "for example 300ms"),
        ("0", "no unit", "for example 300ms"),
        ("366d", "longer than a year", "for example 300ms"),
        ("10us", "no duration", "for example 300ms"),
        ("1 s", "no duration", "for example 300ms"),
        (" 1s", "no duration", "for example 300ms"),
        ("+1s", "no duration", "for example 300ms"),
        ("1S", "no duration", "for example 300ms"),
        ("1s\n", "no duration", "for example 300ms"),
        ("٣s", "no duration", "for example 300ms"),
        ("soon", "no duration", "for example 300ms"),
        ("", "no duration", "for example 300ms"),
        ("9" * 5000 + "s", "no duration", "for example 300ms"),
    ],
)
def test_what_linkerd_cannot_read_is_refused_with_a_reason_and_what_to_write(
    text: str, reason: str, instead: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        durations.milliseconds(text)
    assert durations.suggestion(text).startswith(instead)


def _as_the_policy_controller(text: str) -> int:
    """`parse_duration` of Linkerd's policy controller: ValueError for what it refuses."""
    text = text.strip()
    ends = [index for index, letter in enumerate(text) if letter in "0123456789"]
    if text.startswith("-") or not ends:
        raise ValueError
    number, unit = text[: ends[-1] + 1], text[ends[-1] + 1 :]
    if "." in number or not number.removeprefix("+").isascii() or not number.removeprefix("+").isdigit():
        raise ValueError
    if unit == "" and int(number) == 0:
        return 0
    return int(number) * _UNITS[unit] if unit in _UNITS else int("no unit")


_LIKELY = st.text("0123456789.-+ msµhdn", max_size=8)


@given(
    _LIKELY | st.text(max_size=6) | st.builds("{}{}".format, st.integers(-10, 10**7), st.sampled_from([*_UNITS, ""]))
)
def test_whatever_is_taken_linkerd_reads_as_the_same_length(text: str) -> None:
    try:
        length = durations.milliseconds(text)
    except ValueError:
        instead = durations.suggestion(text)
        assert durations.milliseconds(instead.removeprefix("write ")) if instead.startswith("write ") else instead
        return
    assert length == _as_the_policy_controller(text)
    assert 0 < length <= durations.LONGEST
