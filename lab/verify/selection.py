"""Which rows and which machines are asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lab.stack_file import no_such
from lab.verify.context import Context
from lab.verify.row import Case, Row


class UnknownNameError(ValueError):
    """There is no such row or workload; the text says which there are. `option` is where it was written."""

    def __init__(self, option: str, text: str) -> None:
        super().__init__(text)
        self.option = option


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Everything, unless rows (an identifier, the part before its dot, or a number of the table R) or a workload are named."""

    rows: Sequence[str] = ()
    device: str | None = None

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Those that are asked for. UnknownNameError for a name that fits none."""
        rows = list(rows)
        for name in self.rows:
            if not any(_fits(row, name) for row in rows):
                raise UnknownNameError("--row", no_such("row", name, [row.id for row in rows]))
        return [row for row in rows if not self.rows or any(_fits(row, name) for name in self.rows)]

    def check(self, workloads: Sequence[str]) -> None:
        """UnknownNameError for a workload that the stack file does not have."""
        if self.device is not None and self.device not in workloads:
            raise UnknownNameError("--device", no_such("workload outside the cluster", self.device, workloads))

    def cases(self, row: Row, context: Context) -> list[Case]:
        """What a row asserts of what is asked for."""
        return [case for case in row.cases(context) if self.device is None or self.device in case.workloads]


def _fits(row: Row, name: str) -> bool:
    return name == row.id or name == row.id.partition(".")[0] or name.upper() in row.results
