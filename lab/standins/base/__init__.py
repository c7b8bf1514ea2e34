"""What every stand-in plugin shares: a strict provider on Pulumi's own gRPC protocol.

A plugin is a `Provider` (name, version, resources, functions, configuration) given to `serve()`:

    class Greeting(Resource):
        token = "hello:index:Greeting"
        inputs = inputs_of(pulumi_hello.GreetingArgs)        # a JSON schema, read from the official SDK
        replace_on = frozenset({"language"})
        secret_outputs = frozenset({"answer"})

        async def create(self, call: Call, inputs: Properties) -> State:
            if call.preview:
                return State(id="", outputs={**inputs, "answer": UNKNOWN})
            return State(id="greeting-1", outputs={**inputs, "answer": "hello"})

    serve(Provider(name="hello", version=versions.PLUGIN_HELLO, resources=(Greeting(),)))

Values are plain Python: None, bool, int, float, str, list, dict, `Asset`, `Archive`, and `UNKNOWN` in a preview. Secrecy travels beside
them, as paths: what was secret in an input is secret in the output of the same path; `secret_outputs` and `State.secrets` add to that.
Inputs are checked against the schema before `check`; an unknown property, a wrong type or a missing property becomes a check failure.
On Cancel (and when the engine dies) every call under way gets `asyncio.CancelledError`: clean up and let it pass, or raise
`PartialFailure` when something was made already. Blocking work belongs in `asyncio.to_thread`.
"""

from lab.standins.base.diff import Difference, compare
from lab.standins.base.errors import InvalidInputs, PartialFailure, Problem, ProviderError
from lab.standins.base.provider import Provider
from lab.standins.base.resource import Call, Function, Resource, State
from lab.standins.base.schema import problems
from lab.standins.base.sdk import inputs_of
from lab.standins.base.serve import serve
from lab.standins.base.values import UNKNOWN, Archive, Asset, Path, Properties, Unknown, has_unknown

__all__ = [
    "UNKNOWN",
    "Archive",
    "Asset",
    "Call",
    "Difference",
    "Function",
    "InvalidInputs",
    "PartialFailure",
    "Path",
    "Problem",
    "Properties",
    "Provider",
    "ProviderError",
    "Resource",
    "State",
    "Unknown",
    "compare",
    "has_unknown",
    "inputs_of",
    "problems",
    "serve",
]
