"""What the state holds of an object: its live form, its inputs, and who owns its fields."""

import hashlib
from typing import Any, Final

from lab.standins.base import Call, Properties, State
from lab.standins.kubernetes.fields import for_engine, for_server, secrets_of
from lab.standins.kubernetes.manifest import Object, identity, metadata, normalized

# Names that the official plugin uses in the state, so that either plugin can go on where the other left off.
INPUTS: Final = "__inputs"
API_VERSION: Final = "__initialApiVersion"
MANAGER: Final = "__fieldManager"
_BOOKKEEPING: Final = (INPUTS, API_VERSION, MANAGER)


def manager_of(urn: str) -> str:
    """The owner of the fields of one resource: the same for each run, so that an interrupted one can be taken up."""
    return f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"


def parts(state: Properties) -> tuple[Object, Object]:
    """The inputs and the live object that a state holds."""
    inputs = state.get(INPUTS)
    live = {key: value for key, value in state.items() if key not in _BOOKKEEPING}
    return (for_server(inputs) if isinstance(inputs, dict) else {}), for_server(live)


def state_of(call: Call, obj: Object, live: Object, manager: str, *, api_version: str = "") -> State:
    """`obj` are the inputs that led to `live`; what is secret in them, and all data of a Secret, is marked in both."""
    given: Properties = dict(for_engine(obj))
    outputs: Properties = {
        **for_engine(live),
        INPUTS: given,
        API_VERSION: api_version or obj.get("apiVersion") or live.get("apiVersion"),
        MANAGER: manager,
    }
    secrets = frozenset(path for path in call.secrets if path[0] not in _BOOKKEEPING)
    marked = secrets_of(live, secrets) | secrets_of({"kind": live.get("kind"), **obj}, secrets, under=(INPUTS,))
    return State(id=identity(live), outputs=outputs, secrets=marked)


def importable(live: Object) -> Object:
    """Inputs for an object that the program did not make: all but what the server keeps for itself."""
    found: dict[str, Any] = {key: value for key, value in normalized(live).items() if key != "status"}
    annotations = metadata(found).get("annotations")
    if isinstance(annotations, dict):
        for key in ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"):
            annotations.pop(key, None)
        if not annotations:
            del found["metadata"]["annotations"]
    return found
