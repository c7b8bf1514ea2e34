"""docker:index/remoteImage:RemoteImage."""

from typing import Any

import pulumi_docker

from lab.standins.base import Call, Properties, State, inputs_of
from lab.standins.docker.engine import or_absent, text
from lab.standins.docker.pull import find_image, have_image
from lab.standins.docker.resource import DockerResource, foretold


class RemoteImage(DockerResource):
    """An image on the engine, pulled when it is not there."""

    token = "docker:index/remoteImage:RemoteImage"  # noqa: S105 - the kind of a resource
    inputs = inputs_of(pulumi_docker.RemoteImageArgs)
    replace_on = frozenset({"name", "platform", "pullTriggers", "triggers"})
    sets = frozenset({"pullTriggers"})
    unsupported = {"build": "use docker.Image, which builds"}
    named = False

    async def create(self, call: Call, inputs: Properties) -> State:
        """Find or pull the image."""
        if call.preview:
            return State(outputs=foretold(inputs, "imageId", "repoDigest"))
        return _state(await have_image(self.engine, inputs["name"], inputs.get("platform", "")), inputs)

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The image that has the name now."""
        del call
        name = inputs.get("name") or state.get("name") or id.removeprefix("sha256:")[64:]
        found = await find_image(self.engine, text(name))
        return _state(found, inputs or {"name": name}) if found else None

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """`keepLocally` and `forceRemove` count at deletion only."""
        del id
        if call.preview:
            return State(outputs={**state, **inputs})
        return _state(await have_image(self.engine, inputs["name"], inputs.get("platform", "")), inputs)

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Remove the image's name, and the image with its last name, unless `keepLocally`."""
        del call, id
        if state.get("keepLocally"):
            return
        name, force = text(state["name"]), bool(state.get("forceRemove"))
        await or_absent(self.engine.ask(f"image {name}: remove", lambda client: client.remove_image(name, force=force)))


def _state(found: dict[str, Any], inputs: Properties) -> State:
    name, image = text(inputs["name"]), text(found["Id"])
    return State(
        id=image + name,
        outputs={**inputs, "imageId": image, "repoDigest": _repo_digest(name, found.get("RepoDigests") or [])},
        inputs=inputs,
    )


def _repo_digest(name: str, digests: list[str]) -> str:
    """The digest of the name's own repository; "" for an image that no registry has."""
    last = name.rsplit("/", 1)[-1].partition(":")[0].partition("@")[0]
    repository = name[: len(name) - len(name.rsplit("/", 1)[-1])] + last
    return next((digest for digest in digests if digest.split("@")[0] == repository), "")
