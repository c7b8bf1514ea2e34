"""What a command takes: each argument and option in words, for `--help` and for the page of commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """`names` as typed, the short one first; `value` what follows, empty for a switch; `default` empty where there is none."""

    names: str
    value: str
    help: str
    default: str = ""
    argument: bool = False


_VALUES = {int: "NUMBER", float: "NUMBER", Path: "FILE"}


def parameters(command: TyperCommand) -> Iterator[Parameter]:
    """Arguments first, then options as they are declared; `--help` is left out."""
    for parameter in sorted(command.params, key=lambda item: not isinstance(item, TyperArgument)):
        if getattr(parameter, "hidden", False):
            continue
        is_argument = isinstance(parameter, TyperArgument)
        yield Parameter(
            names=_argument(parameter) if is_argument else ", ".join(sorted(parameter.opts, key=len)),
            value="" if is_argument or getattr(parameter, "is_flag", False) else _value(parameter),
            help=_help(parameter),
            default=_default(parameter),
            argument=is_argument,
        )


def _argument(parameter: Any) -> str:
    name = parameter.metavar or str(parameter.name).upper()
    return name if parameter.required else f"[{name}]"


def _value(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    return str(parameter.metavar or _VALUES.get(annotation, "TEXT"))


def _help(parameter: Any) -> str:
    if parameter.min is None:
        return str(parameter.help or "")
    limits = f"{parameter.min:g} to {parameter.max:,}" if parameter.max is not None else f"{parameter.min:g} or more"
    return f"{parameter.help}; {limits}"


def _default(parameter: Any) -> str:
    default = parameter.default
    if default is None or default is False or callable(default):
        return ""
    if isinstance(default, Enum):
        return str(default.value)
    return f"{default:g}" if isinstance(default, float) else str(default)
