"""Where the lab's commands print for people."""

from rich.console import Console


class Screen(Console):
    """Lines are never broken where nobody sees them; whoever stops reading is told from a failure."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Rich would end the program with status 1."""
        raise BrokenPipeError
