"""Lines of a GPIO chip by the kernel's character device (uAPI v2), which needs no library."""

import fcntl
import os
import select
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

# From linux/gpio.h. Structures are padded so that their layout is the same on 32 and 64 bits.
_ATTRIBUTES = 10
_REQUEST = struct.Struct(f"=64I 32s QI20x {_ATTRIBUTES * 24}s II20xi")
_VALUES = struct.Struct("=QQ")
_EVENT = struct.Struct("=QII II24x")
_GET_LINE, _SET_VALUES = (7, _REQUEST), (0xF, _VALUES)
_ACTIVE_LOW, _INPUT, _OUTPUT, _RISING, _FALLING, PULL_UP, PULL_DOWN = 2, 4, 8, 16, 32, 256, 512
_RISING_EVENT = 1


@dataclass(frozen=True)
class Edge:
    """A line changed: its number, whether it is high now, and when, in nanoseconds of a clock that never goes back."""

    line: int
    high: bool
    at: int


class Chip(Protocol):
    """What the panel needs of a chip."""

    def edges(self) -> Iterator[Edge]:
        """Changes of the inputs, as they come; ends when the chip is closed."""

    def light(self, line: int, on: bool) -> None:
        """Switch an output."""


class CharacterDevice:
    """A chip such as /dev/gpiochip0. Opening raises OSError when there is none, or a line is taken."""

    def __init__(
        self, path: str, *, pulled_up: Sequence[int], pulled_down: Sequence[int], lights: Sequence[int]
    ) -> None:
        chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._files: list[int] = []
        self._lights: dict[int, int] = {}
        both = _INPUT | _RISING | _FALLING
        try:
            self._inputs = [
                self._request(chip, lines, flags)
                for lines, flags in ((pulled_up, both | PULL_UP), (pulled_down, both | PULL_DOWN))
            ]
            for line in lights:
                # The lights hang between the supply and the line: low is on.
                self._lights[line] = self._request(chip, [line], _OUTPUT | _ACTIVE_LOW)
        except OSError:
            self.close()
            raise
        finally:
            os.close(chip)

    def edges(self) -> Iterator[Edge]:
        while self._files:
            ready, _, _ = select.select(self._inputs, [], [])
            for file in ready:
                at, kind, line, _, _ = _EVENT.unpack(os.read(file, _EVENT.size))
                yield Edge(line, kind == _RISING_EVENT, at)

    def light(self, line: int, on: bool) -> None:
        _control(self._lights[line], _SET_VALUES, _VALUES.pack(int(on), 1))

    def close(self) -> None:
        """Give all lines back."""
        while self._files:
            os.close(self._files.pop())

    def _request(self, chip: int, lines: Sequence[int], flags: int) -> int:
        offsets = [*lines, *[0] * (64 - len(lines))]
        request = _REQUEST.pack(*offsets, b"pi-workload", flags, 0, b"", len(lines), 0, 0)
        file: int = _REQUEST.unpack(_control(chip, _GET_LINE, request))[-1]
        self._files.append(file)
        return file


def _control(file: int, operation: tuple[int, struct.Struct], argument: bytes) -> bytes:
    number, layout = operation
    return fcntl.ioctl(file, 3 << 30 | layout.size << 16 | 0xB4 << 8 | number, argument)
