"""One thing that goes wrong: how it shows, why, and what to type."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """`says` are the words that a person reads, with `...` for what differs; `cause` and `do` are Markdown.

    Of `says` nothing is made up: a test finds its words in the code that prints them. Commands in `do` stand in backquotes, and are
    typed as they are but for words in capitals.
    """

    says: str
    cause: str
    do: str


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What one check looks at, and what it may say is wrong; nothing, where it only tells."""

    what: str
    troubles: tuple[Trouble, ...] = ()
