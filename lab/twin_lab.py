"""The twin's surroundings: what must be there before Pulumi can bring the lab up, and what must go after it."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import yaml

from lab import paths, tools
from lab.twin import charts
from lab.twin.cluster import Cluster
from settings.load import NAMESPACE

STACK = "twin"
_RELEASE = re.compile(r"edge-\d{2}\.(1[0-2]|[1-9])\.[1-9]\d?")
_CHART_VERSION = re.compile(r"\d+\.\d+\.\d+")


class Wanted(NamedTuple):
    """Versions of Linkerd and of the Faces chart, beside the pinned ones, that the chart mirror has to offer."""

    linkerd: tuple[str, ...] = ()
    faces: tuple[str, ...] = ()


def prepare(inventory: tools.Inventory) -> None:
    """Start the cluster, fill the chart mirror, lay out the Gateway API's definitions and the user's stack file."""
    Cluster().up()
    _gateway_api(inventory.gateway_api_crds)
    versions = wanted(stack_file(STACK))
    charts.write_mirror(linkerd=versions.linkerd, faces=versions.faces)


def wanted(file: Path) -> Wanted:
    """What a stack file asks for; whatever does not look like a version is left to the settings' own report."""
    try:
        document = yaml.safe_load(file.read_text())
    except yaml.YAMLError:
        return Wanted()
    config = document.get("config") if isinstance(document, dict) else None
    config = config if isinstance(config, dict) else {}

    def asked(key: str, name: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
        group = config.get(f"{NAMESPACE}:{key}")
        value = group.get(name) if isinstance(group, dict) else None
        return (value,) if isinstance(value, str) and pattern.fullmatch(value) else ()

    return Wanted(asked("linkerd", "version", _RELEASE), asked("faces", "chart-version", _CHART_VERSION))


def stack_file(stack: str) -> Path:
    """The stack file in stacks/, copied from stacks/examples/ when the user has none yet.

    The file is the user's own and not tracked: the engine writes the stack's encryption salt into it.
    """
    file = paths.CHECKOUT / "stacks" / f"Pulumi.{stack}.yaml"
    example = paths.CHECKOUT / "stacks" / "examples" / file.name
    if not file.exists() and example.exists():
        shutil.copyfile(example, file)
    return file


def _gateway_api(source: Path) -> None:
    """One file, as the official release has it: that is what a stack file can name."""
    parts = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    text = "---\n".join(part.read_text() for part in parts if part.name != "kustomization.yaml")
    target = paths.twin() / "gateway-api.yaml"
    if not target.exists() or target.read_text() != text:
        target.write_text(text)
