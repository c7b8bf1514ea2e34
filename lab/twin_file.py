"""Lines of the twin's stack file that the lab itself writes: addresses of its devices' network, and its Docker engine."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from lab import paths
from settings.load import NAMESPACE

_RANGE = "172.31.250."  # of the example's addresses
_RANGES = re.compile(r"\b172\.31\.\d+\.")
_GROUP = re.compile(rf"( *){NAMESPACE}:docker:\s*")
_LINE = re.compile(r"( +)([a-z-]+):\s*(\S*)\s*")
# There is one engine with one network of the devices; an image may be the user's own choice.
_PLACE = ("network", "host")
_OURS = "mesh-expansion-lab/"


def settled(text: str, values: Mapping[str, str]) -> str:
    """A stack file's text with `values` in the group `docker`, which has to be written as a block.

    Network and host are put there in any case, an image only where the text names one of the lab's.
    """
    lines = text.splitlines()
    begin = next((index for index, line in enumerate(lines) if _GROUP.fullmatch(line)), None)
    if begin is None:
        return text
    end = next((index for index in range(begin + 1, len(lines)) if not _inside(lines[index], lines[begin])), len(lines))
    group = [_line(line, values) for line in lines[begin + 1 : end]]
    there = {found[2]: found[1] for line in group if (found := _LINE.fullmatch(line))}
    indent = next(iter(there.values()), f"{_indent(lines[begin])}  ")
    missing = [f"{indent}{key}: {values[key]}" for key in _PLACE if key in values and key not in there]
    return "\n".join([*lines[: begin + 1], *missing, *group, *lines[end:], ""])


def is_new(file: Path) -> bool:
    """Whether a stack file is still the example, but for what the lab has written into it."""
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    if not example.exists():
        return False
    original = example.read_text()
    given = yaml.safe_load(original)["config"].get(f"{NAMESPACE}:docker", {})
    return settled(_RANGES.sub(_RANGE, file.read_text()), given) == original


def move(file: Path, prefix: str) -> None:
    """Let a new stack file follow the devices' network into the range that begins with `prefix`."""
    if is_new(file):
        write(file, _RANGES.sub(prefix, file.read_text()))


def write(file: Path, text: str) -> None:
    """Change a stack file, when it is another text at all."""
    if file.read_text() != text:
        file.write_text(text)


def _line(line: str, values: Mapping[str, str]) -> str:
    found = _LINE.fullmatch(line)
    if found and found[2] in values and (found[2] in _PLACE or found[3].startswith(_OURS)):
        return f"{found[1]}{found[2]}: {values[found[2]]}"
    return line


def _inside(line: str, header: str) -> bool:
    return not line.strip() or len(_indent(line)) > len(_indent(header))


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
