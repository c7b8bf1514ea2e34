"""What goes wrong with the engine of a machine."""


class DockerError(Exception):
    """No engine can be had, or the engine refused; the message says why and what the operator can do."""
