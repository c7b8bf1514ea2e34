"""What this machine is, as far as the choice of binaries depends on it."""

import platform
import sys

from lab.tools.errors import ToolError

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def architecture() -> str:
    """`amd64` or `arm64`, the names that Go and most publishers use. ToolError on any other machine."""
    found = _ARCHITECTURES.get(platform.machine().lower())
    if sys.platform != "linux" or found is None:
        raise ToolError(
            f"the lab's tools run on Linux, amd64 or arm64; this is {sys.platform} on {platform.machine()}. "
            "Use a Linux machine or a Linux VM."
        )
    return found
