"""Containers outside the cluster: running, well, and made of the image that is recorded."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from lab.doctor.docker_engine import reached
from lab.status.context import Context
from lab.status.item import NOT_ASKED, Item, Part, State
from lab.status.recorded import Container
from lab.status.threads import in_thread

_SECONDS = 5
_ID = "sha256:"


async def look(context: Context) -> AsyncIterator[Item]:
    """One item for each container that the last `up` made."""
    asked = context.recorded.containers
    if not asked:
        return
    host = context.settings.docker.host
    try:
        found = await in_thread(lambda: _inspected(host, asked))
    except (DockerException, RequestException, OSError) as error:
        for container in asked:
            text = f"the Docker engine{f' at {host}' if host else ''} does not answer: {error}"
            yield _item(container, State.BAD, NOT_ASKED, text, context.doctor)
        return
    for container in asked:
        yield _judged(context, container, found.get(container.name))


def _inspected(host: str | None, asked: Sequence[Container]) -> dict[str, dict[str, Any]]:
    """What the engine says of each that is there."""
    if host is None and (engine := reached(None)):
        host = engine.host
    client = docker.DockerClient(base_url=host, timeout=_SECONDS) if host else docker.from_env(timeout=_SECONDS)
    found: dict[str, dict[str, Any]] = {}
    try:
        for container in asked:
            try:
                found[container.name] = client.api.inspect_container(container.name)
            except NotFound:
                continue
    finally:
        client.close()
    return found


def _judged(context: Context, asked: Container, found: dict[str, Any] | None) -> Item:
    logs = f"docker logs {asked.name}"
    if found is None:
        return _item(asked, State.BAD, "gone", f"there is no container {asked.name}", context.up)
    state = found.get("State") or {}
    status, health = str(state.get("Status", "unknown")), (state.get("Health") or {}).get("Status")
    if status != "running":
        return _item(asked, State.BAD, "DOWN", f"the container is {status}", logs)
    if health not in (None, "healthy"):
        return _item(asked, State.BAD, str(health), "the container runs, and its own check is not passed", logs)
    shown = found.get("Image") if asked.image.startswith(_ID) else (found.get("Config") or {}).get("Image")
    if shown != asked.image:
        text = f"it runs {shown}; the last `up` wrote {asked.image}"
        return _item(asked, State.BAD, "differs", text, f"docker rm -f {asked.name}, then: {context.up}")
    return _item(asked, State.WELL, "as written", f"running{f', {health}' if health else ''}, image as recorded")


def _item(asked: Container, state: State, word: str, text: str, following: str = "") -> Item:
    return Item(
        part=Part.MACHINES,
        subject=f"container {asked.workload}",
        state=state,
        word=word,
        text=text,
        next=following,
        plural="containers",
        facts={"kind": "container", "container": asked.name},
    )
