"""What a request is answered: the smiley or the colour, or one of the errors that the demo is about."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pi_workload.settings import COLORS, SMILEYS, Settings

KNOB_STEP = 5  # percent of error fraction for one detent of the knob
UNLATCH_SECONDS = 30
RATE_WINDOW_SECONDS = 10
LATCHED_STATUS = 599
_ON_RATE_LIMIT = {"smiley": SMILEYS["Kaboom"], "color": COLORS["yellow"]}


@dataclass(frozen=True)
class Answer:
    """An HTTP status and what goes into the JSON body; `delay` is in seconds."""

    status: int
    data: dict[str, Any] = field(default_factory=dict)
    delay: float = 0.0

    @property
    def good(self) -> bool:
        return self.status == 200


class Backend:
    """Holds what the knob and the button change. Safe to use from several threads."""

    def __init__(
        self, settings: Settings, *, chance: random.Random | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._chance = chance or random.Random()  # noqa: S311 - decides on demo errors, no secret
        self._clock = clock
        self._lock = threading.Lock()
        self._error_fraction = settings.error_fraction
        self._held = False  # by the button, until it is pressed again
        self._latched = False  # by an error, until nobody has asked for a while
        self._last_asked = clock()
        self._asked: deque[float] = deque()

    @property
    def error_fraction(self) -> int:
        return self._error_fraction

    @property
    def latched(self) -> bool:
        return self._held or self._latched

    def turn(self, detents: int) -> int:
        """The knob was turned; gives the new error fraction, 0 to 100."""
        with self._lock:
            self._error_fraction = min(100, max(0, self._error_fraction + KNOB_STEP * detents))
            return self._error_fraction

    def press(self) -> bool:
        """The button was pressed; gives whether every request fails from now on."""
        with self._lock:
            self._held = not self._held
            self._latched = False
            return self._held

    def ask(self) -> Answer:
        """Decide on one request."""
        with self._lock:
            now = self._clock()
            if now - self._last_asked > UNLATCH_SECONDS:
                self._latched = False
            self._last_asked = now
            status, data = self._decide(now)
            delays = self._settings.delays_ms
            return Answer(status, data, self._chance.choice(delays) / 1000 if delays else 0.0)

    def _decide(self, now: float) -> tuple[int, dict[str, Any]]:
        service, limit = self._settings.service, self._settings.max_rate
        rate = self._rate(now)
        if limit and rate >= limit:
            said = f"Rate limited ({rate:.1f} RPS > max {limit:.1f} RPS)"
            return 429, {service: _ON_RATE_LIMIT[service], "rate": f"{rate:.1f} RPS", "errors": [said]}
        if self.latched:
            return LATCHED_STATUS, {"errors": ["Latched into error state"]}
        if self._chance.randrange(100) < self._error_fraction:
            if self._chance.randrange(100) < self._settings.latch_fraction:
                self._latched = True
                return LATCHED_STATUS, {"errors": ["Latched into error state"]}
            said = f"{service.capitalize()} error! (error fraction {self._error_fraction}%)"
            return 500, {"errors": [said]}
        return 200, {service: self._settings.value, "rate": f"{rate:.1f} RPS", "errors": []}

    def _rate(self, now: float) -> float:
        self._asked.append(now)
        while self._asked[0] <= now - RATE_WINDOW_SECONDS:
            self._asked.popleft()
        return len(self._asked) / RATE_WINDOW_SECONDS
