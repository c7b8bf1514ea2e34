"""What an operator is told about one bad value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One bad configuration value.

    `key` is the path in the stack file (`trust.issuer-days`), `found` the value in words, `expected` what would be right
    and `fix` the next step.
    """

    key: str
    found: str
    expected: str
    fix: str

    def __str__(self) -> str:
        return f"{self.key}: {self.found}\n    expected: {self.expected}\n    fix: {self.fix}"


def report(problems: list[Problem], source: str, namespace: str) -> str:
    """All problems as one text; `source` is the stack file, `namespace` the prefix of every key in it."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    lines = "\n".join(f"  {namespace}:{problem}" for problem in sorted(problems, key=lambda problem: problem.key))
    return f"{count} in {source}; nothing was changed.\n{lines}"
