"""What a stand-in may raise: each becomes one clear message in the engine's output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.standins.base.values import Secrets


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the inputs: the property's path and what is expected instead. Never holds a secret's value."""

    property: str
    reason: str


class ProviderError(Exception):
    """The operation failed; the message is shown to the operator as it stands."""


class InvalidInputs(ProviderError):
    """The inputs cannot be used; raised by `check`, `check_config` and functions."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """`problems` are shown one a line."""
        super().__init__(
            "; ".join(
                f"{problem.property}: {problem.reason}" if problem.property else problem.reason for problem in problems
            )
        )
        self.problems = tuple(problems)


class PartialFailure(ProviderError):
    """The object exists, and so goes into the state, but did not become what it should: the next `up` repairs it by an update."""

    def __init__(
        self, id: str, outputs: Mapping[str, Any], reasons: Sequence[str], *, secrets: Secrets = frozenset()
    ) -> None:
        """`outputs` as in `State`; `reasons` are shown one a line."""
        super().__init__("; ".join(reasons))
        self.id = id
        self.outputs = outputs
        self.reasons = tuple(reasons)
        self.secrets = secrets
