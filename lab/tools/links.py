"""Puts the tools of one checkout where its runs find them: links, stand-in launchers, the engine's plugins."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from lab import engine, paths
from lab.tools.errors import ToolError
from lab.tools.inventory import Inventory, Part
from lab.tools.tool import Tool

_MARK = "Stands in for the official"


def link(inventory: Inventory) -> None:
    """Make bin/ and the engine's plugins of this checkout agree with the inventory; what agrees already is not touched."""
    directory = paths.bin_directory()
    directory.mkdir(parents=True, exist_ok=True)
    for part in inventory.parts:
        _link_binaries(part, directory)
        for name, module in part.standins.items():
            place = plugin_directory(part.tool) if part.tool.plugin else directory
            place.mkdir(parents=True, exist_ok=True)
            write_launcher(place / name, module)
        if part.tool.plugin and part.entry is not None:
            _install_plugin(part, part.entry, inventory)
        _remove_outdated(part, directory)


def plugin_directory(tool: Tool) -> Path:
    """Where the engine looks for an installed plugin. On PATH it would warn about each at every preview."""
    return paths.home() / "pulumi" / "plugins" / f"resource-{tool.plugin}-v{tool.version}"


def _link_binaries(part: Part, directory: Path) -> None:
    """Symbolic links; a hard one where a stand-in must lie beside the real file: the engine resolves symbolic ones."""
    for binary in _binaries(part):
        target = directory / binary.name
        if target.exists() and target.samefile(binary) and not (part.standins and target.is_symlink()):
            continue
        partial = directory / f".{binary.name}.{os.getpid()}"
        if not (part.standins and _hard_link(binary, partial)):
            partial.symlink_to(binary)
        partial.replace(target)


def _hard_link(binary: Path, target: Path) -> bool:
    try:
        target.hardlink_to(binary)
    except OSError:
        return False  # another file system
    return True


def _remove_outdated(part: Part, directory: Path) -> None:
    """Take out a launcher whose official part is there: the engine prefers PATH, so it would hide that part.

    The other way round too: an official file that this checkout does not use any more.
    """
    current = {binary.name for binary in _binaries(part)} | set(part.standins)
    official = {name for download in part.tool.downloads for name in download.members.values()}
    official |= {part.tool.on_path} - {""}
    for name in (official | set(part.tool.standins)) - current:
        (directory / name).unlink(missing_ok=True)


def _binaries(part: Part) -> list[Path]:
    return sorted((part.entry / "bin").glob("*")) if part.entry is not None else []


def write_launcher(target: Path, module: str) -> None:
    """Make the file that starts the stand-in `lab.standins.<module>`; one that is right already is not touched."""
    start = (
        "import gc, runpy, sys; gc.disable(); "  # until everything is imported, see settled() of lab/standins/base/process.py
        f"sys.path.insert(0, {str(paths.CHECKOUT)!r}); "
        f"runpy.run_module({f'lab.standins.{module}'!r}, run_name='__main__', alter_sys=True)"
    )
    text = (
        "#!/bin/sh\n"
        f"# {_MARK} {target.name}, which could not be had: `make tools` says why.\n"
        f'exec {shlex.quote(sys.executable)} -P -c {shlex.quote(start)} "$@"\n'
    )
    if not target.is_symlink() and target.exists() and target.read_bytes() == text.encode():
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.replace(target)


def is_launcher(file: Path) -> bool:
    """Whether the file is one that starts a stand-in."""
    with file.open("rb") as content:
        return _MARK.encode() in content.read(200)


def _install_plugin(part: Part, entry: Path, inventory: Inventory) -> None:
    name, version = part.tool.plugin, f"v{part.tool.version}"
    installed = plugin_directory(part.tool) / f"pulumi-resource-{name}"
    if installed.exists() and not is_launcher(installed):
        return
    shutil.rmtree(installed.parent, ignore_errors=True)  # a stand-in until now
    archive = entry / "data" / "plugin.tar.gz"
    try:
        program = str(inventory.path("pulumi"))
    except ToolError:
        program = str(paths.bin_directory() / "pulumi")  # installed by an earlier call
    engine.no_trace(paths.home() / "pulumi")  # the engine run here would make the directory of traces
    command = [program, "plugin", "install", "resource", name, version, "--file", str(archive)]
    result = subprocess.run(
        command,
        env={**os.environ, "PULUMI_HOME": str(paths.home() / "pulumi"), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise ToolError(
            f"the engine did not take the official {name} plugin {version} from {archive}:\n"
            f"  {result.stderr.strip()}\nDelete {entry} and run again, or set LAB_OFFICIAL=no to use the stand-in."
        )
