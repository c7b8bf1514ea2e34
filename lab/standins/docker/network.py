"""docker:index/network:Network."""

import asyncio
import time

import pulumi_docker
from docker import APIClient
from docker.errors import NotFound

from lab.standins.base import Call, Properties, ProviderError, State, inputs_of
from lab.standins.docker.engine import or_absent, text
from lab.standins.docker.payload import labels
from lab.standins.docker.resource import DockerResource, foretold

IPAM_KEYS = {"Subnet": "subnet", "IPRange": "ipRange", "Gateway": "gateway", "AuxiliaryAddresses": "auxAddress"}
REMOVE_SECONDS = 30  # as long as the official plugin waits for endpoints to go


class Network(DockerResource):
    """A network of the engine; every change replaces it."""

    token = "docker:index/network:Network"  # noqa: S105 - the kind of a resource
    inputs = inputs_of(pulumi_docker.NetworkArgs)
    replace_on = frozenset(inputs["properties"])
    defaults = {"ipamDriver": "default"}
    sets = frozenset({"labels", "ipamConfigs"})
    computed = frozenset({"driver", "options", "internal", "ipamConfigs"})

    async def create(self, call: Call, inputs: Properties) -> State:
        """Make the network."""
        if call.preview:
            return State(outputs=foretold(inputs, "driver", "internal", "ipamConfigs", "options", "scope"))
        name = inputs["name"]
        made: list[str] = []
        arguments = network_arguments(inputs)

        def create(client: APIClient) -> None:
            made.append(text(client.create_network(**arguments)["Id"]))

        try:
            await self.engine.ask(f"network {name}: create", create)
            return State(id=made[0], outputs=await self._outputs(made[0], inputs))
        except asyncio.CancelledError:
            if made:
                await asyncio.shield(self._remove(made[0], name))
            raise

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The network as it is; also what `pulumi import` takes over."""
        del call
        found = await or_absent(self.engine.ask(f"network {id}: inspect", lambda client: client.inspect_network(id)))
        if found is None:
            return None
        outputs = {**inputs, **_observed(found)}
        return State(id=text(found["Id"]), outputs=outputs, inputs=inputs if state else _importable(outputs))

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Remove the network, once its last endpoint is gone."""
        del call
        await self._remove(id, text(state.get("name")))

    async def _remove(self, id: str, name: str) -> None:
        limit = time.monotonic() + REMOVE_SECONDS
        while True:
            try:
                await or_absent(self.engine.ask(f"network {name}: remove", lambda client: client.remove_network(id)))
            except ProviderError as refused:
                if "active endpoints" not in str(refused) or time.monotonic() > limit:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _outputs(self, id: str, inputs: Properties) -> Properties:
        try:
            found = await self.engine.ask(f"network {id}: inspect", lambda client: client.inspect_network(id))
        except NotFound:
            raise ProviderError(f"network {inputs['name']}: it is gone right after its creation") from None
        return {**inputs, **_observed(found)}


def network_arguments(inputs: Properties) -> Properties:
    """Arguments of `APIClient.create_network`."""
    return {
        "name": inputs["name"],
        "check_duplicate": True,  # engines before 25 would make a second network of the same name
        "driver": inputs.get("driver"),
        "internal": inputs.get("internal", False),
        "attachable": inputs.get("attachable"),
        "ingress": inputs.get("ingress"),
        "enable_ipv6": inputs.get("ipv6", False),
        "options": inputs.get("options"),
        "labels": labels(inputs.get("labels", [])) or None,
        "ipam": {
            "Driver": inputs["ipamDriver"],
            "Options": inputs.get("ipamOptions", {}),
            "Config": [
                {key: entry[name] for key, name in IPAM_KEYS.items() if entry.get(name)}
                for entry in inputs.get("ipamConfigs", [])
            ],
        },
    }


def _observed(found: Properties) -> Properties:
    ipam = found.get("IPAM") or {}
    return {
        "name": text(found["Name"]),
        "driver": text(found["Driver"]),
        "internal": bool(found.get("Internal")),
        "options": found.get("Options") or {},
        "scope": text(found.get("Scope")),
        "ipamConfigs": [
            {name: entry[key] for key, name in IPAM_KEYS.items() if entry.get(key)}
            for entry in ipam.get("Config") or []
        ],
    }


def _importable(outputs: Properties) -> Properties:
    return {name: outputs[name] for name in ("name", "driver", "internal", "options", "ipamConfigs")} | Network.defaults
