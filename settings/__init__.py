"""The only reader of Pulumi configuration: strict, typed, and every input error at once."""

from settings.load import InvalidSettings, load, read_stack
from settings.model import Settings

__all__ = ["InvalidSettings", "Settings", "load", "read_stack"]
