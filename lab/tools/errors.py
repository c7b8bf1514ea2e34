"""What can go wrong while tools are fetched, in the operator's words."""


class ToolError(Exception):
    """A tool could not be had. The text says which, what was tried, the first cause and what to do next."""


class OfficialUnavailable(Exception):
    """The official download of one tool cannot be used now; the message is the reason in one line."""
