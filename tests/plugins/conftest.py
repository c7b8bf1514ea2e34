"""Fixtures of the conformance suite; every test here carries the marker `plugins`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.plugins.harness import Stack
from tests.plugins.sshd import Sshd

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what lies in this directory, and nothing else."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.plugins)


@pytest.fixture(scope="module")
def make_stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Stack]:
    """Makes a new, empty stack at each call."""
    return lambda: Stack(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def stack(make_stack: Callable[[], Stack]) -> Stack:
    """One empty stack for the whole module: an `up` costs seconds, so tests share it and go in order."""
    return make_stack()


@pytest.fixture(scope="module")
def scratch(make_stack: Callable[[], Stack]) -> Stack:
    """A second stack of the module, for programs that fail or leave nothing to look at."""
    return make_stack()


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A throwaway SSH server on loopback."""
    with Sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server
