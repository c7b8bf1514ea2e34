"""What goes wrong with the twin."""


class TwinError(Exception):
    """The twin cannot be brought up or taken down; the message says why and what the operator can do."""
