"""Reads what is sent to devices from `assets/edge/device`."""

from functools import cache
from pathlib import Path

from domain.device import DeviceAssets

_DEVICE = Path(__file__).parents[2] / "assets" / "edge" / "device"
_PREPARE = ("common", "preflight", "prepare")
_CONVERGE = ("common", "read", "artefacts", "image", "files", "units", "converge")


@cache
def device_assets() -> DeviceAssets:
    """Scripts joined from their pieces, and the files below `root/` and `bundled/` by the path that they get on a device."""
    return DeviceAssets(
        prepare=_joined(_PREPARE),
        converge=_joined(_CONVERGE),
        leave=(_DEVICE / "leave").read_text(),
        files=_below(_DEVICE / "root"),
        bundled=_below(_DEVICE / "bundled"),
    )


def _below(root: Path) -> dict[str, str]:
    files = {f"/{file.relative_to(root).as_posix()}": file.read_text() for file in root.rglob("*") if file.is_file()}
    return dict(sorted(files.items()))


def _joined(names: tuple[str, ...]) -> str:
    return "".join((_DEVICE / name).read_text() for name in names)
