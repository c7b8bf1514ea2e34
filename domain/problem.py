"""What an operator is told about one bad value."""

import json
import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LONGEST = 80


def place(*parts: int | str) -> str:
    """Where a value is, as `pulumi config set --path` takes it: `workloads[0].name`, `routes[0].backends["a b"]`."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def shown(value: object) -> str:
    """A value on one line, cut where it is long."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


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
