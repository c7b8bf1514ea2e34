"""Durations as Linkerd reads them in annotations: one whole number and one unit, with neither fraction nor second unit."""

import re
from fractions import Fraction

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
LONGEST = 365 * _MILLISECONDS["d"]  # longer, and a proxy's clock may not hold the end of it
EXPECTED = f"a whole number above 0 and one of the units {', '.join(_MILLISECONDS)}"
_PLAIN = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)")
# As Go and the Gateway API write durations: for those who come from there.
_PIECE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,9})?)(ms|s|m|h|d)")


def milliseconds(text: str) -> int:
    """How long that is. ValueError with the reason for what Linkerd cannot read, or what would never let a request through."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise ValueError(_reason(text))
    length = int(found[1]) * _MILLISECONDS[found[2]]
    if not length:
        raise ValueError("it is zero, so no request would ever be answered in time")
    if length > LONGEST:
        raise ValueError("it is longer than a year")
    return length


def suggestion(text: str) -> str:
    """What to write instead: the same length, where it can be understood as one."""
    pieces = list(_PIECE.finditer(text))
    if pieces and "".join(piece[0] for piece in pieces) == text:
        length = sum(Fraction(number.rstrip(".")) * _MILLISECONDS[unit] for number, unit in map(_split, pieces))
        if length.denominator == 1 and 0 < length <= LONGEST:
            return f"write {length}ms"
    return "for example 300ms, 1s or 2m"


def _split(piece: re.Match[str]) -> tuple[str, str]:
    return piece[1], piece[2]


def _reason(text: str) -> str:
    if text.lstrip().startswith("-"):
        return "it is negative"
    if re.fullmatch(r"[0-9]+", text):
        return "it has no unit"
    pieces = list(_PIECE.finditer(text))
    if pieces and "".join(piece[0] for piece in pieces) == text:
        return "Linkerd reads whole numbers only" if len(pieces) == 1 else "Linkerd reads one number and one unit only"
    return "it is no duration"
