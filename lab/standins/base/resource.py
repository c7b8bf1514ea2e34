"""A kind of resource and a function, as a stand-in writes them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lab.standins.base.diff import Difference, compare
from lab.standins.base.engine import EngineLog
from lab.standins.base.errors import ProviderError
from lab.standins.base.schema import Schema
from lab.standins.base.values import Properties, Secrets


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation of the engine on one resource.

    `secrets` are the paths that are secret in the inputs (of the old state for `read` and `delete`); `timeout` is in seconds, 0 for none given;
    `config` is the provider's checked configuration; `old_inputs` are those of the last operation, where the engine sends them.
    """

    token: str = ""
    urn: str = ""
    name: str = ""
    preview: bool = False
    timeout: float = 0
    secrets: Secrets = frozenset()
    config: Mapping[str, Any] = field(default_factory=dict)
    old_inputs: Mapping[str, Any] = field(default_factory=dict)
    random_seed: bytes = b""
    log: EngineLog = field(default_factory=EngineLog)


@dataclass(frozen=True, kw_only=True)
class State:
    """What an operation leaves: outputs hold the inputs and what was computed.

    `secrets` are further secret paths in the outputs; `inputs` is for `read` only, where what exists asks for other inputs than the last ones.
    """

    id: str = ""
    outputs: Properties
    inputs: Properties | None = None
    secrets: Secrets = frozenset()


class Resource(ABC):
    """A kind of resource. `inputs` is a JSON schema; names in `replace_on` may be dotted paths."""

    token: ClassVar[str]
    inputs: ClassVar[Schema]
    replace_on: ClassVar[frozenset[str]] = frozenset()
    delete_before_replace: ClassVar[bool] = False
    secret_inputs: ClassVar[frozenset[str]] = frozenset()
    secret_outputs: ClassVar[frozenset[str]] = frozenset()

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        """Inputs with defaults filled in; raises `InvalidInputs`. The schema was checked before. `old` is empty for a new resource."""
        del call, old
        return inputs

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """The verdict on new `inputs`; by default every input that differs from the last ones updates, or replaces as `replace_on` says."""
        del id
        old = call.old_inputs or {
            name: value for name, value in state.items() if name in self.inputs.get("properties", {})
        }
        return compare(old, inputs, replace_on=self.replace_on, delete_before_replace=self.delete_before_replace)

    @abstractmethod
    async def create(self, call: Call, inputs: Properties) -> State:
        """Makes the object; with `call.preview`, only says what it would be (`UNKNOWN` for what is not known yet)."""

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        """What exists now; None when it is gone. By default the state is believed, and nothing can be imported."""
        if not state:
            raise ProviderError(f"{self.token}: cannot be imported; create it with the program instead")
        del call, inputs
        return State(id=id, outputs=state)

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        """Changes the object; by default an error, for kinds whose every change replaces."""
        del call, id, state, inputs
        raise ProviderError(f"{self.token}: cannot be updated in place")

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        """Removes the object; one that is gone already is no error."""
        del call, id, state


class Function(ABC):
    """A function of the plugin (`invoke`): `inputs` is a JSON schema."""

    token: ClassVar[str]
    inputs: ClassVar[Schema]

    @abstractmethod
    async def run(self, call: Call, inputs: Properties) -> State:
        """The function's result as `State.outputs`; secret paths in `State.secrets`. `call.preview` says whether a preview asks."""
