"""What the last `up` has left in the stack's state, read without the engine: nothing that it keeps encrypted."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from domain.access import ACCESS_POLICIES
from domain.written import Written, written
from lab.doctor import state

Kind = Literal["device", "container", "registered"]

_REMOTE_COMMAND = "command:remote:Command"
_CONTAINER = "docker:index/container:Container"
_MADE: Mapping[str, Kind] = {"mesh:edge:EdgeDevice": "device", "mesh:edge:EdgeContainer": "container"}
_SUFFIX = {"device": "-device", "container": "-docker"}
_MODES = {policy: mode for mode, policy in ACCESS_POLICIES.items()}


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as it was made: its name on the engine, and the image's name or id."""

    workload: str
    name: str
    image: str


class Unread(Exception):
    """The state says nothing of it here; the text is why."""


class Recorded:
    """The state of a stack, by what it is about."""

    def __init__(self, found: state.State) -> None:
        self._found = found

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs without secrets."""
        return self._found.outputs

    @property
    def ends(self) -> Mapping[str, datetime]:
        """Ends of certificates, by their resource's name."""
        return self._found.ends

    @cached_property
    def workloads(self) -> Mapping[str, Kind]:
        """What is registered outside the cluster, and what brings it up."""
        made = {
            name.removesuffix(_SUFFIX[_MADE[kind]]): _MADE[kind] for kind, name, _ in self._resources() if kind in _MADE
        }
        return {name: made.get(name, "registered") for name in self._kubernetes("ExternalWorkload")}

    @cached_property
    def devices(self) -> list[str]:
        """Workloads with a machine of their own, those that are gone too."""
        found = (name for kind, name, _ in self._resources() if _MADE.get(kind) == "device")
        return [name.removesuffix("-device") for name in found]

    def bundle(self, workload: str) -> Written:
        """What was written to a device. Raises Unread."""
        for kind, name, resource in self._resources():
            if kind == _REMOTE_COMMAND and name == f"{workload}-device-parts":
                text = _mapping(resource.get("inputs")).get("stdin")
                # The stack keeps no secret in it, so it stands in the state as it is.
                if not isinstance(text, str):
                    raise Unread("what it was given is encrypted in the state, and secrets are not read")
                try:
                    return written(text)
                except ValueError as error:
                    raise Unread(f"what it was given cannot be read: {error}") from None
        raise Unread("no `up` of it has come to an end yet")

    @cached_property
    def containers(self) -> list[Container]:
        """The workloads' containers."""
        return [
            Container(
                workload=name.removesuffix("-docker-container"), name=str(inputs["name"]), image=str(inputs["image"])
            )
            for kind, name, resource in self._resources()
            if kind == _CONTAINER and name.endswith("-docker-container")
            if isinstance((inputs := _mapping(resource.get("inputs"))).get("image"), str) and "name" in inputs
        ]

    @property
    def mode(self) -> str:
        """What becomes of calls that no rule allows: `off`, `audit` or `enforce`; empty where there are no rules."""
        return mode_of(self._kubernetes("Server").values())

    def _kubernetes(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Objects of a kind as they were asked for, by their name."""
        return {
            str(_mapping(inputs.get("metadata")).get("name")): inputs
            for token, _, resource in self._resources()
            if token.startswith("kubernetes:") and token.endswith(f":{kind}")
            for inputs in [_mapping(resource.get("inputs"))]
        }

    def _resources(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Type, name and resource."""
        for resource in self._found.resources:
            yield str(resource["type"]), str(resource["urn"]).rpartition("::")[2], resource


def mode_of(servers: Iterable[Mapping[str, Any]]) -> str:
    """The mode of Servers that have the same one; `mixed` where they have not, empty where there are none."""
    policies = {str(_mapping(server.get("spec")).get("accessPolicy")) for server in servers}
    modes = {_MODES.get(policy, policy) for policy in policies}
    return "mixed" if len(modes) > 1 else str(next(iter(modes), ""))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
