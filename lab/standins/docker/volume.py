"""docker:index/volume:Volume."""

import pulumi_docker

from lab.standins.base import Call, Properties, State, inputs_of
from lab.standins.docker.engine import or_absent, text
from lab.standins.docker.payload import labels
from lab.standins.docker.resource import DockerResource, foretold


class Volume(DockerResource):
    """A named volume; every change replaces it, and with it its content."""

    token = "docker:index/volume:Volume"  # noqa: S105 - the kind of a resource
    inputs = inputs_of(pulumi_docker.VolumeArgs)
    replace_on = frozenset(inputs["properties"]) - {"cluster"}
    sets = frozenset({"labels"})
    computed = frozenset({"name", "driver"})
    unsupported = {"cluster": "it needs a swarm; use a volume of the engine itself"}

    async def create(self, call: Call, inputs: Properties) -> State:
        """Make the volume."""
        if call.preview:
            return State(outputs=foretold(inputs, "driver", "mountpoint"))
        name = inputs["name"]
        found = await self.engine.ask(
            f"volume {name}: create",
            lambda client: client.create_volume(
                name=name,
                driver=inputs.get("driver"),
                driver_opts=inputs.get("driverOpts"),
                labels=labels(inputs.get("labels", [])) or None,
            ),
        )
        return State(id=text(found["Name"]), outputs={**inputs, **_observed(found)})

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The volume as it is; also what `pulumi import` takes over."""
        del call
        found = await or_absent(self.engine.ask(f"volume {id}: inspect", lambda client: client.inspect_volume(id)))
        if found is None:
            return None
        observed = _observed(found)
        taken_over = inputs if state else {"name": observed["name"], "driver": observed["driver"]}
        return State(id=id, outputs={**taken_over, **observed}, inputs=taken_over)

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Remove the volume."""
        del call, state
        await or_absent(self.engine.ask(f"volume {id}: remove", lambda client: client.remove_volume(id, force=True)))


def _observed(found: Properties) -> Properties:
    return {
        "name": text(found["Name"]),
        "driver": text(found["Driver"]),
        "mountpoint": text(found["Mountpoint"]),
    }
