"""Checks of the programs that an `up` runs on this machine: are they there, and of which version?"""

import json
import re
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

import versions
from lab import paths
from lab.doctor.command import ask, find
from lab.doctor.finding import Finding, failed, not_checked, ok, warning
from lab.tools.catalogue import TOOLS
from lab.tools.links import plugin_directory

CHECK = "tools"
SECONDS = 20.0
_VERSION = re.compile(r"v?(\d+\.\d+(?:\.\d+)?(?:[-+.\w]*)?)")


@dataclass(frozen=True, kw_only=True)
class Program:
    """`arguments` make it say its version. `pinned` is the one this project is tested with, `lowest` the first that will do.

    `get` is what to type when it is missing.
    """

    name: str
    arguments: tuple[str, ...]
    get: str = "make tools"
    pinned: str | None = None
    lowest: str | None = None


PULUMI = Program(name="pulumi", arguments=("version",), pinned=versions.PULUMI, lowest=versions.PULUMI)
KUBECTL = Program(name="kubectl", arguments=("version", "--client", "--output=json"), pinned=versions.KUBERNETES)
HELM = Program(name="helm", arguments=("version", "--template={{.Version}}"), pinned=versions.HELM, lowest="3.8")
K3D = Program(
    name="k3d",
    arguments=("version",),
    get="install k3d 5 from its release page, github.com/k3d-io/k3d/releases, and check its checksum",
    lowest="5.0",
)
KIND = Program(
    name="kind",
    arguments=("version",),
    get="install kind from its release page, github.com/kubernetes-sigs/kind/releases, and check its checksum",
    lowest="0.20",
)
DOCKER = Program(
    name="docker",
    arguments=("version", "--format={{.Client.Version}}"),
    get="install the Docker command line (Debian, Ubuntu: apt-get install docker.io)",
    lowest="20.10",
)


async def check(program: Program) -> AsyncIterator[Finding]:
    """One program, where an `up` would find it."""
    path = find(program.name)
    if path is None:
        yield failed(CHECK, program.name, "it is not on the PATH that an `up` uses", program.get)
        return
    try:
        # The engine makes its home when it says its version.
        with tempfile.TemporaryDirectory() as passing:
            answer = await ask(path, *program.arguments, seconds=SECONDS, extra={"PULUMI_HOME": passing})
    except OSError as error:
        yield failed(CHECK, program.name, f"{path} cannot be run: {error.strerror or error}", program.get)
        return
    text = answer.text or answer.fault
    found = _version(text)
    if answer.status is None:
        yield not_checked(
            CHECK, program.name, f"{path} says no version within {SECONDS:.0f} s", f"{program.name} version"
        )
    elif found is None:
        last = text.strip().splitlines()[-1:] or [f"it ended with {answer.status}"]
        yield failed(CHECK, program.name, f"{path} says no version: {last[0]}", program.get)
    else:
        yield _judged(program, found, path)


def _version(text: str) -> str | None:
    """In what a program says: the `gitVersion` of JSON, or the first thing that looks like a version."""
    try:
        document = json.loads(text)
        return str(document["clientVersion"]["gitVersion"]).removeprefix("v")
    except (ValueError, KeyError, TypeError):
        match = _VERSION.search(text)
        return match[1] if match else None


def _judged(program: Program, found: str, path: str) -> Finding:
    try:
        there = Version(found.partition("+")[0])
    except InvalidVersion:
        return warning(CHECK, program.name, f"{path} is of version {found}, which compares with nothing", program.get)
    if program.lowest and there < Version(program.lowest):
        return failed(CHECK, program.name, f"{path} is {found}; {program.lowest} or later is needed", program.get)
    if program.pinned and there.release[:2] != Version(program.pinned).release[:2]:
        cause = f"{path} is {found}; {program.pinned} is what this project is tested with"
        return warning(CHECK, program.name, cause, program.get)
    return ok(CHECK, program.name, f"{found} ({_short(path)})")


async def check_plugins(names: Sequence[str]) -> AsyncIterator[Finding]:
    """The engine's own parts: the language host, and the provider plugins (`kubernetes`) in its directory or on the PATH."""
    if find("pulumi-language-python") is None:
        yield failed(CHECK, "pulumi-language-python", "it is not on the PATH that an `up` uses", "make tools")
    for tool in TOOLS:
        if tool.plugin not in names:
            continue
        subject, name = f"plugin {tool.plugin}", f"pulumi-resource-{tool.plugin}"
        directory = plugin_directory(tool)
        if (directory / name).exists():
            yield ok(CHECK, subject, f"{tool.version} ({_short(directory)})")
        elif (path := find(name)) is not None:
            yield ok(CHECK, subject, path)
        else:
            yield failed(CHECK, subject, f"version {tool.version} is not in {directory.parent}", "make tools")


def _short(path: str | Path) -> Path:
    """From the project's directory where it lies there."""
    path = Path(path)
    return path.relative_to(paths.CHECKOUT) if path.is_relative_to(paths.CHECKOUT) else path
