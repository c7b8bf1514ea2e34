"""What the twin's devices and the pods behind them run: real parts where they were given or could be had, else stand-ins."""

import filecmp
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from lab import paths
from lab.standins.image import ProgramImage
from lab.twin.errors import TwinError

WORKLOAD_IMAGE = "localhost/mesh-expansion-lab/faces-workload:stand-in"
WORKLOAD_PORT = 8000
_ARCHIVE = "workload.tar"
_WORKLOAD = "faces-workload"
_PROXY = "linkerd2-proxy"
# The stand-ins of these two speak with each other only.
_SPIRE = ("spire-agent", "spire-server")
_PROGRAMS = (_PROXY, *_SPIRE, "spire-controller-manager")
# The real proxy lets nobody in without them; its stand-in needs none, so nothing stands in for them.
CONTROLLERS = ("linkerd-controller", "linkerd-policy-controller")
_TOGETHER = {
    "SPIRE's agent and server": _SPIRE,
    "linkerd2-proxy and Linkerd's controllers": (_PROXY, *CONTROLLERS),
}


@dataclass(frozen=True, kw_only=True)
class TwinPart:
    """One file of the parts directory. `real` is False for a stand-in; `origin` says in words where it comes from."""

    name: str
    path: Path
    sha256: str
    real: bool
    origin: str


def gather(directory: Path) -> tuple[TwinPart, ...]:
    """Make `directory` hold the parts and nothing else; a file that is there already stays untouched.

    LAB_PARTS names a directory of real parts; what it lacks comes from the tools of this checkout. TwinError when a tool
    is missing, or when LAB_PARTS is no such directory or mixes what cannot work together.
    """
    given = _given()
    directory.mkdir(parents=True, exist_ok=True)
    parts = [_program(name, given.get(name), directory) for name in _PROGRAMS]
    parts += [_program(name, given[name], directory) for name in CONTROLLERS if name in given]
    parts.append(_workload(directory))
    wanted = {part.name for part in parts}
    for left in directory.iterdir():
        if left.name not in wanted:
            left.unlink()
    return tuple(parts)


def summary(parts: tuple[TwinPart, ...]) -> str:
    """One line: which parts are real and which are stand-ins."""
    real = [part.name for part in parts if part.real]
    standins = [part.name for part in parts if not part.real]
    return "; ".join(
        f"{kind}: {', '.join(names)}" for kind, names in (("real", real), ("stand-ins", standins)) if names
    )


def _given() -> dict[str, Path]:
    """The real parts that the operator brings."""
    chosen = os.environ.get("LAB_PARTS")
    if not chosen:
        return {}
    source = Path(chosen).expanduser().resolve()
    if not source.is_dir():
        raise TwinError(f"LAB_PARTS is {chosen!r}; expected a directory that holds {_PROXY} and spire-agent")
    given = {name: source / name for name in (*_PROGRAMS, *CONTROLLERS) if (source / name).is_file()}
    if not given:
        raise TwinError(f"LAB_PARTS: {source} holds none of {', '.join((*_PROGRAMS, *CONTROLLERS))}")
    if unusable := [name for name, file in given.items() if not os.access(file, os.X_OK)]:
        raise TwinError(f"LAB_PARTS: {', '.join(unusable)} in {source} cannot be executed; chmod +x")
    for what, names in _TOGETHER.items():
        missing = [name for name in names if name not in given]
        if missing and len(missing) < len(names):
            raise TwinError(
                f"LAB_PARTS: {source} lacks {' and '.join(missing)}: {what} must all be real, or none of them; "
                "add what is missing, or take the others out"
            )
    return given


def workload_program() -> Path:
    """The workload as a program. TwinError when it is missing."""
    return _tool(_WORKLOAD)


def controllers_are_real() -> bool:
    """Whether the twin is to run Linkerd's own controllers. TwinError as `gather`."""
    return {*CONTROLLERS} <= _given().keys()


def _program(name: str, given: Path | None, directory: Path) -> TwinPart:
    if given is not None:
        return _part(name, given, directory, real=True, origin="LAB_PARTS")
    tool = _tool(name)
    origin = _origin(tool)
    return _part(name, tool, directory, real=origin == "official", origin=origin)


def _part(name: str, source: Path, directory: Path, *, real: bool, origin: str) -> TwinPart:
    path = directory / name
    if not (path.is_file() and not path.is_symlink() and _same(path, source)):
        partial = directory / f".{name}.{os.getpid()}"
        partial.unlink(missing_ok=True)
        try:
            partial.hardlink_to(source)
        except OSError:
            shutil.copy(source, partial)  # another file system
        partial.replace(path)
    return TwinPart(name=name, path=path, sha256=_sha256(path), real=real, origin=origin)


def _same(path: Path, source: Path) -> bool:
    return path.samefile(source) or filecmp.cmp(path, source, shallow=False)


def _workload(directory: Path) -> TwinPart:
    """The workload as an image; there is no real one that needs neither a registry nor an engine."""
    image = ProgramImage(reference=WORKLOAD_IMAGE, program=_tool(_WORKLOAD), ports=(WORKLOAD_PORT,))
    content, path = image.archive(), directory / _ARCHIVE
    if not path.exists() or path.read_bytes() != content:
        partial = directory / f".{_ARCHIVE}.{os.getpid()}"
        partial.write_bytes(content)
        partial.replace(path)
    return TwinPart(
        name=_ARCHIVE, path=path, sha256=hashlib.sha256(content).hexdigest(), real=False, origin=_origin(image.program)
    )


def _tool(name: str) -> Path:
    file = paths.bin_directory() / name
    if not file.exists():
        raise TwinError(f"{name} is not in {paths.bin_directory()}; run `make tools`")
    return file.resolve()


def _origin(tool: Path) -> str:
    """What the cache wrote down about the tool."""
    try:
        return str(json.loads((tool.parent.parent / "source.json").read_text())["origin"])
    except (OSError, ValueError, KeyError):
        return "unknown"


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
