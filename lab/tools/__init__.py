"""Getting the tools of the lab: pinned once, cached per user, official where that can be had."""

from lab.tools.errors import ToolError
from lab.tools.installation import install
from lab.tools.inventory import Inventory

__all__ = ["Inventory", "ToolError", "install"]
