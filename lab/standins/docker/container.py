"""docker:index/container:Container."""

import asyncio
import contextlib
from typing import Any

import pulumi_docker
from docker import APIClient
from docker.errors import NotFound

from lab.standins.base import UNKNOWN, Call, Problem, Properties, ProviderError, State, inputs_of
from lab.standins.docker.container_checks import container_problems
from lab.standins.docker.container_state import COMPUTED, drifted_inputs, observed
from lab.standins.docker.engine import or_absent, text
from lab.standins.docker.payload import container_body, join_arguments, update_arguments
from lab.standins.docker.pull import have_image
from lab.standins.docker.resource import DockerResource, foretold
from lab.standins.docker.uploads import upload_archive

IN_PLACE = frozenset(
    {
        "attach", "containerReadRefreshTimeoutMilliseconds", "cpuPeriod", "cpuQuota", "cpuSet", "cpuShares",
        "destroyGraceSeconds", "deviceReadBps", "deviceReadIops", "deviceWriteBps", "deviceWriteIops", "healthcheck",
        "init", "logs", "maxRetryCount", "memory", "memoryReservation", "memorySwap", "mustRun", "removeVolumes", "restart",
        "rm", "start", "tmpfs", "wait", "waitTimeout",
    }
)  # fmt: skip
SENT_IN_PLACE = ("restart", "maxRetryCount", "cpuShares", "memory", "memoryReservation", "cpuSet", "memorySwap")

LAST_LINES = 10  # of the log of a container that does not become healthy

SEEN_RUNNING = ("exitCode", "networkDatas")


class Container(DockerResource):
    """A container: created, connected to its networks, given its files, started, and awaited where asked."""

    token = "docker:index/container:Container"  # noqa: S105 - the kind of a resource
    inputs = inputs_of(pulumi_docker.ContainerArgs)
    replace_on = frozenset(inputs["properties"]) - IN_PLACE
    delete_before_replace = True
    defaults = {
        "attach": False,
        "containerReadRefreshTimeoutMilliseconds": 15000,
        "logs": False,
        "memoryReservation": 0,
        "mustRun": True,
        "networkMode": "bridge",
        "readOnly": False,
        "removeVolumes": True,
        "restart": "no",
        "rm": False,
        "start": True,
        "stdinOpen": False,
        "tty": False,
        "wait": False,
        "waitTimeout": 60,
    }
    nested_defaults = {
        "ports": {"ip": "0.0.0.0", "protocol": "tcp"},  # noqa: S104 - the official default; the lab's own inputs name an address
        "devices": {"permissions": "rwm"},
        "uploads": {"executable": False},
        "healthcheck": {"interval": "0s", "timeout": "0s", "startPeriod": "0s", "startInterval": "0s", "retries": 0},
    }
    sets = frozenset(
        {
            "capabilities", "deviceReadBps", "deviceReadIops", "deviceWriteBps", "deviceWriteIops", "devices", "dns",
            "dnsOpts", "dnsSearches", "envs", "groupAdds", "hosts", "labels", "mounts", "networksAdvanced", "securityOpts",
            "ulimits", "uploads", "volumes",
        }
    )  # fmt: skip
    computed = COMPUTED
    unsupported = {
        "attach": "leave it out and read the container's log",
        "logs": "leave it out and read the container's log",
        "gpus": "use the official plugin",
        "deviceRequests": "use `devices`, or the official plugin",
        "deviceReadBps": "use the official plugin",
        "deviceReadIops": "use the official plugin",
        "deviceWriteBps": "use the official plugin",
        "deviceWriteIops": "use the official plugin",
        "mounts.volumeOptions.subpath": "mount the whole volume",
        "networksAdvanced.gwPriority": "name the network of the default route first",
    }

    def problems(self, inputs: Properties) -> list[Problem]:
        """What the official plugin's own validation refuses."""
        return container_problems(inputs)

    async def create(self, call: Call, inputs: Properties) -> State:
        """Make and start the container; whatever fails on the way, nothing of it stays."""
        if call.preview:
            return State(outputs=foretold(inputs, *COMPUTED, "bridge", "containerLogs", "exitCode", "networkDatas"))
        name = inputs["name"]
        await have_image(self.engine, inputs["image"], inputs.get("platform", ""))
        made: list[str] = []

        def create(client: APIClient) -> None:
            body = container_body(inputs)
            found = client.create_container_from_config(body, name, inputs.get("platform"))  # type: ignore[no-untyped-call]
            made.append(text(found["Id"]))

        try:
            await self._ask(name, "create", create)
            await self._connect(made[0], inputs)
            if archive := upload_archive(inputs.get("uploads", [])):
                await self._ask(name, "upload files", lambda client: client.put_archive(made[0], "/", archive))
            if inputs["start"]:
                await self._ask(name, "start", lambda client: client.start(made[0]))
                if inputs["wait"]:
                    await self._healthy(made[0], inputs)
            return await self._state(made[0], inputs)
        except (ProviderError, asyncio.CancelledError):
            if made:
                await asyncio.shield(self._remove(made[0], inputs))
            raise

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """The container as it is. One that was stopped by hand shows as `mustRun: false`, so that the next `up` starts it."""
        del call
        if not state:
            raise ProviderError(f"container {id}: this stand-in cannot import a container; create it with the program")
        found = await self._inspect(id, text(state.get("name")))
        if found is None:
            return None
        seen = drifted_inputs(found, inputs)
        return State(id=text(found["Id"]), outputs={**seen, **observed(found, seen)}, inputs=seen)

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """What can change in place: limits, the restart policy, and starting what was stopped by hand."""
        name = inputs["name"]
        starts = state.get("mustRun") is False and inputs["mustRun"] and inputs["start"]
        if call.preview:
            return State(outputs={**state, **inputs, **(dict.fromkeys(SEEN_RUNNING, UNKNOWN) if starts else {})})
        if starts:
            await self._ask(name, "start", lambda client: client.start(id))
        before = call.old_inputs or state
        if any(before.get(property) != inputs.get(property) for property in SENT_IN_PLACE):
            arguments = update_arguments(inputs)
            await self._ask(name, "update", lambda client: client.update_container(id, **arguments))
        return await self._state(id, inputs)

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Stop the container, with `destroyGraceSeconds` of grace (0 by default), and remove it."""
        del call
        await self._remove(id, state)

    async def _ask(self, name: str, step: str, call: Any) -> Any:
        try:
            return await self.engine.ask(f"container {name}: {step}", call)
        except NotFound as missing:
            raise ProviderError(f"container {name}: {step}: the engine answered {missing.explanation}") from missing

    async def _inspect(self, id: str, name: str) -> dict[str, Any] | None:
        return await or_absent(
            self.engine.ask(f"container {name}: inspect", lambda client: client.inspect_container(id))
        )

    async def _state(self, id: str, inputs: Properties) -> State:
        found = await self._inspect(id, inputs["name"])
        if found is None:  # `rm` took a container away that ended at once
            return State(id=id, outputs={**inputs, "exitCode": 0, "networkDatas": []})
        return State(id=id, outputs={**inputs, **observed(found, inputs)})

    async def _connect(self, id: str, inputs: Properties) -> None:
        networks = inputs.get("networksAdvanced", [])
        name = inputs["name"]
        if networks and inputs["networkMode"] in ("bridge", "default"):
            await self._ask(
                name, "leave the default network", lambda client: client.disconnect_container_from_network(id, "bridge")
            )
        for network in networks:
            arguments = join_arguments(network)
            await self._ask(
                name,
                f"join network {network['name']}",
                lambda client, arguments=arguments: client.connect_container_to_network(id, **arguments),
            )

    async def _healthy(self, id: str, inputs: Properties) -> None:
        name, seconds = inputs["name"], inputs["waitTimeout"]
        status = "starting"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    found = await self._inspect(id, name)
                    state = (found or {}).get("State") or {}
                    if "Health" not in state:
                        raise ProviderError(
                            f"container {name}: `wait` needs a health check: set `healthcheck`, or drop `wait`"
                        )
                    status = text(state["Health"].get("Status"))
                    if status == "healthy":
                        return
                    if not state.get("Running"):
                        status = f"ended with exit code {state.get('ExitCode')}"
                        break
                    await asyncio.sleep(0.5)
        raise ProviderError(
            f"container {name}: not healthy within {seconds} s (`waitTimeout`): {status}{await self._last_words(id, name)}"
        )

    async def _last_words(self, id: str, name: str) -> str:
        """The end of its log: the container is removed, as its creation failed, and its log with it."""
        log = await self._ask(name, "read the log", lambda client: client.logs(id, tail=LAST_LINES))
        said: str = log.decode(errors="replace").rstrip()
        return f"; its log ends with\n{said}" if said else ""

    async def _remove(self, id: str, state: Properties) -> None:
        name = text(state.get("name"))
        grace = int(state.get("destroyGraceSeconds") or 0)
        volumes = bool(state.get("removeVolumes", True))
        await or_absent(self.engine.ask(f"container {name}: stop", lambda client: client.stop(id, timeout=grace)))
        try:
            await or_absent(
                self.engine.ask(
                    f"container {name}: remove", lambda client: client.remove_container(id, v=volumes, force=True)
                )
            )
        except ProviderError as refused:
            if "is already in progress" not in str(refused):  # `rm` removes it at the same moment
                raise
