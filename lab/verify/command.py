"""`lab verify` as it is typed."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lab import twin_lab
from lab.doctor import NoStackFile
from lab.verify import junit
from lab.verify.context import REQUESTS
from lab.verify.outcome import Outcome
from lab.verify.report import as_json, show
from lab.verify.selection import Selection, UnknownNameError
from lab.verify.verification import SECONDS, InterruptedRunError, NotReadyError, Options, verify

_SIGNALLED = 128
_console = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def assert_lab(
    stack: Annotated[str, typer.Option("--stack", "-s", help="stack of this project")] = twin_lab.STACK,
    *,
    row: Annotated[
        list[str] | None,
        typer.Option(help="only this row (`access.matrix`), group of rows (`access`) or result (`R19`); repeatable"),
    ] = None,
    device: Annotated[str | None, typer.Option(help="only what concerns this workload outside")] = None,
    requests: Annotated[int, typer.Option(min=10, max=100_000, help="how many, where shares are counted")] = REQUESTS,
    seconds: Annotated[float, typer.Option(min=1, help="time for everything")] = SECONDS,
    as_document: Annotated[bool, typer.Option("--json", help="one JSON document, for programs")] = False,
    report: Annotated[Path | None, typer.Option("--junit", help="file to write as JUnit XML as well")] = None,
) -> None:
    """Assert against the running lab what its stack file promises, from the host, from pods and from machines; changes nothing.

    Exit status 0 when nothing failed, 1 when something did or there is no lab to ask, 2 for wrong usage; 128 and the signal's
    number when it was interrupted.
    """
    options = Selection(rows=row or (), device=device)
    try:
        with _Progress() as progress:
            found = verify(stack, Options(selection=options, requests=requests, seconds=seconds, told=progress.heard))
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
        sys.stdout.write(as_json(found) + "\n")
    else:
        show(found, _console)
    if report is not None:
        junit.write(found, report)
    raise typer.Exit(found.exit_status)


class _Progress:
    """One line that moves, for somebody who waits at a terminal."""

    def __init__(self) -> None:
        self._count = 0
        self._status = _errors.status("asking the lab") if _errors.is_terminal else None

    def __enter__(self) -> "_Progress":
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def heard(self, outcome: Outcome) -> None:
        """Say how far it is."""
        self._count += 1
        if self._status:
            self._status.update(f"{self._count} done, last {outcome.row}: {outcome.subject}")
