"""docs/troubleshooting.md: symptoms that people wrote down, then what each part of the lab says, made of the tables here."""

from collections.abc import Mapping, Sequence

from lab import paths
from lab.troubles import doctor, prober, verify
from lab.troubles.trouble import Checked, Trouble
from lab.verify.registry import ROWS

PAGE = paths.CHECKOUT / "docs" / "troubleshooting.md"
MARK = "<!-- From here on made by `make fix` of the tables in lab/troubles. -->\n"


def written(page: str) -> str:
    """The page with everything below the mark as the tables say it now. Raises ValueError when the mark is gone."""
    if page.count(MARK) != 1:
        raise ValueError(f"{PAGE}: expected one line {MARK.strip()!r}, below which the tables go")
    return page.partition(MARK)[0] + MARK + "".join((_prober(), _doctor(), _verify()))


def write() -> None:
    """Bring the page in docs/ up to date."""
    PAGE.write_text(written(PAGE.read_text()))


def _prober() -> str:
    rows = [(f"`{reason}`", _says(trouble), trouble.cause, trouble.do) for reason, trouble in prober.REASONS.items()]
    return (
        "\n## A workload is not Ready\n\n"
        "The prober says why, in the condition's reason and message: `kubectl get externalworkloads -n faces -o yaml`.\n\n"
        + _table(("reason", "message", "cause", "what to type"), rows)
    )


def _doctor() -> str:
    text = (
        "\n## What `make doctor` says\n\n"
        "By the name of the check, which `--json` gives. Each line of doctor ends with what to type, with the names of your machines.\n"
    )
    for title, checks in doctor.GROUPS.items():
        text += f"\n### {title}\n\n"
        text += _table(("check", "it says", "cause", "what to type"), list(_checks(checks)))
    return text


def _checks(checks: Mapping[str, Checked]) -> Sequence[tuple[str, ...]]:
    rows = []
    for name, checked in checks.items():
        first = f"`{name}`: {checked.what}"
        if not checked.troubles:
            rows.append((first, "", "", ""))
        for trouble in checked.troubles:
            rows.append((first, _says(trouble), trouble.cause, trouble.do))
            first = f"`{name}`"
    return rows


def _verify() -> str:
    rows = [(f"`{row.id}`", row.title, *verify.ROWS[row.id]) for row in ROWS]
    return (
        "\n## A row of `make verify` failed\n\n"
        "What each row asserts and needs is in [verify](how-to/verify.md#the-rows). `not provable here` is no failure: the lab has no "
        "place to see it from.\n\n" + _table(("row", "asserts", "it failed, because most often", "what to type"), rows)
    )


def _says(trouble: Trouble) -> str:
    return f"`` {trouble.says} ``" if "`" in trouble.says else f"`{trouble.says}`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
