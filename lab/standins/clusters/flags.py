"""Flags as the real tools take them (`--name value`, `--name=value`, `-n value`; switches `--name[=true|false]`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lab.standins.clusters.errors import Refused

_SWITCHES = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a command was given."""

    arguments: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    switches: Mapping[str, bool] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """The flag's value, the last one where it is given more than once."""
        return self.texts[name][-1] if self.texts.get(name) else default

    def number(self, name: str, default: int) -> int:
        """The flag's value as a number. Raises Refused."""
        value = self.text(name, str(default))
        if not value.isdecimal():
            raise Refused(f'invalid argument "{value}" for "--{name}" flag: strconv.ParseInt: parsing "{value}"')
        return int(value)


def parse(
    words: Sequence[str],
    *,
    texts: Sequence[str] = (),
    switches: Sequence[str] = (),
    short: Mapping[str, str] | None = None,
) -> Given:
    """Take words apart; `short` are the flags of one letter. Raises Refused for a flag that is not known."""
    found: dict[str, list[str]] = {}
    on: dict[str, bool] = {}
    arguments: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            arguments.append(word)
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not word.startswith("--"):
            name = (short or {}).get(name, f"-{name}")
        if name in switches:
            if equals and value not in _SWITCHES:
                raise Refused(f'invalid argument "{value}" for "--{name}" flag')
            on[name] = _SWITCHES[value] if equals else True
        elif name in texts:
            if not equals:
                if not rest:
                    raise Refused(f"flag needs an argument: {word}")
                value = rest.pop(0)
            found.setdefault(name, []).append(value)
        else:
            raise Refused(f"unknown flag: {word}")
    return Given(arguments=tuple(arguments), texts={name: tuple(values) for name, values in found.items()}, switches=on)
