"""Gets the tools: the official download first, else the build from the pinned module, else a stand-in."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from lab import paths
from lab.tools import catalogue, gobuild, golang, official
from lab.tools.errors import OfficialUnavailable, ToolError
from lab.tools.inventory import Inventory, Part
from lab.tools.links import is_launcher, link
from lab.tools.machine import architecture
from lab.tools.progress import Progress
from lab.tools.reach import Reach
from lab.tools.store import Store, complete, hold, refusal, refuse
from lab.tools.tool import Module, Source, Tool

_GIB = 1024**3
# Measured: 3.2 GB of modules, 5.7 GB of build cache, 0.7 GB of tools. The one build that needs little is data only.
_COLD_BUILD_BYTES = 10 * _GIB


def install(names: Iterable[str] | None = None) -> Inventory:
    """Have the tools with these names (default: all) in the cache and linked into this checkout.

    LAB_OFFICIAL: unset, official downloads are tried, and after a failure again a day later; `yes`, tried now;
    `no`, never used. ToolError when a tool can be had neither way.
    """
    tools = catalogue.chosen(None if names is None else frozenset(names))
    with Progress() as progress:
        inventory = _Installation(tools, progress).run()
        link(inventory)
        progress.say(inventory.line())
    return inventory


class _Installation:
    def __init__(self, tools: tuple[Tool, ...], progress: Progress) -> None:
        self._tools = tools
        self._progress = progress
        self._architecture = architecture()
        self._store = Store(paths.cache() / "tools")
        self._caches = paths.cache() / "build"
        self._wish = _wish()

    def run(self) -> Inventory:
        waiting = [tool for tool in self._tools if self._asks_publisher(tool)]
        if waiting:
            self._get_official(waiting)
        to_build = [tool for tool in self._tools if _made_from(tool) and self._found(tool) is None]
        if to_build:
            self._build(to_build)
        self._drop_build_caches()
        return Inventory(tuple(self._part(tool) for tool in self._tools))

    def _official_entry(self, tool: Tool) -> Path:
        return self._store.entry(tool, *official.ingredients(tool, self._architecture))

    def _built_entry(self, tool: Tool) -> Path:
        made_from = _made_from(tool)
        if made_from is None:
            raise ToolError(f"{tool.name} has nothing to be built from")
        return self._store.entry(tool, *gobuild.ingredients(made_from, self._architecture))

    def _brought(self, tool: Tool) -> bool:
        """Whether the operator has it: a launcher of ours on PATH does not count."""
        ours = paths.bin_directory().resolve()
        search = os.environ.get("PATH", os.defpath).split(os.pathsep)
        others = os.pathsep.join(part for part in search if part and Path(part).resolve() != ours)
        found = shutil.which(tool.on_path, path=others) if tool.on_path else None
        return found is not None and not is_launcher(Path(found))

    def _has_official(self, tool: Tool) -> bool:
        return bool(tool.downloads) and self._wish != "no" and complete(self._official_entry(tool))

    def _found(self, tool: Tool) -> Path | None:
        if self._has_official(tool):
            return self._official_entry(tool)
        if _made_from(tool) and complete(self._built_entry(tool)):
            return self._built_entry(tool)
        return None

    def _asks_publisher(self, tool: Tool) -> bool:
        if not tool.downloads or self._wish == "no" or self._brought(tool) or self._has_official(tool):
            return False
        return self._wish == "yes" or refusal(self._official_entry(tool)) is None

    def _get_official(self, tools: list[Tool]) -> None:
        reasons: dict[str, list[str]] = {}
        with contextlib.closing(Reach()) as reach:
            for tool in tools:
                with self._store.lock(tool, self._waiting_for(tool)):
                    if not self._asks_publisher(tool):
                        continue  # another run was faster
                    try:
                        self._get_one_official(tool, reach)
                    except OfficialUnavailable as error:
                        refuse(self._official_entry(tool), str(error))
                        reasons.setdefault(str(error), []).append(tool.name)
        for reason, names in reasons.items():
            self._progress.say(f"no official {', '.join(names)}: {reason}")

    def _get_one_official(self, tool: Tool, reach: Reach) -> None:
        reach.demand(official.rendered(tool.downloads[0].url, tool, self._architecture))
        with self._progress.work(tool, "downloading the official release"):
            official.get(tool, self._architecture, reach, self._store, self._official_entry(tool))

    def _build(self, tools: list[Tool]) -> None:
        self._demand_disk(tools)
        go = golang.find(self._store, self._architecture, self._progress)
        builder = gobuild.Builder(go, self._architecture, self._store, self._caches)
        self._progress.plan(tools)
        for tool in tools:
            with self._store.lock(tool, self._waiting_for(tool)):
                if self._found(tool) is not None:
                    self._progress.skip(tool)
                    continue
                # One build at a time on a machine: each uses every core, and they share Go's caches.
                with hold(self._store.root / "build.lock", self._waiting_for(tool)):
                    self._build_one(tool, builder)

    def _build_one(self, tool: Tool, builder: gobuild.Builder) -> None:
        made_from = _made_from(tool)
        if made_from is None:
            return
        entry = self._built_entry(tool)
        how = "building from its Go module"
        if isinstance(made_from, Source):
            how = "building the stand-in"
        elif made_from.data:
            how = "taking it from its Go module"
        try:
            with self._progress.work(tool, how):
                builder.get(tool, made_from, entry)
        except ToolError as error:
            why = self._why(tool)
            raise ToolError(f"{error}\nBefore that: no official release ({why})" if why else str(error)) from error

    def _demand_disk(self, tools: list[Tool]) -> None:
        needed = _COLD_BUILD_BYTES if any(tool.module and tool.module.builds for tool in tools) else _GIB
        needed -= _bytes_in(self._caches)
        self._store.root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self._store.root).free
        if free < needed:
            raise ToolError(
                f"{paths.cache()} has {free / _GIB:.1f} GiB free and the build needs {needed / _GIB:.1f} GiB (most of it "
                "for Go's caches, removed at the end). Free some, or set LAB_CACHE to a directory with more room."
            )

    def _drop_build_caches(self) -> None:
        """Remove Go's modules and packages once every tool is there: 9 GB that nothing needs any more.

        Until then they stay, so that a killed or failed run goes on where it was.
        """
        if not self._caches.exists() or any(_made_from(tool) and self._found(tool) is None for tool in catalogue.TOOLS):
            return
        try:
            with FileLock(self._store.root / "build.lock", timeout=0):
                shutil.rmtree(self._caches, onerror=_make_writable)
        except Timeout:
            return  # another run builds now, and removes them after that

    def _part(self, tool: Tool) -> Part:
        is_brought = self._brought(tool)
        entry = None if is_brought else self._found(tool)
        is_official = self._has_official(tool) and not is_brought
        return Part(
            tool=tool,
            entry=entry,
            official=is_official,
            brought=is_brought,
            standins={} if is_official or is_brought else tool.standins,
            why="" if is_official or is_brought else self._why(tool),
        )

    def _why(self, tool: Tool) -> str:
        if not tool.downloads:
            return ""
        if self._wish == "no":
            return "LAB_OFFICIAL=no"
        return refusal(self._official_entry(tool)) or ""

    def _waiting_for(self, tool: Tool) -> Callable[[], None]:
        return lambda: self._progress.say(f"{tool.name} {tool.version}  another run is getting it; waiting for it")


def _made_from(tool: Tool) -> Module | Source | None:
    return tool.module or tool.source


def _wish() -> str:
    wish = os.environ.get("LAB_OFFICIAL", "")
    if wish not in ("", "yes", "no"):
        raise ToolError(f"LAB_OFFICIAL is {wish!r}; expected yes (ask again now), no (never), or unset")
    return wish


def _bytes_in(directory: Path) -> int:
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # another run may be building there
                total += (Path(parent) / name).lstat().st_size
    return total


def _make_writable(function: Callable[..., object], path: str, _: object) -> None:
    """Go's module cache may hold directories that their owner cannot change."""
    Path(path).parent.chmod(0o755)
    Path(path).chmod(0o755)
    function(path)
