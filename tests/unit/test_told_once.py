"""How the engine's end of a program reaches the operator: in words, or as the SDK's own traceback."""

import grpc
import pulumi
import pytest
from pulumi.runtime import settings

from stacks import told_once


class _Answer(grpc.RpcError):
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__()
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "grpc_error_to_exception", settings.grpc_error_to_exception)
    told_once.told_once()


def test_a_component_that_could_not_be_built_ends_the_program_in_words() -> None:
    with pytest.raises(pulumi.RunError, match="says why"):
        settings.handle_grpc_error(_Answer(grpc.StatusCode.UNKNOWN, "resource monitor shut down"))


def test_an_engine_that_is_gone_ends_it_as_the_sdk_does() -> None:
    with pytest.raises(pulumi.RunError, match="shutting down"):
        settings.handle_grpc_error(_Answer(grpc.StatusCode.UNAVAILABLE, "resource monitor shut down while waiting"))


@pytest.mark.parametrize("code", [grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL])
def test_a_mistake_of_the_program_keeps_its_traceback(code: grpc.StatusCode) -> None:
    with pytest.raises(Exception, match="no such thing") as caught:
        settings.handle_grpc_error(_Answer(code, "no such thing"))
    assert type(caught.value) is Exception
