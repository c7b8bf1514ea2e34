"""What the environment says, by the names that Faces' own workloads read."""

from collections.abc import Mapping
from dataclasses import dataclass

SMILEYS = {
    "Grinning": "&#x1F603;",
    "Sleeping": "&#x1F634;",
    "Cursing": "&#x1F92C;",
    "Kaboom": "&#x1F92F;",
    "HeartEyes": "&#x1F60D;",
    "Neutral": "&#x1F610;",
    "RollingEyes": "&#x1F644;",
    "Screaming": "&#x1F631;",
    "Vomiting": "&#x1F92E;",
}
COLORS = {
    "grey": "#BBBBBB",
    "black": "#000000",
    "white": "#FFFFFF",
    "darkblue": "#4477AA",
    "blue": "#66CCEE",
    "green": "#228833",
    "yellow": "#CCBB44",
    "red": "#EE6677",
    "purple": "#AA3377",
}
SERVICES = ("smiley", "color")
_PROTOCOLS = {"smiley": "http", "color": "grpc"}  # of Faces 2.x; in 1.x color speaks HTTP as well


@dataclass(frozen=True, kw_only=True)
class Pins:
    """Line numbers on the GPIO chip."""

    rotary_a: int = 5
    rotary_b: int = 6
    button: int = 4
    green: int = 19
    red: int = 13


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`delays_ms` are drawn from at random; fractions are percentages; a `max_rate` of 0 is no limit, else requests a second."""

    service: str = "smiley"
    protocol: str = "http"
    value: str = SMILEYS["Grinning"]
    delays_ms: tuple[int, ...] = ()
    error_fraction: int = 0
    latch_fraction: int = 0
    max_rate: float = 0.0
    port: int = 8000
    user_header: str = "X-Faces-User"
    host: str = "unknown"
    chip: str = "/dev/gpiochip0"
    pins: Pins = Pins()


def from_environment(environment: Mapping[str, str]) -> Settings:
    """The settings; raises ValueError that names every variable with a bad value."""
    reader = _Reader(environment)
    service = environment.get("FACES_SERVICE") or "smiley"
    if service not in SERVICES:
        reader.bad.append(f"FACES_SERVICE is {service!r}; expected one of {', '.join(SERVICES)}")
    protocol = environment.get("WORKLOAD_PROTOCOL") or _PROTOCOLS.get(service, "http")
    if protocol not in ("http", _PROTOCOLS.get(service, "http")):
        reader.bad.append(f"WORKLOAD_PROTOCOL is {protocol!r}; expected http, or grpc for color")
    settings = Settings(
        service=service,
        protocol=protocol,
        value=_value(service, environment),
        delays_ms=reader.numbers("DELAY_BUCKETS"),
        error_fraction=reader.number("ERROR_FRACTION", 0, 100),
        latch_fraction=reader.number("LATCH_FRACTION", 0, 100),
        max_rate=reader.rate("MAX_RATE"),
        port=reader.number("PORT", 8000, 65535),
        user_header=environment.get("USER_HEADER_NAME") or "X-Faces-User",
        host=environment.get("HOST_IP") or environment.get("HOSTNAME") or "unknown",
        chip=environment.get("GPIO_CHIP") or "/dev/gpiochip0",
        pins=Pins(
            rotary_a=reader.number("ROTARY_A_PIN", 5, 63),
            rotary_b=reader.number("ROTARY_B_PIN", 6, 63),
            button=reader.number("BUTTON_PIN", 4, 63),
            green=reader.number("LED_GREEN_PIN", 19, 63),
            red=reader.number("LED_RED_PIN", 13, 63),
        ),
    )
    if reader.bad:
        raise ValueError("; ".join(reader.bad))
    return settings


def _value(service: str, environment: Mapping[str, str]) -> str:
    if service == "color":
        name = environment.get("COLOR") or "blue"
        return name if name.startswith("#") else COLORS.get(name, COLORS["yellow"])
    name = environment.get("SMILEY") or "Grinning"
    if name.startswith("U+"):
        return f"&#x{name.removeprefix('U+')};"
    return name if name.startswith("&#x") or not name.isascii() else SMILEYS.get(name, SMILEYS["Vomiting"])


class _Reader:
    """Reads numbers and remembers what was none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.bad: list[str] = []

    def number(self, name: str, default: int, most: int) -> int:
        text = self._environment.get(name) or str(default)
        if text.isascii() and text.isdigit() and int(text) <= most:
            return int(text)
        self.bad.append(f"{name} is {text!r}; expected a whole number from 0 to {most}")
        return default

    def numbers(self, name: str) -> tuple[int, ...]:
        parts = [part.strip() for part in self._environment.get(name, "").split(",") if part.strip()]
        if all(part.isascii() and part.isdigit() for part in parts):
            return tuple(map(int, parts))
        self.bad.append(f"{name} is {self._environment[name]!r}; expected milliseconds such as 0,50,100")
        return ()

    def rate(self, name: str) -> float:
        text = self._environment.get(name) or "0"
        try:
            rate = float(text)
        except ValueError:
            rate = -1.0
        if 0 <= rate < float("inf"):
            return rate
        self.bad.append(f"{name} is {text!r}; expected requests a second such as 2.5, or 0 for no limit")
        return 0.0
