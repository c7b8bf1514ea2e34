"""How a stand-in starts."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from lab.standins.base import serve as serve_module
from lab.standins.base.provider import Provider
from lab.standins.base.servicer import Servicer


def test_the_channel_to_the_engine_is_made_in_the_loop_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[Any] = []

    class Noting(Servicer):
        def __init__(self, provider: Provider, engine_address: str = "") -> None:
            loops.append(asyncio.get_running_loop())
            super().__init__(provider, engine_address)

    async def run_server(_add: Callable[[Any], None], _cancel: Any) -> None:
        loops.append(asyncio.get_running_loop())

    module = sys.modules["lab.standins.base.serve"]
    monkeypatch.setattr(module, "run_server", run_server)
    monkeypatch.setattr(module, "engine_address", lambda: "127.0.0.1:1")
    monkeypatch.setattr(sys, "argv", ["pulumi-resource-test"])
    serve_module(Provider(name="test", version="1.0.0"), Noting)
    assert len(loops) == 2
    assert loops[0] is loops[1]
