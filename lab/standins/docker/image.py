"""docker:index/image:Image: an image built on the engine, for one platform."""

import json
import os
import platform
import threading
from collections.abc import Mapping
from typing import Any

import pulumi_docker
from docker import APIClient

from lab.standins.base import UNKNOWN, Call, Difference, Properties, ProviderError, State, compare, inputs_of
from lab.standins.docker.build_context import context_archive, context_digest, require_context
from lab.standins.docker.engine import text
from lab.standins.docker.pull import find_image
from lab.standins.docker.resource import DockerResource

BUILDERS = {"BuilderV1": "1", "BuilderBuildKit": "2"}
MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
BUILD_SECONDS = 1800
SECRET_LENGTH = 4  # to blot out a shorter value would blot out half of the message, and protect nothing


class Image(DockerResource):
    """An image of the engine; a build runs again when its context or its inputs change. Deleting leaves the image, as officially."""

    token = "docker:index/image:Image"  # noqa: S105 - the kind of a resource
    inputs = inputs_of(pulumi_docker.ImageArgs)
    defaults = {"buildOnPreview": False, "skipPush": False}
    named = False
    unsupported = {
        "buildOnPreview": "a preview has no side effects here",
        "build.cacheFrom": "the engine's own cache is used",
    }

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """Fills in context, Dockerfile and platform, and adds the digest of the context, so that a changed file is a change."""
        checked = await super().check(call, old, inputs)
        build = {"context": ".", "platform": f"linux/{_architecture()}", **checked.get("build", {})}
        if build["context"] is not UNKNOWN:
            build.setdefault("dockerfile", os.path.join(build["context"], "Dockerfile"))  # noqa: PTH118 - keeps `./`
        context, dockerfile = build["context"], build.get("dockerfile", UNKNOWN)
        if context is not UNKNOWN and dockerfile is not UNKNOWN:
            require_context(context, dockerfile)
            build["contextDigest"] = context_digest(context, dockerfile)
        return {**checked, "build": build}

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """Every change builds again, in place; the registry's user name and password are none."""
        del id, state
        return compare(_without_login(call.old_inputs), _without_login(inputs))

    async def create(self, call: Call, inputs: Properties) -> State:
        """Build."""
        if call.preview:
            return State(outputs=_outputs(inputs, UNKNOWN))
        if not inputs["skipPush"]:
            raise ProviderError(
                f"image {inputs['imageName']}: this stand-in does not push; set `skipPush`, or use the official plugin"
            )
        return State(id=inputs["imageName"], outputs=_outputs(inputs, await self._build(inputs)))

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The state is believed, as officially."""
        del call
        if not state:
            raise ProviderError(f"image {id}: an image cannot be imported; build it with the program")
        return State(id=id, outputs=state, inputs=inputs)

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """Build again."""
        del id, state
        return await self.create(call, inputs)

    async def _build(self, inputs: Properties) -> str:
        name, build = inputs["imageName"], inputs["build"]
        stop = threading.Event()
        await self.engine.ask(f"image {name}: build", lambda client: _build(client, name, build, stop), stop=stop)
        found = await find_image(self.engine, name)
        if not found:
            raise ProviderError(
                f"image {name}: the build ended well, yet the engine at {self.engine.host} has no such image"
            )
        return text(found["Id"])


def build_parameters(name: str, build: Mapping[str, Any], dockerfile: str) -> dict[str, str]:
    """The query of `POST /build`. Build arguments go over the engine's socket only, never into a command line."""
    parameters = {
        "t": name,
        "dockerfile": dockerfile,
        "version": BUILDERS[build.get("builderVersion", "BuilderBuildKit")],
        "platform": build["platform"],
        "rm": "1",
        "forcerm": "1",
    }
    if build.get("args"):
        parameters["buildargs"] = json.dumps(build["args"])
    if build.get("target"):
        parameters["target"] = build["target"]
    if build.get("network"):
        parameters["networkmode"] = build["network"]
    if build.get("addHosts"):
        parameters["extrahosts"] = ",".join(build["addHosts"])
    return parameters


def _build(client: APIClient, name: str, build: Mapping[str, Any], stop: threading.Event) -> None:
    archive, dockerfile = context_archive(build["context"], build["dockerfile"])
    # The SDK's own build() cannot ask for BuildKit; without a session BuildKit takes the context from the body.
    answer = client.post(
        f"{client.base_url}/v{client.api_version}/build",
        params=build_parameters(name, build, dockerfile),
        data=archive,
        headers={"Content-Type": "application/x-tar"},
        stream=True,
        timeout=BUILD_SECONDS,
    )
    with answer:
        if not answer.ok:
            raise ProviderError(
                f"image {name}: the engine refused the build: {answer.status_code}: {_told(answer.text, [], build)}"
            )
        said: list[str] = []
        for line in answer.iter_lines():
            if stop.is_set():
                return
            message = json.loads(line)
            said = [*said[-9:], text(message.get("stream")).strip()]
            if error := message.get("error"):
                raise ProviderError(f"image {name}: the build failed: {_told(error, said, build)}")


def _told(error: str, said: list[str], build: Mapping[str, Any]) -> str:
    """The builder's last words without the values of build arguments, which may be secret."""
    words = "\n".join([*filter(None, said), error])
    for value in build.get("args", {}).values():
        words = words.replace(value, "***") if len(value) >= SECRET_LENGTH else words
    return words


def _outputs(inputs: Properties, digest: Any) -> Properties:
    """No build argument and no password is among the outputs."""
    build = inputs["build"]
    registry = inputs.get("registry", {})
    return {
        "imageName": inputs["imageName"],
        "baseImageName": inputs["imageName"],
        "registryServer": registry.get("server", "") if isinstance(registry, dict) else registry,
        "context": build["context"],
        "dockerfile": build.get("dockerfile", UNKNOWN),
        "platform": build["platform"],
        "repoDigest": digest,
    }


def _without_login(inputs: Mapping[str, Any]) -> Properties:
    registry = inputs.get("registry")
    if not isinstance(registry, dict):
        return dict(inputs)
    return {**inputs, "registry": {name: value for name, value in registry.items() if name == "server"}}


def _architecture() -> str:
    machine = platform.machine()
    return MACHINES.get(machine, machine)
