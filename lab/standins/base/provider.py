"""A plugin: its name, version, kinds of resource, functions and configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lab.standins.base.diff import Difference, compare
from lab.standins.base.errors import ProviderError
from lab.standins.base.resource import Function, Resource
from lab.standins.base.schema import Schema
from lab.standins.base.values import Properties

Kind = TypeVar("Kind", Resource, Function)
NO_CONFIGURATION: Schema = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True, kw_only=True)
class Provider:
    """What `serve` serves. Subclass it to override `check_config`, `diff_config`, `configure` or `close`.

    `config` is the JSON schema of the provider's own inputs (`inputs_of(pulumi_x.ProviderArgs)`).
    """

    name: str
    version: str
    resources: Sequence[Resource] = ()
    functions: Sequence[Function] = ()
    config: Schema = field(default_factory=lambda: NO_CONFIGURATION)
    replace_on_config: frozenset[str] = frozenset()

    def resource(self, token: str) -> Resource:
        """The kind of resource of that token; tokens `a:b/c:D` and `a:b:D` are one."""
        return _find(self.resources, token, f"{self.name} stand-in: resource type")

    def function(self, token: str) -> Function:
        """The function of that token."""
        return _find(self.functions, token, f"{self.name} stand-in: function")

    async def check_config(self, config: Properties) -> Properties:
        """Configuration with defaults filled in; raises `InvalidInputs`. The schema was checked before."""
        return config

    async def diff_config(self, old: Properties, new: Properties) -> Difference:
        """Whether another configuration replaces every resource of the provider: only what `replace_on_config` names does."""
        return compare(old, new, replace_on=self.replace_on_config)

    async def configure(self, config: Mapping[str, Any]) -> None:
        """Called once before the first resource."""

    async def close(self) -> None:
        """Called once when the engine cancels or ends."""

    def schema(self) -> dict[str, Any]:
        """A small package schema: names of properties with their kinds, no descriptions."""
        return {
            "name": self.name,
            "version": self.version,
            "description": f"Stand-in for pulumi-resource-{self.name} {self.version}",
            "provider": {"inputProperties": _package_types(self.config)},
            "resources": {
                resource.token: {
                    "inputProperties": _package_types(resource.inputs),
                    "requiredInputs": list(resource.inputs.get("required", ())),
                }
                for resource in self.resources
            },
            "functions": {
                function.token: {"inputs": {"properties": _package_types(function.inputs)}}
                for function in self.functions
            },
        }


def _find(kinds: Sequence[Kind], token: str, what: str) -> Kind:
    for kind in kinds:
        if _short(kind.token) == _short(token):
            return kind
    known = ", ".join(sorted(kind.token for kind in kinds)) or "none"
    raise ProviderError(f"{what} {token} is not supported; supported are {known}")


def _short(token: str) -> str:
    package, module, name = token.split(":")
    return f"{package}:{module.split('/')[0]}:{name}"


def _package_types(schema: Schema) -> dict[str, Any]:
    return {name: _package_type(declared) for name, declared in schema.get("properties", {}).items()}


def _package_type(declared: Schema) -> dict[str, Any]:
    match declared.get("type"):
        case "string" | "boolean" | "integer" | "number" as simple:
            return {"type": simple}
        case "array":
            return {"type": "array", "items": _package_type(declared.get("items", {}))}
        case "object":
            return {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}
        case "asset":
            return {"$ref": "pulumi.json#/Asset"}
        case "archive":
            return {"$ref": "pulumi.json#/Archive"}
        case _:
            return {"$ref": "pulumi.json#/Any"}
