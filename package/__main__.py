"""Serves the components to the engine, which starts this directory as a plugin; the schema follows from the annotations."""

import sys
import tomllib
from pathlib import Path

from pulumi.provider.experimental import component_provider_host

# The plugin is started by the path of this directory, and what it is made of lies beside it.
_PROJECT = Path(__file__).resolve().parent.parent
sys.path[0] = str(_PROJECT)

from package.route import Route
from package.trust import Trust
from package.workloads import Workloads

if __name__ == "__main__":
    _version = tomllib.loads((_PROJECT / "pyproject.toml").read_text())["project"]["version"]
    component_provider_host([Route, Trust, Workloads], "mesh-expansion", version=_version)
