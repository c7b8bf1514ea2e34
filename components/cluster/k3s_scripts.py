"""Reads what is sent to the machine of a k3s cluster from `assets/cluster/k3s`."""

from functools import cache
from pathlib import Path

from domain.k3s import Scripts

_ASSETS = Path(__file__).parents[2] / "assets"
_OWN = _ASSETS / "cluster" / "k3s"
# What these do is the same on every machine: record, checks, programs and files put in place by a rename.
_SHARED = _ASSETS / "edge" / "device"
_COMMON = (_SHARED / "common", _OWN / "places")


@cache
def scripts() -> Scripts:
    """Scripts joined from their pieces."""
    return Scripts(
        prepare=_joined(*_COMMON, _SHARED / "preflight", _OWN / "preflight", _OWN / "prepare"),
        converge=_joined(*_COMMON, _SHARED / "preflight", _SHARED / "artefacts", _SHARED / "files", _OWN / "converge"),
        read=_joined(*_COMMON, _OWN / "read"),
        remove=(_OWN / "remove").read_text(),
        unit=(_OWN / "root" / "etc" / "systemd" / "system" / "k3s.service").read_text(),
    )


def _joined(*files: Path) -> str:
    return "".join(file.read_text() for file in files)
