"""What a test run proves: `python -m lab.report REPORT.xml` fails when a tier did not run or hid behind a skip.

The report is JUnit XML as pytest writes it.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

TIERS = ("unit", "components", "plugins", "twin")


def faults(report: Path) -> list[str]:
    """Why the run proves less than it should; empty when every tier ran and nothing was skipped."""
    # The file was written by this project's own test run a moment ago.
    root = ElementTree.parse(report).getroot()  # noqa: S314
    ran: Counter[str] = Counter()
    found = []
    for case in root.iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        if (skipped := case.find("skipped")) is not None:
            found.append(f"skipped: {name} ({skipped.get('message')})")
            continue
        parts = str(case.get("classname")).split(".")
        ran[parts[1] if len(parts) > 1 else parts[0]] += 1
    found += [f"no test of the {tier} tier ran" for tier in TIERS if not ran[tier]]
    return found


def main(arguments: list[str]) -> int:
    """Print the faults; returns the exit status."""
    found = faults(Path(arguments[0]))
    if found:
        print("the tests passed, but the run proves less than it should:", file=sys.stderr)  # noqa: T201
    for fault in found:
        print(fault, file=sys.stderr)  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
