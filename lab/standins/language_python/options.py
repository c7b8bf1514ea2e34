"""The runtime options of `Pulumi.yaml`, and the Python that they choose."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_KNOWN = ("toolchain", "virtualenv")


class OptionError(ValueError):
    """An option that the host does not support, or a virtualenv that is not there."""


def virtualenv(root: Path, options: Mapping[str, Any]) -> Path | None:
    """The virtualenv's directory (a relative one lies below `root`, where `Pulumi.yaml` is); None when no option names one."""
    for name in options:
        if name not in _KNOWN:
            raise OptionError(
                f"Pulumi.yaml: runtime option {name!r} is not supported by the stand-in for pulumi-language-python; "
                f"supported are {', '.join(_KNOWN)}. Remove it, or install the official Pulumi CLI"
            )
    toolchain = options.get("toolchain", "pip")
    if toolchain != "pip":
        raise OptionError(
            f"Pulumi.yaml: runtime option toolchain is {toolchain!r}; this language host supports 'pip' only"
        )
    chosen = options.get("virtualenv")
    if chosen is None:
        return None
    if not isinstance(chosen, str) or not chosen:
        raise OptionError("Pulumi.yaml: runtime option virtualenv must be the path of a directory, such as '.venv'")
    return root / chosen


def interpreter(root: Path, options: Mapping[str, Any]) -> Path:
    """The Python that runs the program: the virtualenv's, or `python3` on PATH where no option names a virtualenv."""
    directory = virtualenv(root, options)
    if directory is not None:
        python = directory / "bin" / "python"
        if not python.exists():
            raise OptionError(
                f"Pulumi.yaml: runtime option virtualenv: there is no {python}; run `pulumi install` in {root} to make it"
            )
        return python
    found = shutil.which("python3")
    if found is None:
        raise OptionError(
            "there is no python3 on PATH; name a virtualenv in Pulumi.yaml: runtime: {name: python, options: {virtualenv: .venv}}"
        )
    return Path(found)
