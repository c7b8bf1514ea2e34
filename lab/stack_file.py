"""What the lab reads out of a stack file itself, before Pulumi runs: whatever makes no sense is left to the settings' report."""

import difflib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lab import paths
from lab.twin.errors import TwinError
from settings.load import NAMESPACE

_RELEASE = re.compile(r"edge-\d{2}\.(1[0-2]|[1-9])\.[1-9]\d?")
_CHART_VERSION = re.compile(r"\d+\.\d+\.\d+")


class Wanted(NamedTuple):
    """Versions of Linkerd, of the Faces chart and of Emissary, beside the pinned ones, that the chart mirror has to offer."""

    linkerd: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()
    emissary: tuple[str, ...] = ()


class Outside(NamedTuple):
    """Names of the workloads that the stack file wants on devices and in containers, each with the address it gives."""

    devices: dict[str, str]
    containers: dict[str, str]


def find(stack: str) -> Path:
    """The stack file in stacks/, copied from stacks/examples/ when the user has none yet.

    The file is the user's own and not tracked: the engine writes the stack's encryption salt into it.
    """
    file = paths.CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml"
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    if not file.exists() and example.exists():
        shutil.copyfile(example, file)
    return file


def names(project: Path) -> list[str]:
    """The stacks that have a file, or an example of one."""
    files = [*(project / "stacks").glob("Pulumi.*.yaml"), *(project / "stacks" / "examples").glob("Pulumi.*.yaml")]
    return sorted({file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files})


def unknown(stack: str, project: Path) -> str:
    """What to say of a stack without a file: which one is meant, and which there are. Empty when it has one."""
    known = names(project)
    if stack in known:
        return ""
    return no_such("stack", stack, known, f"there is no stacks/Pulumi.{stack}.yaml")


def no_such(kind: str, name: str, known: Sequence[str], why: str = "") -> str:
    """`no stack 'twinn': ...; there are pi-lab, twin; did you mean 'twin'?`"""
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return f"no {kind} {name!r}{f': {why}' if why else ''}; there are {', '.join(known) or 'none'}{meant}"


def require_yaml(file: Path) -> None:
    """TwinError where nothing can be read: taken for empty, it would ask for no devices, and those that are up would go."""
    try:
        yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{file}, line {mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or "no YAML"
        raise TwinError(f"{place}: {problem}; expected YAML as in stacks/examples; nothing was changed") from None


def outside(file: Path) -> Outside:
    """What a stack file asks for outside the cluster; whatever makes no sense is left to the settings' own report."""
    listed = config(file).get(f"{NAMESPACE}:workloads")
    workloads = [item for item in (listed if isinstance(listed, list) else []) if isinstance(item, dict)]

    def of_kind(kind: str) -> dict[str, str]:
        asked = [item for item in workloads if isinstance(item.get(kind), dict) and isinstance(item.get("name"), str)]
        return {item["name"]: _first(item.get("addresses")) for item in asked}

    return Outside(of_kind("device"), of_kind("container"))


def wanted(file: Path) -> Wanted:
    """What a stack file asks for; whatever does not look like a version is left to the settings' own report."""
    found = config(file)

    def asked(key: str, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        group = found.get(f"{NAMESPACE}:{key}")
        value = group.get(name) if isinstance(group, dict) else None
        return (value,) if isinstance(value, str) and pattern.fullmatch(value) else ()

    return Wanted(
        asked("linkerd", "version", _RELEASE),
        asked("faces", "chart-version", _CHART_VERSION),
        asked("emissary", "version", _CHART_VERSION),
    )


def config(file: Path) -> dict[str, Any]:
    """Its keys with their values; empty where it is no stack file."""
    try:
        document = yaml.safe_load(file.read_text())
    except yaml.YAMLError:
        return {}
    found = document.get("config") if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _first(addresses: object) -> str:
    return str(addresses[0]) if isinstance(addresses, list) and addresses else ""
