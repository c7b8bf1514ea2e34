"""A lab that is only said: what its API answers, and places that answer as a test wants, for rows of `lab verify`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.verify.cluster import Cluster
from lab.verify.context import Context
from lab.verify.judging import judge
from lab.verify.outcome import Outcome, Verdict
from lab.verify.place import Answer, NotProvable, Place, Request
from lab.verify.promises import promises
from lab.verify.row import Row
from lab.verify.selection import Selection
from lab.verify.shared import Shared
from tests.unit.stack_files import load_lab, make_project

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
REAL = 'proxy_build_info{version="v2.366.0"} 1\n'  # the line by which a real proxy is known
STAND_IN = "process_start_time_seconds 1\n"


def moment(seconds_ago: float) -> str:
    """As the API writes it."""
    return (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def node(version: str = "v1.34.3+k3s1", address: str = "192.0.2.10") -> dict[str, Any]:
    return {
        "metadata": {"name": "n0"},
        "status": {"addresses": [{"type": "InternalIP", "address": address}], "nodeInfo": {"kubeletVersion": version}},
    }


PLAYED = node("none")  # as the twin's nodes are


@dataclass
class FakeApi:
    """Documents by path; a list is given by its items. What is not there is not found."""

    documents: dict[str, Any] = field(default_factory=dict)
    fields: dict[tuple[str, str], str] = field(default_factory=dict)

    async def get(self, path: str) -> dict[str, Any] | None:
        found = self.documents.get(path)
        return {"items": found} if isinstance(found, list) else found

    async def raw(self, path: str) -> str:
        if path not in self.documents:
            raise OSError(f"nothing at {path}")
        return str(self.documents[path])

    async def field(self, namespace: str, kind: str, name: str, jsonpath: str) -> str | None:  # noqa: ARG002 - as the contract has it
        return self.fields.get((name, jsonpath))


@dataclass
class FakePlace:
    """`answer` answers each request; `counts` is what its proxy has counted before, and after each request once more."""

    name: str = "a meshed pod as default"
    answer: Callable[[Request], Answer] = lambda _request: Answer(status=200)
    counts: Callable[[Sequence[Request]], str] | None = lambda _asked: REAL
    asked: list[Request] = field(default_factory=list)

    async def ask(self, request: Request) -> Sequence[Answer]:
        self.asked += [request] * request.count
        await asyncio.sleep(0)
        return [self.answer(request) for _ in range(request.count)]

    async def metrics(self) -> str:
        if self.counts is None:
            raise NotProvable(f"{self.name} has no proxy")
        return self.counts(self.asked)


@dataclass
class FakePlaces:
    """Places by what they are: `host`, `unmeshed`, `meshed` and an account, `outside` and a workload; a reason where there is none."""

    there: Mapping[str, Place | str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    def host(self) -> AbstractAsyncContextManager[Place]:
        return self._of("host")

    def unmeshed(self) -> AbstractAsyncContextManager[Place]:
        return self._of("unmeshed")

    def meshed(self, account: str) -> AbstractAsyncContextManager[Place]:
        return self._of(f"meshed {account}")

    def outside(self, workload: str) -> AbstractAsyncContextManager[Place]:
        return self._of(f"outside {workload}")

    @asynccontextmanager
    async def _of(self, key: str) -> AsyncIterator[Place]:
        found = self.there.get(key, f"no {key} here")
        if isinstance(found, str):
            raise NotProvable(found)
        try:
            yield found
        finally:
            self.left.append(key)


def context_of(
    directory: Path,
    *,
    api: FakeApi | None = None,
    places: Mapping[str, Place | str] | None = None,
    lab: str = "twin",
    requests: int = 200,
    ends: Mapping[str, datetime] | None = None,
    anchors: str = "",
    gui: str = "",
    **changed: Any,
) -> Context:
    """What rows are given for that lab's stack file with some keys changed; its cluster runs pods unless `api` says otherwise."""
    api = api or FakeApi()
    api.documents.setdefault("/api/v1/nodes", [node()])
    return Context(
        stack=lab,
        promises=promises(load_lab(lab, make_project(directory), **changed)),
        cluster=Cluster(api),
        places=Shared(FakePlaces(places or {})),
        requests=requests,
        ends=ends or {},
        anchors=anchors,
        gui=gui,
        now=lambda: NOW,
    )


def outcomes(context: Context, row: Row, *, seconds: float = 30, device: str | None = None) -> list[Outcome]:
    """Everything that the row says."""

    async def run() -> list[Outcome]:
        async with context.places:
            return await judge(context, [row], Selection(device=device), seconds)

    return asyncio.run(run())


def of(found: Sequence[Outcome], subject: str) -> Outcome:
    """The one that is about that subject."""
    (outcome,) = [outcome for outcome in found if outcome.subject == subject]
    return outcome


def verdicts(found: Sequence[Outcome]) -> dict[str, Verdict]:
    return {outcome.subject: outcome.verdict for outcome in found}
