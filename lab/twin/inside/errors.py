"""Why a process does not run (yet)."""


class NotThereError(Exception):
    """Something that the process needs is missing: an object, a binary, a path that fits. The message names it."""
