"""The knob, the button and the two lights in front of a backend."""

import threading
from collections.abc import Callable

from pi_workload.backend import Answer, Backend
from pi_workload.gpio import CharacterDevice, Chip, Edge
from pi_workload.settings import Pins, Settings

BUTTON_QUIET_NS = 50_000_000  # contacts of the button bounce for less
_DETENT = 0b11  # both contacts of the knob are open between two steps
_STEPS_FOR_A_DETENT = 3  # of four: one edge may get lost, a bounce goes there and back and counts for nothing
_ORDER = (0b11, 0b10, 0b00, 0b01)  # one detent to the right


class Knob:
    """Counts detents of a rotary encoder from the edges of its two contacts."""

    def __init__(self) -> None:
        self._state = _DETENT
        self._steps = 0

    def move(self, *, a: bool | None = None, b: bool | None = None) -> int:
        """One contact changed; 1 when that ended a detent to the right, -1 to the left, else 0."""
        high_a = self._state >> 1 if a is None else int(a)
        high_b = self._state & 1 if b is None else int(b)
        state = high_a << 1 | high_b
        step = (_ORDER.index(state) - _ORDER.index(self._state)) % 4
        self._steps += {0: 0, 1: 1, 2: 0, 3: -1}[step]
        self._state = state
        if state != _DETENT:
            return 0
        steps, self._steps = self._steps, 0
        return (steps >= _STEPS_FOR_A_DETENT) - (steps <= -_STEPS_FOR_A_DETENT)


class Panel:
    """Turns edges into changes of the backend, and answers into light."""

    def __init__(self, chip: Chip, pins: Pins, backend: Backend, say: Callable[[str], None] = print) -> None:
        self._chip = chip
        self._pins = pins
        self._backend = backend
        self._say = say
        self._knob = Knob()
        self._button_moved = -BUTTON_QUIET_NS
        self._lock = threading.Lock()
        self._lit: dict[int, int] = {pins.green: 0, pins.red: 0}  # requests in progress, by light

    def watch(self) -> None:
        """Follow the chip until it is closed."""
        for edge in self._chip.edges():
            self.take(edge)

    def take(self, edge: Edge) -> None:
        """One change of an input."""
        pins = self._pins
        if edge.line == pins.button:
            quiet = edge.at - self._button_moved >= BUTTON_QUIET_NS
            self._button_moved = edge.at
            if quiet and not edge.high:
                self._say(f"button: {'every request fails' if self._backend.press() else 'back to normal'}")
        elif edge.line in (pins.rotary_a, pins.rotary_b):
            detents = self._knob.move(**{"a" if edge.line == pins.rotary_a else "b": edge.high})
            if detents:
                self._say(f"knob: error fraction {self._backend.turn(detents)} %")

    def begin(self, answer: Answer) -> None:
        """A request is being answered: green for a good one, red for an error."""
        self._count(self._light_of(answer), 1)

    def end(self, answer: Answer) -> None:
        """It is over; the light goes out with the last request of its kind."""
        self._count(self._light_of(answer), -1)

    def _light_of(self, answer: Answer) -> int:
        return self._pins.green if answer.good else self._pins.red

    def _count(self, light: int, change: int) -> None:
        with self._lock:
            before, after = self._lit[light], self._lit[light] + change
            self._lit[light] = after
            if (before == 0) != (after == 0):
                self._chip.light(light, after > 0)


def open_panel(settings: Settings, backend: Backend, say: Callable[[str], None] = print) -> Panel | None:
    """The panel, watched in the background; None, with the reason said, where there is no hardware."""
    pins = settings.pins
    try:
        chip = CharacterDevice(
            settings.chip,
            pulled_up=[pins.rotary_a, pins.rotary_b],
            pulled_down=[pins.button],
            lights=[pins.green, pins.red],
        )
    except OSError as missing:
        say(f"no knob, button or lights: {settings.chip}: {missing.strerror}; going on without")
        return None
    panel = Panel(chip, pins, backend, say)
    threading.Thread(target=panel.watch, name="panel", daemon=True).start()
    return panel
