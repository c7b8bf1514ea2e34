"""The inputs `assetPaths` and `archivePaths`: files that a command leaves, chosen by patterns."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from lab.standins.base import Archive, Asset, Properties


def matching(directory: Path, inputs: Properties) -> Properties:
    """The outputs `assets` and `archive`, each only where its input is given."""
    found: Properties = {}
    if inputs.get("assetPaths") is not None:
        found["assets"] = _files(directory, inputs["assetPaths"])
    if inputs.get("archivePaths") is not None:
        found["archive"] = Archive("assets", _files(directory, inputs["archivePaths"]))
    return found


def located(directory: Path, state: Properties) -> Properties:
    """The outputs of an old state with the files' paths again, hashes as they were."""
    found: Properties = {}
    if isinstance(state.get("assets"), dict):
        found["assets"] = {
            name: Asset("path", str(directory / name), asset.hash) for name, asset in state["assets"].items()
        }
    if isinstance(state.get("archive"), Archive):
        found["archive"] = Archive("assets", _files(directory, state.get("archivePaths") or ()), state["archive"].hash)
    return found


def _files(directory: Path, patterns: Sequence[str]) -> dict[str, Asset | Archive]:
    """Rules apply in order; one with `!` takes files away. `*` stays within a directory, `**` does not."""
    rules = [(pattern.startswith("!"), re.compile(_expression(pattern.removeprefix("!")))) for pattern in patterns]
    chosen: dict[str, Asset | Archive] = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        verdicts = [not excludes for excludes, rule in rules if rule.fullmatch(name)]
        if verdicts and verdicts[-1] and path.is_file():
            # The engine keeps a file in the state by its content's hash, and cannot give it back without.
            chosen[name] = Asset("path", str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    return chosen


def _expression(pattern: str) -> str:
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*|\?)", pattern))
