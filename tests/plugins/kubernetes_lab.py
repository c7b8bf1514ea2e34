"""What the conformance tests of the plugin `kubernetes` share: a cluster, a stack on it, and a look at the cluster.

The cluster is that of $LAB_TEST_KUBECONFIG, else a twin of its own, started once and taken down at the end.
"""

import atexit
import functools
import os
import shutil
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from kubernetes import client as api
from kubernetes import config as api_config

from lab.twin.cluster import Cluster
from tests.plugins.harness import Result, Stack

PRELUDE = """
import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

RUN = "{run}"
"""


@functools.cache
def started() -> Path:
    """Path of a kubeconfig whose cluster is up."""
    if given := os.environ.get("LAB_TEST_KUBECONFIG"):
        return Path(given)
    directory = Path(tempfile.mkdtemp(prefix="conformance-twin-"))
    cluster = Cluster(directory / "twin")

    def end() -> None:
        cluster.down()
        shutil.rmtree(directory, ignore_errors=True)

    atexit.register(end)
    return cluster.up()


class Lab:
    """A stack on the cluster; `run` is part of every name, so that runs may meet."""

    def __init__(self, stack: Stack, kubeconfig: Path) -> None:
        self.stack = stack
        self.kubeconfig = kubeconfig
        self.run = f"t{uuid4().hex[:8]}"
        self.client = api_config.new_client_from_config(str(kubeconfig))
        self.core = api.CoreV1Api(self.client)
        self.apps = api.AppsV1Api(self.client)
        self.custom = api.CustomObjectsApi(self.client)
        stack.environment["KUBECONFIG"] = str(kubeconfig)

    def program(self, source: str) -> None:
        self.stack.program(PRELUDE.format(run=self.run) + textwrap.dedent(source))

    def preview(self, source: str, *, check: bool = True) -> Result:
        self.program(source)
        return self.stack.preview(check=check)

    def up(self, source: str, *, check: bool = True) -> Result:
        self.program(source)
        return self.stack.up(check=check)

    def refused(self, source: str) -> str:
        """What a preview that must fail says."""
        result = self.preview(source, check=False)
        assert result.code, result.output
        return result.output

    def namespaces(self) -> list[str]:
        """Namespaces of this run that the cluster still has."""
        return [found.metadata.name for found in self.core.list_namespace().items if self.run in found.metadata.name]


def eventually(found: Callable[[], Any], seconds: float = 20) -> Any:
    """The first true value; an AssertionError when none comes in time."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if value := found():
            return value
        time.sleep(0.2)
    raise AssertionError("it did not become true in time")


@pytest.fixture(scope="module")
def kubeconfig() -> Path:
    return started()


@pytest.fixture(scope="module")
def lab(stack: Stack, kubeconfig: Path) -> Iterator[Lab]:
    """One lab a module; what a failed test leaves is destroyed."""
    made = Lab(stack, kubeconfig)
    yield made
    made.stack.destroy(check=False)
    for name in made.namespaces():
        made.core.delete_namespace(name)
