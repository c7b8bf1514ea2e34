"""A registration that needs a failed resource waits for the others before it ends the program."""

import asyncio

import pulumi
import pytest
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.stack import ResourceRegistrationFailed

from stacks import others_first


def _manager(monkeypatch: pytest.MonkeyPatch) -> RPCManager:
    manager = RPCManager()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(others_first, "_get_rpc_manager", lambda: manager)
    others_first.others_first()
    return manager


def test_what_depends_on_a_failed_resource_ends_the_program_after_the_others_are_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    manager = _manager(monkeypatch)
    seen: list[str] = []

    async def failing(name: str) -> None:
        raise ResourceRegistrationFailed(f"resource {name} failed to register")

    async def slow() -> None:
        await asyncio.sleep(0.3)
        seen.append("slow")

    async def program() -> None:
        tasks = [
            manager.do_rpc("one", failing)("one"),
            manager.do_rpc("two", failing)("two"),
            manager.do_rpc("slow", slow)(),
        ]
        for done in asyncio.as_completed([asyncio.ensure_future(task) for task in tasks]):
            _, problem = await done
            if problem:
                seen.append(type(problem).__name__)

    asyncio.run(asyncio.wait_for(program(), 10))
    assert seen == ["slow", "RunError", "RunError"]
    assert isinstance(manager.unhandled_exception, pulumi.RunError)


def test_other_exceptions_end_the_program_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = _manager(monkeypatch)

    async def broken() -> None:
        raise ValueError("no")

    async def program() -> None:
        await manager.do_rpc("broken", broken)()

    asyncio.run(program())
    assert isinstance(manager.unhandled_exception, ValueError)
