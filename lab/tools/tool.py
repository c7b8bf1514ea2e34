"""What the catalogue says of a tool: where its publisher offers it, and what it is made from otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Download:
    """One official file.

    `url` and `checksums` are templates over {version}, {arch} (amd64, arm64) and {pulumi_arch} (x64, arm64).
    `sha256` pins the file per architecture where its digest is known; `checksums` is what the publisher lists beside
    it. `members` maps names inside the archive (same templates) to file names of ours; empty: the file itself is kept
    as `keep_as`.
    """

    url: str
    checksums: str
    sha256: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    keep_as: str = ""


@dataclass(frozen=True, kw_only=True)
class Module:
    """A directory below `go/`: what its pinned Go module gives.

    `builds` maps the file that `go build` writes to the name we keep. A package `.` is a program of ours beside the
    go.mod, made of the module's packages. `data` is a directory inside the module that is kept as it is; nothing is built
    then. `linker` are `-X` values: what the publisher's own release build sets.
    """

    directory: str
    path: str
    packages: tuple[str, ...] = ()
    builds: Mapping[str, str] = field(default_factory=dict)
    linker: Mapping[str, str] = field(default_factory=dict)
    data: str = ""


@dataclass(frozen=True, kw_only=True)
class Source:
    """A stand-in in Go: its directory below `lab/standins`, its packages, and what each built file is kept as."""

    directory: str
    packages: tuple[str, ...]
    builds: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One line of the inventory. `weight` is the time in seconds that the build took on 2 cores with nothing cached.

    What cannot be had officially is built from `module`, else there is a stand-in: `source` to be built, or `standins`.
    `on_path` is a program that the operator may have: then nothing is downloaded, and nothing stands in.
    """

    name: str
    version: str
    what: str
    downloads: tuple[Download, ...] = ()
    module: Module | None = None
    source: Source | None = None
    weight: int = 0
    plugin: str = ""
    standins: Mapping[str, str] = field(default_factory=dict)  # file name -> module in lab/standins
    on_path: str = ""
