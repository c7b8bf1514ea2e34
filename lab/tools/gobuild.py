"""Builds a tool from its pinned Go module, or a stand-in from its source. go.sum is the checksum of all that goes in."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.tools import checksum
from lab.tools.errors import ToolError
from lab.tools.store import Store, describe
from lab.tools.tool import Module, Source, Tool

MODULES = Path(__file__).parent / "go"
SOURCES = Path(__file__).parent.parent / "standins"

# -modcacherw: Go makes its module cache read-only, and then only root could remove it afterwards.
_FLAGS = "-trimpath -mod=readonly -modcacherw -buildvcs=false"
_STRIP = "-s -w"

_ADVICE: Mapping[str, str] = {
    "no space left": "The disk is full: a cold build needs about 9 GB. Free some, or point LAB_CACHE at another disk.",
    "signal: killed": "The compiler ran out of memory: 4 GB are enough. Free some, then run again.",
    "SECURITY ERROR": "The module source gives other content than go.sum pins. Do not go on; check GOPROXY.",
    "checksum mismatch": "The module source gives other content than go.sum pins. Do not go on; check GOPROXY.",
    "no such host": "The Go module proxy is out of reach. Set GOPROXY to one that this machine reaches.",
    "dial tcp": "The Go module proxy is out of reach. Set GOPROXY to one that this machine reaches.",
    "i/o timeout": "The Go module proxy does not answer in time. Run again: what was fetched is kept.",
}


def ingredients(made_from: Module | Source, architecture: str) -> list[object]:
    """What decides the content of a build. Not the compiler: a newer Go is no reason to build for ten minutes."""
    directory = _directory(made_from)
    pins = [(directory / name).read_text() for name in ("go.mod", "go.sum") if (directory / name).exists()]
    ours = sorted(file for file in directory.rglob("*.go") if not file.name.endswith("_test.go"))
    programs = [[str(file.relative_to(directory)), file.read_text()] for file in ours]
    return ["built", architecture, _FLAGS, _STRIP, asdict(made_from), *pins, *programs]


def _directory(made_from: Module | Source) -> Path:
    """Where its go.mod is."""
    return (MODULES if isinstance(made_from, Module) else SOURCES) / made_from.directory


@dataclass(frozen=True)
class Builder:
    """Builds with one Go. `caches` keeps Go's own caches between runs, so that a killed build goes on where it was."""

    go: Path
    architecture: str
    store: Store
    caches: Path

    def get(self, tool: Tool, made_from: Module | Source, entry: Path) -> None:
        """Build the binaries, or copy the module's data, into `entry`. ToolError when Go fails. Hold the tool's lock."""
        with self.store.making(entry) as directory:
            if isinstance(made_from, Source):
                self._build(tool, made_from, directory, ())
                origin, url = "stand-in, built from lab/standins", made_from.directory
            elif made_from.data:
                self._copy_data(tool, made_from, directory)
                origin, url = f"from module {made_from.path}", f"{made_from.path}@v{tool.version}"
            else:
                self._build(tool, made_from, directory, [f"-X {key}={text}" for key, text in made_from.linker.items()])
                origin, url = f"built from module {made_from.path}", f"{made_from.path}@v{tool.version}"
            sums = _directory(made_from) / "go.sum"
            describe(
                directory,
                origin=origin,
                url=url,
                go_sum=f"sha256:{checksum.of(sums)}" if sums.exists() else "none: standard library only",
                go=_run(tool, [str(self.go), "version"], self._environment(), Path("/")).strip(),
            )

    def _build(self, tool: Tool, made_from: Module | Source, directory: Path, linker: Iterable[str]) -> None:
        binaries = directory / "bin"
        binaries.mkdir()
        command = [str(self.go), "build", "-ldflags", " ".join([_STRIP, *linker]), "-o", f"{binaries}{os.sep}"]
        _run(tool, [*command, *made_from.packages], self._environment(), _directory(made_from))
        for written, kept_as in made_from.builds.items():
            (binaries / written).rename(binaries / kept_as)

    def _copy_data(self, tool: Tool, module: Module, directory: Path) -> None:
        command = [str(self.go), "mod", "download", "-json", module.path]
        answer = json.loads(_run(tool, command, self._environment(), MODULES / module.directory))
        kept = directory / "data"
        kept.mkdir()
        for file in (Path(answer["Dir"]) / module.data).glob("*.yaml"):
            shutil.copyfile(file, kept / file.name)

    def _environment(self) -> dict[str, str]:
        """The user's settings of where modules come from (GOPROXY, GONOSUMDB, ...); nothing else of the user's Go."""
        return {
            **os.environ,
            "GOPATH": str(self.caches / "gopath"),
            "GOMODCACHE": str(self.caches / "gopath" / "pkg" / "mod"),
            "GOCACHE": str(self.caches / "go-build"),
            "GOFLAGS": _FLAGS,
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOOS": "linux",
            "GOARCH": self.architecture,
            "CGO_ENABLED": "0",  # no C compiler is needed then
        }


def _run(tool: Tool, command: list[str], environment: Mapping[str, str], directory: Path) -> str:
    result = subprocess.run(command, cwd=directory, env=dict(environment), capture_output=True, text=True, check=False)
    if result.returncode:
        said = [line for line in result.stderr.splitlines() if not line.startswith("go: downloading")]
        kind = "module" if tool.module else "source"
        advice = next((text for sign, text in _ADVICE.items() if sign in result.stderr), "")
        raise ToolError(
            "\n".join(
                [
                    f"{tool.name} {tool.version} could not be built from its Go {kind} ({' '.join(command[:3])} ...):",
                    *(f"  {line}" for line in said[-12:]),
                    advice or "Run the same command again: packages that are finished are kept.",
                ]
            )
        )
    return result.stdout
