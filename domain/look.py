"""What is sent to a machine's shell to look at it, and what it answers: facts, and what is wrong. Nothing is changed there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain import bundle, k3s
from domain.device import Preflight
from domain.shell import assignments, closed

_FACT = "fact "
_COMPLAINT = re.compile(
    r"(problem|warning): (?P<what>.*?): (?P<found>.*?); expected (?P<expected>.*?); fix: (?P<fix>.*)"
)


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One thing that is wrong; `grave` when nothing would be written to such a machine."""

    what: str
    found: str
    expected: str
    fix: str
    grave: bool


def device_stdin(preflight: Preflight, urls: Iterable[str], functions: str) -> str:
    """For a machine outside the cluster; `urls` are what it will fetch, `functions` defines `look`."""
    values = {**bundle.preflight_values(preflight), "URLS": " ".join(urls)}
    return closed(functions, f"{assignments(values)}look\n")


def k3s_stdin(machine: k3s.Machine, functions: str) -> str:
    """For the machine of a k3s cluster; `functions` defines `look_k3s`."""
    return closed(functions, f"{assignments(k3s.preflight_values(machine))}look_k3s\n")


def facts(said: str) -> dict[str, str]:
    """Facts by name, out of what was printed; `end` is among them when nothing was cut off."""
    lines = (line.removeprefix(_FACT) for line in said.splitlines() if line.startswith(_FACT))
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def complaints(said: str) -> list[Complaint]:
    """Everything that is wrong, out of what was printed as errors."""
    return [
        Complaint(
            what=match["what"],
            found=match["found"],
            expected=match["expected"],
            fix=match["fix"],
            grave=match[1] == "problem",
        )
        for line in said.splitlines()
        if (match := _COMPLAINT.fullmatch(line))
    ]
