"""Everything that was found of a stack at one time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.status.item import Item, Part, State

_NAMES = 4


@dataclass(frozen=True, kw_only=True)
class Screen:
    """`lab` is empty where the stack file does not say which one; `at` is when it was looked, which took `seconds`."""

    stack: str
    lab: str
    items: Sequence[Item]
    at: datetime
    seconds: float

    @property
    def bad(self) -> list[Item]:
        """What is down, not Ready, expired, or not as it was written."""
        return [item for item in self.items if item.state is State.BAD]

    @property
    def exit_status(self) -> int:
        """1 when there is anything bad."""
        return 1 if self.bad else 0

    @property
    def counts(self) -> dict[str, int]:
        """How many items are in each state."""
        counted = Counter(item.state for item in self.items)
        return {str(state): counted[state] for state in State}

    @property
    def verdict(self) -> str:
        """One sentence about all of it."""
        if self.bad:
            names = list(dict.fromkeys(item.name for item in self.bad))
            more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
            return f"Not as it should be: {', '.join(names[:_NAMES])}{more}."
        states = {item.state for item in self.items if item.part is not Part.GUI}
        known = "Everything that could be asked is up" if State.UNKNOWN in states else "Everything is up"
        return f"{known}; something ends soon." if State.SOON in states else f"{known}."
