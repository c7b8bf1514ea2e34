"""What the lab has: which tools are official, which were built, and what stands in for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.tools.errors import ToolError
from lab.tools.tool import Tool


@dataclass(frozen=True, kw_only=True)
class Part:
    """One tool as it is here. `entry` is its directory in the cache, None when only a stand-in in Python serves.

    `standins` are the files behind which a stand-in serves, with the module of lab/standins; `why` says in a
    line why there is no official part. `brought`: the operator's own serves.
    """

    tool: Tool
    entry: Path | None
    official: bool
    brought: bool = False
    standins: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def how(self) -> str:
        """`official`, `yours`, `built`, `module` (data from the publisher's own module) or `stand-in`."""
        if self.brought:
            return "yours"
        if self.official:
            return "official"
        if self.entry is None or self.tool.source:
            return "stand-in"
        return "module" if self.tool.module and self.tool.module.data else "built"

    @property
    def _making(self) -> str:
        ours = self.tool.module is not None and "." in self.tool.module.packages
        return "built by a main program of ours from its Go module" if ours else "built from its Go module"

    @property
    def built_standins(self) -> list[str]:
        """Names of the files of a stand-in in Go, none when the official part is there."""
        return [] if self.official or self.tool.source is None else list(self.tool.source.builds.values())

    @property
    def sentence(self) -> str:
        """What it is for and where it comes from, with what stands in."""
        says = {
            "official": "its publisher's own release",
            "yours": "the one on PATH",
            "built": f"{self._making}, as pinned by go.sum",
            "module": "as in the publisher's Go module, pinned by go.sum",
            "stand-in": "this project's own, strict but not the real part",
        }[self.how]
        besides = f"; stand-in: {', '.join(self.standins)}" if self.standins and self.entry else ""
        return f"{self.tool.what}: {says}{besides}"


class Inventory:
    """The tools that one call of `install` answers for."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts

    @property
    def official(self) -> list[str]:
        """Names of the tools that are their publisher's own release."""
        return [part.tool.name for part in self.parts if part.how == "official"]

    @property
    def built(self) -> list[str]:
        """Names of the tools made from their Go module."""
        return [part.tool.name for part in self.parts if part.how in ("built", "module")]

    @property
    def standins(self) -> list[str]:
        """File names behind which a stand-in serves, such as `pulumi-resource-tls` and `spire-agent`."""
        return [name for part in self.parts for name in (*part.standins, *part.built_standins)]

    @property
    def gateway_api_crds(self) -> Path:
        """Directory with one YAML file for each CRD of the Gateway API's standard channel."""
        for part in self.parts:
            if part.tool.name == "gateway-api" and part.entry is not None:
                return part.entry / "data"
        raise ToolError("the Gateway API's CRDs were not asked for; call install() with 'gateway-api' among the names")

    def path(self, binary: str) -> Path:
        """The real file of a binary in the cache. ToolError when it was not installed or a stand-in serves."""
        for part in self.parts:
            if part.entry is not None and (file := part.entry / "bin" / binary).exists():
                return file
        raise ToolError(
            f"{binary} is not among the installed tools ({', '.join(part.tool.name for part in self.parts)})"
        )

    def line(self) -> str:
        """One line: how many of each."""
        counts = [f"{len(self.official)} official", f"{len(self.built)} built from their modules"]
        standing = f"; stand-ins: {', '.join(self.standins)}" if self.standins else "; no stand-ins"
        return f"tools: {', '.join(counts)}{standing}"

    def summary(self) -> str:
        """A plain table: tool, version, official or built or stand-in, and one sentence; below it why not official."""
        rows = [("tool", "version", "", "")]
        rows += [(part.tool.name, part.tool.version, part.how, part.sentence) for part in self.parts]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()
            for row in rows
        ]
        reasons: dict[str, list[str]] = {}
        for part in self.parts:
            if part.why:
                reasons.setdefault(part.why, []).append(part.tool.name)
        lines += [f"not official: {', '.join(names)} ({why})" for why, names in reasons.items()]
        return "\n".join(lines)
