"""`lab verify` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from lab import documents, twin_lab
from lab.doctor import NoStackFile
from lab.screen import Screen
from lab.verify import junit
from lab.verify.context import REQUESTS
from lab.verify.outcome import Outcome
from lab.verify.report import as_json, show
from lab.verify.selection import Selection, UnknownNameError
from lab.verify.verification import SECONDS, InterruptedRunError, NotReadyError, Options, verify
from lab.waiting import Waiting, waiting

_SIGNALLED = 128
_console = Screen()
_errors = Screen(stderr=True)


def assert_lab(
    stack: Annotated[
        str, typer.Option("--stack", "-s", metavar="STACK", help="stack of this project")
    ] = twin_lab.STACK,
    *,
    row: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW", help="only this row (access.matrix), group of rows (access) or result (R19); can be repeated"
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="WORKLOAD", help="only what concerns this workload outside")
    ] = None,
    requests: Annotated[int, typer.Option(min=10, max=100_000, help="how many, where shares are counted")] = REQUESTS,
    seconds: Annotated[float, typer.Option(min=1, help="time for everything, in seconds")] = SECONDS,
    as_document: Annotated[bool, typer.Option("--json", help="one JSON document, for programs")] = False,
    report: Annotated[Path | None, typer.Option("--junit", help="file to write as JUnit XML as well")] = None,
) -> None:
    """Assert that the running lab does what its file promises.

    It asks from this machine, from pods and from the machines outside, and changes nothing. What this lab has no place to see from
    is said so, and is never taken for passed.
    """
    options = Selection(rows=row or (), device=device)
    try:
        with waiting("asking the lab", f"5s to 60s, {seconds:.0f}s at most", report=True) as step:
            told = _Told(step)
            found = verify(stack, Options(selection=options, requests=requests, seconds=seconds, told=told.heard))
    except NoStackFile as error:
        raise typer.BadParameter(str(error), param_hint="--stack") from None
    except UnknownNameError as error:
        raise typer.BadParameter(str(error), param_hint=error.option) from None
    except NotReadyError as error:
        _errors.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    except InterruptedRunError as error:
        _errors.print(str(error), markup=False)
        raise typer.Exit(_SIGNALLED + error.signal) from None
    if as_document:
        documents.write(as_json(found) + "\n")
    else:
        show(found, _console)
    if report is not None:
        junit.write(found, report)
    raise typer.Exit(found.exit_status)


class _Told:
    """How far it is, for somebody who waits."""

    def __init__(self, step: Waiting) -> None:
        self._step = step
        self._count = 0

    def heard(self, outcome: Outcome) -> None:
        """Of one more."""
        self._count += 1
        self._step.tell(f"{self._count} done, last {outcome.row}: {outcome.subject}")
