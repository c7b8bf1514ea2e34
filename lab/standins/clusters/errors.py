"""The one error that the stand-ins of cluster tools report."""


class Refused(Exception):
    """The text is what the real tool would say, or why the stand-in cannot do what is asked."""
