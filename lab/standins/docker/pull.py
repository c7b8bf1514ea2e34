"""Finding an image on the engine, or pulling it."""

import threading
from typing import Any

from docker import APIClient, auth
from docker.errors import NotFound
from docker.utils import parse_repository_tag

from lab.standins.base import ProviderError
from lab.standins.docker.engine import Engine, or_absent, text


async def find_image(engine: Engine, name: str) -> dict[str, Any] | None:
    """What the engine says of image `name` (`repository:tag`, `repository@digest` or an id); None when it has none."""

    def inspect(client: APIClient) -> dict[str, Any]:
        return dict(client.inspect_image(name))  # type: ignore[no-untyped-call] # the stubs lack this one

    return await or_absent(engine.ask(f"image {name}: inspect", inspect))


async def have_image(engine: Engine, name: str, platform: str = "") -> dict[str, Any]:
    """What the engine says of image `name`, pulled when it is not there; raises ProviderError when that fails."""
    if found := await find_image(engine, name):
        return found
    stop = threading.Event()
    try:
        await engine.ask(f"image {name}: pull", lambda client: _pull(engine, client, name, platform, stop), stop=stop)
    except NotFound as refused:
        raise ProviderError(
            f"image {name}: it is not on the engine, and its registry says {refused.explanation}"
        ) from None
    found = await find_image(engine, name)
    if found is None:
        raise ProviderError(f"image {name}: it was pulled, yet the engine at {engine.host} does not have it")
    return found


def _pull(engine: Engine, client: APIClient, name: str, platform: str, stop: threading.Event) -> None:
    repository, tag = parse_repository_tag(name)
    registry, _ = auth.resolve_repository_name(repository)
    login = engine.logins.get(registry)
    progress = client.pull(
        repository,
        tag=tag or "latest",
        stream=True,
        decode=True,
        auth_config=dict(login) if login else None,
        platform=platform or None,
    )
    for line in progress:
        if stop.is_set():
            return
        if error := line.get("error"):
            raise ProviderError(f"image {name}: it is not on the engine and cannot be pulled: {text(error)}")
