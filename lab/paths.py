"""Where the lab keeps things: one cache a user, one state directory a checkout."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


def cache() -> Path:
    """Per-user directory for tools, shared by every checkout; safe to delete, rebuilt on the next run."""
    if chosen := os.environ.get("LAB_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "mesh-expansion-lab"


def home() -> Path:
    """Per-checkout state: the engine's state and passphrase, the twin's data, links to the tools in use."""
    if chosen := os.environ.get("LAB_HOME"):
        return Path(chosen).expanduser().resolve()
    return CHECKOUT / ".lab"


def bin_directory() -> Path:
    """Links to the tools of this checkout; first on PATH for everything that the lab starts."""
    return home() / "bin"


def twin() -> Path:
    """Data of the twin: a directory for each process, the kubeconfig, the chart mirror."""
    return home() / "twin"
